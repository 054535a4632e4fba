/* plugins/surrogates/piecewise_quadratic.c - PiecewiseQuadratic: s'(x) = a - a^2 |x| for |x| <= 1/a, else 0; primitive -a^2 x |x| / 2 + a x + 1/2 between 0 and 1.
 * Source: SpikingJelly 2.0, activation_based.surrogate.PiecewiseQuadratic. */
#include "surrogates.h"

HK_TEXT(sj_piecewise_quadratic,
hk_fn hk_real sj_piecewise_quadratic_grad(hk_real x, const hk_real *p) {
    hk_real u = p[0] * hk_abs(x);
    return u > 1 ? (hk_real)0 : p[0] - p[0] * u;
}
hk_fn hk_real sj_piecewise_quadratic_primitive(hk_real x, const hk_real *p) {
    hk_real u = p[0] * x;
    hk_real y = (hk_real)0.5 + u - (hk_real)0.5 * u * hk_abs(u);
    return u < -1 ? (hk_real)0 : u > 1 ? (hk_real)1 : y;
})
HK_SURROGATE_KERNELS(sj_piecewise_quadratic, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "1.0", 1e-30, 1e30, NULL, "steepness, above 0" },
};
SJ_SURROGATE(sj_piecewise_quadratic, "PiecewiseQuadratic", "triangle", fields, 1, NULL, 1, 0)
