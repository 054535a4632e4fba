/* plugins/snn_surrogates/fast_sigmoid.c - fast_sigmoid: s'(x) = 1 / (k |x| + 1)^2; primitive x / (1 + k |x|).
 * Source: Zenke and Ganguli 2018, "SuperSpike"; snnTorch 1.0, surrogate.FastSigmoid. */
#include "snn_surrogates.h"

HK_TEXT(snn_fast_sigmoid,
hk_fn hk_real snn_fast_sigmoid_grad(hk_real x, const hk_real *p) {
    hk_real u = p[0] * hk_abs(x) + 1;
    return 1 / (u * u);
}
hk_fn hk_real snn_fast_sigmoid_primitive(hk_real x, const hk_real *p) {
    return x / (1 + p[0] * hk_abs(x));
})
HK_SURROGATE_KERNELS(snn_fast_sigmoid, 1, 1, 0)

static const hk_field fields[] = {
    { "slope", HK_REAL, 0, "25", 0, 0, NULL, "k: steepness" },
};
SNN_SURROGATE(snn_fast_sigmoid, "fast_sigmoid", "fast_sigmoid", "fast sigmoid: s'(x) = 1 / (slope |x| + 1)^2", fields, 1, NULL, 1)
