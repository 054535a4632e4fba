/* norm.c - statistics per channel and normalisation: channel_stats, channel_merge, rsqrt, batchnorm, batchnorm_sums, batchnorm_dx, static_row. */
#include "ref.h"
#include <math.h>

static int64_t channels(const ref_plan *p, int k) { return p->d[k].rank ? p->d[k].shape[0] : 1; }

/* x -> G [3,C]: count, mean, sum of squared distances from the mean */
static hk_status channel_stats(const ref_plan *p, const hk_bind *b) {
    int64_t C = channels(p, 0), places = p->E[0] / C, T = ref_steps(&p->d[0], b), n = ref_count(&p->d[0], b);
    for (int64_t g = 0; g < ref_count(&p->d[1], b); g++)
        for (int64_t c = 0; c < C; c++) {
            int64_t count = 0;
            double sum = 0.0, m2 = 0.0, mean = 0.0;
            for (int pass = 0; pass < 2; pass++) {
                for (int64_t t = 0; t < T; t++)
                    for (int64_t i = g * HK_GROUP; i < n && i < (g + 1) * HK_GROUP; i++)
                        for (int64_t q = 0; q < places; q++) {
                            double v = ref_get(p, b, 0, t, i, c * places + q);
                            if (pass == 0) sum += v, count++;
                            else m2 += (v - mean) * (v - mean);
                        }
                if (pass == 0) mean = count ? sum / (double)count : 0.0;
            }
            ref_put(p, b, 1, 0, g, c, (double)count), ref_put(p, b, 1, 0, g, C + c, mean), ref_put(p, b, 1, 0, g, 2 * C + c, m2);
        }
    return HK_OK;
}

/* G [3,C] -> mean, var. Chan et al. 1979, "Updating formulae and a pairwise algorithm for computing sample variances" */
static hk_status channel_merge(const ref_plan *p, const hk_bind *b) {
    int64_t C = p->d[0].shape[1];
    for (int64_t c = 0; c < C; c++) {
        double count = 0.0, mean = 0.0, m2 = 0.0;
        for (int64_t g = 0; g < ref_count(&p->d[0], b); g++) {
            double k = ref_get(p, b, 0, 0, g, c), distance = ref_get(p, b, 0, 0, g, C + c) - mean;
            if (k == 0.0) continue;
            m2 += ref_get(p, b, 0, 0, g, 2 * C + c) + distance * distance * count * k / (count + k);
            mean += distance * k / (count + k);
            count += k;
        }
        if (ref_has(p, 1)) ref_put(p, b, 1, 0, 0, c, mean);
        if (ref_has(p, 2)) ref_put(p, b, 2, 0, 0, c, m2 / count);
    }
    return HK_OK;
}

static hk_status rsqrt(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, 1.0 / sqrt(ref_get(p, b, 0, t, i, e) + p->f[0]));
    return HK_OK;
}
static hk_status rsqrt_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "eps")->f;
    return HK_OK;
}

/* x, mean, rstd, [w], [b] -> y */
static hk_status batchnorm(const ref_plan *p, const hk_bind *b) {
    int64_t places = p->E[0] / channels(p, 0);
    REF_EACH(p, b, 5, t, i, e) {
        int64_t c = e / places;
        double v = (ref_get(p, b, 0, t, i, e) - ref_get(p, b, 1, t, i, c)) * ref_get(p, b, 2, t, i, c);
        if (ref_has(p, 3)) v *= ref_get(p, b, 3, t, i, c);
        if (ref_has(p, 4)) v += ref_get(p, b, 4, t, i, c);
        ref_put(p, b, 5, t, i, e, v);
    }
    return HK_OK;
}

