/* conv.c - 2-d convolution (cross-correlation) and its two products of the backward pass. */
#include "op/op.h"
#include <string.h>

int hk__attr_with(const hk__node *n, hk_attr *to, hk_attr more) {
    memcpy(to, n->attr, (size_t)n->n_attr * sizeof *to);
    to[n->n_attr] = more;
    return n->n_attr + 1;
}

int64_t hk__window_out(const hk__node *n, int axis, int64_t in, int64_t kernel, bool ceil_mode) {
    int64_t before = hk__attr_int(n, axis ? "pad_left" : "pad_top"), after = hk__attr_int(n, axis ? "pad_right" : "pad_bottom");
    int64_t stride = hk__attr_int(n, axis ? "stride_w" : "stride_h"), dil = hk__attr_int(n, axis ? "dil_w" : "dil_h");
    __int128 room = (__int128)in + before + after - (__int128)dil * (kernel - 1) - 1; /* arguments are anything that is written in an ini */
    if (room < 0 || stride < 1) return 0;
    __int128 out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (ceil_mode && (out - 1) * stride >= (__int128)in + before) out--; /* a last window that would start beyond the input and its left padding */
    return out < INT64_MAX ? (int64_t)out : INT64_MAX;
}

HK_INFER(conv2d_infer) { /* x[C,H,W], w[O,C/g,kh,kw], [b[O]] -> y[O,H',W'] */
    char t[96], u[96];
    int64_t groups = hk__attr_int(n, "groups");
    const hk_desc *x = &in[0], *w = &in[1];
    if (w->rank != 4 || w->flags || groups < 1 || w->shape[0] % groups) {
        hk__builder_fail(b, HK_ESHAPE, "conv2d: the weight must be [out, in / groups, kh, kw] with out a multiple of groups=%lld, got %s", (long long)groups, hk__shape_text(w, t));
        return;
    }
    if (!hk__known(x)) return;
    if (x->rank != 3 || x->shape[0] != w->shape[1] * groups) {
        hk__builder_fail(b, HK_ESHAPE, "expected an input of shape [%lld,H,W] per sample and step, got %s (weight %s)", (long long)(w->shape[1] * groups), hk__shape_text(x, t),
                         hk__shape_text(w, u));
        return;
    }
    int64_t shape[3] = { w->shape[0], hk__window_out(n, 0, x->shape[1], w->shape[2], false), hk__window_out(n, 1, x->shape[2], w->shape[3], false) };
    if (shape[1] < 1 || shape[2] < 1) {
        hk__builder_fail(b, HK_ESHAPE, "conv2d: a kernel of %lldx%lld does not fit into an input of %s with this padding", (long long)w->shape[2], (long long)w->shape[3],
                         hk__shape_text(x, t));
        return;
    }
    out[0] = hk__desc(HK_F32, x->flags, 3, shape);
}

/* conv2d and the largest of each window of pool_h x pool_w places, side by side from the first on. Inference: nothing is kept of the convolution. */
HK_INFER(conv2d_pool_infer) {
    conv2d_infer(b, n, in, out);
    if (!hk__known(&in[0]) || out[0].rank != 3) return;
    out[0].shape[1] /= hk__attr_int(n, "pool_h"), out[0].shape[2] /= hk__attr_int(n, "pool_w");
}

HK_GRAD(conv2d_grad) {
    hk_builder *b = c->b;
    hk_value g = c->gout[0];
    if (!g) return;
    hk_desc x = hk_value_desc(b, c->node->in[0]), w = hk_value_desc(b, c->node->in[1]);
    hk_attr attr[32];
    if (c->need[0]) {
        const hk_value in[2] = { g, hk__saved_in(c, 1) };
        int n = hk__attr_with(c->node, attr, hk__shape_attr(b, &x));
        c->gin[0] = hk__emit1(b, "conv2d_dx", 2, in, n, attr);
    }
    if (c->need[1]) {
        hk_value xs = hk__saved_in(c, 0);
        if ((hk_value_desc(b, xs).flags & HK_T) && !(hk_value_desc(b, g).flags & HK_T)) xs = hk_sum_t(b, xs, 1.0); /* sum_t g x[t] = g sum_t x[t] */
        const hk_value in[2] = { g, xs };
        int n = hk__attr_with(c->node, attr, hk__shape_attr(b, &w));
        if (hk__sum_direct(b, hk_desc_elems(&w))) attr[n++] = (hk_attr){ "direct", 1, 0, NULL };
        c->gin[1] = hk__emit1(b, "conv2d_dw", 2, in, n, attr);
    }
    if (c->node->in[2] && c->need[2]) c->gin[2] = g; /* summed over rows and places by the core */
}

HK_INFER(conv2d_dx_infer) {
    out[0] = hk__shape_from(n, in[0].flags);
    (void)b;
}

/* Transposed convolutions are conv2d_dx in a forward pass, x in place of g: gx is conv2d of what arrives, and so is w's with the roles of the two changed. */
HK_GRAD(conv2d_dx_grad) {
    hk_builder *b = c->b;
    hk_value g = c->gout[0];
    if (!g) return;
    hk_attr attr[32];
    int n = 0;
    for (int i = 0; i < c->node->n_attr; i++)
        if (strcmp(c->node->attr[i].name, "shape") != 0) attr[n++] = c->node->attr[i];
    if (c->need[0]) {
        const hk_value in[3] = { g, hk__saved_in(c, 1), HK_NONE };
        c->gin[0] = hk__emit1(b, "conv2d", 3, in, n, attr);
    }
    if (c->need[1]) {
        hk_value x = hk__saved_in(c, 0);
        hk_desc w = hk_value_desc(b, c->node->in[1]);
        if ((hk_value_desc(b, x).flags & HK_T) && !(hk_value_desc(b, g).flags & HK_T)) x = hk_sum_t(b, x, 1.0);
        const hk_value in[2] = { x, g };
        attr[n++] = hk__shape_attr(b, &w);
        if (hk__sum_direct(b, hk_desc_elems(&w))) attr[n++] = (hk_attr){ "direct", 1, 0, NULL };
        c->gin[1] = hk__emit1(b, "conv2d_dw", 2, in, n, attr);
    }
}

HK_INFER(conv2d_dw_infer) {
    out[0] = hk__shape_from(n, hk__attr_int(n, "direct") ? HK_STATIC : HK_G);
    (void)b, (void)in;
}

const hk__op hk__ops_conv[] = {
    { "conv2d", HK_TIME_POINT, HK_OP_PRODUCT, conv2d_infer, conv2d_grad, "y = x * w + b" },
    { "conv2d_pool", HK_TIME_POINT, HK_OP_PRODUCT, conv2d_pool_infer, NULL, "maxpool2d of conv2d" },
    { "conv2d_dx", HK_TIME_POINT, HK_OP_PRODUCT_ADJOINT, conv2d_dx_infer, conv2d_dx_grad, "adjoint of conv2d in x; transposed convolution" },
    { "conv2d_dw", HK_TIME_POINT, HK_OP_REDUCES | HK_OP_PRODUCT_ADJOINT, conv2d_dw_infer, NULL, "gradient of conv2d's weight" },
    { 0 },
};
