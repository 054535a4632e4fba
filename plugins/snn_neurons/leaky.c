/* plugins/snn_neurons/leaky.c - snn.Leaky, the leaky integrate-and-fire neuron of first order.
 *     R = mem > threshold, of the step before, without gradient
 *     subtract: mem = beta mem + x - R threshold;   zero: mem = beta (1 - R) mem + x;   none: mem = beta mem + x
 *     y = (mem > threshold) graded_spikes_factor
 *     reset_delay false: D = (mem > threshold) - R; then subtract: mem = mem - D threshold; zero: mem = mem - D mem
 * Source: snnTorch 1.0, _neurons.leaky.Leaky. */
#include "common.h"

SNN_TEXT(snn_leaky, 0,
enum { BETA = N_COMMON };
hk_fn void snn_leaky_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real r = snn_leaky_r(s, p);
    hk_real keep = 1 - snn_leaky_zero(p) * r;
    h[0] = p[BETA] * (keep * s[0]) + x[0] - snn_leaky_down(p) * r * p[THRESHOLD];
    z[0] = h[0] - p[THRESHOLD];
}
hk_fn void snn_leaky_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real r = snn_leaky_r(s, p);
    hk_real keep = 1 - snn_leaky_zero(p) * r;
    hk_real g = gh[0] + gz[0];
    (void)x;
    gx[0] += g;
    gs[0] += g * (p[BETA] * keep);
    gp[BETA] += g * (keep * s[0]);
    gp[THRESHOLD] -= gz[0] + g * (snn_leaky_down(p) * r);
})
SNN_KERNELS(snn_leaky, 0, 1)

static const hk_field fields[] = {
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, SNN_BETA_DOC },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("beta"),
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
    SNN_DELAY_FIELD,
};
static const hk_state_field states[] = { { "mem", "membrane potential", "0" } };
static const char *const params[] = { SNN_COMMON_PARAMS, "beta" };

static hk_status init(hk_module *self) {
    hk_status st = snn_init(self);
    return st ? st : snn_param(self, "beta", "learn_beta");
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    snn_operands(b, self, p, 1);
    p[SNN_N_COMMON] = snn_rate(b, self, "beta");
}

static const hk_neuron_type type = {
    SNN_TYPE(snn_leaky, 0, 1),
    .doc = "leaky integrate-and-fire: mem = beta mem + x - R threshold, spike if mem > threshold; R: mem > threshold one step before",
    .source = "snnTorch 1.0, Leaky",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .states = states,
    .param_names = params,
    .init = init,
    .operands = operands,
    .build = snn_build_delay,
};

hk_status snn_leaky_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "snn.Leaky", &type); }
