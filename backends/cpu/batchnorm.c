/* batchnorm.c - channel_stats, channel_merge, batchnorm, batchnorm_sums, batchnorm_dx, on rows stored with the channel last.
 *
 * Channels' constants are repeated up to `lanes` numbers (a multiple of C, at least 64), so that every loop runs over many numbers;
 * sums keep one accumulator per lane, number e of a row going to lane e % lanes, and lanes of a channel are added up in order at the
 * end: fixed by the row's shape alone. Order: t, then sample, then places. */
#include "norm.h"
#pragma GCC optimize("O3")

typedef struct norm_plan {
    cpu_plan base;
    norm_fns fn;
    int64_t E, C, lanes;
    float count;
} norm_plan;

#define LANE_LOOP                                                                                                                                              \
    for (int64_t e = 0; e < n; e += lanes)                                                                                                                     \
        for (int64_t k = 0, m = cpu_min(lanes, n - e); k < m; k++)
#define NORM(type, s)                                                                                                                                          \
    CPU_BODY sum_##s##_body(int64_t n, int64_t lanes, const type *restrict x, float *restrict acc) { LANE_LOOP acc[k] += (float)x[e + k]; }                    \
    CPU_CLONES(sum_##s, (int64_t n, int64_t lanes, const void *x, float *acc), (n, lanes, x, acc));                                                            \
    CPU_BODY spread_##s##_body(int64_t n, int64_t lanes, const type *restrict x, const float *restrict mean, float *restrict acc) {                            \
        LANE_LOOP {                                                                                                                                            \
            float d = (float)x[e + k] - mean[k];                                                                                                               \
            acc[k] += d * d;                                                                                                                                   \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    CPU_CLONES(spread_##s, (int64_t n, int64_t lanes, const void *x, const float *mean, float *acc), (n, lanes, x, mean, acc));                                \
    CPU_BODY norm_##s##_body(int64_t n, int64_t lanes, const type *restrict x, const float *restrict mean, const float *restrict scale,                        \
        const float *restrict shift, float *restrict y) {                                                                                                      \
        LANE_LOOP y[e + k] = ((float)x[e + k] - mean[k]) * scale[k] + shift[k];                                                                                \
    }                                                                                                                                                          \
    CPU_CLONES(norm_##s, (int64_t n, int64_t lanes, const void *x, const float *mean, const float *scale, const float *shift, float *y),                       \
        (n, lanes, x, mean, scale, shift, y));                                                                                                                 \
    CPU_BODY sums_##s##_body(                                                                                                                                  \
        int64_t n, int64_t lanes, const float *restrict g, const type *restrict x, const float *restrict mean, float *restrict acc0, float *restrict acc1) {   \
        LANE_LOOP acc0[k] += g[e + k], acc1[k] += g[e + k] * ((float)x[e + k] - mean[k]);                                                                      \
    }                                                                                                                                                          \
    CPU_CLONES(                                                                                                                                                \
        sums_##s, (int64_t n, int64_t lanes, const float *g, const void *x, const float *mean, float *acc0, float *acc1), (n, lanes, g, x, mean, acc0, acc1)); \
    CPU_BODY dx_##s##_body(int64_t n, int64_t lanes, const float *restrict g, const type *restrict x, const float *restrict mean, const float *restrict k0,    \
        const float *restrict k1, const float *restrict k2, float *restrict y) {                                                                               \
        LANE_LOOP y[e + k] = k0[k] * (g[e + k] - k1[k] - ((float)x[e + k] - mean[k]) * k2[k]);                                                                 \
    }                                                                                                                                                          \
    CPU_CLONES(dx_##s, (int64_t n, int64_t lanes, const float *g, const void *x, const float *mean, const float *const *c, float *y),                          \
        (n, lanes, g, x, mean, c[0], c[1], c[2], y))
NORM(float, f32);
NORM(uint8_t, u8);

norm_fns cpu_norm_fns(uint32_t isa, int u8) {
    if (!u8) return (norm_fns){ sum_f32[isa], spread_f32[isa], norm_f32[isa], sums_f32[isa], dx_f32[isa] };
    return (norm_fns){ sum_u8[isa], spread_u8[isa], norm_u8[isa], sums_u8[isa], dx_u8[isa] };
}

static const void *row_at(const cpu_plan *p, const hk_bind *b, int k, int64_t t, int64_t i) {
    int64_t E = ((const norm_plan *)p)->E;
    return (const char *)b->ptr[k] + (size_t)(cpu_row(&p->d[k], b, t, i) * E) * cpu_size(p->d[k].dtype);
}

static void repeat(const norm_plan *P, float *v) {
    for (int64_t k = P->C; k < P->lanes; k++) v[k] = v[k - P->C];
}
static void fold(const norm_plan *P, float *v) {
    for (int64_t k = P->C; k < P->lanes; k++) v[k % P->C] += v[k];
}

/* ---- sums per group ---------------------------------------------------------------------------------------------------------- */

static int64_t group_units(const cpu_plan *p, const hk_bind *b) { return cpu_out(p, 0)->flags & HK_G ? b->groups : 1; }

static hk_status stats_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const norm_plan *P = (const norm_plan *)p;
    int64_t C = P->C, T = cpu_steps(&p->d[0], b);
    float *acc = scratch, *mean = acc + P->lanes;
    for (int64_t g = lo; g < hi; g++) {
        int64_t end = cpu_min((g + 1) * HK_GROUP, b->n);
        float count = (float)(T * (end - g * HK_GROUP) * (P->E / C)), *out = (float *)b->ptr[1] + g * 3 * C;
        memset(mean, 0, (size_t)P->lanes * 4), memset(acc, 0, (size_t)P->lanes * 4);
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = g * HK_GROUP; i < end; i++) P->fn.sum(P->E, P->lanes, row_at(p, b, 0, t, i), mean);
        fold(P, mean);
        for (int64_t c = 0; c < C; c++) mean[c] /= count;
        repeat(P, mean);
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = g * HK_GROUP; i < end; i++) P->fn.spread(P->E, P->lanes, row_at(p, b, 0, t, i), mean, acc);
        fold(P, acc);
        for (int64_t c = 0; c < C; c++) out[c] = count, out[C + c] = mean[c], out[2 * C + c] = acc[c];
    }
    return HK_OK;
}

