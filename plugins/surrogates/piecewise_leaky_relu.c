/* plugins/surrogates/piecewise_leaky_relu.c - PiecewiseLeakyReLU: s'(x) = 1 / (2 w) for |x| < w, else c; primitive its integral.
 * Source: SpikingJelly 2.0, activation_based.surrogate.PiecewiseLeakyReLU. */
#include "surrogates.h"

HK_TEXT(sj_piecewise_leaky_relu,
enum { W, C };
hk_fn hk_real sj_piecewise_leaky_relu_grad(hk_real x, const hk_real *p) {
    return hk_abs(x) < p[W] ? 1 / (2 * p[W]) : p[C];
}
hk_fn hk_real sj_piecewise_leaky_relu_primitive(hk_real x, const hk_real *p) {
    return x < -p[W] ? p[C] * (x + p[W]) : x > p[W] ? p[C] * (x - p[W]) + 1 : x / (2 * p[W]) + (hk_real)0.5;
})
HK_SURROGATE_KERNELS(sj_piecewise_leaky_relu, 2, 1, 0)

static const hk_field fields[] = {
    { "w", HK_REAL, 0, "1.0", 1e-30, 1e30, NULL, "half width of the rectangle, above 0" },
    { "c", HK_REAL, 0, "0.01", 0, 0, NULL, "slope outside" },
};
SJ_SURROGATE(sj_piecewise_leaky_relu, "PiecewiseLeakyReLU", "rectangle with leaks", fields, 2, NULL, 1, 0)
