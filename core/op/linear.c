/* linear.c - y = x W^T + b, and its two products of the backward pass; the table of a small W for rows of spikes. */
#include "op/op.h"

/* With attribute columns, x is a picture [H,W] or [1,H,W], whose column t is the row of step t. */
static bool columns(const hk__node *n) { return hk__attr_int(n, "columns") != 0; }

HK_INFER(linear_infer) { /* x[K], w[O,K], [b[O]], [table], [plus[O]] -> y[O] */
    char t[96], u[96];
    if (columns(n)) { /* made by a rule, which has looked at the shapes */
        out[0] = hk__desc(HK_F32, in[0].flags | HK_T, 1, &in[1].shape[0]);
        return;
    }
    if (in[1].rank != 2 || in[1].flags) {
        hk__builder_fail(b, HK_ESHAPE, "linear: the weight must be one matrix, got shape %s", hk__shape_text(&in[1], t));
        return;
    }
    if (hk__known(&in[0]) && (in[0].rank != 1 || in[0].shape[0] != in[1].shape[1])) {
        hk__builder_fail(b, HK_ESHAPE, "expected an input of %lld features, got shape %s per sample and step (weight %s)%s", (long long)in[1].shape[1],
                         hk__shape_text(&in[0], t), hk__shape_text(&in[1], u), in[0].rank > 1 ? "; flatten it first" : "");
        return;
    }
    uint32_t flags = hk__known(&in[0]) ? in[0].flags : HK_N;
    out[0] = hk__desc(HK_F32, flags, 1, &in[1].shape[0]);
}

static void columns_grad(hk__grad_call *c, hk_value g) {
    hk_builder *b = c->b;
    if (!(hk_value_desc(b, g).flags & HK_T)) g = hk__emit1(b, "repeat_t", 1, &g, 0, NULL);
    if (c->need[0]) {
        const hk_value in[2] = { g, hk__saved_in(c, 1) };
        hk_value rows = hk__emit1(b, "linear_dx", 2, in, 0, NULL);
        hk_desc x = hk_value_desc(b, c->node->in[0]);
        const hk_attr attr[1] = { hk__shape_attr(b, &x) };
        c->gin[0] = hk__emit1(b, "time_as_column", 1, &rows, 1, attr);
        c->summed = 1;
    }
    if (c->need[1]) {
        const hk_value in[2] = { g, hk__saved_in(c, 0) };
        c->gin[1] = hk__emit1(b, "linear_dw", 2, in, 1, c->node->attr);
    }
    if (c->node->in[2] && c->need[2]) c->gin[2] = g;
}

HK_GRAD(linear_grad) {
    hk_builder *b = c->b;
    hk_value g = c->gout[0];
    if (!g) return;
    if (columns(c->node)) {
        columns_grad(c, g);
        return;
    }
    if (c->need[0]) {
        const hk_value in[2] = { g, hk__saved_in(c, 1) };
        c->gin[0] = hk__emit1(b, "linear_dx", 2, in, 0, NULL);
    }
    if (c->need[1]) {
        hk_value x = hk__saved_in(c, 0);
        hk_desc dx = hk_value_desc(b, x), dg = hk_value_desc(b, g);
        if ((dx.flags & HK_N) && !(dg.flags & HK_N)) { /* the same gradient for every sample */
            hk__builder_fail(b, HK_EUNSUPPORTED, "linear: a gradient that is the same for all samples; give it per sample");
            return;
        }
        if ((dx.flags & HK_T) && !(dg.flags & HK_T)) x = hk_sum_t(b, x, 1.0); /* sum_t g x[t] = g sum_t x[t] */
        const hk_value in[2] = { g, x };
        hk_desc w = hk_value_desc(b, c->node->in[1]);
        const hk_attr direct[1] = { { "direct", 1, 0, NULL } };
        c->gin[1] = hk__emit1(b, "linear_dw", 2, in, hk__sum_direct(b, hk_desc_elems(&w)), direct);
    }
    if (c->node->in[2] && c->need[2]) c->gin[2] = g; /* summed over rows by the core */
    if (c->node->n_in > 4 && c->need[4]) c->gin[4] = g;
}

