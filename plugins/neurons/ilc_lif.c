/* plugins/neurons/ilc_lif.c - ILCLIF: leaky IF, h = v_decay v + x, whose spikes feed back within each action's population (ilc.c).
 * Source: SpikingJelly 2.0, activation_based.neuron.ILCLIFNode. */
#include "common.h"

static const hk_field fields[] = {
    SJ_ILC_FIELDS,
    { "v_decay", HK_REAL, 0, "0.75", 0, 0, NULL, "what is left of the potential after a step" },
    SJ_THRESHOLD_FIELD("1.0"),
    { "v_reset", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_SURROGATE_FIELD("Rect()"),
};

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, 1.0 - hk_get_real(self, "v_decay")); /* LIF's 1 / tau, which here leaves the input alone */
    p[SJ_N_COMMON + 1] = p[SJ_N_COMMON + 2] = hk_const(b, 0);
}

hk_status sj_ilc_lif_register(const hk_host *host) {
    hk_neuron_type type = *sj_lif_type();
    type.doc = "leaky IF with inter-layer connection: h = v_decay v + x, where x has the last step's spikes through conn added; fires and resets as IF";
    type.source = "SpikingJelly 2.0, activation_based.neuron.ILCLIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = sj_ilc_init;
    type.build = sj_ilc_build;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "ILCLIF", &type);
}
