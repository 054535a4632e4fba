/* plugins/surrogates/piecewise_exp.c - PiecewiseExp: s'(x) = (a/2) exp(-a |x|); primitive exp(a x) / 2 below 0, 1 - exp(-a x) / 2 above.
 * Source: SpikingJelly 2.0, activation_based.surrogate.PiecewiseExp. */
#include "surrogates.h"

HK_TEXT(sj_piecewise_exp,
hk_fn hk_real sj_piecewise_exp_grad(hk_real x, const hk_real *p) {
    return p[0] / 2 * hk_exp(-p[0] * hk_abs(x));
}
hk_fn hk_real sj_piecewise_exp_primitive(hk_real x, const hk_real *p) {
    hk_real e = hk_exp(-p[0] * hk_abs(x)) / 2;
    return x >= 0 ? 1 - e : e;
})
HK_SURROGATE_KERNELS(sj_piecewise_exp, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "1.0", 0, 0, NULL, "steepness" },
};
SJ_SURROGATE(sj_piecewise_exp, "PiecewiseExp", "two-sided exponential", fields, 1, NULL, 1, 0)
