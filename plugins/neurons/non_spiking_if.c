/* plugins/neurons/non_spiking_if.c - NonSpikingIF, integrator that does not fire: v = v + x (non_spiking.c).
 * Source: SpikingJelly 2.0, activation_based.neuron.NonSpikingIFNode. */
#include "common.h"

static const hk_field fields[] = {
    SJ_DECODE_FIELD,
};

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, 0);
    p[1] = hk_const(b, 1);
    (void)self;
}

hk_status sj_non_spiking_if_register(const hk_host *host) {
    hk_neuron_type type = sj_non_spiking_type();
    type.doc = "integrator that does not fire: v = v + x; y = v at each step, or what decode says of all steps";
    type.source = "SpikingJelly 2.0, activation_based.neuron.NonSpikingIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "NonSpikingIF", &type);
}
