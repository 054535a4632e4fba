/* plugins/snn_surrogates/sso.c - SSO, the stochastic spike operator: s'(x) = 1 for x > 0, else (u - 1/2 + mean) variance, u drawn of [0, 1) for each number
 * at each step. Source: snnTorch 1.0, surrogate.StochasticSpikeOperator. */
#include "snn_surrogates.h"

/* p: mean, variance. What is drawn is the host's to add: .noise. */
HK_TEXT(snn_sso,
hk_fn hk_real snn_sso_grad(hk_real x, const hk_real *p) {
    return x > 0 ? (hk_real)1 : p[0] * p[1];
})
HK_SURROGATE_KERNELS(snn_sso, 2, 0, 0)

static const hk_field fields[] = {
    { "mean", HK_REAL, 0, "0", 0, 0, NULL, "mean of the derivative below the threshold, before it is scaled by variance" },
    { "variance", HK_REAL, 0, "0.2", 0, 0, NULL, "scale of the derivative below the threshold; 0: none there" },
};

static const hk_surrogate_type type = {
    .struct_size = sizeof(hk_surrogate_type),
    .doc = "stochastic spike operator: s'(x) = 1 for x > 0, else (u - 1/2 + mean) variance, u drawn of [0, 1)",
    .source = "snnTorch 1.0, surrogate.SSO",
    .fields = fields,
    .n_fields = 2,
    .text = snn_sso_text,
    .prefix = "snn_sso",
    .kernels = snn_sso_kernels,
    .n_kernel = HK_N_KERNEL,
    .noise = 2, /* variance */
};

hk_status snn_sso_register(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "snn.SSO", &type); }
