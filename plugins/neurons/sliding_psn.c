/* plugins/neurons/sliding_psn.c - SlidingPSN: PSN with the same k weights for the last k steps at each step, for sequences of any length.
 *     W[t,u] = weight[k - 1 - (t - u)] for 0 <= t - u < k, else 0;   one bias
 * Source: Fang et al. 2023, "Parallel spiking neurons with high efficiency and ability to learn long-term dependencies";
 * SpikingJelly 2.0, activation_based.neuron.SlidingPSN. */
#include "common.h"
#include <stdlib.h>

static const hk_field fields[] = {
    { "k", HK_INT, 0, NULL, 1, INFINITY, NULL, "steps that a step sees: itself and those before" },
    { "exp_init", HK_BOOL, 0, "true", 0, 0, NULL, "weights begin at 1, 1/2, 1/4, ... from the newest step on; else at random" },
    SJ_SURROGATE_FIELD("ATan()"),
    SJ_RUN_FIELDS,
};

static hk_status init(hk_module *self) {
    const int64_t k = hk_get_int(self, "k");
    const double bound = 1.0 / sqrt((double)k); /* kaiming_uniform with a = sqrt(5) of [1, k] */
    hk_status st = HK_OK;
    if (hk_get_bool(self, "exp_init")) {
        double *v = calloc((size_t)k, sizeof *v);
        if (!v) return self->api->fail(self, HK_ENOMEM, "out of memory for the weights");
        v[k - 1] = 1;
        for (int64_t i = k - 2; i >= 0; i--) v[i] = v[i + 1] / 2;
        st = hk_add_param_values(self, "weight", 1, &k, v, 1);
        free(v);
    } else st = hk_add_param(self, "weight", 1, &k, HK_INIT_UNIFORM, -bound, bound);
    return st ? st : hk_add_param(self, "bias", 0, NULL, HK_INIT_CONST, -1, 0);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const int64_t T = hk_steps(b), k = hk_get_int(self, "k");
    int64_t *index = calloc((size_t)(T * T), sizeof *index);
    (void)n_in, (void)n_out;
    if (!index) return b->api->fail(b, HK_ENOMEM, "out of memory for the weights over time");
    for (int64_t t = 0; t < T; t++)
        for (int64_t u = 0; u < T; u++) index[t * T + u] = u <= t && t - u < k ? k - 1 - (t - u) : -1;
    hk_value w = hk_gather(b, hk_param(b, self, "weight"), T * T, index);
    free(index);
    return sj_psn_fire(b, self, in[0], w, out);
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "sliding parallel spiking neuron: h[t] = sum over the last k steps of weight[k - 1 - (t - u)] x[u] + bias; spike if h >= 0; needs all steps at once",
    .source = "SpikingJelly 2.0, activation_based.neuron.SlidingPSN",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .init = init,
    .build = build,
};

hk_status sj_sliding_psn_register(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "SlidingPSN", &type); }
