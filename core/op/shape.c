/* shape.c - operations that only move numbers: concat, slice, flatten, and a picture's columns as time. */
#include "op/op.h"

HK_INFER(concat_infer) {
    char t[96], u[96];
    if (!hk__known(&in[0]) || !hk__known(&in[1])) {
        out[0].flags = HK_N;
        return;
    }
    if (in[0].rank != 1 || in[1].rank != 1) {
        hk__builder_fail(b, HK_ESHAPE, "concat takes rows of one axis, got %s and %s; flatten them first", hk__shape_text(&in[0], t), hk__shape_text(&in[1], u));
        return;
    }
    int64_t shape[1] = { in[0].shape[0] + in[1].shape[0] };
    out[0] = hk__desc(in[0].dtype == in[1].dtype ? in[0].dtype : HK_F32, hk__join_flags(in, 2), 1, shape);
    (void)n;
}

HK_GRAD(concat_grad) {
    if (!c->gout[0]) return;
    hk_desc a = hk_value_desc(c->b, c->node->in[0]), d = hk_value_desc(c->b, c->node->in[1]);
    if (c->need[0]) c->gin[0] = hk_slice(c->b, c->gout[0], 0, a.shape[0]);
    if (c->need[1]) c->gin[1] = hk_slice(c->b, c->gout[0], a.shape[0], d.shape[0]);
}

/* The axis of slice and pad: the attribute counts from 1; 0 or none is the last one. */
static int axis_of(const hk__node *n, const hk_desc *x) {
    int axis = (int)hk__attr_int(n, "axis");
    return axis ? axis - 1 : x->rank - 1;
}

HK_INFER(slice_infer) {
    char t[96];
    int64_t start = hk__attr_int(n, "start"), len = hk__attr_int(n, "len");
    out[0] = in[0];
    if (!hk__known(&in[0])) return;
    int axis = axis_of(n, &in[0]);
    if (axis > 0 && (in[0].flags & (HK_N | HK_T))) {
        hk__builder_fail(b, HK_ESHAPE, "slice: of a row %s that varies only the first axis can be cut", hk__shape_text(&in[0], t));
        return;
    }
    if (axis < 0 || axis >= in[0].rank || start < 0 || len < 1 || start + len > in[0].shape[axis]) {
        hk__builder_fail(b, HK_ESHAPE, "slice: %lld numbers from %lld do not lie in axis %d of %s", (long long)len, (long long)start, axis, hk__shape_text(&in[0], t));
        return;
    }
    out[0].shape[axis] = len;
}

HK_GRAD(slice_grad) {
    if (!c->gout[0]) return;
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    int axis = axis_of(c->node, &x);
    const hk_attr attr[3] = { { "start", hk__attr_int(c->node, "start"), 0, NULL }, { "total", x.shape[axis], 0, NULL }, { "axis", axis + 1, 0, NULL } };
    c->gin[0] = hk__emit1(c->b, "pad", 1, c->gout, 3, attr);
}

HK_INFER(pad_infer) {
    out[0] = in[0];
    out[0].shape[axis_of(n, &in[0])] = hk__attr_int(n, "total");
    (void)b;
}

HK_INFER(diagonal_infer) {
    char t[96];
    out[0] = hk__desc(HK_F32, in[0].flags, 1, in[0].shape);
    if (in[0].rank != 2 || in[0].shape[0] != in[0].shape[1] || in[0].flags)
        hk__builder_fail(b, HK_ESHAPE, "diagonal: expected a square matrix that does not vary, got %s", hk__shape_text(&in[0], t));
    (void)n;
}

HK_GRAD(diagonal_grad) {
    if (c->gout[0]) c->gin[0] = hk__emit1(c->b, "diagonal_bwd", 1, c->gout, 0, NULL);
}

HK_INFER(diagonal_bwd_infer) {
    int64_t shape[2] = { in[0].shape[0], in[0].shape[0] };
    out[0] = hk__desc(HK_F32, in[0].flags, 2, shape);
    (void)b, (void)n;
}

HK_INFER(flatten_infer) {
    out[0] = in[0];
    if (!hk__known(&in[0])) return;
    int64_t e[1] = { hk_desc_elems(&in[0]) };
    out[0] = hk__desc(in[0].dtype, in[0].flags, 1, e);
    (void)b, (void)n;
}

HK_GRAD(flatten_grad) {
    if (!c->gout[0]) return;
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    const hk_attr attr[1] = { hk__shape_attr(c->b, &x) };
    c->gin[0] = hk__emit1(c->b, "unflatten", 1, c->gout, 1, attr);
}

HK_INFER(unflatten_infer) {
    char t[96], u[96];
    out[0] = hk__shape_from(n, in[0].flags);
    out[0].dtype = in[0].dtype;
    if (!hk__known(&in[0])) out[0].flags = HK_N;
    else if (hk_desc_elems(&in[0]) != hk_desc_elems(&out[0]))
        hk__builder_fail(b, HK_ESHAPE, "%s cannot become %s: other numbers of elements", hk__shape_text(&in[0], t), hk__shape_text(&out[0], u));
}

