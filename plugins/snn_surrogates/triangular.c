/* plugins/snn_surrogates/triangular.c - triangular: s'(x) = threshold for x < 0, -threshold from 0: a constant with a sign, whatever the name
 * says; primitive -threshold |x|. Source: snnTorch 1.0, surrogate.Triangular. */
#include "snn_surrogates.h"

HK_TEXT(snn_triangular,
hk_fn hk_real snn_triangular_grad(hk_real x, const hk_real *p) {
    return x >= 0 ? -p[0] : p[0];
}
hk_fn hk_real snn_triangular_primitive(hk_real x, const hk_real *p) {
    return -p[0] * hk_abs(x);
})
HK_SURROGATE_KERNELS(snn_triangular, 1, 1, 0)

static const hk_field fields[] = {
    { "threshold", HK_REAL, 0, "1", 0, 0, NULL, "size of the derivative" },
};
SNN_SURROGATE(snn_triangular, "triangular", "triangular", "s'(x) = threshold for x < 0, else -threshold", fields, 1, NULL, 1)