static hk_status sums_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const norm_plan *P = (const norm_plan *)p;
    int64_t C = P->C, T = (p->d[0].flags | p->d[1].flags) & HK_T ? b->T : 1;
    const float *rstd = b->ptr[3];
    float *acc0 = scratch, *acc1 = acc0 + P->lanes, *mean = acc1 + P->lanes;
    memcpy(mean, b->ptr[2], (size_t)C * 4);
    repeat(P, mean);
    for (int64_t g = lo; g < hi; g++) {
        float *out = (float *)b->ptr[4] + g * 2 * C;
        memset(acc0, 0, (size_t)P->lanes * 8);
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = g * HK_GROUP; i < cpu_min((g + 1) * HK_GROUP, b->n); i++)
                P->fn.sums(P->E, P->lanes, row_at(p, b, 0, t, i), row_at(p, b, 1, t, i), mean, acc0, acc1);
        fold(P, acc0), fold(P, acc1);
        for (int64_t c = 0; c < C; c++) out[c] = acc0[c], out[C + c] = acc1[c] * rstd[c];
    }
    return HK_OK;
}

/* ---- channel_merge: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances" ------ */

static int64_t channel_units(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return ((const norm_plan *)p)->C;
}

static hk_status merge_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t C = ((const norm_plan *)p)->C;
    float *mean = cpu_out_ptr(p, b, 0), *var = cpu_out_ptr(p, b, 1);
    for (int64_t c = lo; c < hi; c++) {
        double n = 0, m = 0, s = 0;
        for (int64_t g = 0; g < b->groups; g++) {
            const float *part = (const float *)b->ptr[0] + g * 3 * C + c;
            double k = part[0], d = part[C] - m, both = n + k;
            if (k == 0) continue;
            m += d * k / both, s += part[2 * C] + d * d * n * k / both, n = both;
        }
        if (mean) mean[c] = (float)m;
        if (var) var[c] = n > 0 ? (float)(s / n) : 0.0f;
    }
    return HK_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------------ */

