/* plugins/neurons/activation_aware_if.c - ActivationAwareIF: IF for converted networks, with a threshold and an offset for each channel, calibrated
 * from activations and kept as buffers:
 *     h = v + x;   f = [h + v_offset >= v_threshold];   reset of h by v_threshold
 * Source: SpikingJelly 2.0, activation_based.neuron.ActivationAwareIFNode. */
#include "common.h"
#include <stdlib.h>

SJ_TEXT(sj_activation_aware_if,
enum { V_OFFSET = N_COMMON };
hk_fn void sj_activation_aware_if_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = s[0] + x[0];
    z[0] = h[0] + p[V_OFFSET] - p[V_THRESHOLD];
}
hk_fn void sj_activation_aware_if_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)s;
    y[0] = f[0];
    s1[0] = sj_reset(h[0], r[0], p);
}
hk_fn void sj_activation_aware_if_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real g = gh[0] + gz[0];
    (void)x; (void)s; (void)p;
    gp[V_THRESHOLD] -= gz[0];
    gp[V_OFFSET] += gz[0];
    gx[0] += g;
    gs[0] += g;
}
hk_fn void sj_activation_aware_if_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                                           hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)f; (void)s; (void)gs;
    gf[0] += gy[0];
    sj_reset_bwd(h[0], r[0], p, gs1[0], gh, gr, gp);
})
HK_NEURON_KERNELS(sj_activation_aware_if, 1, 1, 1, SJ_N_COMMON + 1, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "v_threshold", HK_REALS, 0, "1.0", 0, 0, NULL, "firing threshold; more than 0; one number or one for each channel" },
    { "v_offset", HK_REALS, 0, "0.0", 0, 0, NULL, "added to the potential before it is compared; one number or one for each channel" },
    { "channel_dim", HK_INT, 0, "-1", 0, 0, NULL, "axis of the channels, counted with the batch as axis 0; 1 where there is a number for each channel" },
    { "v_reset", HK_REAL, HK_NULLABLE, "none", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_FIRE_FIELDS("Sigmoid()"),
};
static const char *const params[] = { SJ_COMMON_PARAMS, "v_offset" };

/* A buffer with the field's numbers: a scalar for one, else a row. */
static hk_status declare(hk_module *self, const char *name, int positive) {
    int64_t n = hk_get_reals(self, name, NULL, 0);
    double *v = calloc((size_t)n + 1, sizeof *v);
    if (!v) return self->api->fail(self, HK_ENOMEM, "out of memory for %s", name);
    hk_get_reals(self, name, v, (int)n);
    hk_status st = n < 1 ? self->api->fail(self, HK_ECONFIG, "%s must be a number or a list of numbers, got an empty list", name) : HK_OK;
    for (int64_t i = 0; i < n && positive && !st; i++)
        if (!(v[i] > 0)) st = self->api->fail(self, HK_ECONFIG, "%s must be more than 0, got %g", name, v[i]);
    if (!st && n > 1 && hk_get_int(self, "channel_dim") != 1)
        st = self->api->fail(self, HK_ECONFIG, "%s has %lld numbers, which go along axis 1, the channels; set channel_dim=1 (got %lld)", name, (long long)n,
            (long long)hk_get_int(self, "channel_dim"));
    if (!st) st = hk_add_param_values(self, name, n > 1, &n, v, 0);
    free(v);
    return st;
}
static hk_status init(hk_module *self) {
    hk_status st = declare(self, "v_threshold", 1);
    return st ? st : declare(self, "v_offset", 0);
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_param(b, self, "v_threshold");
    p[1] = hk_const(b, sj_rest(self));
    p[2] = hk_const(b, sj_soft(self));
    p[3] = hk_param(b, self, "v_offset");
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_activation_aware_if, 1, 1, 1, SJ_N_COMMON + 1),
    .flags = HK_NEURON_SPIKES,
    .doc = "IF with calibrated thresholds and offsets for each channel: h = v + x; spike if h + v_offset >= v_threshold; resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.ActivationAwareIFNode",
    .states = sj_state_v,
    .init = init,
};

hk_status sj_activation_aware_if_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "ActivationAwareIF", &type); }
