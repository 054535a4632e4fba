/* reduce.c - sums: reduce (rows of a group of samples), merge (groups), sum_t (steps) and its adjoint repeat_t; reduce_max and merge_max.
 *
 * reduce adds rows in the order t, then sample, each row from its first lane on. A sum to channels or to a scalar keeps `lanes`
 * accumulators, number e of a row going to lane e % lanes, which are added up in order at the end: fast, and fixed by the row's shape alone. */
#include "cpu.h"
#include <math.h>
#pragma GCC optimize("O3")

enum { TILE = 1024, UNIT = 64 };

typedef struct reduce_plan {
    cpu_plan base;
    int64_t E, C, P, lanes, to_row;
    int steps;   /* a sum for each step */
    int plain;   /* whole rows of f32 of the samples of a group */
    int permute; /* whole rows: channels-last to the order as written */
    float scale;
    void (*add)(int64_t n, const float *x, float *acc);
    void (*add_u8)(int64_t n, const uint8_t *x, float *acc);
    void (*rows)(int, int64_t, int64_t, int64_t, const float *, int64_t, int64_t, float *);
    cpu_src x;
} reduce_plan;

CPU_BODY add_rows_body(int64_t n, const float *x, float *acc) {
    for (int64_t i = 0; i < n; i++) acc[i] += x[i];
}
CPU_CLONES(add_rows, (int64_t n, const float *x, float *acc), (n, x, acc));
CPU_BODY add_rows_u8_body(int64_t n, const uint8_t *x, float *acc) {
    for (int64_t i = 0; i < n; i++) acc[i] += (float)x[i];
}
CPU_CLONES(add_rows_u8, (int64_t n, const uint8_t *x, float *acc), (n, x, acc));

/* Whole rows: up to GROUPS groups side by side, each number's sum in a register over all steps and samples. Groups lie `apart` numbers apart, as do their sums. */
enum { GROUPS = 4 };
typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef float v4 __attribute__((vector_size(16), aligned(4)));
#define SUM_ROWS(V, width)                                                                                                                                     \
    for (; e + (width) <= E; e += (width)) {                                                                                                                   \
        V sum[GROUPS] = { 0 };                                                                                                                                 \
        for (int64_t t = 0; t < T; t++)                                                                                                                        \
            for (int64_t i = 0; i < run; i++)                                                                                                                  \
                _Pragma("GCC unroll 4") for (int g = 0; g < n; g++) sum[g] += *(const V *)(x + g * apart + t * step + i * E + e);                              \
        _Pragma("GCC unroll 4") for (int g = 0; g < n; g++) *(V *)(out + g * E + e) = sum[g];                                                                  \
    }
CPU_BODY sum_rows_of(const int n, int64_t T, int64_t run, int64_t E, const float *x, int64_t apart, int64_t step, float *out) {
    int64_t e = 0;
    typedef float v1 __attribute__((aligned(4)));
    SUM_ROWS(v16, 16)
    SUM_ROWS(v4, 4)
    SUM_ROWS(v1, 1)
}
CPU_BODY sum_rows_body(int n, int64_t T, int64_t run, int64_t E, const float *x, int64_t apart, int64_t step, float *out) {
    if (n == GROUPS) sum_rows_of(GROUPS, T, run, E, x, apart, step, out);
    else
        for (int g = 0; g < n; g++) sum_rows_of(1, T, run, E, x + g * apart, apart, step, out + g * E);
}
CPU_CLONES(sum_rows, (int n, int64_t T, int64_t run, int64_t E, const float *x, int64_t apart, int64_t step, float *out), (n, T, run, E, x, apart, step, out));

static int64_t reduce_units(const cpu_plan *p, const hk_bind *b) { return cpu_out(p, 0)->flags & HK_G ? b->groups : 1; }

static void reduce_end(const reduce_plan *P, float *acc, float *out) {
    if (P->permute) {
        for (int64_t c = 0; c < P->C; c++)
            for (int64_t q = 0; q < P->P; q++) out[c * P->P + q] = acc[q * P->C + c];
    } else {
        memcpy(out, acc, (size_t)P->to_row * 4);
        for (int64_t k = P->to_row; k < P->lanes; k++) out[k % P->to_row] += acc[k];
    }
    memset(acc, 0, (size_t)P->lanes * 4);
}

