/* plugins/snn_neurons/leaky.c - snn.Leaky, the leaky integrate-and-fire neuron of first order.
 *     R = mem > threshold, of the step before, without gradient
 *     subtract: mem = beta mem + x - R threshold;   zero: mem = beta (1 - R) mem + x;   none: mem = beta mem + x
 *     y = (mem > threshold) graded_spikes_factor
 *     reset_delay false: D = (mem > threshold) - R; then subtract: mem = mem - D threshold; zero: mem = mem - D mem
 * Source: snnTorch 1.0, _neurons.leaky.Leaky. */
#include "common.h"

HK_TEXT(snn_leaky,
enum { BETA, THRESHOLD, MODE, LATE };
enum { SUBTRACT, ZERO };
hk_fn hk_real snn_leaky_keep(hk_real r, const hk_real *p) {
    return p[MODE] == ZERO ? 1 - r : (hk_real)1;
}
hk_fn hk_real snn_leaky_down(const hk_real *p) {
    return p[MODE] == SUBTRACT ? (hk_real)1 : (hk_real)0;
}
hk_fn void snn_leaky_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real r = hk_heaviside(s[0] - p[THRESHOLD], 1);
    h[0] = p[BETA] * (snn_leaky_keep(r, p) * s[0]) + x[0] - snn_leaky_down(p) * r * p[THRESHOLD];
    z[0] = h[0] - p[THRESHOLD];
}
hk_fn void snn_leaky_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    hk_real d = r[0] - hk_heaviside(s[0] - p[THRESHOLD], 1);
    y[0] = f[0];
    s1[0] = p[LATE] != 0 ? h[0] : p[MODE] == SUBTRACT ? h[0] - d * p[THRESHOLD] : p[MODE] == ZERO ? h[0] - d * h[0] : h[0];
}
hk_fn void snn_leaky_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real r = hk_heaviside(s[0] - p[THRESHOLD], 1);
    hk_real keep = snn_leaky_keep(r, p);
    hk_real g = gh[0] + gz[0];
    (void)x;
    gx[0] += g;
    gs[0] += g * (p[BETA] * keep);
    gp[BETA] += g * (keep * s[0]);
    gp[THRESHOLD] -= gz[0] + g * (snn_leaky_down(p) * r);
}
hk_fn void snn_leaky_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1, hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real d = r[0] - hk_heaviside(s[0] - p[THRESHOLD], 1);
    hk_real down = p[LATE] == 0 && p[MODE] == SUBTRACT ? gs1[0] : (hk_real)0;
    hk_real zero = p[LATE] == 0 && p[MODE] == ZERO ? gs1[0] : (hk_real)0;
    (void)f;
    (void)gs;
    gf[0] += gy[0];
    gh[0] += gs1[0] - d * zero;
    gr[0] -= p[THRESHOLD] * down + h[0] * zero;
    gp[THRESHOLD] -= d * down;
})
HK_NEURON_KERNELS(snn_leaky, 1, 1, 1, 4, HK_NEURON_SPIKES | HK_NEURON_STRICT)

static const hk_field fields[] = {
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, "decay of the membrane potential per step, kept within 0 and 1 at use: a number, or one for each channel" },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    { "learn_beta", HK_BOOL, 0, "false", 0, 0, NULL, "whether beta is learned" },
    { "learn_threshold", HK_BOOL, 0, "false", 0, 0, NULL, "whether threshold is learned" },
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
    SNN_DELAY_FIELD,
    SNN_DETACH_FIELD,
};
static const hk_state_field states[] = { { "mem", "membrane potential", "0" } };
static const char *const params[] = { "beta", "threshold", "reset_mechanism", "reset_delay" };

static hk_status init(hk_module *self) {
    hk_status st = snn_init(self);
    return st ? st : snn_param(self, "beta", "learn_beta");
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = snn_rate(b, self, "beta");
    p[1] = hk_param(b, self, "threshold");
    p[2] = snn_mode(b, self);
    p[3] = snn_late(b, self);
}

static const hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES | HK_NEURON_STRICT,
    .doc = "leaky integrate-and-fire: mem = beta mem + x - R threshold, spike if mem > threshold; R: mem > threshold one step before",
    .source = "snnTorch 1.0, Leaky",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 1,
    .n_fire = 1,
    .n_param = 4,
    .states = states,
    .param_names = params,
    .init = init,
    .operands = operands,
    .text = snn_leaky_text,
    .prefix = "snn_leaky",
    .kernels = snn_leaky_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
    .build = snn_build,
};

hk_status snn_leaky_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "snn.Leaky", &type); }
