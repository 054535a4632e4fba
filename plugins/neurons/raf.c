/* plugins/neurons/raf.c - RAF, the resonate-and-fire neuron: a damped oscillation of u and v.
 *     u = A (u cos(omega dt) - v sin(omega dt)) + x;   h = A (u sin(omega dt) + v cos(omega dt)), by the old u;   A = exp(b dt)
 * Only v is reset. Source: Izhikevich 2001, "Resonate-and-fire neurons"; SpikingJelly 2.0, activation_based.neuron.RAFNode. */
#include "common.h"

SJ_TEXT(sj_raf,
enum { A_COS = N_COMMON, A_SIN };
hk_fn void sj_raf_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    h[0] = p[A_SIN] * s[1] + p[A_COS] * s[0];
    h[1] = p[A_COS] * s[1] - p[A_SIN] * s[0] + x[0];
    z[0] = h[0] - p[V_THRESHOLD];
}
hk_fn void sj_raf_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)s;
    y[0] = f[0];
    s1[0] = sj_reset(h[0], r[0], p);
    s1[1] = h[1];
}
hk_fn void sj_raf_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real g = gh[0] + gz[0];
    (void)x;
    gp[V_THRESHOLD] -= gz[0];
    gx[0] += gh[1];
    gs[0] += g * p[A_COS] - gh[1] * p[A_SIN];
    gs[1] += g * p[A_SIN] + gh[1] * p[A_COS];
    gp[A_COS] += g * s[0] + gh[1] * s[1];
    gp[A_SIN] += g * s[1] - gh[1] * s[0];
}
hk_fn void sj_raf_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                           hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)f; (void)s; (void)gs;
    gf[0] += gy[0];
    gh[1] += gs1[1];
    sj_reset_bwd(h[0], r[0], p, gs1[0], gh, gr, gp);
})
HK_NEURON_KERNELS(sj_raf, 2, 1, 2, SJ_N_COMMON + 2, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "b", HK_REAL, 0, "-0.2", 0, 0, NULL, "damping per unit of time; less than 0" },
    { "omega", HK_REAL, 0, "1.0", 0, 0, NULL, "angular frequency, radians per unit of time; more than 0" },
    { "dt", HK_REAL, 0, "1.0", 0, 0, NULL, "length of a step, in units of time; more than 0" },
    SJ_COMMON_FIELDS,
};
static const hk_state_field states[] = { SJ_STATE_V, { "u", "current-like variable of the oscillation", "0" } };
static const char *const params[] = { SJ_COMMON_PARAMS, "A cos", "A sin" };

static hk_status init(hk_module *self) {
    double b = hk_get_real(self, "b");
    if (!(b < 0)) return self->api->fail(self, HK_ECONFIG, "b must be less than 0, got %g", b);
    hk_status st = sj_check_positive(self, "omega");
    return st ? st : sj_check_positive(self, "dt");
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    double dt = hk_get_real(self, "dt"), A = exp(hk_get_real(self, "b") * dt), angle = hk_get_real(self, "omega") * dt;
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, A * cos(angle));
    p[SJ_N_COMMON + 1] = hk_const(b, A * sin(angle));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_raf, 2, 1, 2, SJ_N_COMMON + 2),
    .flags = HK_NEURON_SPIKES,
    .doc = "resonate-and-fire: u' = A (u cos - v sin) + x; h = A (u sin + v cos); A = exp(b dt), angle omega dt; fires and resets v as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.RAFNode",
    .states = states,
    .init = init,
};

hk_status sj_raf_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "RAF", &type); }
