/* plugins/surrogates/fake_numerical_gradient.c - FakeNumericalGradient: s'(x) = min(1 / |x|, a); no primitive.
 * Source: SpikingJelly 2.0, activation_based.surrogate.FakeNumericalGradient. */
#include "surrogates.h"

HK_TEXT(sj_fake_numerical_gradient,
hk_fn hk_real sj_fake_numerical_gradient_grad(hk_real x, const hk_real *p) {
    return hk_min(1 / hk_abs(x), p[0]);
})
HK_SURROGATE_KERNELS(sj_fake_numerical_gradient, 1, 0, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "0.3", 0, 0, NULL, "largest value" },
};
SJ_SURROGATE(sj_fake_numerical_gradient, "FakeNumericalGradient", "numerical gradient of the step, clamped", fields, 1, NULL, 0, 0)