HK_GRAD(unflatten_grad) {
    if (!c->gout[0]) return;
    c->gin[0] = hk_flatten(c->b, c->gout[0]);
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    if (x.rank != 1) c->gin[0] = hk_unflatten(c->b, c->gin[0], x.rank, x.shape);
}

HK_INFER(column_as_time_infer) {
    char t[96];
    int r = in[0].rank;
    if (!(r == 2 || (r == 3 && in[0].shape[0] == 1)) || (in[0].flags & HK_T)) {
        hk__builder_fail(b, HK_ESHAPE, "columns as time: expected one picture [1,H,W] or [H,W] per sample, got %s%s", hk__shape_text(&in[0], t),
                         in[0].flags & HK_T ? " at each step" : "");
        return;
    }
    if (in[0].shape[r - 1] != hk_steps(b)) {
        hk__builder_fail(b, HK_ESHAPE, "columns as time: the picture has %lld columns but T is %lld; set [model] T = %lld", (long long)in[0].shape[r - 1],
                         (long long)hk_steps(b), (long long)in[0].shape[r - 1]);
        return;
    }
    out[0] = hk__desc(HK_F32, in[0].flags | HK_T, 1, &in[0].shape[r - 2]);
    (void)n;
}

HK_GRAD(column_as_time_grad) {
    hk_value g = c->gout[0];
    if (!g) return;
    if (!(hk_value_desc(c->b, g).flags & HK_T)) g = hk__emit1(c->b, "repeat_t", 1, &g, 0, NULL);
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    const hk_attr attr[1] = { hk__shape_attr(c->b, &x) };
    c->gin[0] = hk__emit1(c->b, "time_as_column", 1, &g, 1, attr);
}

HK_INFER(time_as_column_infer) {
    out[0] = hk__shape_from(n, in[0].flags & ~(uint32_t)HK_T);
    (void)b;
}

HK_GRAD(time_as_column_grad) {
    if (c->gout[0]) c->gin[0] = hk_column_as_time(c->b, c->gout[0]);
}

HK_INFER(gather_infer) {
    const hk_attr *index = hk__attr(n, "index");
    char t[96];
    if (in[0].flags || in[0].rank != 1) {
        hk__builder_fail(b, HK_ESHAPE, "gather takes one STATIC row, got %s", hk__shape_text(&in[0], t));
        return;
    }
    for (int64_t i = 0; i < index->i; i++)
        if (((const int64_t *)index->p)[i] >= in[0].shape[0]) {
            hk__builder_fail(b, HK_EINVAL, "gather: index %lld is not below %lld", (long long)((const int64_t *)index->p)[i], (long long)in[0].shape[0]);
            return;
        }
    out[0] = hk__desc(HK_F32, HK_STATIC, 1, &index->i);
}

HK_GRAD(gather_grad) {
    if (!c->gout[0]) return;
    hk_desc x = hk_value_desc(c->b, c->node->in[0]);
    hk_attr attr[2] = { *hk__attr(c->node, "index"), { "total", x.shape[0], 0, NULL } };
    c->gin[0] = hk__emit1(c->b, "scatter", 1, c->gout, 2, attr);
}

HK_INFER(scatter_infer) {
    int64_t total = hk__attr_int(n, "total");
    out[0] = hk__desc(HK_F32, HK_STATIC, 1, &total);
    (void)b, (void)in;
}

const hk__op hk__ops_shape[] = {
    { "concat", HK_TIME_POINT, 0, concat_infer, concat_grad, "a then b" },
    { "slice", HK_TIME_POINT, 0, slice_infer, slice_grad, "part of an axis" },
    { "pad", HK_TIME_POINT, HK_OP_LINEAR_G, pad_infer, NULL, "zeros around" },
    { "diagonal", HK_TIME_POINT, 0, diagonal_infer, diagonal_grad, "diagonal of a square matrix" },
    { "diagonal_bwd", HK_TIME_POINT, HK_OP_LINEAR_G, diagonal_bwd_infer, NULL, "adjoint of diagonal" },
    { "flatten", HK_TIME_POINT, 0, flatten_infer, flatten_grad, "one axis, border order" },
    { "unflatten", HK_TIME_POINT, 0, unflatten_infer, unflatten_grad, "another shape of the same numbers, in border order" },
    { "gather", HK_TIME_POINT, 0, gather_infer, gather_grad, "x at given places" },
    { "scatter", HK_TIME_POINT, 0, scatter_infer, NULL, "adjoint of gather" },
    { "column_as_time", HK_TIME_WHOLE, 0, column_as_time_infer, column_as_time_grad, "y[t,h] = x[h,t]" },
    { "time_as_column", HK_TIME_WHOLE, 0, time_as_column_infer, time_as_column_grad, "adjoint of column_as_time" },
    { 0 },
};
