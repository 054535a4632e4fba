/* plugins/surrogates/erf.c - Erf: s'(x) = a / sqrt(pi) exp(-(a x)^2); primitive erfc(-a x) / 2.
 * Source: SpikingJelly 2.0, activation_based.surrogate.Erf. */
#include "surrogates.h"

HK_TEXT(sj_erf,
hk_fn hk_real sj_erf_grad(hk_real x, const hk_real *p) {
    hk_real u = p[0] * x;
    return p[0] * (hk_real)0.56418958354775628695 * hk_exp(-(u * u));
}
hk_fn hk_real sj_erf_primitive(hk_real x, const hk_real *p) {
    return hk_erfc(-p[0] * x) / 2;
})
HK_SURROGATE_KERNELS(sj_erf, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "2.0", 0, 0, NULL, "steepness" },
};
SJ_SURROGATE(sj_erf, "Erf", "Gaussian", fields, 1, NULL, 1, 0)
