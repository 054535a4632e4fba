/* plugins/surrogates/sigmoid.c - Sigmoid: s'(x) = a s (1 - s), s = 1 / (1 + exp(-a x)); primitive s.
 * Source: SpikingJelly 2.0, activation_based.surrogate.Sigmoid. */
#include "surrogates.h"

HK_TEXT(sj_sigmoid,
hk_fn hk_real sj_sigmoid_grad(hk_real x, const hk_real *p) {
    hk_real s = hk_sigm(p[0] * x);
    return p[0] * s * (1 - s);
}
hk_fn hk_real sj_sigmoid_primitive(hk_real x, const hk_real *p) {
    return hk_sigm(p[0] * x);
})
HK_SURROGATE_KERNELS(sj_sigmoid, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "4.0", 0, 0, NULL, "steepness" },
};
SJ_SURROGATE(sj_sigmoid, "Sigmoid", "logistic function", fields, 1, NULL, 1, 0)