static hk_status reduce_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const reduce_plan *P = (const reduce_plan *)p;
    const hk_desc *x = &p->d[0];
    float *acc = scratch;
    int64_t n = cpu_out(p, 0)->flags & HK_G ? b->n : cpu_count(x, b);
    for (int64_t g = lo; g < hi; g++) {
        float *out = (float *)b->ptr[1] + g * P->to_row * (P->steps ? b->T : 1);
        if (P->plain) {
            int64_t whole = cpu_min(n / HK_GROUP, hi) - g, many = whole >= GROUPS ? GROUPS : 1;
            P->rows((int)many, cpu_steps(x, b), cpu_min(HK_GROUP, n - g * HK_GROUP), P->E, (const float *)b->ptr[0] + g * HK_GROUP * P->E, HK_GROUP * P->E, n * P->E, out);
            g += many - 1;
            continue;
        }
        int64_t end = cpu_out(p, 0)->flags & HK_G ? cpu_min((g + 1) * HK_GROUP, n) : n;
        memset(acc, 0, (size_t)P->lanes * 4);
        for (int64_t t = 0; t < cpu_steps(x, b); t++) {
            for (int64_t i = g * HK_GROUP; i < end; i++) {
                int64_t at = cpu_row(x, b, t, i) * P->E;
                for (int64_t e = 0; e < P->E; e += P->lanes) {
                    int64_t m = cpu_min(P->lanes, P->E - e);
                    if (x->dtype == HK_F32) P->add(m, (const float *)b->ptr[0] + at + e, acc);
                    else P->add_u8(m, (const uint8_t *)b->ptr[0] + at + e, acc);
                }
            }
            if (P->steps) reduce_end(P, acc, out + t * P->to_row);
        }
        if (!P->steps) reduce_end(P, acc, out);
    }
    return HK_OK;
}

static hk_status reduce_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(reduce_plan), out);
    if (s != HK_OK) return s;
    reduce_plan *P = (reduce_plan *)*out;
    int64_t to = cpu_attr(o, "to")->i;
    const hk_desc *x = &o->in[0];
    P->E = hk_desc_elems(x), P->C = x->rank ? x->shape[0] : 1, P->P = P->E / cpu_max(P->C, 1);
    if (to == 1 && P->P > 1 && !cpu_channels_last(x))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: reduce: sum per channel of a value that does not vary with n", o->path);
    P->to_row = to == 0 ? P->E : to == 1 ? P->C : 1;
    P->lanes = to == 0 ? P->E : cpu_min(P->E, (64 + P->to_row - 1) / P->to_row * P->to_row);
    P->permute = to == 0 && cpu_channels_last(x) && P->C > 1 && P->P > 1;
    P->add = add_rows[P->base.isa], P->add_u8 = add_rows_u8[P->base.isa];
    P->steps = (o->out[0].flags & HK_T) != 0;
    P->plain = !P->steps && P->lanes == P->E && P->to_row == P->E && !P->permute && x->dtype == HK_F32 && (x->flags & HK_N) && (o->out[0].flags & HK_G);
    P->rows = sum_rows[P->base.isa];
    P->base.units = reduce_units, P->base.run = reduce_run;
    P->base.scratch = (size_t)P->lanes * 4;
    return HK_OK;
}

/* ---- merge: out[e] = scale * sum over groups, in order, of p[group, e] ------------------------------------------------------ */

static int64_t merge_count(const cpu_plan *p, const hk_bind *b) { return hk_desc_elems(cpu_out(p, 0)) * cpu_steps(cpu_out(p, 0), b); }
static int64_t merge_units(const cpu_plan *p, const hk_bind *b) { return (merge_count(p, b) + UNIT - 1) / UNIT; }

static hk_status merge_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const reduce_plan *P = (const reduce_plan *)p;
    int64_t count = merge_count(p, b), end = cpu_min(hi * UNIT, count), groups = cpu_count(&p->d[0], b);
    float *acc = scratch;
    for (int64_t j = lo * UNIT; j < end; j += TILE) {
        int64_t m = cpu_min(TILE, end - j);
        memset(acc, 0, (size_t)m * 4);
        for (int64_t g = 0; g < groups; g++) P->add(m, (const float *)b->ptr[0] + g * count + j, acc);
        for (int64_t k = 0; k < m; k++) ((float *)b->ptr[1])[j + k] = P->scale * acc[k];
    }
    return HK_OK;
}

/* ---- reduce_max, merge_max: the largest number of each group's rows, and of the groups ----------------------------------------- */

