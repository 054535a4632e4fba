/* plugins/neurons/ilc_cubalif.c - ILCCUBALIF: CUBALIF, c = c_decay c + x; h = v_decay v + c, whose spikes feed back within each action's population (ilc.c).
 * Source: SpikingJelly 2.0, activation_based.neuron.ILCCUBALIFNode. */
#include "common.h"

static const hk_field fields[] = {
    SJ_ILC_FIELDS,
    { "c_decay", HK_REAL, 0, "0.5", 0, 0, NULL, "what is left of the current after a step" },
    { "v_decay", HK_REAL, 0, "0.75", 0, 0, NULL, "what is left of the potential after a step" },
    SJ_THRESHOLD_FIELD("0.5"),
    { "v_reset", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_SURROGATE_FIELD("Rect()"),
};

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, hk_get_real(self, "c_decay"));
    p[SJ_N_COMMON + 1] = hk_const(b, hk_get_real(self, "v_decay"));
}

hk_status sj_ilc_cubalif_register(const hk_host *host) {
    hk_neuron_type type = *sj_cubalif_type();
    type.doc = "CUBALIF with inter-layer connection: c = c_decay c + x; h = v_decay v + c, where x has the last step's spikes through conn added; fires and resets as IF";
    type.source = "SpikingJelly 2.0, activation_based.neuron.ILCCUBALIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = sj_ilc_init;
    type.build = sj_ilc_build;
    type.operands = operands;
    return host->add(host->ctx, "hk.neuron/1", "ILCCUBALIF", &type);
}
