/* plugins/neurons/ternary_lif.c - TernaryLIF: LIF with spikes of both signs.
 *     f = [h >= v_threshold], r = [-h >= v_threshold];   y = f - r
 *     hard reset by f + r: v = (f + r) v_reset + (1 - f - r) h;   soft: v = h - (f - r) v_threshold
 * Source: Guo et al. 2024, "Ternary spike: Learning ternary spikes for spiking neural networks"; SpikingJelly 2.0,
 * activation_based.neuron.TernaryLIFNode. */
#include "common.h"

SJ_TEXT(sj_ternary,
enum { INV_TAU = N_COMMON, DECAY_INPUT, V_REST };
hk_fn hk_real sj_ternary_charge(hk_real x, hk_real v, const hk_real *p) {
    hk_real away = v - p[V_REST];
    return p[DECAY_INPUT] != 0 ? v + (x - away) * p[INV_TAU] : v - away * p[INV_TAU] + x;
}
hk_fn void sj_ternary_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real in = p[DECAY_INPUT] != 0 ? (hk_real)1 : (hk_real)0;
    gx[0] += p[DECAY_INPUT] != 0 ? g * p[INV_TAU] : g;
    gv[0] += g * (1 - p[INV_TAU]);
    gp[INV_TAU] += g * (in * x - (v - p[V_REST]));
    gp[V_REST] += g * p[INV_TAU];
}
hk_fn void sj_ternary_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = sj_ternary_charge(x[0], s[0], p);
    z[0] = h[0] - p[V_THRESHOLD];
    z[1] = -h[0] - p[V_THRESHOLD];
}
hk_fn void sj_ternary_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    hk_real by = p[SOFT] != 0 ? r[0] - r[1] : r[0] + r[1];
    (void)s;
    y[0] = f[0] - f[1];
    s1[0] = sj_reset(h[0], by, p);
}
hk_fn void sj_ternary_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    gp[V_THRESHOLD] -= gz[0] + gz[1];
    sj_ternary_charge_bwd(x[0], s[0], p, gh[0] + gz[0] - gz[1], gx, gs, gp);
}
hk_fn void sj_ternary_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                               hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real by = p[SOFT] != 0 ? r[0] - r[1] : r[0] + r[1];
    hk_real g[1];
    (void)f; (void)s; (void)gs;
    g[0] = 0;
    gf[0] += gy[0];
    gf[1] -= gy[0];
    sj_reset_bwd(h[0], by, p, gs1[0], gh, g, gp);
    gr[0] += g[0];
    gr[1] += p[SOFT] != 0 ? -g[0] : g[0];
})
HK_NEURON_KERNELS(sj_ternary, 1, 2, 1, SJ_N_LIF, 0)

static const hk_field fields[] = { SJ_TAU_FIELD, SJ_DECAY_FIELD, SJ_COMMON_FIELDS };
static const char *const params[] = { SJ_LIF_PARAMS };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) { sj_lif_operands(b, self, p, hk_const(b, 1.0 / hk_get_real(self, "tau"))); }

static const hk_neuron_type type = {
    SJ_TYPE(sj_ternary, 1, 2, 1, SJ_N_LIF),
    .doc = "LIF with spikes of both signs: y = [h >= v_threshold] - [-h >= v_threshold]; a spike of either sign resets, softly by its own sign",
    .source = "SpikingJelly 2.0, activation_based.neuron.TernaryLIFNode",
    .states = sj_state_v,
};

const hk_neuron_type *sj_ternary_lif_type(void) { return &type; }
hk_status sj_ternary_lif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "TernaryLIF", &type); }
