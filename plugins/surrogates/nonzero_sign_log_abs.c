/* plugins/surrogates/nonzero_sign_log_abs.c - NonzeroSignLogAbs: s'(x) = 1 / (1/a + |x|); primitive sign(x) ln(a |x| + 1).
 * Source: SpikingJelly 2.0, activation_based.surrogate.NonzeroSignLogAbs. */
#include "surrogates.h"

HK_TEXT(sj_nonzero_sign_log_abs,
hk_fn hk_real sj_nonzero_sign_log_abs_grad(hk_real x, const hk_real *p) {
    return 1 / (1 / p[0] + hk_abs(x));
}
hk_fn hk_real sj_nonzero_sign_log_abs_primitive(hk_real x, const hk_real *p) {
    hk_real l = hk_log(p[0] * hk_abs(x) + 1);
    return x >= 0 ? l : -l;
})
HK_SURROGATE_KERNELS(sj_nonzero_sign_log_abs, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "1.0", 1e-30, 1e30, NULL, "steepness, above 0" },
};
SJ_SURROGATE(sj_nonzero_sign_log_abs, "NonzeroSignLogAbs", "logarithm, never flat", fields, 1, NULL, 1, 0)
