/* plugins/neurons/liaf.c - LIAF: LIF that gives an activation of its potential instead of the spike, which only resets:
 *     y = act(h - v_threshold) if threshold_related, else act(h);   h the charge of LIF
 * Source: Wu et al. 2021, "LIAF-Net: Leaky integrate and analog fire network for lightweight and efficient spatiotemporal information
 * processing"; SpikingJelly 2.0, activation_based.neuron.LIAFNode. */
#include "common.h"

SJ_TEXT(sj_liaf,
enum { INV_TAU = N_COMMON, DECAY_INPUT, V_REST, RELATED, ACT };
hk_fn hk_real sj_liaf_charge(hk_real x, hk_real v, const hk_real *p) {
    hk_real away = v - p[V_REST];
    return p[DECAY_INPUT] != 0 ? v + (x - away) * p[INV_TAU] : v - away * p[INV_TAU] + x;
}
hk_fn void sj_liaf_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real in = p[DECAY_INPUT] != 0 ? (hk_real)1 : (hk_real)0;
    gx[0] += p[DECAY_INPUT] != 0 ? g * p[INV_TAU] : g;
    gv[0] += g * (1 - p[INV_TAU]);
    gp[INV_TAU] += g * (in * x - (v - p[V_REST]));
    gp[V_REST] += g * p[INV_TAU];
}
hk_fn hk_real sj_liaf_act(hk_real u, hk_real act) {
    if (act < (hk_real)0.5) return u > 0 ? u : (hk_real)0;
    if (act < (hk_real)1.5) return hk_sigm(u);
    return act < (hk_real)2.5 ? hk_tanh(u) : u;
}
hk_fn hk_real sj_liaf_slope(hk_real u, hk_real act) {
    hk_real a = sj_liaf_act(u, act);
    if (act < (hk_real)0.5) return u > 0 ? (hk_real)1 : (hk_real)0;
    if (act < (hk_real)1.5) return a * (1 - a);
    return act < (hk_real)2.5 ? 1 - a * a : (hk_real)1;
}
hk_fn void sj_liaf_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = sj_liaf_charge(x[0], s[0], p);
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_liaf_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)f; (void)s;
    y[0] = sj_liaf_act(h[0] - p[RELATED] * p[V_THRESHOLD], p[ACT]);
    s1[0] = sj_reset(h[0], r[0], p);
}
hk_fn void sj_liaf_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    gp[V_THRESHOLD] -= gz[0];
    sj_liaf_charge_bwd(x[0], s[0], p, gh[0] + gz[0], gx, gs, gp);
}
hk_fn void sj_liaf_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                            hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real gu = gy[0] * sj_liaf_slope(h[0] - p[RELATED] * p[V_THRESHOLD], p[ACT]);
    (void)f; (void)s; (void)gf; (void)gs;
    gh[0] += gu;
    gp[V_THRESHOLD] -= gu * p[RELATED];
    gp[RELATED] -= gu * p[V_THRESHOLD];
    sj_reset_bwd(h[0], r[0], p, gs1[0], gh, gr, gp);
})
HK_NEURON_KERNELS(sj_liaf, 1, 1, 1, SJ_N_LIF + 2, 0)

static const hk_field fields[] = {
    { "act", HK_ENUM, 0, NULL, 0, 0, "relu|sigmoid|tanh|identity", "activation that gives the output" },
    { "threshold_related", HK_BOOL, 0, NULL, 0, 0, NULL, "activate h - v_threshold instead of h" },
    SJ_TAU_FIELD,
    SJ_DECAY_FIELD,
    SJ_COMMON_FIELDS,
};
static const char *const params[] = { SJ_LIF_PARAMS, "threshold_related", "act" };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_lif_operands(b, self, p, hk_const(b, 1.0 / hk_get_real(self, "tau")));
    p[SJ_N_LIF] = hk_const(b, hk_get_bool(self, "threshold_related"));
    p[SJ_N_LIF + 1] = hk_const(b, (double)hk_get_int(self, "act"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_liaf, 1, 1, 1, SJ_N_LIF + 2),
    .doc = "LIF with analog output: y = act(h - v_threshold) if threshold_related, else act(h); the spike only resets",
    .source = "SpikingJelly 2.0, activation_based.neuron.LIAFNode",
    .states = sj_state_v,
};

hk_status sj_liaf_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "LIAF", &type); }
