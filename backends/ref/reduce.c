/* reduce.c - reduce, merge, reduce_max, merge_max, sum_t, repeat_t, group_mean, group_spread; and sums over rows for other files. */
#include "ref.h"
#include <math.h>

/* x -> G, which may vary with t; i[0]: 0 whole row, 1 per channel, 2 scalar. Rows in the order t, then sample. */
static hk_status reduce(const ref_plan *p, const hk_bind *b) {
    int groups = (p->d[1].flags & HK_G) != 0;
    int64_t per_channel = p->d[0].rank ? p->E[0] / p->d[0].shape[0] : 1;
    ref_zero(p, b, 1);
    REF_EACH(p, b, 0, t, i, e) {
        int64_t to = p->i[0] == 0 ? e : p->i[0] == 1 ? e / per_channel : 0;
        ref_add(p, b, 1, t, groups ? i / HK_GROUP : 0, to, ref_get(p, b, 0, t, i, e));
    }
    return HK_OK;
}
static hk_status reduce_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "to")->i;
    return HK_OK;
}

/* p G -> STATIC: scale f[0] times the sum over groups, in order */
static hk_status merge(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) {
        double sum = 0.0;
        for (int64_t g = 0; g < ref_count(&p->d[0], b); g++) sum += ref_get(p, b, 0, t, g, e);
        ref_put(p, b, 1, t, i, e, p->f[0] * sum);
    }
    return HK_OK;
}
static hk_status scale_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "scale")->f;
    return HK_OK;
}

/* x -> G: the largest number of each group */
static hk_status reduce_max(const ref_plan *p, const hk_bind *b) {
    for (int64_t g = 0; g < b->groups; g++) ref_put(p, b, 1, 0, g, 0, -INFINITY);
    REF_EACH(p, b, 0, t, i, e) ref_put(p, b, 1, 0, i / HK_GROUP, 0, fmax(ref_get(p, b, 1, 0, i / HK_GROUP, 0), ref_get(p, b, 0, t, i, e)));
    return HK_OK;
}

static hk_status merge_max(const ref_plan *p, const hk_bind *b) {
    double m = -INFINITY;
    for (int64_t g = 0; g < ref_count(&p->d[0], b); g++) m = fmax(m, ref_get(p, b, 0, 0, g, 0));
    ref_put(p, b, 1, 0, 0, 0, m);
    return HK_OK;
}

/* x -> the same without T: scale f[0] times the sum over t, ascending */
static hk_status sum_t(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, zero, i, e) {
        double sum = 0.0;
        for (int64_t t = 0; t < b->T; t++) sum += ref_get(p, b, 0, t, i, e);
        ref_put(p, b, 1, zero, i, e, p->f[0] * sum);
    }
    return HK_OK;
}

static hk_status repeat_t(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, e));
    return HK_OK;
}

/* i[0]: size */
static hk_status group_mean(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) {
        double sum = 0.0;
        for (int64_t k = 0; k < p->i[0]; k++) sum += ref_get(p, b, 0, t, i, e * p->i[0] + k);
        ref_put(p, b, 1, t, i, e, sum / (double)p->i[0]);
    }
    return HK_OK;
}
static hk_status group_spread(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, e / p->i[0]) / (double)p->i[0]);
    return HK_OK;
}
static hk_status size_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "size")->i;
    return p->i[0] > 0 ? HK_OK : ref_fail(p->dev, HK_EINVAL, "%s: %s: expected a size of at least 1", o->path, o->op);
}

/* ---- sums over rows ---- */

void ref_sum_rows(const ref_plan *p, const hk_bind *b, ref_row_sum *row_sum) {
    uint32_t rows = 0, partial = p->d[p->n_in].flags & HK_G;
    for (int k = 0; k < p->n_in; k++) rows |= p->d[k].flags;
    int64_t T = rows & HK_T ? b->T : 1, n = rows & HK_N ? b->n : 1, groups = partial ? b->groups : (n + HK_GROUP - 1) / HK_GROUP;
    for (int64_t e = 0; e < p->E[p->n_in]; e++) {
        double all = 0.0;
        for (int64_t g = 0; g < groups; g++) {
            double sum = 0.0;
            for (int64_t t = 0; t < T; t++)
                for (int64_t i = g * HK_GROUP; i < n && i < (g + 1) * HK_GROUP; i++) sum += row_sum(p, b, t, i, e);
            if (partial) ref_put(p, b, p->n_in, 0, g, e, sum);
            all += sum;
        }
        if (!partial) ref_put(p, b, p->n_in, 0, 0, e, all);
    }
}

hk_status ref_sum_prepare(ref_plan *p, const hk_opdesc *o) {
    if (ref_attr(o, "direct")->i) p->nb = o->nb;
    return HK_OK;
}

const ref_op ref_ops_reduce[] = {
    { "reduce", 1, 1, reduce, reduce_prepare },
    { "merge", 1, 1, merge, scale_prepare },
    { "reduce_max", 1, 1, reduce_max, NULL },
    { "merge_max", 1, 1, merge_max, NULL },
    { "sum_t", 1, 1, sum_t, scale_prepare },
    { "repeat_t", 1, 1, repeat_t, NULL },
    { "group_mean", 1, 1, group_mean, size_prepare },
    { "group_spread", 1, 1, group_spread, size_prepare },
    { 0 },
};
