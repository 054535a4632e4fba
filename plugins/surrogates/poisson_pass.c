/* plugins/surrogates/poisson_pass.c - PoissonPass: the spike is drawn, 1 with probability x; s'(x) = 1; primitive x.
 * 0 never fires: SpikingJelly's rand_like(x) <= x fires then once in 2^24 draws. The draw is the operation bernoulli, so the surrogate works where the spike is an operation of its own (Fire, PSN), not inside a neuron's step.
 * Source: SpikingJelly 2.0, activation_based.surrogate.PoissonPass. */
#include "surrogates.h"

HK_TEXT(sj_poisson_pass,
hk_fn hk_real sj_poisson_pass_grad(hk_real x, const hk_real *p) {
    (void)p;
    (void)x;
    return 1;
}
hk_fn hk_real sj_poisson_pass_primitive(hk_real x, const hk_real *p) {
    (void)p;
    return x;
})
HK_SURROGATE_KERNELS(sj_poisson_pass, 0, 1, 0)

static const hk_surrogate_type type = {
    .struct_size = sizeof(hk_surrogate_type),
    .doc = "a draw: 1 with probability x, straight through backward; for layers whose spike is an operation of its own",
    .source = "SpikingJelly 2.0, activation_based.surrogate.PoissonPass",
    .text = sj_poisson_pass_text,
    .prefix = "sj_poisson_pass",
    .kernels = sj_poisson_pass_kernels,
    .n_kernel = HK_N_KERNEL,
    .has_primitive = 1,
    .random = 1,
};

hk_status sj_poisson_pass_register(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "PoissonPass", &type); }
