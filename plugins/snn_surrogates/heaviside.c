/* plugins/snn_surrogates/heaviside.c - heaviside: s'(x) = the step itself, 1 for x > 0, else 0; primitive max(x, 0).
 * Source: snnTorch 1.0, surrogate.Heaviside. */
#include "snn_surrogates.h"

HK_TEXT(snn_heaviside,
hk_fn hk_real snn_heaviside_grad(hk_real x, const hk_real *p) {
    (void)p;
    return x > 0 ? (hk_real)1 : (hk_real)0;
}
hk_fn hk_real snn_heaviside_primitive(hk_real x, const hk_real *p) {
    (void)p;
    return hk_max(x, 0);
})
HK_SURROGATE_KERNELS(snn_heaviside, 0, 1, 0)

SNN_SURROGATE(snn_heaviside, "heaviside", "heaviside", "s'(x) = 1 for x > 0, else 0", NULL, 0, NULL, 1)
