/* pool.c - max, average and adaptive average pooling over H and W, and means over groups of features. */
#include "op/op.h"

void hk__pool_infer(hk_builder *b, const hk__node *n, const hk_desc *in, hk_desc *out) { /* x[C,H,W] -> [C,H',W'] */
    char t[96];
    if (!hk__known(&in[0])) return;
    bool ceil_mode = hk__attr_int(n, "ceil") != 0;
    int64_t kh = hk__attr_int(n, "kernel_h"), kw = hk__attr_int(n, "kernel_w");
    int64_t shape[3] = { in[0].shape[0], 0, 0 };
    if (in[0].rank == 3) shape[1] = hk__window_out(n, 0, in[0].shape[1], kh, ceil_mode), shape[2] = hk__window_out(n, 1, in[0].shape[2], kw, ceil_mode);
    if (shape[1] < 1 || shape[2] < 1) {
        hk__builder_fail(b, HK_ESHAPE, "expected an input [C,H,W] per sample and step into which a window of %lldx%lld fits, got %s", (long long)kh, (long long)kw,
                         hk__shape_text(&in[0], t));
        return;
    }
    bool max = n->op->name[0] != 'a';
    out[0] = hk__desc(max ? in[0].dtype : HK_F32, in[0].flags, 3, shape);
}

HK_GRAD(maxpool2d_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { hk__grad_each(c->b, c->gout[0], hk__saved_out(c, 0)), hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "maxpool2d_bwd", 2, in, c->node->n_attr, c->node->attr);
}

HK_INFER(maxpool2d_bwd_infer) {
    out[0] = in[1];
    out[0].dtype = HK_F32, out[0].flags |= in[0].flags;
    (void)b, (void)n;
}

static void shaped_grad(hk__grad_call *c, const char *op) {
    hk_attr attr[32];
    if (!c->gout[0]) return;
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    int n = hk__attr_with(c->node, attr, hk__shape_attr(c->b, &x));
    c->gin[0] = hk__emit1(c->b, op, 1, c->gout, n, attr);
}

HK_GRAD(avgpool2d_grad) { shaped_grad(c, "avgpool2d_bwd"); }

HK_INFER(shaped_infer) {
    out[0] = hk__shape_from(n, in[0].flags);
    (void)b;
}

HK_INFER(adaptive_infer) {
    char t[96];
    if (!hk__known(&in[0])) return;
    if (in[0].rank != 3) {
        hk__builder_fail(b, HK_ESHAPE, "expected an input [C,H,W] per sample and step, got %s", hk__shape_text(&in[0], t));
        return;
    }
    int64_t oh = hk__attr_int(n, "out_h"), ow = hk__attr_int(n, "out_w"); /* 0: as the input */
    int64_t shape[3] = { in[0].shape[0], oh ? oh : in[0].shape[1], ow ? ow : in[0].shape[2] };
    out[0] = hk__desc(HK_F32, in[0].flags, 3, shape);
}

HK_GRAD(adaptive_grad) { shaped_grad(c, "adaptive_avgpool2d_bwd"); }

HK_INFER(nearest_infer) { /* x[C,H,W], attributes rows, cols: where each row and column of y comes from */
    char t[96];
    if (!hk__known(&in[0])) return;
    const hk_attr *place[2] = { hk__attr(n, "rows"), hk__attr(n, "cols") };
    for (int a = 0; a < 2; a++)
        for (int64_t i = 0; i < place[a]->i && in[0].rank == 3; i++)
            if (((const int64_t *)place[a]->p)[i] < 0 || ((const int64_t *)place[a]->p)[i] >= in[0].shape[1 + a]) {
                hk__builder_fail(b, HK_EINVAL, "nearest2d: %s has no place %lld along axis %d", hk__shape_text(&in[0], t), (long long)((const int64_t *)place[a]->p)[i], 1 + a);
                return;
            }
    if (in[0].rank != 3) {
        hk__builder_fail(b, HK_ESHAPE, "expected an input [C,H,W] per sample and step, got %s", hk__shape_text(&in[0], t));
        return;
    }
    int64_t shape[3] = { in[0].shape[0], place[0]->i, place[1]->i };
    out[0] = hk__desc(in[0].dtype, in[0].flags, 3, shape);
}

HK_GRAD(nearest_grad) { shaped_grad(c, "nearest2d_bwd"); }

HK_INFER(group_mean_infer) {
    char t[96];
    int64_t size = hk__attr_int(n, "size");
    if (!hk__known(&in[0])) return;
    if (in[0].rank != 1 || size < 1 || in[0].shape[0] % size) {
        hk__builder_fail(b, HK_ESHAPE, "expected a row whose length is a multiple of %lld, got %s", (long long)size, hk__shape_text(&in[0], t));
        return;
    }
    int64_t shape[1] = { in[0].shape[0] / size };
    out[0] = hk__desc(HK_F32, in[0].flags, 1, shape);
}

HK_GRAD(group_mean_grad) {
    if (c->gout[0]) c->gin[0] = hk__emit1(c->b, "group_spread", 1, c->gout, c->node->n_attr, c->node->attr);
}

HK_INFER(group_spread_infer) {
    int64_t shape[1] = { in[0].shape[0] * hk__attr_int(n, "size") };
    out[0] = hk__desc(HK_F32, in[0].flags, 1, shape);
    (void)b;
}

const hk__op hk__ops_pool[] = {
    { "maxpool2d", HK_TIME_POINT, 0, hk__pool_infer, maxpool2d_grad, "largest of a window" },
    { "maxpool2d_bwd", HK_TIME_POINT, 0, maxpool2d_bwd_infer, NULL, "to the first largest of the window" },
    { "avgpool2d", HK_TIME_POINT, 0, hk__pool_infer, avgpool2d_grad, "mean of a window" },
    { "avgpool2d_bwd", HK_TIME_POINT, 0, shaped_infer, NULL, "adjoint of avgpool2d" },
    { "adaptive_avgpool2d", HK_TIME_POINT, 0, adaptive_infer, adaptive_grad, "means of equal shares" },
    { "adaptive_avgpool2d_bwd", HK_TIME_POINT, 0, shaped_infer, NULL, "adjoint of adaptive_avgpool2d" },
    { "nearest2d", HK_TIME_POINT, 0, nearest_infer, nearest_grad, "rows and columns again, or left out" },
    { "nearest2d_bwd", HK_TIME_POINT, 0, shaped_infer, NULL, "adjoint of nearest2d" },
    { "group_mean", HK_TIME_POINT, 0, group_mean_infer, group_mean_grad, "means of consecutive features" },
    { "group_spread", HK_TIME_POINT, 0, group_spread_infer, NULL, "adjoint of group_mean" },
    { 0 },
};
