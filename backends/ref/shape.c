/* shape.c - operations that only move numbers. Positions are border positions, so flatten and unflatten are copies here. */
#include "ref.h"

static hk_status concat(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, e) ref_put(p, b, 2, t, i, e, e < p->E[0] ? ref_get(p, b, 0, t, i, e) : ref_get(p, b, 1, t, i, e - p->E[0]));
    return HK_OK;
}

static int64_t last_axis(const hk_desc *d) { return d->rank ? d->shape[d->rank - 1] : 1; }

/* i[0]: first number of a line, i[1]: numbers in a line of the input; a line: all behind one index of the axes before the cut one, in border order */
static hk_status slice(const ref_plan *p, const hk_bind *b) {
    int64_t K = p->i[1], len = p->E[1] / (p->E[0] / K);
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, e / len * K + p->i[0] + e % len));
    return HK_OK;
}
static hk_status pad(const ref_plan *p, const hk_bind *b) {
    int64_t len = p->i[1], total = p->E[1] / (p->E[0] / len);
    REF_EACH(p, b, 1, t, i, e) {
        int64_t at = e % total - p->i[0];
        ref_put(p, b, 1, t, i, e, at >= 0 && at < len ? ref_get(p, b, 0, t, i, e / total * len + at) : 0.0);
    }
    return HK_OK;
}
static hk_status line_prepare(ref_plan *p, const hk_opdesc *o) {
    const hk_desc *x = &o->in[0];
    int64_t axis = ref_attr(o, "axis")->i ? ref_attr(o, "axis")->i - 1 : x->rank - 1, behind = 1;
    for (int64_t k = axis + 1; k < x->rank; k++) behind *= x->shape[k];
    p->i[0] = ref_attr(o, "start")->i * behind, p->i[1] = x->shape[axis] * behind;
    return HK_OK;
}

static hk_status diagonal(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, k) ref_put(p, b, 1, t, i, k, ref_get(p, b, 0, t, i, k * (p->E[1] + 1)));
    return HK_OK;
}
static hk_status diagonal_bwd(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, e / p->E[0] == e % p->E[0] ? ref_get(p, b, 0, t, i, e / p->E[0]) : 0.0);
    return HK_OK;
}

static hk_status same_position(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, e));
    return HK_OK;
}

/* y[t,h] = x[h,t] */
static hk_status column_as_time(const ref_plan *p, const hk_bind *b) {
    int64_t W = last_axis(&p->d[0]);
    REF_EACH(p, b, 1, t, i, h) ref_put(p, b, 1, t, i, h, ref_get(p, b, 0, 0, i, h * W + t));
    return HK_OK;
}
static hk_status time_as_column(const ref_plan *p, const hk_bind *b) {
    int64_t W = last_axis(&p->d[1]);
    REF_EACH(p, b, 1, zero, i, e) ref_put(p, b, 1, zero, i, e, ref_get(p, b, 0, e % W, i, e / W));
    return HK_OK;
}

static hk_status gather(const ref_plan *p, const hk_bind *b) {
    const int64_t *index = p->index;
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, index[e] < 0 ? 0.0 : ref_get(p, b, 0, t, i, index[e]));
    return HK_OK;
}
static hk_status scatter(const ref_plan *p, const hk_bind *b) {
    ref_zero(p, b, 1);
    REF_EACH(p, b, 0, t, i, e)
    if (p->index[e] >= 0) ref_add(p, b, 1, t, i, p->index[e], ref_get(p, b, 0, t, i, e));
    return HK_OK;
}
static hk_status index_prepare(ref_plan *p, const hk_opdesc *o) {
    p->index = ref_attr(o, "index")->p;
    return p->index ? HK_OK : ref_fail(p->dev, HK_EINVAL, "%s: %s: expected indices, got none", o->path, o->op);
}

const ref_op ref_ops_shape[] = {
    { "gather", 1, 1, gather, index_prepare },
    { "scatter", 1, 1, scatter, index_prepare },
    { "concat", 2, 1, concat, NULL },
    { "slice", 1, 1, slice, line_prepare },
    { "pad", 1, 1, pad, line_prepare },
    { "diagonal", 1, 1, diagonal, NULL },
    { "diagonal_bwd", 1, 1, diagonal_bwd, NULL },
    { "flatten", 1, 1, same_position, NULL },
    { "unflatten", 1, 1, same_position, NULL },
    { "column_as_time", 1, 1, column_as_time, NULL },
    { "time_as_column", 1, 1, time_as_column, NULL },
    { 0 },
};