/* groupnorm: x -> y; groupnorm_bwd: g, x -> gx. i[0]: groups, f[0]: eps. Sums of one row's group: its numbers lie together at the border. */
static void group_stats(const ref_plan *p, const hk_bind *b, int k, int64_t t, int64_t i, int64_t first, int64_t size, double *mean, double *rstd) {
    double sum = 0.0, m2 = 0.0;
    for (int64_t e = first; e < first + size; e++) sum += ref_get(p, b, k, t, i, e);
    *mean = sum / (double)size;
    for (int64_t e = first; e < first + size; e++) m2 += (ref_get(p, b, k, t, i, e) - *mean) * (ref_get(p, b, k, t, i, e) - *mean);
    *rstd = 1.0 / sqrt(m2 / (double)size + p->f[0]);
}
static hk_status groupnorm(const ref_plan *p, const hk_bind *b) {
    int64_t size = p->E[1] / p->i[0];
    double mean = 0.0, rstd = 0.0;
    REF_EACH(p, b, 1, t, i, e) {
        if (e % size == 0) group_stats(p, b, 0, t, i, e, size, &mean, &rstd);
        ref_put(p, b, 1, t, i, e, (ref_get(p, b, 0, t, i, e) - mean) * rstd);
    }
    return HK_OK;
}
static hk_status groupnorm_bwd(const ref_plan *p, const hk_bind *b) {
    int64_t size = p->E[2] / p->i[0];
    double mean = 0.0, rstd = 0.0, s0 = 0.0, s1 = 0.0;
    REF_EACH(p, b, 2, t, i, e) {
        if (e % size == 0) {
            group_stats(p, b, 1, t, i, e, size, &mean, &rstd);
            s0 = s1 = 0.0;
            for (int64_t k = e; k < e + size; k++) {
                double g = ref_spread(p, b, 0, 2, t, i, k);
                s0 += g / (double)size, s1 += g * (ref_get(p, b, 1, t, i, k) - mean) * rstd / (double)size;
            }
        }
        ref_put(p, b, 2, t, i, e, rstd * (ref_spread(p, b, 0, 2, t, i, e) - s0 - (ref_get(p, b, 1, t, i, e) - mean) * rstd * s1));
    }
    return HK_OK;
}
static hk_status groupnorm_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "groups")->i, p->f[0] = ref_attr(o, "eps")->f;
    return p->i[0] >= 1 ? HK_OK : ref_fail(p->dev, HK_EINVAL, "%s: %s: expected at least one group", o->path, o->op);
}

/* g, x, mean, rstd -> G [2,C] */
static double sums_row(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t e) {
    int64_t C = channels(p, 1), places = p->E[1] / C, c = e % C;
    double sum = 0.0;
    for (int64_t q = c * places; q < (c + 1) * places; q++) {
        double g = ref_get(p, b, 0, t, i, q);
        sum += e < C ? g : g * (ref_get(p, b, 1, t, i, q) - ref_get(p, b, 2, t, i, c)) * ref_get(p, b, 3, t, i, c);
    }
    return sum;
}
static hk_status batchnorm_sums(const ref_plan *p, const hk_bind *b) {
    ref_sum_rows(p, b, sums_row);
    return HK_OK;
}

/* g, x, mean, rstd, [w], sums -> gx; f[0]: count */
static hk_status batchnorm_dx(const ref_plan *p, const hk_bind *b) {
    int64_t C = channels(p, 6), places = p->E[6] / C;
    REF_EACH(p, b, 6, t, i, e) {
        int64_t c = e / places;
        double rstd = ref_get(p, b, 3, t, i, c), y = (ref_get(p, b, 1, t, i, e) - ref_get(p, b, 2, t, i, c)) * rstd;
        double v = ref_get(p, b, 0, t, i, e) - ref_get(p, b, 5, t, i, c) / p->f[0] - y * ref_get(p, b, 5, t, i, C + c) / p->f[0];
        ref_put(p, b, 6, t, i, e, rstd * (ref_has(p, 4) ? ref_get(p, b, 4, t, i, c) : 1.0) * v);
    }
    return HK_OK;
}
static hk_status count_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "count")->f;
    return HK_OK;
}

/* x [R,C] -> its row i[0] */
static hk_status static_row(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, p->i[0] * p->E[1] + e));
    return HK_OK;
}
static hk_status row_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "row")->i;
    return HK_OK;
}

const ref_op ref_ops_norm[] = {
    { "channel_stats", 1, 1, channel_stats, NULL },
    { "channel_merge", 1, 2, channel_merge, NULL },
    { "rsqrt", 1, 1, rsqrt, rsqrt_prepare },
    { "groupnorm", 1, 1, groupnorm, groupnorm_prepare },
    { "groupnorm_bwd", 2, 1, groupnorm_bwd, groupnorm_prepare },
    { "batchnorm", 5, 1, batchnorm, NULL },
    { "batchnorm_sums", 4, 1, batchnorm_sums, ref_sum_prepare },
    { "batchnorm_dx", 6, 1, batchnorm_dx, count_prepare },
    { "static_row", 1, 1, static_row, row_prepare },
    { 0 },
};
