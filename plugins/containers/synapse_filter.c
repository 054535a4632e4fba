/* plugins/containers/synapse_filter.c - SynapseFilter, a leaky sum that keeps its value while no spike comes:
 *     o = o - (1 - x) o k + x,   k = 1 / tau, or sigmoid(w) learned;   y = o
 * It is a neuron that does not fire. x need not be binary. Source: SpikingJelly 2.0, activation_based.layer.SynapseFilter. */
#include "containers.h"
#include <math.h>

HK_TEXT(sj_synapse,
enum { K };
hk_fn void sj_synapse_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    (void)z;
    h[0] = s[0] - (1 - x[0]) * s[0] * p[K] + x[0];
}
hk_fn void sj_synapse_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)f; (void)r; (void)s; (void)p;
    y[0] = h[0];
    s1[0] = h[0];
}
hk_fn void sj_synapse_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    (void)gz;
    gx[0] += gh[0] * (s[0] * p[K] + 1);
    gs[0] += gh[0] * (1 - (1 - x[0]) * p[K]);
    gp[K] -= gh[0] * ((1 - x[0]) * s[0]);
}
hk_fn void sj_synapse_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                               hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)h; (void)f; (void)r; (void)s; (void)p; (void)gf; (void)gr; (void)gs; (void)gp;
    gh[0] += gy[0] + gs1[0];
})
HK_NEURON_KERNELS(sj_synapse, 1, 0, 1, 1, HK_NEURON_NO_FIRE)

static const hk_field fields[] = {
    { "tau", HK_REAL, 0, "100.0", 1, INFINITY, NULL, "time constant of the leak, in steps" },
    { "learnable", HK_BOOL, 0, "false", 0, 0, NULL, "learn w, 1 / tau = sigmoid(w); tau is where it starts" },
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all steps at once; s: step by step" },
};
static const hk_state_field states[] = { { "out_i", "the filtered current", "0" } };
static const char *const params[] = { "1/tau" };

static hk_status init(hk_module *self) {
    double tau = hk_get_real(self, "tau");
    if (!hk_get_bool(self, "learnable")) return HK_OK;
    if (!(tau > 1)) return self->api->fail(self, HK_ECONFIG, "tau must be more than 1 when it is learned, got %g", tau);
    return hk_add_param(self, "w", 0, NULL, HK_INIT_CONST, -log(tau - 1), 0);
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_get_bool(self, "learnable") ? hk_sigmoid(b, hk_param(b, self, "w")) : hk_const(b, 1.0 / hk_get_real(self, "tau"));
}

static const hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_NO_FIRE,
    .doc = "leaky sum that leaks only while no spike comes: o = o - (1 - x) o / tau + x; y = o",
    .source = "SpikingJelly 2.0, activation_based.layer.SynapseFilter",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 1,
    .n_fire = 0,
    .n_param = 1,
    .states = states,
    .param_names = params,
    .init = init,
    .operands = operands,
    .text = sj_synapse_text,
    .prefix = "sj_synapse",
    .kernels = sj_synapse_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
};

hk_status hk_synapse_filter_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "SynapseFilter", &type); }
