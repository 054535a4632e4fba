/* time.c - operations over all time steps at once: a product over time (parallel spiking neurons), a parameter's axis as time, and one
 * step picked for each number. */
#include "op/op.h"

/* A gradient that is the same at all t, at each t. */
static hk_value each_step(hk_builder *b, hk_value g) {
    return hk_value_desc(b, g).flags & HK_T ? g : hk__emit1(b, "repeat_t", 1, &g, 0, NULL);
}

/* ---- time_mix: y[t] = sum_u W[t,u] x[u] + b[t] ---- */

HK_INFER(time_mix_infer) {
    int64_t T = hk_steps(b);
    char t[96];
    if (hk_desc_elems(&in[1]) != T * T || in[1].flags) {
        hk__builder_fail(b, HK_ESHAPE, "the weight over time has shape %s; expected %lld x %lld, since T is %lld", hk__shape_text(&in[1], t), (long long)T, (long long)T,
                         (long long)T);
        return;
    }
    if (in[2].dtype != HK_ABSENT && ((hk_desc_elems(&in[2]) != T && hk_desc_elems(&in[2]) != 1) || in[2].flags)) {
        hk__builder_fail(b, HK_ESHAPE, "the bias over time has shape %s; expected %lld numbers, since T is %lld, or one", hk__shape_text(&in[2], t), (long long)T, (long long)T);
        return;
    }
    if (in[0].flags != HK_SEQ) {
        hk__builder_fail(b, HK_ESHAPE, "%s: the input must vary with the step and the sample", n->op->name);
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
}

HK_GRAD(time_mix_grad) {
    hk_builder *b = c->b;
    hk_value g = c->gout[0];
    if (!g) return;
    if (!(hk_value_desc(b, g).flags & HK_N)) {
        hk__builder_fail(b, HK_EUNSUPPORTED, "%s: a gradient that is the same for all samples; give it per sample", c->node->op->name);
        return;
    }
    g = each_step(b, g);
    if (c->need[0]) {
        const hk_value in[3] = { g, hk__saved_in(c, 1), HK_NONE };
        const hk_attr attr[1] = { { "transpose", 1, 0, NULL } };
        c->gin[0] = hk__emit1(b, "time_mix", 3, in, 1, attr);
    }
    if (c->need[1]) {
        hk_desc w = hk_value_desc(b, c->node->in[1]);
        const hk_value in[2] = { g, hk__saved_in(c, 0) };
        const hk_attr attr[1] = { hk__shape_attr(b, &w) };
        c->gin[1] = hk__emit1(b, "time_mix_dw", 2, in, 1, attr);
    }
    if (c->node->in[2] && c->need[2]) {
        hk_desc bias = hk_value_desc(b, c->node->in[2]);
        const hk_attr attr[1] = { hk__shape_attr(b, &bias) };
        c->gin[2] = hk__emit1(b, "time_mix_db", 1, &g, 1, attr);
    }
}

HK_INFER(time_mix_sum_infer) { /* dw, db */
    out[0] = hk__shape_from(n, HK_G);
    (void)b, (void)in;
}

/* ---- axis_as_time: a STATIC value whose axis 0 is the step; time_as_axis: its adjoint, also of partial sums ---- */

HK_INFER(axis_as_time_infer) {
    char t[96];
    if (in[0].flags || in[0].rank < 1 || in[0].shape[0] != hk_steps(b)) {
        hk__builder_fail(b, HK_ESHAPE, "a parameter per step has shape %s; expected %lld steps along axis 0, since T is %lld", hk__shape_text(&in[0], t),
                         (long long)hk_steps(b), (long long)hk_steps(b));
        return;
    }
    out[0] = hk__desc(HK_F32, HK_STEP, in[0].rank - 1, in[0].shape + 1);
    (void)n;
}

HK_GRAD(axis_as_time_grad) {
    if (!c->gout[0]) return;
    hk_value g = each_step(c->b, c->gout[0]);
    c->gin[0] = hk__emit1(c->b, "time_as_axis", 1, &g, 0, NULL);
}

HK_INFER(time_as_axis_infer) {
    int64_t shape[HK_MAX_RANK] = { hk_steps(b) };
    for (int i = 0; i < in[0].rank && i + 1 < HK_MAX_RANK; i++) shape[i + 1] = in[0].shape[i];
    out[0] = hk__desc(HK_F32, in[0].flags & ~(uint32_t)HK_T, in[0].rank + 1, shape);
    (void)n;
}

/* ---- pick_t: x at one step, chosen for each number ---- */

HK_INFER(pick_t_infer) {
    if (hk__known(&in[0]) && in[0].flags != HK_SEQ) {
        hk__builder_fail(b, HK_ESHAPE, "%s: the value must vary with the step and the sample", n->op->name);
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
    if (hk__known(&in[0])) out[0].flags = HK_HELD;
}

HK_GRAD(pick_t_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "pick_t_bwd", 2, in, c->node->n_attr, c->node->attr);
}

HK_INFER(pick_t_bwd_infer) {
    out[0] = in[1];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

const hk__op hk__ops_time[] = {
    { "time_mix", HK_TIME_WHOLE, HK_OP_ENTIRE, time_mix_infer, time_mix_grad, "y[t] = sum over u of W[t,u] x[u], + b[t]" },
    { "time_mix_dw", HK_TIME_WHOLE, HK_OP_REDUCES, time_mix_sum_infer, NULL, "gW[t,u] = sum over samples and places of g[t] x[u]" },
    { "time_mix_db", HK_TIME_WHOLE, HK_OP_REDUCES, time_mix_sum_infer, NULL, "gb[t] = sum over samples and places of g[t]" },
    { "axis_as_time", HK_TIME_WHOLE, 0, axis_as_time_infer, axis_as_time_grad, "y[t] = x[t,...] of a parameter" },
    { "time_as_axis", HK_TIME_WHOLE, HK_OP_LINEAR_G, time_as_axis_infer, NULL, "adjoint of axis_as_time" },
    { "pick_t", HK_TIME_WHOLE, 0, pick_t_infer, pick_t_grad, "x at one step" },
    { "pick_t_bwd", HK_TIME_WHOLE, 0, pick_t_bwd_infer, NULL, "adjoint of pick_t" },
    { 0 },
};