static hk_status reduce_max_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const reduce_plan *P = (const reduce_plan *)p;
    const hk_desc *x = &p->d[0];
    int64_t n = cpu_count(x, b);
    for (int64_t g = lo; g < hi; g++) {
        int64_t first = g * HK_GROUP, count = (cpu_min(first + HK_GROUP, n) - first) * P->E;
        float m = -INFINITY;
        for (int64_t t = 0; t < cpu_steps(x, b); t++) {
            int64_t at = cpu_row(x, b, t, first) * P->E;
            if (x->dtype == HK_F32)
                for (int64_t e = 0; e < count; e++) m = hk_max(m, ((const float *)b->ptr[0])[at + e]);
            else
                for (int64_t e = 0; e < count; e++) m = hk_max(m, (float)((const uint8_t *)b->ptr[0])[at + e]);
        }
        ((float *)b->ptr[1])[g] = m;
    }
    return HK_OK;
}

static int64_t one_unit(const cpu_plan *p, const hk_bind *b) {
    (void)p, (void)b;
    return 1;
}

static hk_status merge_max_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    float m = -INFINITY;
    for (int64_t g = 0; g < cpu_count(&p->d[0], b); g++) m = hk_max(m, ((const float *)b->ptr[0])[g]);
    ((float *)b->ptr[1])[0] = m;
    return HK_OK;
}

static hk_status max_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(reduce_plan), out);
    if (s != HK_OK) return s;
    reduce_plan *P = (reduce_plan *)*out;
    int merge = !strcmp(o->op, "merge_max");
    P->E = hk_desc_elems(&o->in[0]);
    P->base.units = merge ? one_unit : reduce_units;
    P->base.run = merge ? merge_max_run : reduce_max_run;
    return HK_OK;
}

/* ---- sum_t: out = scale * sum over t, t ascending ---------------------------------------------------------------------------- */

static int64_t sum_t_count(const cpu_plan *p, const hk_bind *b) { return hk_desc_elems(cpu_out(p, 0)) * cpu_count(cpu_out(p, 0), b); }
static int64_t sum_t_units(const cpu_plan *p, const hk_bind *b) { return (sum_t_count(p, b) + UNIT - 1) / UNIT; }

static hk_status sum_t_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const reduce_plan *P = (const reduce_plan *)p;
    const hk_desc *x = &p->d[0];
    int64_t count = sum_t_count(p, b), end = cpu_min(hi * UNIT, count);
    float *acc = scratch;
    for (int64_t j = lo * UNIT; j < end; j += TILE) {
        int64_t m = cpu_min(TILE, end - j);
        memset(acc, 0, (size_t)m * 4);
        for (int64_t t = 0; t < b->T; t++) {
            int64_t at = (x->flags & HK_T ? t : 0) * count + j;
            if (x->dtype == HK_F32) P->add(m, (const float *)b->ptr[0] + at, acc);
            else P->add_u8(m, (const uint8_t *)b->ptr[0] + at, acc);
        }
        for (int64_t k = 0; k < m; k++) ((float *)b->ptr[1])[j + k] = P->scale * acc[k];
    }
    return HK_OK;
}

static hk_status repeat_t_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t count = sum_t_count(p, b);
    size_t size = cpu_size(p->d[0].dtype), from = (size_t)(lo * UNIT) * size, bytes = (size_t)cpu_min(hi * UNIT, count) * size - from;
    for (int64_t t = 0; t < b->T; t++) memcpy((char *)b->ptr[1] + (size_t)(t * count) * size + from, (const char *)b->ptr[0] + from, bytes);
    return HK_OK;
}

static hk_status sum_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(reduce_plan), out);
    if (s != HK_OK) return s;
    reduce_plan *P = (reduce_plan *)*out;
    int merge = !strcmp(o->op, "merge"), repeat = !strcmp(o->op, "repeat_t");
    P->scale = (float)cpu_attr(o, "scale")->f;
    P->add = add_rows[P->base.isa], P->add_u8 = add_rows_u8[P->base.isa];
    P->base.units = merge ? merge_units : sum_t_units;
    P->base.run = merge ? merge_run : repeat ? repeat_t_run : sum_t_run;
    P->base.grain = 32;
    P->base.scratch = TILE * sizeof(float);
    return HK_OK;
}

const cpu_op cpu_ops_reduce[] = { { "reduce", reduce_new }, { "reduce_max", max_new }, { "merge_max", max_new }, { "merge", sum_new }, { "sum_t", sum_new }, { "repeat_t", sum_new }, { NULL, NULL } };
