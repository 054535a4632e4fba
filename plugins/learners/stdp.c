/* stdp.c - STDP, spike-timing-dependent plasticity of the weight of a Linear or a Conv2d, with a trace for each input and each output:
 *     pre = pre - pre / tau_pre + x,   post = post - post / tau_post + s        at each step; x: the layer's input, s: the spikes of `sn`
 *     dw = sum over t and samples of  f_post(w) s pre^T - f_pre(w) post x^T
 * of a Conv2d also over the places of its kernels, each with the inputs that it covers there.
 * The gradient is -dw, so that SGD(lr) without momentum adds lr dw. f(w) = a w, w clamped first where `clamp` is given, or a.
 * Source: SpikingJelly, activation_based.learning.STDPLearner (whose f is a Python function, x -> x if not given). */
#include "learners.h"
#include <math.h>

static const hk_field fields[] = {
    PLASTICITY_SN_FIELD,
    { "tau_pre", HK_REAL, 0, NULL, 1, INFINITY, NULL, "time constant of the inputs' traces, in steps" },
    { "tau_post", HK_REAL, 0, NULL, 1, INFINITY, NULL, "time constant of the outputs' traces, in steps" },
    PLASTICITY_F_FIELDS,
};

static hk_value trace(hk_builder *b, hk_value last, double tau, hk_value spikes) {
    return hk_add(b, hk_sub(b, last, hk_affine(b, last, 1.0 / tau, 0.0)), spikes);
}

static hk_status build(hk_builder *b, const hk_module *self, const hk_learner_view *v, hk_value *grad) {
    connection c;
    hk_value s;
    hk_status st = plasticity_connection(b, self, v, &c, &s);
    if (st) return st;
    hk_loop L = hk_loop_begin(b);
    hk_value pre = hk_loop_carry(b, L, "trace_pre"), post = hk_loop_carry(b, L, "trace_post");
    hk_value pre1 = trace(b, pre, hk_get_real(self, "tau_pre"), hk_loop_at(b, L, v->in));
    hk_value post1 = trace(b, post, hk_get_real(self, "tau_post"), hk_loop_at(b, L, s));
    hk_loop_next(b, L, pre, pre1);
    hk_loop_next(b, L, post, post1);
    pre = hk_loop_stack(b, L, pre1), post = hk_loop_stack(b, L, post1);
    hk_loop_end(b, L);
    *grad = hk_sub(b, plasticity_scaled(b, self, "f_pre", "a_pre", v->w, plasticity_outer(b, &c, post, v->in)),
        plasticity_scaled(b, self, "f_post", "a_post", v->w, plasticity_outer(b, &c, hk_affine(b, s, 1.0, 0.0), pre)));
    return HK_OK;
}

const hk_learner_type stdp_type = {
    .struct_size = sizeof(hk_learner_type),
    .doc = "of a Linear or Conv2d: pre = pre - pre / tau_pre + x, post = post - post / tau_post + s; gradient = sum over t and samples of f_pre(w) post x^T - f_post(w) s pre^T",
    .source = "SpikingJelly, activation_based.learning.STDPLearner",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = plasticity_init,
    .build = build,
};
