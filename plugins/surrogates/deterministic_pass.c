/* plugins/surrogates/deterministic_pass.c - DeterministicPass: s'(x) = 1; primitive x.
 * Source: SpikingJelly 2.0, activation_based.surrogate.DeterministicPass. */
#include "surrogates.h"

HK_TEXT(sj_deterministic_pass,
hk_fn hk_real sj_deterministic_pass_grad(hk_real x, const hk_real *p) {
    (void)p;
    (void)x;
    return 1;
}
hk_fn hk_real sj_deterministic_pass_primitive(hk_real x, const hk_real *p) {
    (void)p;
    return x;
})
HK_SURROGATE_KERNELS(sj_deterministic_pass, 0, 1, 0)

SJ_SURROGATE(sj_deterministic_pass, "DeterministicPass", "straight through", NULL, 0, NULL, 1, 0)
