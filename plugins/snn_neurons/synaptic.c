/* plugins/snn_neurons/synaptic.c - snn.Synaptic, the leaky integrate-and-fire neuron of second order, behind a synaptic current.
 *     syn = alpha syn + x;   m = beta mem + syn;   R = mem > threshold, of the step before, without gradient
 *     subtract: mem = m - R threshold;   zero: mem = (1 - R) m (syn is left alone);   none: mem = m
 * Fires and resets in the same step (reset_delay false) as snn.Leaky. RSynaptic borrows the text.
 * Source: snnTorch 1.0, _neurons.synaptic.Synaptic. */
#include "common.h"
#include "synaptic.h"

SNN_TEXT(snn_synaptic, 1,
enum { ALPHA = N_COMMON, BETA };
hk_fn void snn_synaptic_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real r = snn_synaptic_r(s, p);
    h[1] = p[ALPHA] * s[0] + x[0];
    h[0] = (1 - snn_synaptic_zero(p) * r) * (p[BETA] * s[1] + h[1]) - snn_synaptic_down(p) * r * p[THRESHOLD];
    z[0] = h[0] - p[THRESHOLD];
}
hk_fn void snn_synaptic_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real r = snn_synaptic_r(s, p);
    hk_real g = gh[0] + gz[0];
    hk_real gm = g * (1 - snn_synaptic_zero(p) * r);
    hk_real gsyn = gh[1] + gm;
    (void)x;
    gx[0] += gsyn;
    gs[0] += gsyn * p[ALPHA];
    gs[1] += gm * p[BETA];
    gp[ALPHA] += gsyn * s[0];
    gp[BETA] += gm * s[1];
    gp[THRESHOLD] -= gz[0] + g * (snn_synaptic_down(p) * r);
})
SNN_KERNELS(snn_synaptic, 1, 2)

static const hk_field fields[] = {
    { "alpha", HK_REALS, 0, NULL, 0, 0, NULL, SNN_ALPHA_DOC },
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, SNN_BETA_DOC },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("alpha"),
    SNN_LEARN_FIELD("beta"),
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    SNN_DELAY_FIELD,
    SNN_GRADED_FIELDS,
};
static const hk_state_field states[] = { { "syn", "synaptic current", "0" }, { "mem", "membrane potential", "0" } };
static const char *const params[] = { SNN_COMMON_PARAMS, "alpha", "beta" };

hk_status snn_synaptic_init(hk_module *self) {
    hk_status st = snn_init(self);
    if (!st) st = snn_param(self, "alpha", "learn_alpha");
    return st ? st : snn_param(self, "beta", "learn_beta");
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    snn_operands(b, self, p, 1);
    p[SNN_N_COMMON] = snn_rate(b, self, "alpha");
    p[SNN_N_COMMON + 1] = snn_rate(b, self, "beta");
}

static const hk_neuron_type type = {
    SNN_TYPE(snn_synaptic, 1, 2),
    .doc = "leaky integrate-and-fire of second order: syn = alpha syn + x, mem = beta mem + syn - R threshold; fires and resets as snn.Leaky",
    .source = "snnTorch 1.0, Synaptic",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .states = states,
    .param_names = params,
    .init = snn_synaptic_init,
    .operands = operands,
    .build = snn_build_delay,
};

const hk_neuron_type *snn_synaptic_type(void) { return &type; }
hk_status snn_synaptic_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "snn.Synaptic", &type); }
