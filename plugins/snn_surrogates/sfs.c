/* plugins/snn_surrogates/sfs.c - SFS, the sparse fast sigmoid: s'(x) = 1 / (k |x| + 1)^2 for x > B, else 0; no primitive.
 * Source: Perez-Nieves and Goodman 2021, "Sparse spiking gradient descent"; snnTorch 1.0, surrogate.SparseFastSigmoid. */
#include "snn_surrogates.h"

HK_TEXT(snn_sfs,
enum { SLOPE, B };
hk_fn hk_real snn_sfs_grad(hk_real x, const hk_real *p) {
    hk_real u = p[SLOPE] * hk_abs(x) + 1;
    return x > p[B] ? 1 / (u * u) : (hk_real)0;
})
HK_SURROGATE_KERNELS(snn_sfs, 2, 0, 0)

static const hk_field fields[] = {
    { "slope", HK_REAL, 0, "25", 0, 0, NULL, "k: steepness" },
    { "B", HK_REAL, 0, "1", 0, 0, NULL, "no derivative up to here" },
};
SNN_SURROGATE(snn_sfs, "SFS", "SFS", "sparse fast sigmoid: s'(x) = 1 / (slope |x| + 1)^2 for x > B, else 0", fields, 2, NULL, 0)
