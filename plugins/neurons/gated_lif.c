/* plugins/neurons/gated_lif.c - GatedLIF: learned gates choose between exponential and linear leak, and between ways of input and reset.
 *     I = x (1 - beta (1 - conduct[t]));   K = (1 - alpha (1 - tau)) v
 *     v = K - (1 - alpha) linear_decay + I - K gamma s - (1 - gamma) v_subreset s;   s = [v >= v_threshold]
 * s on the right is the spike of the step before; there is no other reset. Every parameter is learned and passes through a sigmoid, conduct
 * for each step. Source: Yao et al. 2022, "GLIF: A unified gated leaky integrate-and-fire neuron for spiking neural networks";
 * SpikingJelly 2.0, activation_based.neuron.GatedLIFNode. */
#include "common.h"

HK_TEXT(sj_gated_lif,
enum { ALPHA, BETA, GAMMA, TAU, V_THRESHOLD, LINEAR_DECAY, V_SUBRESET, CONDUCT };
hk_fn void sj_gated_lif_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real in = x[0] * (1 - p[BETA] * (1 - p[CONDUCT]));
    hk_real keep = (1 - p[ALPHA] * (1 - p[TAU])) * s[0];
    h[0] = keep - (1 - p[ALPHA]) * p[LINEAR_DECAY] + in - keep * p[GAMMA] * s[1] - (1 - p[GAMMA]) * p[V_SUBRESET] * s[1];
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_gated_lif_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)r; (void)s; (void)p;
    y[0] = f[0];
    s1[0] = h[0];
    s1[1] = f[0];
}
hk_fn void sj_gated_lif_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real g = gh[0] + gz[0];
    hk_real leak = 1 - p[ALPHA] * (1 - p[TAU]);
    hk_real gk = g * (1 - p[GAMMA] * s[1]);
    gx[0] += g * (1 - p[BETA] * (1 - p[CONDUCT]));
    gs[0] += gk * leak;
    gs[1] -= g * (leak * s[0] * p[GAMMA] + (1 - p[GAMMA]) * p[V_SUBRESET]);
    gp[ALPHA] += g * p[LINEAR_DECAY] - gk * (1 - p[TAU]) * s[0];
    gp[BETA] -= g * x[0] * (1 - p[CONDUCT]);
    gp[GAMMA] += g * (p[V_SUBRESET] - leak * s[0]) * s[1];
    gp[TAU] += gk * p[ALPHA] * s[0];
    gp[V_THRESHOLD] -= gz[0];
    gp[LINEAR_DECAY] -= g * (1 - p[ALPHA]);
    gp[V_SUBRESET] -= g * (1 - p[GAMMA]) * s[1];
    gp[CONDUCT] += g * x[0] * p[BETA];
}
hk_fn void sj_gated_lif_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                                 hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)h; (void)f; (void)r; (void)s; (void)p; (void)gr; (void)gs; (void)gp;
    gh[0] += gs1[0];
    gf[0] += gy[0] + gs1[1];
})
HK_NEURON_KERNELS(sj_gated_lif, 2, 1, 1, 8, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "T", HK_INT, 0, NULL, 1, INFINITY, NULL, "time steps, each with a conduct of its own" },
    { "inplane", HK_INT, HK_NULLABLE, "none", 1, INFINITY, NULL, "channels, each with parameters of its own; none: all share them" },
    { "init_linear_decay", HK_REAL, HK_NULLABLE, "none", 0, 1, NULL, "linear leak per step at the start; none: init_v_threshold / (2 T)" },
    { "init_v_subreset", HK_REAL, HK_NULLABLE, "none", 0, 1, NULL, "what a spike subtracts at the start; none: init_v_threshold" },
    { "init_tau", HK_REAL, 0, "0.25", 0, 1, NULL, "what the exponential leak leaves of v at the start" },
    { "init_v_threshold", HK_REAL, 0, "0.5", 0, 1, NULL, "firing threshold at the start" },
    { "init_conduct", HK_REAL, 0, "0.5", 0, 1, NULL, "conductance of the input at the start" },
    SJ_SURROGATE_FIELD("Sigmoid()"),
    SJ_RUN_FIELDS,
};
static const hk_state_field states[] = { { "v", "membrane potential; it is not reset, the next step is", "0" }, { "s", "spike of the step before", "0" } };
static const char *const params[] = { "alpha", "beta", "gamma", "tau", "v_threshold", "linear_decay", "v_subreset", "conduct" };

/* A parameter that is `v` behind the sigmoid. */
static hk_status declare(hk_module *self, const char *name, int rank, const int64_t *shape, double v) {
    if (!(v > 0 && v < 1)) return self->api->fail(self, HK_ECONFIG, "%s must begin above 0 and below 1, got %g", name, v);
    return hk_add_param(self, name, rank, shape, HK_INIT_CONST, -log(1 / v - 1), 0);
}
static hk_status init(hk_module *self) {
    int64_t T = hk_get_int(self, "T"), shape[2] = { T, hk_is_none(self, "inplane") ? 1 : hk_get_int(self, "inplane") };
    int rank = !hk_is_none(self, "inplane");
    double th = hk_get_real(self, "init_v_threshold");
    hk_status st = HK_OK;
    for (int i = 0; i < 3 && !st; i++) st = hk_add_param(self, params[i], rank, shape + 1, HK_INIT_UNIFORM, -0.1, 0.1);
    if (!st) st = declare(self, "tau", rank, shape + 1, hk_get_real(self, "init_tau"));
    if (!st) st = declare(self, "v_threshold", rank, shape + 1, th);
    if (!st) st = declare(self, "linear_decay", rank, shape + 1, hk_is_none(self, "init_linear_decay") ? th / (2 * (double)T) : hk_get_real(self, "init_linear_decay"));
    if (!st) st = declare(self, "v_subreset", rank, shape + 1, hk_is_none(self, "init_v_subreset") ? th : hk_get_real(self, "init_v_subreset"));
    return st ? st : declare(self, "conduct", 1 + rank, shape, hk_get_real(self, "init_conduct"));
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    for (int i = 0; i < 8; i++) p[i] = hk_sigmoid(b, hk_param(b, self, params[i]));
    p[7] = hk_axis_as_time(b, p[7]);
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_gated_lif, 2, 1, 1, 8),
    .flags = HK_NEURON_SPIKES,
    .doc = "gated LIF: I = x (1 - beta (1 - conduct[t])); K = (1 - alpha (1 - tau)) v; v = K - (1 - alpha) linear_decay + I - K gamma s - (1 - gamma) v_subreset s, "
           "s the last spike; spike if v >= v_threshold; all parameters learned, through sigmoids",
    .source = "SpikingJelly 2.0, activation_based.neuron.GatedLIFNode",
    .states = states,
    .init = init,
};

hk_status sj_gated_lif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "GatedLIF", &type); }
