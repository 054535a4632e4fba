/* pairs.c - what each sample has to do with each other: products or squared distances of all pairs, over places and steps. */
#include "op/op.h"

HK_INFER(pairs_infer) {
    const int64_t N = hk__b(b)->g->N, shape[2] = { N, N };
    if (hk__b(b)->loop) hk__builder_fail(b, HK_EUNSUPPORTED, "pairs looks at all samples and steps, which is not possible inside a loop over T");
    else if (!(in[0].flags & HK_N)) hk__builder_fail(b, HK_ESHAPE, "pairs: the value does not vary with the sample");
    out[0] = hk__desc(HK_F32, HK_STATIC, 2, shape);
    (void)n;
}

HK_GRAD(pairs_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "pairs_bwd", 2, in, c->node->n_attr, c->node->attr);
}

HK_INFER(pairs_bwd_infer) { /* g[N,N], x */
    out[0] = in[1];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

const hk__op hk__ops_pairs[] = {
    { "pairs", HK_TIME_WHOLE, HK_OP_WHOLE_BATCH, pairs_infer, pairs_grad, "a number for each two samples" },
    { "pairs_bwd", HK_TIME_WHOLE, HK_OP_WHOLE_BATCH, pairs_bwd_infer, NULL, "adjoint of pairs" },
    { 0 },
};
