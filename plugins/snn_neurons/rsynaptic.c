/* plugins/snn_neurons/rsynaptic.c - snn.RSynaptic: snn.Synaptic whose spikes are fed back one step later, into the synaptic current.
 *     syn = alpha syn + x + rec(y of the step before);   then as snn.Synaptic;   rec: recurrent.c
 * It borrows Synaptic's text. Source: snnTorch 1.0, _neurons.rsynaptic.RSynaptic. */
#include "common.h"
#include "synaptic.h"
#include <math.h>

static const hk_field fields[] = {
    { "alpha", HK_REALS, 0, NULL, 0, 0, NULL, SNN_ALPHA_DOC },
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, SNN_BETA_DOC },
    SNN_RECURRENT_FIELDS,
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("alpha"),
    SNN_LEARN_FIELD("beta"),
    SNN_LEARN_FIELD("threshold"),
    { "learn_recurrent", HK_BOOL, 0, "true", 0, 0, NULL, "whether the feedback is learned" },
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    { "reset_delay", HK_BOOL, 0, "true", 0, 0, NULL, "accepted for compatibility: only true" },
    SNN_GRADED_FIELDS,
};

static hk_status init(hk_module *self) {
    hk_status st = snn_refuse(self, "reset_delay", 0, "false is an error in snnTorch too");
    if (!st) st = snn_synaptic_init(self);
    return st ? st : snn_recurrent_init(self);
}

static hk_status build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    *y = snn_recurrent_build(b, self, x, 0);
    return HK_OK;
}

hk_status snn_rsynaptic_register(const hk_host *host) {
    hk_neuron_type type = *snn_synaptic_type();
    type.doc = "leaky integrate-and-fire of second order with feedback: syn = alpha syn + x + rec(y[t-1]), mem = beta mem + syn - R threshold";
    type.source = "snnTorch 1.0, RSynaptic";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = init;
    type.build = build;
    return host->add(host->ctx, "hk.neuron/1", "snn.RSynaptic", &type);
}
