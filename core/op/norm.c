/* norm.c - statistics per channel, batch normalisation by them, and dropout masks.
 *
 * batchnorm's gradient counts the way from x through the statistics (train = 1), so channel_stats and channel_merge have none of their own.
 * A value that is the same for all t has the statistics of its repetition. */
#include "op/op.h"

HK_INFER(channel_stats_infer) { /* x[C,...] -> G [3,C] */
    char t[96];
    if (in[0].rank < 1 || !hk__known(&in[0]) || !(in[0].flags & HK_N)) {
        hk__builder_fail(b, HK_ESHAPE, "expected channels [C,...] per sample and step, got %s", hk__shape_text(&in[0], t));
        return;
    }
    if (n->loop) { /* a gradient through statistics of each step has no test that it passes */
        hk__builder_fail(b, HK_EUNSUPPORTED, "statistics of the batch inside a loop over time: use step_mode=m, outside of loops, where they are over all steps together");
        return;
    }
    int64_t shape[2] = { 3, in[0].shape[0] };
    out[0] = hk__desc(HK_F32, HK_G, 2, shape);
}

HK_INFER(channel_merge_infer) {
    out[0] = hk__desc(HK_F32, HK_STATIC, 1, &in[0].shape[1]);
    out[1] = out[0];
    (void)b, (void)n;
}

