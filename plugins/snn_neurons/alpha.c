/* plugins/snn_neurons/alpha.c - snn.Alpha, whose membrane follows an alpha function of its input spikes.
 *     e = alpha syn_exc + x;   i = beta syn_inh - x;   m = ta (e + i),   ta = ln alpha / (ln beta - ln alpha) + 1
 *     R = mem > threshold, of the step before, without gradient
 *     zero (default): syn_exc, syn_inh, mem = (1 - R) (e, i, m);   none: e, i, m
 *     subtract: syn_exc = e - R threshold;   syn_inh = (1 - R) i;   mem = m + R syn_inh, the one of the step before
 * Source: snnTorch 1.0, _neurons.alpha.Alpha. */
#include "common.h"
#include <math.h>

SNN_TEXT(snn_alpha, 2,
enum { ALPHA = N_COMMON, BETA, TA };
hk_fn void snn_alpha_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real r = snn_alpha_r(s, p);
    hk_real down = snn_alpha_down(p) * r;
    hk_real keep = 1 - snn_alpha_zero(p) * r;
    hk_real e = p[ALPHA] * s[0] + x[0];
    hk_real i = p[BETA] * s[1] - x[0];
    h[0] = keep * (p[TA] * (e + i)) + down * s[1];
    h[1] = keep * e - down * p[THRESHOLD];
    h[2] = (keep - down) * i;
    z[0] = h[0] - p[THRESHOLD];
}
hk_fn void snn_alpha_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real r = snn_alpha_r(s, p);
    hk_real down = snn_alpha_down(p) * r;
    hk_real keep = 1 - snn_alpha_zero(p) * r;
    hk_real g = gh[0] + gz[0];
    hk_real ge = keep * (g * p[TA] + gh[1]);
    hk_real gi = keep * (g * p[TA]) + (keep - down) * gh[2];
    gx[0] += ge - gi;
    gs[0] += ge * p[ALPHA];
    gs[1] += gi * p[BETA] + down * g;
    gp[ALPHA] += ge * s[0];
    gp[BETA] += gi * s[1];
    gp[TA] += keep * g * (p[ALPHA] * s[0] + x[0] + (p[BETA] * s[1] - x[0]));
    gp[THRESHOLD] -= gz[0] + down * gh[1];
})
SNN_KERNELS(snn_alpha, 2, 3)

static const hk_field fields[] = {
    { "alpha", HK_REALS, 0, NULL, 0, 0, NULL, "decay of the excitatory current per step, kept within 0 and 1 at use; more than beta: a number, or one for each channel" },
    { "beta", HK_REALS, 0, NULL, 0, 0, NULL, "decay of the inhibitory current per step, kept within 0 and 1 at use; less than 1: a number, or one for each channel" },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("alpha"),
    SNN_LEARN_FIELD("beta"),
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("zero"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
};
static const hk_state_field states[] = { { "syn_exc", "excitatory current", "0" }, { "syn_inh", "inhibitory current", "0" }, { "mem", "membrane potential", "0" } };
static const char *const params[] = { SNN_COMMON_PARAMS, "alpha", "beta", "tau_alpha" };

enum { MAX_VALUES = 4096 };

/* The package's conditions, for which tau_alpha is finite. */
static hk_status init(hk_module *self) {
    double alpha[MAX_VALUES], beta[MAX_VALUES];
    const int n = hk_get_reals(self, "alpha", alpha, MAX_VALUES), m = hk_get_reals(self, "beta", beta, MAX_VALUES);
    hk_status st = snn_init(self);
    if (!st) st = snn_param(self, "alpha", "learn_alpha");
    if (!st) st = snn_param(self, "beta", "learn_beta");
    if (!st && n != m && n > 1 && m > 1) return self->api->fail(self, HK_ECONFIG, "alpha has %d numbers and beta %d; expected as many, or one", n, m);
    for (int i = 0; i < (n > m ? n : m) && !st; i++) {
        double a = alpha[n > 1 ? i : 0], c = beta[m > 1 ? i : 0];
        if (!(a > c && c < 1)) st = self->api->fail(self, HK_ECONFIG, "expected alpha above beta, and beta below 1; got alpha=%g and beta=%g", a, c);
    }
    return st;
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    hk_value alpha = snn_rate(b, self, "alpha"), beta = snn_rate(b, self, "beta"), log_alpha = hk_op_log(b, alpha);
    snn_operands(b, self, p, 0);
    p[SNN_N_COMMON] = alpha;
    p[SNN_N_COMMON + 1] = beta;
    p[SNN_N_COMMON + 2] = hk_affine(b, hk_div(b, log_alpha, hk_sub(b, hk_op_log(b, beta), log_alpha)), 1.0, 1.0);
}

static const hk_neuron_type type = {
    SNN_TYPE(snn_alpha, 2, 3),
    .doc = "alpha function: syn_exc = alpha syn_exc + x, syn_inh = beta syn_inh - x, mem = tau_alpha (syn_exc + syn_inh); fires as snn.Leaky, all states to 0",
    .source = "snnTorch 1.0, Alpha",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .states = states,
    .param_names = params,
    .init = init,
    .operands = operands,
    .build = snn_build,
};

hk_status snn_alpha_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "snn.Alpha", &type); }