static int64_t row_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status norm_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const norm_plan *P = (const norm_plan *)p;
    const float *rstd = b->ptr[2], *w = cpu_has_in(p, 3) ? b->ptr[3] : NULL, *shift = cpu_has_in(p, 4) ? b->ptr[4] : NULL;
    float *k[3] = { scratch, (float *)scratch + P->lanes, (float *)scratch + 2 * P->lanes };
    memcpy(k[0], b->ptr[1], (size_t)P->C * 4);
    for (int64_t c = 0; c < P->C; c++) k[1][c] = w ? rstd[c] * w[c] : rstd[c], k[2][c] = shift ? shift[c] : 0.0f;
    for (int i = 0; i < 3; i++) repeat(P, k[i]);
    P->fn.norm((hi - lo) * P->E, P->lanes, (const char *)b->ptr[0] + (size_t)(lo * P->E) * cpu_size(p->d[0].dtype), k[0], k[1], k[2],
        (float *)cpu_out_ptr(p, b, 0) + lo * P->E);
    return HK_OK;
}

static hk_status dx_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const norm_plan *P = (const norm_plan *)p;
    const float *rstd = b->ptr[3], *w = cpu_has_in(p, 4) ? b->ptr[4] : NULL, *sums = b->ptr[5];
    int64_t C = P->C, n = cpu_count(cpu_out(p, 0), b);
    float *mean = scratch, *k[3] = { mean + P->lanes, mean + 2 * P->lanes, mean + 3 * P->lanes }, *y = cpu_out_ptr(p, b, 0);
    const float *const ck[3] = { k[0], k[1], k[2] };
    memcpy(mean, b->ptr[2], (size_t)C * 4);
    for (int64_t c = 0; c < C; c++) k[0][c] = w ? rstd[c] * w[c] : rstd[c], k[1][c] = sums[c] / P->count, k[2][c] = rstd[c] * (sums[C + c] / P->count);
    repeat(P, mean);
    for (int i = 0; i < 3; i++) repeat(P, k[i]);
    for (int64_t r = lo; r < hi; r++) P->fn.dx(P->E, P->lanes, row_at(p, b, 0, r / n, r % n), row_at(p, b, 1, r / n, r % n), mean, ck, y + r * P->E);
    return HK_OK;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

static hk_status norm_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    enum {
        STATS,
        MERGE,
        NORM_,
        SUMS,
        DX
    } op = !strcmp(o->op, "channel_stats") ? STATS
        : !strcmp(o->op, "channel_merge")  ? MERGE
        : !strcmp(o->op, "batchnorm")      ? NORM_
        : !strcmp(o->op, "batchnorm_sums") ? SUMS
                                           : DX;
    static const uint32_t least[] = { 1, 1, 3, 4, 6 };
    const hk_desc *x = &o->in[op == SUMS || op == DX ? 1 : 0];
    if (o->n_in < least[op]) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %u operands, got %u", o->path, o->op, least[op], o->n_in);
    if (op == MERGE ? x->rank != 2 || !(x->flags & HK_G) || (x->flags & HK_T) : x->rank < 1 || !(x->flags & HK_N))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes rows [C,...] that vary with n", o->path, o->op);
    if ((op == NORM_ && x->flags != o->out[0].flags) || ((op == SUMS || op == DX) && !(o->in[0].flags & HK_N)))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operands do not fit", o->path, o->op);
    hk_status s = cpu_plan_new(dev, o, sizeof(norm_plan), out);
    if (s != HK_OK) return s;
    norm_plan *P = (norm_plan *)*out;
    uint32_t isa = P->base.isa;
    P->E = hk_desc_elems(x), P->C = op == MERGE ? x->shape[1] : x->shape[0];
    P->lanes = cpu_norm_lanes(P->C);
    P->count = (float)cpu_attr(o, "count")->f;
    P->fn = cpu_norm_fns(isa, x->dtype != HK_F32);
    P->base.units = op == MERGE ? channel_units : op == STATS || op == SUMS ? group_units : row_units;
    P->base.run = op == STATS ? stats_run : op == MERGE ? merge_run : op == NORM_ ? norm_run : op == SUMS ? sums_run : dx_run;
    P->base.grain = op == STATS || op == SUMS ? 1 : op == MERGE ? 64 : cpu_max(1, 16384 / (P->E + 16));
    P->base.scratch = (size_t)P->lanes * 4 * sizeof(float);
    return HK_OK;
}

const cpu_op cpu_ops_batchnorm[] = { { "channel_stats", norm_new }, { "channel_merge", norm_new }, { "batchnorm", norm_new }, { "batchnorm_sums", norm_new },
    { "batchnorm_dx", norm_new }, { NULL, NULL } };
