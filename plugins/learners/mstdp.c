/* mstdp.c - MSTDP and MSTDPET: plasticity that a reward decides on, of the weight of a Linear or a Conv2d. At each step, with x the layer's input, s the
 * spikes of `sn`, r the reward of this step:
 *     pre = exp(-1/tau_pre) pre + x,   post = exp(-1/tau_post) post + s
 *     MSTDP:   dw = r e,                                                        then  e = f_post(w) s pre^T - f_pre(w) post x^T
 *     MSTDPET: z = exp(-1/tau_trace) z + e / tau_trace,   dw = r z,             then  e, the same
 * so a reward is for what happened before its step. dw is summed over steps and samples; the gradient is -dw. f as in stdp.c.
 *   Of a Linear, e and z are state for each sample, [N,O,K] numbers, and go on with a run that continues.
 *   Of a Conv2d e is not stored: what it is made of is, so that f(w) is that of the weight when the reward comes; z is not either, so MSTDPET needs the whole
 * sequence in one run.
 * Source: SpikingJelly 2.0, activation_based.learning.MSTDPLearner, MSTDPETLearner (of a Linear; MSTDPET there of one sample and a reward for all). */
#include "learners.h"
#include <math.h>
#include <stdlib.h>

static const hk_field mstdp_fields[] = {
    PLASTICITY_SN_FIELD,
    { "tau_pre", HK_REAL, 0, NULL, 0, INFINITY, NULL, "time constant of the inputs' traces, in steps; above 0" },
    { "tau_post", HK_REAL, 0, NULL, 0, INFINITY, NULL, "time constant of the outputs' traces, in steps; above 0" },
    PLASTICITY_F_FIELDS,
};
static const hk_field mstdpet_fields[] = {
    PLASTICITY_SN_FIELD,
    { "tau_pre", HK_REAL, 0, NULL, 0, INFINITY, NULL, "time constant of the inputs' traces, in steps; above 0" },
    { "tau_post", HK_REAL, 0, NULL, 0, INFINITY, NULL, "time constant of the outputs' traces, in steps; above 0" },
    { "tau_trace", HK_REAL, 0, NULL, 0, INFINITY, NULL, "time constant of the eligibility's trace, in steps; above 0" },
    PLASTICITY_F_FIELDS,
};

static hk_status check(hk_module *self, int traced) {
    static const char *const taus[] = { "tau_pre", "tau_post", "tau_trace" };
    for (int i = 0; i < 2 + traced; i++)
        if (!(hk_get_real(self, taus[i]) > 0))
            return self->api->fail(self, HK_ECONFIG, "%s is %g, expected a time above 0", taus[i], hk_get_real(self, taus[i]));
    return plasticity_init(self);
}
static hk_status mstdp_init(hk_module *self) { return check(self, 0); }
static hk_status mstdpet_init(hk_module *self) { return check(self, 1); }

static double decay(const hk_module *self, const char *tau) { return exp(-1.0 / hk_get_real(self, tau)); }
static hk_value trace(hk_builder *b, hk_value last, double by, hk_value spikes) { return hk_add(b, hk_affine(b, last, by, 0.0), spikes); }

/* s x^T of one sample: [O,K] */
static hk_value product(hk_builder *b, hk_value s, hk_value x) {
    const int64_t column[2] = { hk_value_desc(b, s).shape[0], 1 }, row[2] = { 1, hk_value_desc(b, x).shape[0] };
    return hk_matmul(b, hk_unflatten(b, s, 2, column), hk_unflatten(b, x, 2, row), 1, 0, 0);
}

static hk_value of_linear(hk_builder *b, const hk_module *self, const connection *c, hk_value w, hk_value in, hk_value spikes, int traced) {
    hk_loop L = hk_loop_begin(b);
    hk_value pre = hk_loop_carry(b, L, "trace_pre"), post = hk_loop_carry(b, L, "trace_post"), e = hk_loop_carry(b, L, "eligibility");
    hk_value x = hk_affine(b, hk_loop_at(b, L, in), 1.0, 0.0), s = hk_affine(b, hk_loop_at(b, L, spikes), 1.0, 0.0), z = e;
    hk_value pre1 = trace(b, pre, decay(self, "tau_pre"), x), post1 = trace(b, post, decay(self, "tau_post"), s);
    /* A trace has its row's shape by its sum; the products need it at once. */
    const int64_t outputs[1] = { c->shape[0] }, inputs[1] = { c->shape[1] };
    pre1 = hk_unflatten(b, pre1, 1, inputs), post1 = hk_unflatten(b, post1, 1, outputs);
    hk_value next = hk_sub(
        b, plasticity_scaled(b, self, "f_post", "a_post", w, product(b, s, pre1)), plasticity_scaled(b, self, "f_pre", "a_pre", w, product(b, post1, x)));
    if (traced) {
        hk_value before = hk_loop_carry(b, L, "trace_e");
        z = hk_add(b, hk_affine(b, before, decay(self, "tau_trace"), 0.0), hk_affine(b, e, 1.0 / hk_get_real(self, "tau_trace"), 0.0));
        hk_loop_next(b, L, before, z);
    }
    hk_loop_next(b, L, pre, pre1);
    hk_loop_next(b, L, post, post1);
    hk_loop_next(b, L, e, next);
    hk_value dw = hk_loop_sum(b, L, hk_mul(b, z, hk_loop_at(b, L, hk_reward(b))));
    hk_loop_end(b, L);
    return hk_merge(b, hk_reduce(b, dw, 0), 1.0);
}

