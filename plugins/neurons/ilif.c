/* plugins/neurons/ilif.c - ILIF, the integer LIF neuron, which emits several spikes at once:
 *     h = v - v / tau + x;   y = f = round(clamp(h / v_threshold, 0, max)) by the surrogate's forward;   v = h - f v_threshold
 * Source: Luo et al. 2024, "Integer-valued training and spike-driven inference spiking neural network for high-performance and
 * energy-efficient object detection"; SpikingJelly 2.0, activation_based.neuron.ILIFNode. */
#include "common.h"

HK_TEXT(sj_ilif,
enum { V_THRESHOLD, INV_THRESHOLD, INV_TAU };
hk_fn void sj_ilif_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = s[0] - s[0] * p[INV_TAU] + x[0];
    z[0] = h[0] * p[INV_THRESHOLD];
}
hk_fn void sj_ilif_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)s;
    y[0] = f[0];
    s1[0] = h[0] - r[0] * p[V_THRESHOLD];
}
hk_fn void sj_ilif_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real hh = s[0] - s[0] * p[INV_TAU] + x[0];
    hk_real g = gh[0] + gz[0] * p[INV_THRESHOLD];
    gp[INV_THRESHOLD] += gz[0] * hh;
    gp[INV_TAU] -= g * s[0];
    gx[0] += g;
    gs[0] += g * (1 - p[INV_TAU]);
}
hk_fn void sj_ilif_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                            hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)h; (void)f; (void)s; (void)gs;
    gf[0] += gy[0];
    gh[0] += gs1[0];
    gr[0] -= gs1[0] * p[V_THRESHOLD];
    gp[V_THRESHOLD] -= gs1[0] * r[0];
})
HK_NEURON_KERNELS(sj_ilif, 1, 1, 1, 3, 0)

static const hk_field fields[] = {
    { "tau", HK_REAL, 0, "1.3333333333333333", 1, INFINITY, NULL, "membrane time constant, in steps" },
    { "v_threshold", HK_REAL, 0, "1.0", 0, 0, NULL, "potential that one spike takes away; more than 0" },
    { "surrogate", HK_OBJECT, 0, "MultiLevelSpikeCount(4)", 0, 0, "hk.surrogate/1", "counts the spikes, and gives the derivative" },
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" },
    SJ_RUN_FIELDS,
    { "store_v_seq", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: v after each step can always be read" },
};
static const hk_state_field states[] = { { "v", "membrane potential after the reset", "0" } };
static const char *const params[] = { "v_threshold", "1/v_threshold", "1/tau" };

static hk_status init(hk_module *self) {
    const hk_module *s = hk_get_object(self, "surrogate");
    if (!s || !((const hk_surrogate_type *)s->api->type(s))->has_forward)
        return self->api->fail(self, HK_ECONFIG, "surrogate must be one that counts spikes, such as MultiLevelSpikeCount(4), got one that steps");
    return sj_check_positive(self, "v_threshold");
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    double th = hk_get_real(self, "v_threshold");
    p[0] = hk_const(b, th);
    p[1] = hk_const(b, 1.0 / th);
    p[2] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_ilif, 1, 1, 1, 3),
    .doc = "integer LIF: h = v - v / tau + x; y = round(clamp(h / v_threshold, 0, max)); v = h - y v_threshold",
    .source = "SpikingJelly 2.0, activation_based.neuron.ILIFNode",
    .states = states,
    .init = init,
};

hk_status sj_ilif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "ILIF", &type); }
