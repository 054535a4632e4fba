/* plugins/snn_surrogates/sigmoid.c - sigmoid: s'(x) = k e / (e + 1)^2, e = exp(-k x); primitive 1 / (1 + e).
 * With e = exp(-k |x|), which is the same by symmetry and cannot overflow. Source: snnTorch 1.0, surrogate.Sigmoid. */
#include "snn_surrogates.h"

HK_TEXT(snn_sigmoid,
hk_fn hk_real snn_sigmoid_grad(hk_real x, const hk_real *p) {
    hk_real e = hk_exp(-hk_abs(p[0] * x));
    return p[0] * e / ((e + 1) * (e + 1));
}
hk_fn hk_real snn_sigmoid_primitive(hk_real x, const hk_real *p) {
    return hk_sigm(p[0] * x);
})
HK_SURROGATE_KERNELS(snn_sigmoid, 1, 1, 0)

static const hk_field fields[] = {
    { "slope", HK_REAL, 0, "25", 0, 0, NULL, "k: steepness" },
};
SNN_SURROGATE(snn_sigmoid, "sigmoid", "sigmoid", "sigmoid: s'(x) = slope e / (e + 1)^2, e = exp(-slope x)", fields, 1, NULL, 1)
