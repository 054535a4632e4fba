/* time.c - time_mix, time_mix_dw, time_mix_db, axis_as_time, time_as_axis, pick_t, pick_t_bwd.
 *
 * A product over time is a small T x T matrix times the rows of T steps, each of which is contiguous over samples and places: columns go
 * by tiles, whose T rows stay in L1, MIX steps of the result at a time in registers. Sums run over u in order, without contraction, so
 * the bits are the same at each level. Gradients of the matrix are sums over the columns of a group of samples, in LANES lanes, added up in order. */
#include "cpu.h"
#pragma GCC optimize("O3")

enum { TILE = 512, UNIT = 64, LANES = 16, MIX = 4 };
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

typedef struct time_plan {
    cpu_plan base;
    int64_t E, row_b; /* numbers in a row of x; in the bias */
    int transpose, how;
    cpu_src x, g;
    void (*mix)(int64_t T, int64_t m, const float *const *x, const float *w, int64_t wt, int64_t wu, const float *bias, int64_t bt, float *y, int64_t ldy);
    void (*dots)(int64_t T, int64_t m, const float *const *g, const float *const *x, float *acc);
    void (*sums)(int64_t m, const float *g, float *acc);
    void (*pick)(int64_t m, int64_t t, const float *x, float *most, float *least, float *at, float *low);
} time_plan;

/* y[t][j] = bias[t] + sum_u w[t,u] x[u][j]; rows t0 ... t0 + MIX - 1 together, those beyond T being the last again */
CPU_BODY mix_body(int64_t T, int64_t m, const float *const *x, const float *w, int64_t wt, int64_t wu, const float *bias, int64_t bt, float *y, int64_t ldy) {
    for (int64_t t0 = 0; t0 < T; t0 += MIX) {
        int64_t row[MIX];
        for (int i = 0; i < MIX; i++) row[i] = t0 + i < T ? t0 + i : T - 1;
        int64_t j = 0;
        for (; j + LANES <= m; j += LANES) {
            lanes a0, a1, a2, a3;
            a0 = a1 = a2 = a3 = (lanes){ 0 };
            for (int64_t u = 0; u < T; u++) {
                const lanes v = *(const lanes *)(x[u] + j);
                const float *wc = w + u * wu;
                a0 += wc[row[0] * wt] * v, a1 += wc[row[1] * wt] * v, a2 += wc[row[2] * wt] * v, a3 += wc[row[3] * wt] * v;
            }
            if (bias) a0 += bias[row[0] * bt], a1 += bias[row[1] * bt], a2 += bias[row[2] * bt], a3 += bias[row[3] * bt];
            *(lanes *)(y + row[3] * ldy + j) = a3, *(lanes *)(y + row[2] * ldy + j) = a2;
            *(lanes *)(y + row[1] * ldy + j) = a1, *(lanes *)(y + row[0] * ldy + j) = a0;
        }
        for (; j < m; j++)
            for (int i = 0; i < MIX; i++) {
                float sum = 0.0f;
                for (int64_t u = 0; u < T; u++) sum += w[row[i] * wt + u * wu] * x[u][j];
                y[row[i] * ldy + j] = bias ? sum + bias[row[i] * bt] : sum;
            }
    }
}
CPU_CLONES(mix, (int64_t T, int64_t m, const float *const *x, const float *w, int64_t wt, int64_t wu, const float *bias, int64_t bt, float *y, int64_t ldy),
    (T, m, x, w, wt, wu, bias, bt, y, ldy));

/* acc[t][u][lane] += g[t][j] x[u][j], lane = j % LANES */
CPU_BODY dots_body(int64_t T, int64_t m, const float *const *g, const float *const *x, float *acc) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t u0 = 0; u0 < T; u0 += MIX) {
            const float *xr[MIX];
            for (int i = 0; i < MIX; i++) xr[i] = x[u0 + i < T ? u0 + i : T - 1];
            float *to = acc + (t * T + u0) * LANES;
            int64_t j = 0, rows = T - u0 < MIX ? T - u0 : MIX;
            lanes a0, a1, a2, a3;
            a0 = *(lanes *)to;
            a1 = rows > 1 ? *(lanes *)(to + LANES) : a0, a2 = rows > 2 ? *(lanes *)(to + 2 * LANES) : a0, a3 = rows > 3 ? *(lanes *)(to + 3 * LANES) : a0;
            for (; j + LANES <= m; j += LANES) {
                const lanes v = *(const lanes *)(g[t] + j);
                a0 += v * *(const lanes *)(xr[0] + j), a1 += v * *(const lanes *)(xr[1] + j);
                a2 += v * *(const lanes *)(xr[2] + j), a3 += v * *(const lanes *)(xr[3] + j);
            }
            if (rows > 3) *(lanes *)(to + 3 * LANES) = a3;
            if (rows > 2) *(lanes *)(to + 2 * LANES) = a2;
            if (rows > 1) *(lanes *)(to + LANES) = a1;
            *(lanes *)to = a0;
            for (; j < m; j++)
                for (int64_t i = 0; i < rows; i++) to[i * LANES + j % LANES] += g[t][j] * xr[i][j];
        }
}
CPU_CLONES(dots, (int64_t T, int64_t m, const float *const *g, const float *const *x, float *acc), (T, m, g, x, acc));

