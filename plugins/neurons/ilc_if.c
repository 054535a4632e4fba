/* plugins/neurons/ilc_if.c - ILCIF: IF, h = v + x, whose spikes feed back within each action's population (ilc.c).
 * Source: SpikingJelly 2.0, activation_based.neuron.ILCIFNode. */
#include "common.h"

static const hk_field fields[] = {
    SJ_ILC_FIELDS,
    SJ_THRESHOLD_FIELD("1.0"),
    { "v_reset", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_SURROGATE_FIELD("Rect()"),
};

hk_status sj_ilc_if_register(const hk_host *host) {
    hk_neuron_type type = *sj_if_type();
    type.doc = "IF with inter-layer connection: h = v + x, where x has the last step's spikes through conn added; fires and resets as IF";
    type.source = "SpikingJelly 2.0, activation_based.neuron.ILCIFNode";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = sj_ilc_init;
    type.build = sj_ilc_build;
    return host->add(host->ctx, "hk.neuron/1", "ILCIF", &type);
}