HK_INFER(same_infer) {
    out[0] = in[0];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

HK_GRAD(rsqrt_grad) { /* y = (x + eps)^-1/2: gx = -g y^3 / 2 */
    if (!c->gout[0]) return;
    hk_value y = hk__saved_out(c, 0);
    c->gin[0] = hk_affine(c->b, hk_mul(c->b, c->gout[0], hk_mul(c->b, y, hk_mul(c->b, y, y))), -0.5, 0.0);
}

HK_INFER(groupnorm_infer) {
    char t[96];
    int64_t groups = hk__attr_int(n, "groups");
    if (!hk__known(&in[0])) return;
    if (in[0].rank < 1 || groups < 1 || in[0].shape[0] % groups) {
        hk__builder_fail(b, HK_ESHAPE, "expected channels [C,...] that %lld groups divide, got %s", (long long)groups, hk__shape_text(&in[0], t));
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
}

HK_GRAD(groupnorm_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "groupnorm_bwd", 2, in, c->node->n_attr, c->node->attr);
}

HK_INFER(batchnorm_infer) { /* x, mean, rstd, [w], [b] -> y */
    char t[96];
    if (!hk__known(&in[0])) return;
    if (in[0].rank < 1 || in[0].shape[0] != in[1].shape[0]) {
        hk__builder_fail(b, HK_ESHAPE, "expected %lld channels, got an input of shape %s per sample and step", (long long)in[1].shape[0], hk__shape_text(&in[0], t));
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
    (void)n;
}

void hk__batchnorm_grads(hk__grad_call *c, hk_value g, int i_x, int i_mean, hk_value partial) {
    hk_builder *b = c->b;
    int i_w = i_mean + 2, i_b = i_mean + 3;
    hk_desc dx = hk_value_desc(b, c->node->in[i_x]);
    hk_value x = hk__saved_in(c, i_x), mean = hk__saved_in(c, i_mean), rstd = hk__saved_in(c, i_mean + 1), w = c->node->in[i_w] ? hk__saved_in(c, i_w) : HK_NONE;
    bool train = hk__attr_int(c->node, "train") != 0, want_w = c->node->in[i_w] && c->need[i_w], want_b = c->node->in[i_b] && c->need[i_b];
    if (!partial && (want_w || want_b || (train && c->need[i_x]))) {
        const hk_value in[4] = { g, x, mean, rstd };
        partial = hk__emit1(b, "batchnorm_sums", 4, in, 0, NULL);
    }
    const hk_attr row[2][1] = { { { "row", 0, 0, NULL } }, { { "row", 1, 0, NULL } } };
    hk_value sums = train && c->need[i_x] ? hk_merge(b, partial, 1.0) : HK_NONE;
    if (want_b) c->gin[i_b] = hk__emit1(b, "static_row", 1, &partial, 1, row[0]);
    if (want_w) c->gin[i_w] = hk__emit1(b, "static_row", 1, &partial, 1, row[1]);
    if (!c->need[i_x] || dx.rank < 1) return; /* no rank: the builder has failed */
    if (train) {
        double count = (double)(hk_batch(b) * (dx.flags & HK_T ? hk_steps(b) : 1)) * (double)(hk_desc_elems(&dx) / dx.shape[0]);
        const hk_value in[6] = { g, x, mean, rstd, w, sums };
        const hk_attr attr[1] = { { "count", 0, count, NULL } };
        c->gin[i_x] = hk__emit1(b, "batchnorm_dx", 6, in, 1, attr);
    } else {
        c->gin[i_x] = hk_mul(b, g, w ? hk_mul(b, w, rstd) : rstd);
    }
}

HK_GRAD(batchnorm_grad) {
    hk_builder *b = c->b;
    hk_value g = c->gout[0];
    if (!g) return;
    hk_desc dx = hk_value_desc(b, c->node->in[0]), dg = hk_value_desc(b, g);
    if ((dx.flags & ~(uint32_t)dg.flags) & HK_SEQ) g = hk_add(b, hk_affine(b, hk__saved_in(c, 0), 0.0, 0.0), g); /* the same for several rows: one for each */
    hk__batchnorm_grads(c, g, 0, 1, HK_NONE);
}

HK_INFER(batchnorm_sums_infer) {
    int64_t shape[2] = { 2, in[1].shape[0] };
    out[0] = hk__desc(HK_F32, HK_G, 2, shape);
    (void)b, (void)n;
}

HK_INFER(batchnorm_dx_infer) {
    out[0] = in[1];
    out[0].dtype = HK_F32, out[0].flags |= in[0].flags;
    (void)b, (void)n;
}

HK_INFER(static_row_infer) { /* x[R,C] STATIC -> [C] */
    out[0] = hk__desc(HK_F32, in[0].flags, 1, &in[0].shape[1]);
    (void)b, (void)n;
}

HK_INFER(dropout_mask_infer) {
    out[0] = in[0];
    out[0].dtype = HK_F32;
    if (hk__known(&in[0])) out[0].flags = HK_HELD;
    (void)b, (void)n;
}

const hk__op hk__ops_norm[] = {
    { "channel_stats", HK_TIME_POINT, HK_OP_FIXED, channel_stats_infer, NULL, "count, mean, sum of squared distances per channel" },
    { "channel_merge", HK_TIME_POINT, HK_OP_WHOLE_BATCH, channel_merge_infer, NULL, "mean and variance over groups" },
    { "rsqrt", HK_TIME_POINT, 0, same_infer, rsqrt_grad, "1 / sqrt(x + eps)" },
    { "groupnorm", HK_TIME_POINT, 0, groupnorm_infer, groupnorm_grad, "each group of channels of a row with mean 0 and variance 1" },
    { "groupnorm_bwd", HK_TIME_POINT, 0, batchnorm_dx_infer, NULL, "adjoint of groupnorm" },
    { "batchnorm", HK_TIME_POINT, 0, batchnorm_infer, batchnorm_grad, "(x - mean) rstd w + b" },
    { "batchnorm_sums", HK_TIME_POINT, HK_OP_REDUCES, batchnorm_sums_infer, NULL, "sums of batchnorm's gradient" },
    { "batchnorm_dx", HK_TIME_POINT, 0, batchnorm_dx_infer, NULL, "batchnorm's gradient in x" },
    { "static_row", HK_TIME_POINT, 0, static_row_infer, NULL, "one row of a matrix" },
    { "dropout_mask", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_SHAPE, dropout_mask_infer, NULL, "the mask of this sequence, drawn once" },
    { 0 },
};
