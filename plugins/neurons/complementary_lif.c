/* plugins/neurons/complementary_lif.c - ComplementaryLIF: LIF with a complementary potential m, which remembers spikes and deepens the reset:
 *     h = v - v / tau + x;   m = m sigm(h / tau) + f;   v = h - f (v_threshold + sigm(m)), with the new m; nothing is detached
 * Source: Huang et al. 2024, "CLIF: Complementary leaky integrate-and-fire neuron for spiking neural networks";
 * SpikingJelly 2.0, activation_based.neuron.ComplementaryLIFNode. */
#include "common.h"

HK_TEXT(sj_clif,
enum { V_THRESHOLD, INV_TAU };
hk_fn void sj_clif_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = s[0] - s[0] * p[INV_TAU] + x[0];
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_clif_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)r;
    y[0] = f[0];
    s1[1] = s[1] * hk_sigm(h[0] * p[INV_TAU]) + f[0];
    s1[0] = h[0] - f[0] * (p[V_THRESHOLD] + hk_sigm(s1[1]));
}
hk_fn void sj_clif_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real g = gh[0] + gz[0];
    (void)x;
    gp[V_THRESHOLD] -= gz[0];
    gp[INV_TAU] -= g * s[0];
    gx[0] += g;
    gs[0] += g * (1 - p[INV_TAU]);
}
hk_fn void sj_clif_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                            hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    hk_real keep = hk_sigm(h[0] * p[INV_TAU]);
    hk_real deep = hk_sigm(s[1] * keep + f[0]);
    hk_real gm = gs1[1] - gs1[0] * f[0] * deep * (1 - deep);
    hk_real gu = gm * s[1] * keep * (1 - keep);
    (void)r; (void)gr;
    gf[0] += gy[0] + gm - gs1[0] * (p[V_THRESHOLD] + deep);
    gh[0] += gs1[0] + gu * p[INV_TAU];
    gs[1] += gm * keep;
    gp[INV_TAU] += gu * h[0];
    gp[V_THRESHOLD] -= gs1[0] * f[0];
})
HK_NEURON_KERNELS(sj_clif, 2, 1, 1, 2, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    SJ_TAU_FIELD,
    SJ_THRESHOLD_FIELD("1.0"),
    SJ_SURROGATE_FIELD("Rect(alpha=1.0)"),
    SJ_RUN_FIELDS,
    { "store_state_seqs", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: v and m after each step can always be read" },
};
static const hk_state_field states[] = { { "v", "membrane potential after the reset", "0" }, { "m", "complementary potential", "0" } };
static const char *const params[] = { "v_threshold", "1/tau" };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_clif, 2, 1, 1, 2),
    .flags = HK_NEURON_SPIKES,
    .doc = "complementary LIF: h = v - v / tau + x; spike f if h >= v_threshold; m = m sigm(h / tau) + f; v = h - f (v_threshold + sigm(m))",
    .source = "SpikingJelly 2.0, activation_based.neuron.ComplementaryLIFNode",
    .states = states,
};

hk_status sj_clif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "ComplementaryLIF", &type); }
