/* plugins/surrogates/soft_sign.c - SoftSign: s'(x) = 1 / (2 a (1/a + |x|)^2); primitive (a x / (1 + |a x|) + 1) / 2.
 * Source: SpikingJelly 2.0, activation_based.surrogate.SoftSign. */
#include "surrogates.h"

HK_TEXT(sj_soft_sign,
hk_fn hk_real sj_soft_sign_grad(hk_real x, const hk_real *p) {
    hk_real d = 1 / p[0] + hk_abs(x);
    return 1 / (2 * p[0] * d * d);
}
hk_fn hk_real sj_soft_sign_primitive(hk_real x, const hk_real *p) {
    hk_real u = p[0] * x;
    return (u / (1 + hk_abs(u)) + 1) / 2;
})
HK_SURROGATE_KERNELS(sj_soft_sign, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "2.0", 1e-30, 1e30, NULL, "steepness, above 0" },
};
SJ_SURROGATE(sj_soft_sign, "SoftSign", "soft sign", fields, 1, NULL, 1, 0)
