/* plugins/neurons/klif.c - KLIF: LIF whose charged potential is scaled by a learned k and rectified:
 *     h = relu(k c), c the charge of LIF;   scale_reset: what is reset is h / k, by v_threshold / k
 * Source: Jiang and Zhang 2023, "KLIF: An optimized spiking neuron unit for tuning surrogate gradient slope and membrane potential";
 * SpikingJelly 2.0, activation_based.neuron.KLIFNode. */
#include "common.h"

HK_TEXT(sj_klif,
enum { V_THRESHOLD, V_RESET, SOFT, INV_TAU, DECAY_INPUT, V_REST, K, INV_SCALE };
hk_fn hk_real sj_klif_charge(hk_real x, hk_real v, const hk_real *p) {
    hk_real away = v - p[V_REST];
    return p[DECAY_INPUT] != 0 ? v + (x - away) * p[INV_TAU] : v - away * p[INV_TAU] + x;
}
hk_fn void sj_klif_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real in = p[DECAY_INPUT] != 0 ? (hk_real)1 : (hk_real)0;
    gx[0] += p[DECAY_INPUT] != 0 ? g * p[INV_TAU] : g;
    gv[0] += g * (1 - p[INV_TAU]);
    gp[INV_TAU] += g * (in * x - (v - p[V_REST]));
    gp[V_REST] += g * p[INV_TAU];
}
hk_fn void sj_klif_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real c = p[K] * sj_klif_charge(x[0], s[0], p);
    h[0] = c > 0 ? c : (hk_real)0;
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_klif_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    hk_real v = h[0] * p[INV_SCALE];
    (void)s;
    y[0] = f[0];
    s1[0] = p[SOFT] != 0 ? v - r[0] * (p[V_THRESHOLD] * p[INV_SCALE]) : r[0] * p[V_RESET] + (1 - r[0]) * v;
}
hk_fn void sj_klif_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real c = sj_klif_charge(x[0], s[0], p);
    hk_real g = p[K] * c > 0 ? gh[0] + gz[0] : (hk_real)0;
    gp[V_THRESHOLD] -= gz[0];
    gp[K] += g * c;
    sj_klif_charge_bwd(x[0], s[0], p, g * p[K], gx, gs, gp);
}
hk_fn void sj_klif_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                            hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real g = gs1[0];
    hk_real v = h[0] * p[INV_SCALE];
    hk_real soft = p[SOFT] != 0 ? (hk_real)1 : (hk_real)0;
    hk_real gv = p[SOFT] != 0 ? g : (1 - r[0]) * g;
    (void)f; (void)s; (void)gs;
    gf[0] += gy[0];
    gr[0] += p[SOFT] != 0 ? -p[V_THRESHOLD] * p[INV_SCALE] * g : (p[V_RESET] - v) * g;
    gh[0] += gv * p[INV_SCALE];
    gp[INV_SCALE] += gv * h[0] - soft * r[0] * p[V_THRESHOLD] * g;
    gp[V_THRESHOLD] -= soft * r[0] * p[INV_SCALE] * g;
    gp[V_RESET] += (1 - soft) * r[0] * g;
})
HK_NEURON_KERNELS(sj_klif, 1, 1, 1, SJ_N_LIF + 2, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "scale_reset", HK_BOOL, 0, "false", 0, 0, NULL, "reset h / k by v_threshold / k instead of h by v_threshold" },
    SJ_TAU_FIELD,
    SJ_DECAY_FIELD,
    SJ_COMMON_FIELDS,
};
static const char *const params[] = { SJ_LIF_PARAMS, "k", "1/scale" };

static hk_status init(hk_module *self) { return hk_add_param(self, "k", 0, NULL, HK_INIT_CONST, 1, 0); }

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    hk_value k = hk_param(b, self, "k"), one = hk_const(b, 1);
    sj_lif_operands(b, self, p, hk_const(b, 1.0 / hk_get_real(self, "tau")));
    p[SJ_N_LIF] = k;
    p[SJ_N_LIF + 1] = hk_get_bool(self, "scale_reset") ? hk_div(b, one, k) : one;
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_klif, 1, 1, 1, SJ_N_LIF + 2),
    .flags = HK_NEURON_SPIKES,
    .doc = "LIF with a learned scale: h = relu(k c), c the charge of LIF; fires as LIF; scale_reset: resets h / k by v_threshold / k, else h as LIF",
    .source = "SpikingJelly 2.0, activation_based.neuron.KLIFNode",
    .states = sj_state_v,
    .init = init,
};

hk_status sj_klif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "KLIF", &type); }
