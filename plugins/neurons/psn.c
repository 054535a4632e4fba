/* plugins/neurons/psn.c - PSN, the parallel spiking neuron: every step sees all steps, without state and reset.
 *     h = W x + b over time, h[t] = sum over u of W[t,u] x[u] + b[t];   y = [h >= 0]
 * Source: Fang et al. 2023, "Parallel spiking neurons with high efficiency and ability to learn long-term dependencies";
 * SpikingJelly 2.0, activation_based.neuron.PSN. */
#include "common.h"

static const hk_field fields[] = {
    { "T", HK_INT, 0, NULL, 1, INFINITY, NULL, "time steps; the sequence must have as many" },
    SJ_SURROGATE_FIELD("ATan()"),
};

hk_status sj_psn_params(hk_module *self) {
    const int64_t T = hk_get_int(self, "T"), shape[2] = { T, T }, column[2] = { T, 1 };
    const double bound = 1.0 / sqrt((double)T); /* kaiming_uniform with a = sqrt(5) */
    hk_status st = hk_add_param(self, "weight", 2, shape, HK_INIT_UNIFORM, -bound, bound);
    return st ? st : hk_add_param(self, "bias", 2, column, HK_INIT_CONST, -1, 0);
}

hk_status sj_psn_fire(hk_builder *b, const hk_module *self, hk_value x, hk_value w, hk_value *y) {
    const hk_surrogate s = hk_surrogate_of(hk_get_object(self, "surrogate")), *kept = hk_keep(b, &s, sizeof s);
    hk_value h = hk_time_mix(b, x, w, hk_param(b, self, "bias"));
    b->api->name_output(b, self, "h", h);
    if (kept) *y = hk_fire(b, h, kept, 0, b->api->spiking(b));
    return HK_OK;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    return sj_psn_fire(b, self, in[0], hk_param(b, self, "weight"), out);
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "parallel spiking neuron: h[t] = sum over u of W[t,u] x[u] + b[t]; spike if h >= 0; needs all steps at once",
    .source = "SpikingJelly 2.0, activation_based.neuron.PSN",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .init = sj_psn_params,
    .build = build,
};

hk_status sj_psn_register(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "PSN", &type); }
