/* plugins/neurons/masked_psn.c - MaskedPSN: PSN whose matrix is drawn towards a band of k steps as lambda goes to 1.
 *     W = (lambda m + 1 - lambda) weight, elementwise;   m[t,u] = 1 for t - k + 1 <= u <= t, else 0
 * lambda is the buffer _lambda_, for the training to raise; from 1 on it counts as 1, below it the future has its share.
 * Source: Fang et al. 2023, "Parallel spiking neurons with high efficiency and ability to learn long-term dependencies";
 * SpikingJelly 2.0, activation_based.neuron.MaskedPSN. */
#include "common.h"
#include <stdlib.h>

static const hk_field fields[] = {
    { "k", HK_INT, 0, NULL, 1, INFINITY, NULL, "steps that a step sees in the end: itself and those before" },
    { "T", HK_INT, 0, NULL, 1, INFINITY, NULL, "time steps; the sequence must have as many" },
    { "lambda_init", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "how much of the mask there is at the start: 0 none, 1 all" },
    SJ_SURROGATE_FIELD("ATan()"),
    SJ_RUN_FIELDS,
};

static hk_status init(hk_module *self) {
    hk_status st = sj_psn_params(self);
    return st ? st : self->api->add_param(self, "_lambda_", 0, NULL, HK_INIT_CONST, hk_get_real(self, "lambda_init"), 0, 0);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const int64_t T = hk_get_int(self, "T"), k = hk_get_int(self, "k");
    double *m = calloc((size_t)(T * T), sizeof *m);
    (void)n_in, (void)n_out;
    if (!m) return b->api->fail(b, HK_ENOMEM, "out of memory for the mask");
    for (int64_t t = 0; t < T; t++)
        for (int64_t u = t - k + 1 < 0 ? 0 : t - k + 1; u <= t; u++) m[t * T + u] = 1;
    hk_value lambda = hk_clamp(b, hk_param(b, self, "_lambda_"), 0, 1);
    hk_value share = hk_add(b, hk_mul(b, hk_constants(b, T * T, m), lambda), hk_affine(b, lambda, -1, 1));
    free(m);
    return sj_psn_fire(b, self, in[0], hk_mul(b, hk_flatten(b, hk_param(b, self, "weight")), share), out);
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "masked parallel spiking neuron: PSN with W = (lambda m + 1 - lambda) weight, m the band of the last k steps; lambda is the buffer _lambda_",
    .source = "SpikingJelly 2.0, activation_based.neuron.MaskedPSN",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .init = init,
    .build = build,
};

hk_status sj_masked_psn_register(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "MaskedPSN", &type); }
