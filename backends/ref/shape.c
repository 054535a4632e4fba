/* shape.c - operations that only move numbers. Positions are border positions, so flatten and unflatten are copies here. */
#include "ref.h"

static hk_status concat(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, e) ref_put(p, b, 2, t, i, e, e < p->E[0] ? ref_get(p, b, 0, t, i, e) : ref_get(p, b, 1, t, i, e - p->E[0]));
    return HK_OK;
}

static int64_t last_axis(const hk_desc *d) { return d->rank ? d->shape[d->rank - 1] : 1; }

/* i[0]: start */
static hk_status slice(const ref_plan *p, const hk_bind *b) {
    int64_t K = last_axis(&p->d[0]), len = last_axis(&p->d[1]);
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, e / len * K + p->i[0] + e % len));
    return HK_OK;
}
static hk_status pad(const ref_plan *p, const hk_bind *b) {
    int64_t len = last_axis(&p->d[0]), total = last_axis(&p->d[1]);
    REF_EACH(p, b, 1, t, i, e) {
        int64_t at = e % total - p->i[0];
        ref_put(p, b, 1, t, i, e, at >= 0 && at < len ? ref_get(p, b, 0, t, i, e / total * len + at) : 0.0);
    }
    return HK_OK;
}
static hk_status start_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "start")->i;
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

const ref_op ref_ops_shape[] = {
    { "concat", 2, 1, concat, NULL },
    { "slice", 1, 1, slice, start_prepare },
    { "pad", 1, 1, pad, start_prepare },
    { "flatten", 1, 1, same_position, NULL },
    { "unflatten", 1, 1, same_position, NULL },
    { "column_as_time", 1, 1, column_as_time, NULL },
    { "time_as_column", 1, 1, time_as_column, NULL },
    { 0 },
};
