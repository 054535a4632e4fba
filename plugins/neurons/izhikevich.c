/* plugins/neurons/izhikevich.c - Izhikevich: QIF with a slow adaptation current w.
 *     h = v + (x + a0 (v - v_rest) (v - v_c) - w) / tau
 *     w = w + (a (h - v_rest) - w) / tau_w + b f       by h before the reset; this f is never detached
 * Source: Izhikevich 2003, "Simple model of spiking neurons"; SpikingJelly 2.0, activation_based.neuron.IzhikevichNode. */
#include "common.h"

SJ_TEXT(sj_izhikevich,
enum { INV_TAU = N_COMMON, A0, V_REST, V_C, INV_TAU_W, A, B };
hk_fn void sj_izhikevich_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = s[0] + (x[0] + p[A0] * (s[0] - p[V_REST]) * (s[0] - p[V_C]) - s[1]) * p[INV_TAU];
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_izhikevich_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    y[0] = f[0];
    s1[0] = sj_reset(h[0], r[0], p);
    s1[1] = s[1] + (p[A] * (h[0] - p[V_REST]) - s[1]) * p[INV_TAU_W] + p[B] * f[0];
}
hk_fn void sj_izhikevich_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real rest = s[0] - p[V_REST];
    hk_real crit = s[0] - p[V_C];
    hk_real g = gh[0] + gz[0];
    hk_real gk = g * p[INV_TAU];
    gp[V_THRESHOLD] -= gz[0];
    gx[0] += gk;
    gs[0] += g + gk * p[A0] * (rest + crit);
    gs[1] -= gk;
    gp[INV_TAU] += g * (x[0] + p[A0] * rest * crit - s[1]);
    gp[A0] += gk * rest * crit;
    gp[V_REST] -= gk * p[A0] * crit;
    gp[V_C] -= gk * p[A0] * rest;
}
hk_fn void sj_izhikevich_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                                  hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real gw = gs1[1];
    hk_real gk = gw * p[INV_TAU_W];
    gf[0] += gy[0] + p[B] * gw;
    gs[1] += gw - gk;
    gh[0] += gk * p[A];
    gp[A] += gk * (h[0] - p[V_REST]);
    gp[V_REST] -= gk * p[A];
    gp[INV_TAU_W] += gw * (p[A] * (h[0] - p[V_REST]) - s[1]);
    gp[B] += gw * f[0];
    sj_reset_bwd(h[0], r[0], p, gs1[0], gh, gr, gp);
})
HK_NEURON_KERNELS(sj_izhikevich, 2, 1, 1, SJ_N_COMMON + 7, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    SJ_TAU_FIELD,
    { "v_c", HK_REAL, 0, "0.8", 0, 0, NULL, "critical potential: above it the neuron runs away to a spike by itself" },
    { "a0", HK_REAL, 0, "1.0", 0, 0, NULL, "curvature; more than 0" },
    SJ_THRESHOLD_FIELD("1.0"),
    { "v_reset", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    { "v_rest", HK_REAL, 0, "-0.1", 0, 0, NULL, "resting potential" },
    { "w_rest", HK_REAL, 0, "0.0", 0, 0, NULL, "adaptation current at the start" },
    { "tau_w", HK_REAL, 0, "2.0", 0, 0, NULL, "time constant of the adaptation, in steps; more than 0" },
    { "a", HK_REAL, 0, "0.0", 0, 0, NULL, "how the adaptation follows the potential" },
    { "b", HK_REAL, 0, "0.0", 0, 0, NULL, "what each spike adds to the adaptation" },
    SJ_FIRE_FIELDS("Sigmoid()"),
};
static const hk_state_field states[] = { SJ_STATE_V, { "w", "adaptation current", "w_rest" } };
static const char *const params[] = { SJ_COMMON_PARAMS, "1/tau", "a0", "v_rest", "v_c", "1/tau_w", "a", "b" };

static hk_status init(hk_module *self) {
    hk_status st = sj_check_positive(self, "a0");
    if (!st) st = sj_check_positive(self, "tau_w");
    return st ? st : sj_check_reset(self);
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    static const char *const names[] = { "a0", "v_rest", "v_c", "tau_w", "a", "b" };
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
    for (int i = 0; i < 6; i++) {
        double v = hk_get_real(self, names[i]);
        p[SJ_N_COMMON + 1 + i] = hk_const(b, i == 3 ? 1.0 / v : v);
    }
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_izhikevich, 2, 1, 1, SJ_N_COMMON + 7),
    .flags = HK_NEURON_SPIKES,
    .doc = "QIF with adaptation: h = v + (x + a0 (v - v_rest) (v - v_c) - w) / tau; w = w + (a (h - v_rest) - w) / tau_w + b f; fires and resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.IzhikevichNode",
    .states = states,
    .init = init,
};

hk_status sj_izhikevich_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "Izhikevich", &type); }
