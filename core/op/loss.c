/* loss.c - what losses and accuracies are made of: one-hot targets, cross entropy per sample, the number of right answers. */
#include "op/op.h"

HK_INFER(one_hot_infer) {
    int64_t classes[1] = { hk__attr_int(n, "classes") };
    out[0] = hk__desc(HK_F32, in[0].flags, 1, classes);
    (void)b;
}

static bool scores(hk_builder *b, const hk__node *n, const hk_desc *z, bool each_step) {
    char t[96];
    if (z->rank == 1 && (z->flags == HK_HELD || (each_step && z->flags == HK_SEQ))) return true;
    hk__builder_fail(b, HK_ESHAPE, "%s takes one row of class scores per sample, got %s%s", n->op->name, hk__shape_text(z, t),
                     z->flags & HK_T ? " at each step; take the mean over T first" : "");
    return false;
}

/* A class for each row, or a share of each class. */
static bool target_fits(hk_builder *b, const hk__node *n, const hk_desc *z, const hk_desc *y) {
    char t[96];
    if (y->dtype == HK_I64 ? y->rank == 0 : y->dtype == HK_F32 && y->rank == 1 && y->shape[0] == z->shape[0]) return true;
    hk__builder_fail(b, HK_ESHAPE, "%s takes a class, or a share of each of %lld classes, got %s", n->op->name, (long long)z->shape[0], hk__shape_text(y, t));
    return false;
}

HK_INFER(cross_entropy_infer) { /* z[C], y, [w[C]] -> loss, weight; z[C,...], y[places], [w[C]] -> [places] */
    char t[96], u[96];
    if (in[0].rank > 1 && in[0].rank != HK_UNKNOWN && in[0].flags & HK_N) {
        const int64_t places[1] = { hk_desc_elems(&in[0]) / (in[0].shape[0] > 0 ? in[0].shape[0] : 1) };
        out[0] = hk__desc(HK_F32, in[0].flags, 1, places);
        if (!hk__same_shape(&in[1], &out[0]))
            hk__builder_fail(b, HK_ESHAPE, "%s: the target is %s, expected %s: a class for each place of the scores %s", n->op->name, hk__shape_text(&in[1], t),
                             hk__shape_text(&out[0], u), hk__shape_text(&in[0], (char[96]){ 0 }));
        out[1] = out[0];
        return;
    }
    if (scores(b, n, &in[0], true) && in[0].dtype != HK_F32) hk__builder_fail(b, HK_ESHAPE, "%s takes numbers (f32), got spikes; pass them through affine", n->op->name);
    if (!scores(b, n, &in[0], true) || !target_fits(b, n, &in[0], &in[1])) return;
    out[0] = hk__desc(HK_F32, in[0].flags, 0, NULL);
    out[1] = out[0];
}

HK_GRAD(cross_entropy_grad) {
    if (!c->gout[0]) return;
    const hk_value in[4] = { hk__saved_in(c, 0), hk__saved_in(c, 1), c->node->in[2] ? hk__saved_in(c, 2) : HK_NONE, c->gout[0] };
    c->gin[0] = hk__emit1(c->b, "cross_entropy_bwd", 4, in, c->node->n_attr, c->node->attr);
}

HK_INFER(cross_entropy_bwd_infer) {
    out[0] = in[0];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

HK_INFER(correct_infer) {
    if (scores(b, n, &in[0], false) && target_fits(b, n, &in[0], &in[1])) out[0] = hk__desc(HK_F32, HK_HELD, 0, NULL);
}

HK_INFER(first_max_infer) {
    char t[96];
    out[0] = in[0];
    out[0].dtype = HK_F32;
    if (hk__known(&in[0]) && in[0].rank != 1) hk__builder_fail(b, HK_ESHAPE, "%s takes rows of one axis, got %s", n->op->name, hk__shape_text(&in[0], t));
}

const hk__op hk__ops_loss[] = {
    { "one_hot", HK_TIME_POINT, 0, one_hot_infer, NULL, "1 at the label" },
    { "cross_entropy", HK_TIME_POINT, 0, cross_entropy_infer, cross_entropy_grad, "-log softmax at the label" },
    { "cross_entropy_bwd", HK_TIME_POINT, 0, cross_entropy_bwd_infer, NULL, "adjoint of cross_entropy" },
    { "correct", HK_TIME_POINT, 0, correct_infer, NULL, "1 if the first largest score is the label's" },
    { "correct_top", HK_TIME_POINT, 0, correct_infer, NULL, "1 if the label's score is among the `top` largest" },
    { "first_max", HK_TIME_POINT, 0, first_max_infer, NULL, "1 at the first largest number of a row, else 0" },
    { 0 },
};