HK_INFER(linear_dx_infer) { /* g[O], w[O,K] -> gx[K] */
    out[0] = hk__desc(HK_F32, in[0].flags, 1, &in[1].shape[1]);
    (void)b, (void)n;
}

HK_INFER(linear_dw_infer) { /* g[O], x[K] -> G [O,K] */
    int64_t shape[2] = { in[0].shape[0], columns(n) ? in[1].shape[in[1].rank - 2] : in[1].shape[0] };
    out[0] = hk__desc(HK_F32, hk__attr_int(n, "direct") ? HK_STATIC : HK_G, 2, shape);
    (void)b;
}

/* ---- matmul: products of rows, or of two STATIC values. Axis 0 of each operand holds `groups` blocks; a block of x is [A,B] (transpose_x: [B,A]), of y [B,C]
 * (transpose_y: [C,B]). */

static bool turned(const hk__node *n, int k) { return hk__attr_int(n, k ? "transpose_y" : "transpose_x") != 0; }

HK_INFER(matmul_infer) {
    char t[96], u[96];
    int64_t groups = hk__attr_int(n, "groups"), size[2][2];
    if (!hk__known(&in[0]) || !hk__known(&in[1])) {
        out[0].flags = HK_N;
        return;
    }
    const bool rows = in[0].flags & in[1].flags & HK_N, weights = !in[0].flags && !in[1].flags;
    for (int k = 0; k < 2; k++)
        if (in[k].rank == 2 && groups > 0) size[k][turned(n, k)] = in[k].shape[0] / groups, size[k][!turned(n, k)] = in[k].shape[1];
    if (in[0].rank != 2 || in[1].rank != 2 || groups < 1 || in[0].shape[0] % groups || in[1].shape[0] % groups || size[0][1] != size[1][0] ||
        !(rows || weights)) {
        hk__builder_fail(b, HK_ESHAPE, "matmul: %s%s and %s%s in %lld groups do not fit together", hk__shape_text(&in[0], t), turned(n, 0) ? " transposed" : "",
                         hk__shape_text(&in[1], u), turned(n, 1) ? " transposed" : "", (long long)groups);
        return;
    }
    int64_t shape[2] = { groups * size[0][0], size[1][1] };
    out[0] = hk__desc(HK_F32, in[0].flags | in[1].flags, 2, shape);
}

HK_GRAD(matmul_grad) { /* z = x y: gx = g y^T, gy = x^T g; of a transposed operand the transposed */
    hk_value g = c->gout[0];
    if (!g) return;
    int tx = turned(c->node, 0), ty = turned(c->node, 1);
    int64_t groups = hk__attr_int(c->node, "groups");
    hk_value x = hk__saved_in(c, 0), y = hk__saved_in(c, 1);
    if (c->need[0]) c->gin[0] = tx ? hk_matmul(c->b, y, g, groups, ty, 1) : hk_matmul(c->b, g, y, groups, 0, !ty);
    if (c->need[1]) c->gin[1] = ty ? hk_matmul(c->b, g, x, groups, 1, tx) : hk_matmul(c->b, x, g, groups, !tx, 0);
}

HK_INFER(spike_table_infer) { /* w[O,K] -> [16 ceil(K / 4), O up to a multiple of 16] */
    int64_t shape[2] = { (in[0].shape[1] + 3) / 4 * 16, (in[0].shape[0] + 15) / 16 * 16 };
    out[0] = hk__desc(HK_F32, HK_STATIC, 2, shape);
    (void)b, (void)n;
}

const hk__op hk__ops_linear[] = {
    { "linear", HK_TIME_POINT, HK_OP_PRODUCT, linear_infer, linear_grad, "y = x W^T + b" },
    { "linear_dx", HK_TIME_POINT, HK_OP_PRODUCT_ADJOINT, linear_dx_infer, NULL, "gx = g W" },
    { "linear_dw", HK_TIME_POINT, HK_OP_REDUCES | HK_OP_PRODUCT_ADJOINT, linear_dw_infer, NULL, "gW = sum over rows of g x^T" },
    { "matmul", HK_TIME_POINT, 0, matmul_infer, matmul_grad, "product of two matrices of each row, or of two weights" },
    { "spike_table", HK_TIME_POINT, HK_OP_FIXED, spike_table_infer, NULL, "sums of columns of W by four spikes" },
    { 0 },
};
