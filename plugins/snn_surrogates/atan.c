/* plugins/snn_surrogates/atan.c - atan: s'(x) = (a/2) / (1 + (pi a x / 2)^2); primitive atan(pi a x / 2) / pi + 1/2. The default of snnTorch's neurons.
 * Source: Fang et al. 2021, "Incorporating learnable membrane time constant ..."; snnTorch 1.0, surrogate.ATan. */
#include "snn_surrogates.h"

HK_TEXT(snn_atan,
hk_fn hk_real snn_atan_grad(hk_real x, const hk_real *p) {
    hk_real u = HK_PI / 2 * p[0] * x;
    return p[0] / 2 / (1 + u * u);
}
hk_fn hk_real snn_atan_primitive(hk_real x, const hk_real *p) {
    return hk_atan(HK_PI / 2 * p[0] * x) / HK_PI + (hk_real)0.5;
})
HK_SURROGATE_KERNELS(snn_atan, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "2.0", 0, 0, NULL, "a: steepness" },
};
SNN_SURROGATE(snn_atan, "atan", "atan", "arc tangent: s'(x) = (alpha / 2) / (1 + (pi alpha x / 2)^2)", fields, 1, NULL, 1)
