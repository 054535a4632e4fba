/* plugins/neurons/cubalif.c - CUBALIF, the current-based leaky integrate-and-fire neuron:
 *     c = c_decay c + x;   h = v_decay v + c
 * Source: SpikingJelly 2.0, activation_based.neuron.CUBALIFNode. */
#include "common.h"

SJ_TEXT(sj_cubalif,
enum { C_DECAY = N_COMMON, V_DECAY };
hk_fn void sj_cubalif_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[1] = s[1] * p[C_DECAY] + x[0];
    h[0] = s[0] * p[V_DECAY] + h[1];
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_cubalif_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)s;
    y[0] = f[0];
    s1[0] = sj_reset(h[0], r[0], p);
    s1[1] = h[1];
}
hk_fn void sj_cubalif_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real g = gh[0] + gz[0];
    hk_real gc = gh[1] + g;
    gp[V_THRESHOLD] -= gz[0];
    gx[0] += gc;
    gs[0] += g * p[V_DECAY];
    gs[1] += gc * p[C_DECAY];
    gp[V_DECAY] += g * s[0];
    gp[C_DECAY] += gc * s[1];
    (void)x;
}
hk_fn void sj_cubalif_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                               hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)f; (void)s; (void)gs;
    gf[0] += gy[0];
    gh[1] += gs1[1];
    sj_reset_bwd(h[0], r[0], p, gs1[0], gh, gr, gp);
})
HK_NEURON_KERNELS(sj_cubalif, 2, 1, 2, SJ_N_COMMON + 2, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "c_decay", HK_REAL, 0, "0.5", 0, 0, NULL, "what is left of the current after a step" },
    { "v_decay", HK_REAL, 0, "0.75", 0, 0, NULL, "what is left of the potential after a step" },
    SJ_FIELDS("0.5", "0.0", "Rect()"),
};
static const hk_state_field states[] = { SJ_STATE_V, { "c", "synaptic current", "0" } };
static const char *const params[] = { SJ_COMMON_PARAMS, "c_decay", "v_decay" };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, hk_get_real(self, "c_decay"));
    p[SJ_N_COMMON + 1] = hk_const(b, hk_get_real(self, "v_decay"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_cubalif, 2, 1, 2, SJ_N_COMMON + 2),
    .flags = HK_NEURON_SPIKES,
    .doc = "current-based leaky integrate-and-fire: c = c_decay c + x; h = v_decay v + c; fires and resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.CUBALIFNode",
    .states = states,
};

const hk_neuron_type *sj_cubalif_type(void) { return &type; }
hk_status sj_cubalif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "CUBALIF", &type); }
