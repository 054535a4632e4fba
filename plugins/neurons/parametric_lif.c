/* plugins/neurons/parametric_lif.c - ParametricLIF: LIF whose 1 / tau = sigmoid(w) is learned. It borrows LIF's text and kernels; only the operand differs.
 * Source: Fang et al. 2021, "Incorporating learnable membrane time constant ..."; SpikingJelly 2.0, activation_based.neuron.ParametricLIFNode. */
#include "common.h"

static const hk_field fields[] = {
    { "init_tau", HK_REAL, 0, "2.0", 1, INFINITY, NULL, "membrane time constant at the start, in steps; more than 1" },
    SJ_DECAY_FIELD,
    SJ_COMMON_FIELDS,
};

static hk_status init(hk_module *self) {
    double tau = hk_get_real(self, "init_tau");
    if (!(tau > 1)) return self->api->fail(self, HK_ECONFIG, "init_tau must be more than 1, got %g", tau);
    return hk_add_param(self, "w", 0, NULL, HK_INIT_CONST, -log(tau - 1), 0);
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) { sj_lif_operands(b, self, p, hk_sigmoid(b, hk_param(b, self, "w"))); }

hk_status sj_plif_register(const hk_host *host) {
    hk_neuron_type type = *sj_lif_type();
    type.doc = "LIF with 1 / tau = sigmoid(w), w learned";
    type.source = "SpikingJelly 2.0, activation_based.neuron.ParametricLIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = init;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "ParametricLIF", &type);
}