CPU_BODY sums_body(int64_t m, const float *g, float *acc) {
    int64_t j = 0;
    for (; j + LANES <= m; j += LANES)
        for (int k = 0; k < LANES; k++) acc[k] += g[j + k];
    for (; j < m; j++) acc[j % LANES] += g[j];
}
CPU_CLONES(sums, (int64_t m, const float *g, float *acc), (m, g, acc));

static float add_lanes(const float *acc) {
    float sum = 0.0f;
    for (int k = 0; k < LANES; k++) sum += acc[k];
    return sum;
}

/* ---- products ------------------------------------------------------------------------------------------------------------------ */

static int64_t columns(const cpu_plan *p, const hk_bind *b) { return b->n * ((const time_plan *)p)->E; }
static int64_t column_units(const cpu_plan *p, const hk_bind *b) { return (columns(p, b) + UNIT - 1) / UNIT; }
static int64_t group_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->groups;
}

/* Rows of a tile of an operand, one for each step, in place where they lie so. */
static void rows_of(const cpu_src *s, const void *base, const hk_bind *b, int64_t j, int64_t m, float *tmp, const float **row) {
    for (int64_t t = 0; t < b->T; t++) row[t] = cpu_src_get(s, base, b, t, j, m, tmp + t * TILE);
}

static hk_status mix_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const time_plan *P = (const time_plan *)p;
    const float **row = scratch;
    float *tmp = (float *)((char *)scratch + cpu_up(p->T * 8, 64)), *y = b->ptr[3];
    int64_t all = columns(p, b), end = cpu_min(hi * UNIT, all), T = b->T;
    for (int64_t j = lo * UNIT; j < end; j += TILE) {
        int64_t m = cpu_min(TILE, end - j);
        rows_of(&P->x, b->ptr[0], b, j, m, tmp, row);
        P->mix(T, m, row, b->ptr[1], P->transpose ? 1 : T, P->transpose ? T : 1, b->ptr[2], P->row_b == 1 ? 0 : 1, y + j, all);
    }
    return HK_OK;
}

static hk_status dw_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const time_plan *P = (const time_plan *)p;
    int64_t T = b->T, rows = cpu_up(p->T * 8, 64);
    const float **g = scratch, **x = (const float **)(void *)((char *)scratch + rows);
    float *tmp = (float *)((char *)scratch + 2 * rows), *acc = tmp + 2 * p->T * TILE;
    for (int64_t k = lo; k < hi; k++) {
        int64_t end = cpu_min((k + 1) * HK_GROUP * P->E, columns(p, b));
        float *to = (float *)b->ptr[2] + k * T * T;
        memset(acc, 0, (size_t)(T * T * LANES) * 4);
        for (int64_t j = k * HK_GROUP * P->E; j < end; j += TILE) {
            int64_t m = cpu_min(TILE, end - j);
            rows_of(&P->g, b->ptr[0], b, j, m, tmp, g);
            rows_of(&P->x, b->ptr[1], b, j, m, tmp + p->T * TILE, x);
            P->dots(T, m, g, x, acc);
        }
        for (int64_t i = 0; i < T * T; i++) to[i] = add_lanes(acc + i * LANES);
    }
    return HK_OK;
}

static hk_status db_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const time_plan *P = (const time_plan *)p;
    float *tmp = scratch;
    for (int64_t k = lo; k < hi; k++) {
        int64_t end = cpu_min((k + 1) * HK_GROUP * P->E, columns(p, b));
        float *to = (float *)b->ptr[1] + k * P->row_b, acc[LANES] = { 0 };
        for (int64_t t = 0; t < b->T; t++) {
            for (int64_t j = k * HK_GROUP * P->E; j < end; j += TILE) {
                int64_t m = cpu_min(TILE, end - j);
                P->sums(m, cpu_src_get(&P->g, b->ptr[0], b, t, j, m, tmp), acc);
            }
            if (P->row_b == 1 && t + 1 < b->T) continue;
            to[P->row_b == 1 ? 0 : t] = add_lanes(acc);
            memset(acc, 0, sizeof acc);
        }
    }
    return HK_OK;
}

static hk_status mix_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int dw = !strcmp(o->op, "time_mix_dw"), db = !strcmp(o->op, "time_mix_db");
    hk_status s = cpu_plan_new(dev, o, sizeof(time_plan), out);
    if (s != HK_OK) return s;
    time_plan *P = (time_plan *)*out;
    const hk_desc *x = &o->in[dw], *g = &o->in[0];
    hk_desc ref = *g;
    ref.flags = HK_SEQ;
    P->E = hk_desc_elems(&ref);
    if (!cpu_src_init(&P->x, x, &ref) || !cpu_src_init(&P->g, g, &ref)) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operands do not fit", o->path, o->op);
    P->transpose = cpu_attr(o, "transpose")->i != 0;
    P->row_b = db ? hk_desc_elems(&o->out[0]) : !dw && o->in[2].dtype != HK_ABSENT ? hk_desc_elems(&o->in[2]) : 1;
    P->mix = mix[P->base.isa], P->dots = dots[P->base.isa], P->sums = sums[P->base.isa];
    P->base.units = dw || db ? group_units : column_units;
    P->base.run = dw ? dw_run : db ? db_run : mix_run;
    P->base.grain = dw || db ? 1 : cpu_max(1, 256 / cpu_max(o->T * o->T, 1));
    P->base.scratch = db ? TILE * 4 : (size_t)((1 + dw) * (cpu_up(o->T * 8, 64) + o->T * TILE * 4) + dw * o->T * o->T * LANES * 4);
    return HK_OK;
}

