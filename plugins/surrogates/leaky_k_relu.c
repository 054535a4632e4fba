/* plugins/surrogates/leaky_k_relu.c - LeakyKReLU: s'(x) = k from 0, leak below; primitive s'(x) x.
 * Source: SpikingJelly 2.0, activation_based.surrogate.LeakyKReLU. */
#include "surrogates.h"

HK_TEXT(sj_leaky_k_relu,
enum { LEAK, K };
hk_fn hk_real sj_leaky_k_relu_grad(hk_real x, const hk_real *p) {
    return x >= 0 ? p[K] : p[LEAK];
}
hk_fn hk_real sj_leaky_k_relu_primitive(hk_real x, const hk_real *p) {
    return (x >= 0 ? p[K] : p[LEAK]) * x;
})
HK_SURROGATE_KERNELS(sj_leaky_k_relu, 2, 1, 0)

static const hk_field fields[] = {
    { "leak", HK_REAL, 0, "0.0", 0, 0, NULL, "slope below 0" },
    { "k", HK_REAL, 0, "1.0", 0, 0, NULL, "slope from 0" },
};
SJ_SURROGATE(sj_leaky_k_relu, "LeakyKReLU", "leaky ReLU with slope k", fields, 2, NULL, 1, 0)
