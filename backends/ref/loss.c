/* loss.c - one_hot, cross_entropy, cross_entropy_bwd, correct, first_max. i[0]: operand that holds the classes; f[0]: smoothing. */
#include "ref.h"
#include <math.h>

/* The class at place q of a row, or -1 after saying what is wrong. */
static int64_t target(const ref_plan *p, const hk_bind *b, int k, int64_t classes, int64_t t, int64_t i, int64_t q) {
    int64_t y = ((const int64_t *)b->ptr[k])[ref_at(p, b, k, t, i, q)];
    if (y >= 0 && y < classes) return y;
    ref_fail(
        p->dev, HK_EDATA, "target of sample %lld: expected a class 0 to %lld, got %lld", (long long)(b->sample0 + i), (long long)classes - 1, (long long)y);
    return -1;
}

static hk_status one_hot(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, c) {
        int64_t y = target(p, b, 0, p->E[1], t, i, 0);
        if (y < 0) return HK_EDATA;
        ref_put(p, b, 1, t, i, c, c == y);
    }
    return HK_OK;
}

/* Classes of the scores z [C,...]; places of a row, whose classes lie `places` apart. */
static int64_t n_class(const ref_plan *p) { return p->d[0].rank ? p->d[0].shape[0] : 1; }
static double score(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t c, int64_t q) { return ref_get(p, b, 0, t, i, c * (p->E[0] / n_class(p)) + q); }

/* log(sum exp z) at place q of a row */
static double log_sum(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t q) {
    double max = -INFINITY, sum = 0.0;
    for (int64_t c = 0; c < n_class(p); c++) max = fmax(max, score(p, b, t, i, c, q));
    for (int64_t c = 0; c < n_class(p); c++) sum += exp(score(p, b, t, i, c, q) - max);
    return max + log(sum);
}

static double weight(const ref_plan *p, const hk_bind *b, int64_t c) { return ref_has(p, 2) ? ref_get(p, b, 2, 0, 0, c) : 1.0; }

/* (1-e) y[c] w[c] + e/C w[c]: what nll[c] counts for, with shares y[c] of the classes. */
static double share(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t c) {
    return ((1.0 - p->f[0]) * ref_get(p, b, 1, t, i, c) + p->f[0] / (double)p->E[0]) * weight(p, b, c);
}

static hk_status soft_cross_entropy(const ref_plan *p, const hk_bind *b) {
    int first = ref_has(p, 3) ? 3 : 4;
    REF_EACH(p, b, first, t, i, zero) {
        double l = log_sum(p, b, t, i, 0), loss = 0.0, picked = 0.0;
        for (int64_t c = 0; c < p->E[0]; c++) loss += share(p, b, t, i, c) * (l - ref_get(p, b, 0, t, i, c));
        for (int64_t c = 0; c < p->E[0]; c++) picked += ref_get(p, b, 1, t, i, c) * weight(p, b, c);
        if (ref_has(p, 3)) ref_put(p, b, 3, t, i, zero, loss);
        if (ref_has(p, 4)) ref_put(p, b, 4, t, i, zero, picked);
    }
    return HK_OK;
}

static hk_status soft_cross_entropy_bwd(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 4, t, i, k) {
        double q = exp(ref_get(p, b, 0, t, i, k) - log_sum(p, b, t, i, 0)), all = 0.0;
        for (int64_t c = 0; c < p->E[0]; c++) all += share(p, b, t, i, c);
        ref_put(p, b, 4, t, i, k, ref_get(p, b, 3, t, i, 0) * (q * all - share(p, b, t, i, k)));
    }
    return HK_OK;
}