/* What later rewards give to step u of one sample: sum over t > u of exp(-(t - 1 - u) / tau) / tau r[t]. */
static hk_value later_rewards(hk_builder *b, double tau) {
    const int64_t T = hk_steps(b);
    double *m = calloc((size_t)(T * T), sizeof *m);
    if (!m) return b->api->fail(b, HK_ENOMEM, "out of memory for a matrix over time"), HK_NONE;
    for (int64_t u = 0; u < T; u++)
        for (int64_t t = u + 1; t < T; t++) m[u * T + t] = exp(-(double)(t - 1 - u) / tau) / tau;
    hk_value r = hk_time_mix(b, hk_reward(b), hk_constants(b, T * T, m), HK_NONE);
    free(m);
    return r;
}

/* The reward of each step with what its eligibility is made of: that of the step before, or with traced of this one and all later rewards. */
static hk_value of_window(hk_builder *b, const hk_module *self, const connection *c, hk_value w, hk_value in, hk_value spikes, int traced) {
    hk_loop L = hk_loop_begin(b);
    hk_value pre = hk_loop_carry(b, L, "trace_pre"), post = hk_loop_carry(b, L, "trace_post");
    hk_value x = hk_affine(b, hk_loop_at(b, L, in), 1.0, 0.0), s = hk_affine(b, hk_loop_at(b, L, spikes), 1.0, 0.0);
    hk_value pre1 = trace(b, pre, decay(self, "tau_pre"), x), post1 = trace(b, post, decay(self, "tau_post"), s), r, x1 = x, s1 = s, p = pre1, q = post1;
    hk_loop_next(b, L, pre, pre1);
    hk_loop_next(b, L, post, post1);
    if (!traced) {
        x1 = hk_loop_carry(b, L, "in"), s1 = hk_loop_carry(b, L, "spike"), p = pre, q = post;
        hk_loop_next(b, L, x1, x);
        hk_loop_next(b, L, s1, s);
    }
    p = hk_loop_stack(b, L, p), q = hk_loop_stack(b, L, q), x1 = hk_loop_stack(b, L, x1), s1 = hk_loop_stack(b, L, s1);
    hk_loop_end(b, L);
    r = traced ? later_rewards(b, hk_get_real(self, "tau_trace")) : hk_reward(b);
    return hk_sub(b, plasticity_scaled(b, self, "f_post", "a_post", w, plasticity_outer(b, c, hk_mul(b, s1, r), p)),
        plasticity_scaled(b, self, "f_pre", "a_pre", w, plasticity_outer(b, c, hk_mul(b, q, r), x1)));
}

static hk_status build(hk_builder *b, const hk_module *self, const hk_learner_view *v, int traced, hk_value *grad) {
    connection c;
    hk_value s;
    hk_status st = plasticity_connection(b, self, v, &c, &s);
    if (st) return st;
    hk_value dw = c.rank == 2 ? of_linear(b, self, &c, v->w, v->in, s, traced) : of_window(b, self, &c, v->w, v->in, s, traced);
    *grad = hk_affine(b, dw, -1.0, 0.0);
    return HK_OK;
}
static hk_status mstdp_build(hk_builder *b, const hk_module *self, const hk_learner_view *v, hk_value *grad) { return build(b, self, v, 0, grad); }
static hk_status mstdpet_build(hk_builder *b, const hk_module *self, const hk_learner_view *v, hk_value *grad) { return build(b, self, v, 1, grad); }

const hk_learner_type mstdp_type = {
    .struct_size = sizeof(hk_learner_type),
    .doc = "of a Linear or Conv2d, by the reward r that the program writes: dw = r e, then e = f_post(w) s pre^T - f_pre(w) post x^T, with pre = "
           "exp(-1/tau_pre) pre + x, post = "
           "exp(-1/tau_post) post + s; gradient = -dw",
    .source = "SpikingJelly 2.0, activation_based.learning.MSTDPLearner",
    .fields = mstdp_fields,
    .n_fields = sizeof mstdp_fields / sizeof mstdp_fields[0],
    .init = mstdp_init,
    .build = mstdp_build,
};

const hk_learner_type mstdpet_type = {
    .struct_size = sizeof(hk_learner_type),
    .doc =
        "of a Linear or Conv2d, by the reward r that the program writes: z = exp(-1/tau_trace) z + e / tau_trace, dw = r z, then e as MSTDP's; gradient = -dw",
    .source = "SpikingJelly 2.0, activation_based.learning.MSTDPETLearner",
    .fields = mstdpet_fields,
    .n_fields = sizeof mstdpet_fields / sizeof mstdpet_fields[0],
    .init = mstdpet_init,
    .build = mstdpet_build,
};
