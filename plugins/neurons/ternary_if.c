/* plugins/neurons/ternary_if.c - TernaryIF: IF with spikes of both signs. It borrows TernaryLIF's text and kernels, with no leak.
 * Source: SpikingJelly 2.0, activation_based.neuron.TernaryIFNode. */
#include "common.h"

static const hk_field fields[] = { SJ_COMMON_FIELDS };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    for (int i = SJ_N_COMMON; i < SJ_N_LIF; i++) p[i] = hk_const(b, 0); /* 1 / tau, decay_input, v_rest */
}

hk_status sj_ternary_if_register(const hk_host *host) {
    hk_neuron_type type = *sj_ternary_lif_type();
    type.doc = "IF with spikes of both signs: h = v + x; y = [h >= v_threshold] - [-h >= v_threshold]; a spike of either sign resets, softly by its own sign";
    type.source = "SpikingJelly 2.0, activation_based.neuron.TernaryIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "TernaryIF", &type);
}
