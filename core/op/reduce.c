/* reduce.c - sums over samples and steps: partial sums per group of samples, their merge, sums over t, and a value repeated over t; the largest number of all. */
#include "op/op.h"

HK_INFER(reduce_infer) {
    int64_t to = hk__attr_int(n, "to");
    if (!(in[0].flags & HK_N)) {
        hk__builder_fail(b, HK_ESHAPE, "reduce: the value does not vary with the sample");
        return;
    }
    out[0] = to == 0 ? in[0] : hk__desc(HK_F32, HK_G, to == 1 && in[0].rank > 0 ? 1 : 0, in[0].shape);
    out[0].dtype = HK_F32, out[0].flags = (uint8_t)(HK_G | (hk__attr_int(n, "steps") ? in[0].flags & HK_T : 0));
}

HK_INFER(reduce_max_infer) {
    if (hk__known(&in[0]) && !(in[0].flags & HK_N)) hk__builder_fail(b, HK_ESHAPE, "reduce_max: the value does not vary with the sample");
    else if (hk__b(b)->loop) hk__builder_fail(b, HK_EUNSUPPORTED, "reduce_max looks at all samples and steps, which is not possible inside a loop over T");
    out[0] = hk__desc(HK_F32, HK_G, 0, NULL);
    (void)n;
}

HK_GRAD(reduce_grad) { /* every row gets the gradient of the sum */
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    c->gin[0] = hk__grad_spread(c->b, c->gout[0], &x);
}

HK_INFER(merge_infer) {
    out[0] = in[0];
    out[0].flags &= (uint8_t)~HK_G;
    (void)b, (void)n;
}

HK_GRAD(merge_grad) {
    if (c->gout[0]) c->gin[0] = hk_affine(c->b, c->gout[0], hk__attr_real(c->node, "scale"), 0.0);
}

HK_INFER(sum_t_infer) {
    if (!(in[0].flags & HK_T) && hk__known(&in[0])) {
        hk__builder_fail(b, HK_ESHAPE, "%s: the value does not vary with the time step", n->op->name);
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
    if (hk__known(&in[0])) out[0].flags &= (uint8_t)~HK_T;
}

HK_GRAD(sum_t_grad) {
    if (c->gout[0]) c->gin[0] = hk_affine(c->b, c->gout[0], hk__attr_real(c->node, "scale"), 0.0);
}

HK_INFER(repeat_t_infer) {
    out[0] = in[0];
    out[0].flags |= HK_T;
    (void)b, (void)n;
}

HK_GRAD(repeat_t_grad) {
    hk_desc held = hk_value_desc(c->b, c->node->in[0]);
    c->gin[0] = hk__grad_fit(c->b, c->gout[0], HK_SEQ, &held);
}

const hk__op hk__ops_reduce[] = {
    { "reduce", HK_TIME_POINT, HK_OP_REDUCES, reduce_infer, reduce_grad, "sum over rows, one partial sum per group of samples" },
    { "merge", HK_TIME_POINT, HK_OP_WHOLE_BATCH, merge_infer, merge_grad, "sum of the partial sums, in order" },
    { "reduce_max", HK_TIME_POINT, HK_OP_FIXED, reduce_max_infer, NULL, "largest number, one for each group of samples" },
    { "merge_max", HK_TIME_POINT, HK_OP_WHOLE_BATCH, merge_infer, NULL, "largest of the groups' numbers" },
    { "sum_t", HK_TIME_WHOLE, HK_OP_STEPS | HK_OP_SUMS, sum_t_infer, sum_t_grad, "sum over time steps" },
    { "repeat_t", HK_TIME_WHOLE, HK_OP_STEPS, repeat_t_infer, repeat_t_grad, "the same at each time step" },
    { 0 },
};