/* z, y, [w] -> loss = (1-e) w[y] nll[y] + (e/C) sum_c w[c] nll[c], weight = w[y] */
static hk_status cross_entropy(const ref_plan *p, const hk_bind *b) {
    int first = ref_has(p, 3) ? 3 : 4;
    if (p->d[1].dtype == HK_F32) return soft_cross_entropy(p, b);
    REF_EACH(p, b, first, t, i, q) {
        int64_t C = n_class(p), y = target(p, b, 1, C, t, i, q);
        if (y < 0) return HK_EDATA;
        double l = log_sum(p, b, t, i, q), all = 0.0;
        for (int64_t c = 0; c < C; c++) all += weight(p, b, c) * (l - score(p, b, t, i, c, q));
        if (ref_has(p, 3)) ref_put(p, b, 3, t, i, q, (1.0 - p->f[0]) * weight(p, b, y) * (l - score(p, b, t, i, y, q)) + p->f[0] / (double)C * all);
        if (ref_has(p, 4)) ref_put(p, b, 4, t, i, q, weight(p, b, y));
    }
    return HK_OK;
}

/* z, y, [w], g -> gz; d nll[c] / dz[k] = softmax[k] - (c == k) */
static hk_status cross_entropy_bwd(const ref_plan *p, const hk_bind *b) {
    if (p->d[1].dtype == HK_F32) return soft_cross_entropy_bwd(p, b);
    REF_EACH(p, b, 4, t, i, e) {
        int64_t C = n_class(p), k = e / (p->E[0] / C), place = e % (p->E[0] / C), y = target(p, b, 1, C, t, i, place);
        if (y < 0) return HK_EDATA;
        double q = exp(score(p, b, t, i, k, place) - log_sum(p, b, t, i, place)), all = 0.0;
        for (int64_t c = 0; c < C; c++) all += weight(p, b, c) * (q - (c == k));
        ref_put(p, b, 4, t, i, e, ref_get(p, b, 3, t, i, place) * ((1.0 - p->f[0]) * weight(p, b, y) * (q - (y == k)) + p->f[0] / (double)C * all));
    }
    return HK_OK;
}

static hk_status smoothing_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "smoothing")->f;
    return HK_OK;
}

/* The class of a row; with shares the first largest. */
static double class_of(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i) {
    int64_t best = 0;
    if (p->d[1].dtype != HK_F32) return ref_get(p, b, 1, t, i, 0);
    for (int64_t c = 1; c < p->E[1]; c++)
        if (ref_get(p, b, 1, t, i, c) > ref_get(p, b, 1, t, i, best)) best = c;
    return (double)best;
}

static hk_status correct(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, zero) {
        int64_t best = 0;
        for (int64_t c = 1; c < p->E[0]; c++)
            if (ref_get(p, b, 0, t, i, c) > ref_get(p, b, 0, t, i, best)) best = c;
        ref_put(p, b, 2, t, i, zero, (double)best == class_of(p, b, t, i));
    }
    return HK_OK;
}

static hk_status correct_top(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, zero) {
        const int64_t y = ((const int64_t *)b->ptr[1])[ref_at(p, b, 1, t, i, 0)], there = y >= 0 && y < p->E[0];
        const double at = there ? ref_get(p, b, 0, t, i, y) : NAN;
        int64_t before = 0;
        for (int64_t c = 0; c < p->E[0]; c++) {
            const double z = ref_get(p, b, 0, t, i, c);
            before += z > at || (z == at && c < y);
        }
        ref_put(p, b, 2, t, i, zero, (double)before < p->f[0] && at == at);
    }
    return HK_OK;
}

static hk_status top_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = (double)ref_attr(o, "top")->i;
    return HK_OK;
}

static hk_status first_max(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) {
        int64_t best = 0;
        for (int64_t c = 1; c < p->E[0]; c++)
            if (ref_get(p, b, 0, t, i, c) > ref_get(p, b, 0, t, i, best)) best = c;
        ref_put(p, b, 1, t, i, e, e == best);
    }
    return HK_OK;
}

const ref_op ref_ops_loss[] = {
    { "one_hot", 1, 1, one_hot, NULL },
    { "cross_entropy", 3, 2, cross_entropy, smoothing_prepare },
    { "cross_entropy_bwd", 4, 1, cross_entropy_bwd, smoothing_prepare },
    { "correct", 2, 1, correct, NULL },
    { "correct_top", 2, 1, correct_top, top_prepare },
    { "first_max", 1, 1, first_max, NULL },
    { 0 },
};
