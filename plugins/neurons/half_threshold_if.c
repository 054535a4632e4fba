/* plugins/neurons/half_threshold_if.c - HalfThresholdIF: IF with soft reset that begins at half of its threshold, so that the rate of a converted
 * network is rounded, not cut off. It borrows IF's text and kernels.
 * Source: SpikingJelly 2.0, activation_based.neuron.HalfThresholdIFNode. */
#include "common.h"

static const hk_field fields[] = { SJ_THRESHOLD_FIELD("1.0"), SJ_FIRE_FIELDS("Sigmoid()") };
static const hk_state_field states[] = { { "v", "membrane potential after the reset", "0.5 v_threshold" } };

static hk_status init(hk_module *self) { return sj_check_positive(self, "v_threshold"); }

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, 0);
    p[2] = hk_const(b, 1);
}

hk_status sj_half_threshold_if_register(const hk_host *host) {
    hk_neuron_type type = *sj_if_type();
    type.doc = "IF with soft reset whose potential begins at v_threshold / 2";
    type.source = "SpikingJelly 2.0, activation_based.neuron.HalfThresholdIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.states = states;
    type.init = init;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "HalfThresholdIF", &type);
}
