/* plugins/snn_neurons/rleaky.c - snn.RLeaky: snn.Leaky whose spikes are fed back one step later.
 *     m = beta mem + x + rec(y of the step before);   the reset as in membrane.c;   rec: recurrent.c
 * Source: snnTorch 1.0, _neurons.rleaky.RLeaky. */
#include "common.h"
#include <math.h>

static const hk_field fields[] = {
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, SNN_BETA_DOC },
    SNN_RECURRENT_FIELDS,
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("beta"),
    SNN_LEARN_FIELD("threshold"),
    { "learn_recurrent", HK_BOOL, 0, "true", 0, 0, NULL, "whether the feedback is learned" },
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    SNN_DELAY_FIELD,
    SNN_GRADED_FIELDS,
};

static hk_status init(hk_module *self) {
    hk_status st = snn_init(self);
    if (!st) st = snn_param(self, "beta", "learn_beta");
    return st ? st : snn_recurrent_init(self);
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    snn_operands(b, self, p, 1);
    p[SNN_N_COMMON] = hk_const(b, 1.0);
    p[SNN_N_COMMON + 1] = snn_rate(b, self, "beta");
}

static hk_status build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    *y = snn_recurrent_build(b, self, x, snn_coupled(self));
    return HK_OK;
}

hk_status snn_rleaky_register(const hk_host *host) {
    hk_neuron_type type = *snn_membrane_type();
    type.doc = "leaky integrate-and-fire with feedback: mem = beta mem + x + rec(y[t-1]) - R threshold; fires and resets as snn.Leaky";
    type.source = "snnTorch 1.0, RLeaky";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = init;
    type.operands = operands;
    type.build = build;
    return host->add(host->ctx, "hk.neuron/1", "snn.RLeaky", &type);
}
