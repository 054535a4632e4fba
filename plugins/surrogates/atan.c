/* plugins/surrogates/atan.c - ATan: s'(x) = (a/2) / (1 + (pi a x / 2)^2); primitive atan(pi a x / 2) / pi + 1/2.
 * Source: SpikingJelly 2.0, activation_based.surrogate.ATan. */
#include "surrogates.h"

HK_TEXT(sj_atan,
hk_fn hk_real sj_atan_grad(hk_real x, const hk_real *p) {
    hk_real u = HK_PI / 2 * p[0] * x;
    return p[0] / 2 / (1 + u * u);
}
hk_fn hk_real sj_atan_primitive(hk_real x, const hk_real *p) {
    return hk_atan(HK_PI / 2 * p[0] * x) / HK_PI + (hk_real)0.5;
})
HK_SURROGATE_KERNELS(sj_atan, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "2.0", 0, 0, NULL, "steepness" },
};
SJ_SURROGATE(sj_atan, "ATan", "arc tangent", fields, 1, NULL, 1, 0)
