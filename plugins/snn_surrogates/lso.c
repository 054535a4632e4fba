/* plugins/snn_surrogates/lso.c - LSO, the leaky spike operator: s'(x) = 1 for x > 0, else a small slope; primitive x or slope x.
 * Source: snnTorch 1.0, surrogate.LeakySpikeOperator as documented (the package's own function LSO raises an error). */
#include "snn_surrogates.h"

HK_TEXT(snn_lso,
hk_fn hk_real snn_lso_grad(hk_real x, const hk_real *p) {
    return x > 0 ? (hk_real)1 : p[0];
}
hk_fn hk_real snn_lso_primitive(hk_real x, const hk_real *p) {
    return x > 0 ? x : p[0] * x;
})
HK_SURROGATE_KERNELS(snn_lso, 1, 1, 0)

static const hk_field fields[] = {
    { "slope", HK_REAL, 0, "0.1", 0, 0, NULL, "derivative where nothing fires" },
};
SNN_SURROGATE(snn_lso, "LSO", "LSO", "leaky spike operator: s'(x) = 1 for x > 0, else slope", fields, 1, NULL, 1)