/* ---- a parameter's axis as time: the same bytes ---------------------------------------------------------------------------------- */

static int64_t axis_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(&p->d[0], b); }

static hk_status axis_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    size_t bytes = (size_t)(hk_desc_elems(&p->d[0]) * cpu_steps(&p->d[0], b)) * 4;
    memcpy((char *)b->ptr[1] + (size_t)lo * bytes, (const char *)b->ptr[0] + (size_t)lo * bytes, (size_t)(hi - lo) * bytes);
    return HK_OK;
}

static hk_status axis_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(time_plan), out);
    if (s != HK_OK) return s;
    (*out)->units = axis_units, (*out)->run = axis_run;
    return HK_OK;
}

/* ---- pick_t ---------------------------------------------------------------------------------------------------------------------- */

/* Where the largest and the smallest number so far were seen; at and low count steps as floats, which hold them exactly. */
CPU_BODY pick_body(int64_t m, int64_t t, const float *x, float *most, float *least, float *at, float *low) {
    float now = (float)t;
    for (int64_t j = 0; j < m; j++) {
        at[j] = x[j] > most[j] ? now : at[j];
        most[j] = x[j] > most[j] ? x[j] : most[j];
        low[j] = x[j] < least[j] ? now : low[j];
        least[j] = x[j] < least[j] ? x[j] : least[j];
    }
}
CPU_CLONES(pick, (int64_t m, int64_t t, const float *x, float *most, float *least, float *at, float *low), (m, t, x, most, least, at, low));

static hk_status pick_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const time_plan *P = (const time_plan *)p;
    int back = p->n_in == 2;
    const void *xp = b->ptr[back];
    float *row[6], *y = b->ptr[p->n_in];
    int64_t all = columns(p, b), end = cpu_min(hi * UNIT, all);
    for (int k = 0; k < 6; k++) row[k] = (float *)scratch + k * TILE;
    float *tmp = row[0], *most = row[1], *least = row[2], *at = row[3], *low = row[4];
    for (int64_t j = lo * UNIT; j < end; j += TILE) {
        int64_t m = cpu_min(TILE, end - j);
        for (int64_t t = P->how ? 0 : b->T - 1; t < b->T; t++) {
            const float *x = cpu_src_get(&P->x, xp, b, t, j, m, tmp);
            if (P->how && t) P->pick(m, t, x, most, least, at, low);
            else {
                memcpy(most, x, (size_t)m * 4), memcpy(least, x, (size_t)m * 4);
                for (int64_t k = 0; k < m; k++) at[k] = low[k] = (float)t;
            }
        }
        for (int64_t k = 0; P->how == 2 && k < m; k++)
            if (!(__builtin_fabsf(most[k]) > __builtin_fabsf(least[k]))) most[k] = least[k], at[k] = low[k];
        if (!back) {
            memcpy(y + j, most, (size_t)m * 4);
            continue;
        }
        const float *g = cpu_src_get(&P->g, b->ptr[0], b, 0, j, m, row[5]);
        for (int64_t t = 0; t < b->T; t++)
            for (int64_t k = 0; k < m; k++) y[t * all + j + k] = at[k] == (float)t ? g[k] : 0.0f;
    }
    return HK_OK;
}

static hk_status pick_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(time_plan), out);
    if (s != HK_OK) return s;
    time_plan *P = (time_plan *)*out;
    hk_desc ref = o->in[o->n_in - 1];
    ref.flags = HK_SEQ;
    P->E = hk_desc_elems(&ref), P->how = (int)cpu_attr(o, "how")->i;
    if (!cpu_src_init(&P->x, &o->in[o->n_in - 1], &ref) || !cpu_src_init(&P->g, &o->in[0], &ref))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operands do not fit", o->path, o->op);
    P->pick = pick[P->base.isa];
    P->base.units = column_units, P->base.run = pick_run;
    P->base.grain = cpu_max(1, 256 / cpu_max(o->T, 1));
    P->base.scratch = 6 * TILE * 4;
    return HK_OK;
}

const cpu_op cpu_ops_time[] = { { "time_mix", mix_new }, { "time_mix_dw", mix_new }, { "time_mix_db", mix_new }, { "axis_as_time", axis_new }, { "time_as_axis", axis_new },
    { "pick_t", pick_new }, { "pick_t_bwd", pick_new }, { NULL, NULL } };
