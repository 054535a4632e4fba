/* plugins/snn_surrogates/straight_through.c - straight_through_estimator: s'(x) = 1; primitive x.
 * Source: snnTorch 1.0, surrogate.StraightThroughEstimator. */
#include "snn_surrogates.h"

HK_TEXT(snn_straight_through,
hk_fn hk_real snn_straight_through_grad(hk_real x, const hk_real *p) {
    (void)x;
    (void)p;
    return 1;
}
hk_fn hk_real snn_straight_through_primitive(hk_real x, const hk_real *p) {
    (void)p;
    return x;
})
HK_SURROGATE_KERNELS(snn_straight_through, 0, 1, 0)

SNN_SURROGATE(snn_straight_through, "straight_through_estimator", "straight_through_estimator", "straight through: s'(x) = 1", NULL, 0, NULL, 1)
