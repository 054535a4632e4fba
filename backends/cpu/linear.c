/* linear.c - y = x w^T (+ b) and its two adjoints, on rows (t, sample).
 *
 * Own kernels (gemm.h) for small matrices, for which BLAS is of no use; OpenBLAS for large ones, on calls whose size depends neither on
 * the block size nor on the thread count. Outputs are assigned (=). Units: tiles of rows; for linear_dw, (group, panel of columns). */
#include "gemm.h"
#pragma GCC optimize("O3")

typedef struct linear_plan {
    cpu_plan base;
    const cpu_gemm *g;
    const cpu_blas *blas; /* NULL: own kernels */
    int64_t K, O, tile;   /* rows of a unit */
    int64_t chunk;        /* dw: steps added up in one go */
} linear_plan;

static int64_t linear_rows(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static int64_t linear_units(const cpu_plan *p, const hk_bind *b) {
    int64_t tile = ((const linear_plan *)p)->tile;
    return (linear_rows(p, b) + tile - 1) / tile;
}

/* Row r of the output, as a row of operand d. */
static inline int64_t map_row(const hk_desc *d, const hk_desc *out, const hk_bind *b, int64_t r) {
    if (d->flags == out->flags) return r;
    int64_t n = cpu_count(out, b);
    return cpu_row(d, b, r / n, r % n);
}

/* Rows r0 ... r0 + m - 1 of x as f32 [m, K]: in place when they lie so, else put into tmp; rows up to `pad` are zeroed. */
static const float *get_rows(const cpu_plan *p, const hk_bind *b, int64_t K, int64_t r0, int64_t m, int64_t pad, float *tmp) {
    const hk_desc *d = &p->d[0], *out = cpu_out(p, 0);
    if (d->dtype == HK_F32 && d->flags == out->flags && m == pad) return (const float *)b->ptr[0] + r0 * K;
    for (int64_t r = 0; r < m; r++) {
        int64_t at = map_row(d, out, b, r0 + r) * K;
        if (d->dtype == HK_F32) memcpy(tmp + r * K, (const float *)b->ptr[0] + at, (size_t)K * 4);
        else cpu_from_u8[p->isa](K, (const uint8_t *)b->ptr[0] + at, tmp + r * K);
    }
    memset(tmp + m * K, 0, (size_t)((pad - m) * K) * 4);
    return tmp;
}

/* dst[k * width + r] = w[r * K + k], r < rows; the other r are 0 */
static void pack_transposed(const float *w, int64_t rows, int64_t K, int64_t width, float *dst) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < K; k++) dst[k * width + r] = w[r * K + k];
    if (rows < width)
        for (int64_t k = 0; k < K; k++) memset(dst + k * width + rows, 0, (size_t)(width - rows) * 4);
}

/* c[m, cols] = a[m, k] b[k, cols] (+ bias) */
static void product(const cpu_gemm *g, int nv, int64_t m, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, const float *bias, float *c, int64_t ldc,
                    int64_t cols) {
    for (int64_t i = 0, mr; i < m; i += mr) {
        mr = cpu_gemm_rows(m - i);
        g->rows[mr][nv](k, a + i * lda, lda, b, ldb, bias, c + i * ldc, ldc, cols);
    }
}

/* ---- linear: y[r, o] = sum_k x[r, k] w[o, k] (+ b[o]) ------------------------------------------------------------------------- */

/* Many rows: w is packed into panels of columns, one by one. */
static void linear_by_panels(const linear_plan *P, const hk_bind *b, int64_t r0, int64_t r1, float *scratch) {
    const cpu_plan *p = &P->base;
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw, tile = P->tile, wide = cpu_up(O, P->g->vw);
    const float *w = b->ptr[1], *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *y = cpu_out_ptr(p, b, 0), *panel = scratch, *pad_bias = panel + K * wide, *tmp = pad_bias + wide;
    for (int64_t o = 0; o < wide; o += nr) {
        int64_t width = cpu_min(nr, wide - o);
        pack_transposed(w + o * K, cpu_min(width, O - o), K, width, panel + o * K);
    }
    if (bias) memset(pad_bias, 0, (size_t)wide * 4), memcpy(pad_bias, bias, (size_t)O * 4);
    for (int64_t r = r0; r < r1; r += tile) {
        int64_t m = cpu_min(tile, r1 - r);
        const float *x = get_rows(p, b, K, r, m, m, tmp);
        for (int64_t o = 0; o < wide; o += nr) {
            int64_t width = cpu_min(nr, wide - o);
            product(P->g, width == nr ? 2 : 1, m, K, x, K, panel + o * K, width, bias ? pad_bias + o : NULL, y + r * O + o, O, cpu_min(width, O - o));
        }
    }
}

/* Few rows: w is read in place, and x is turned round instead: y^T = w x^T. The same sums, the same bits. */
static void linear_by_rows(const linear_plan *P, const hk_bind *b, int64_t r0, int64_t r1, float *scratch) {
    enum { OC = 48 };
    const cpu_plan *p = &P->base;
    const hk_desc *d = &p->d[0];
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw;
    const float *w = b->ptr[1], *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *y = cpu_out_ptr(p, b, 0), *xt = scratch, *part = xt + K * P->tile;
    for (int64_t rt = r0; rt < r1; rt += P->tile) {
        int64_t rows = cpu_min(P->tile, r1 - rt);
        for (int64_t r = 0; r < rows; r += nr) { /* x^T in panels [K, nr] */
            int64_t m = cpu_min(nr, rows - r);
            float *to = xt + r * K;
            if (m < nr) memset(to, 0, (size_t)(K * nr) * 4);
            for (int64_t i = 0; i < m; i++) {
                int64_t at = map_row(d, cpu_out(p, 0), b, rt + r + i) * K;
                if (d->dtype == HK_F32)
                    for (int64_t k = 0; k < K; k++) to[k * nr + i] = ((const float *)b->ptr[0])[at + k];
                else
                    for (int64_t k = 0; k < K; k++) to[k * nr + i] = (float)((const uint8_t *)b->ptr[0])[at + k];
            }
        }
        for (int64_t o = 0; o < O; o += OC) {
            int64_t oc = cpu_min(OC, O - o);
            for (int64_t r = 0; r < rows; r += nr) {
                int64_t m = cpu_min(nr, rows - r);
                product(P->g, 2, oc, K, w + o * K, K, xt + r * K, nr, NULL, part, nr, nr);
                for (int64_t i = 0; i < m; i++) {
                    float *row = y + (rt + r + i) * O + o;
                    if (bias)
                        for (int64_t q = 0; q < oc; q++) row[q] = part[q * nr + i] + bias[o + q];
                    else
                        for (int64_t q = 0; q < oc; q++) row[q] = part[q * nr + i];
                }
            }
        }
    }
}

static hk_status linear_own(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t r0 = lo * P->tile, r1 = cpu_min(hi * P->tile, linear_rows(p, b));
    if (P->chunk && r1 - r0 >= P->chunk) linear_by_panels(P, b, r0, r1, scratch);
    else linear_by_rows(P, b, r0, r1, scratch);
    return HK_OK;
}

/* linear and linear_dx: tiles of a fixed number of rows, the last one filled up with zeros. */
static hk_status linear_blas(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int dx = P->chunk < 0;
    int64_t from = dx ? P->O : P->K, to = dx ? P->K : P->O, rows = linear_rows(p, b), tile = P->tile;
    const float *bias = !dx && cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *tmp = scratch, *last = tmp + tile * from, *y = cpu_out_ptr(p, b, 0);
    for (int64_t r = lo * tile; r < rows && r < hi * tile; r += tile) {
        int64_t m = cpu_min(tile, rows - r);
        const float *x = get_rows(p, b, from, r, m, tile, tmp);
        float *c = m == tile ? y + r * to : last;
        cpu_blas_sgemm(P->blas, 0, !dx, tile, to, from, x, from, b->ptr[1], P->K, 0, c, to);
        if (m < tile) memcpy(y + r * to, last, (size_t)(m * to) * 4);
        if (bias)
            for (int64_t i = 0; i < m; i++)
                for (int64_t o = 0; o < to; o++) y[(r + i) * to + o] += bias[o];
    }
    return HK_OK;
}

/* ---- linear_dx: gx[r, k] = sum_o g[r, o] w[o, k] ---------------------------------------------------------------------------- */

static hk_status linear_dx_own(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw, r1 = cpu_min(hi * P->tile, linear_rows(p, b));
    int64_t whole = K / nr * nr, width = K - whole > P->g->vw ? nr : P->g->vw;
    const float *w = b->ptr[1];
    float *gx = cpu_out_ptr(p, b, 0), *edge = scratch, *tmp = edge + O * nr;
    if (whole < K) { /* the last columns, filled up to a panel [O, width] */
        memset(edge, 0, (size_t)(O * width) * 4);
        for (int64_t o = 0; o < O; o++) memcpy(edge + o * width, w + o * K + whole, (size_t)(K - whole) * 4);
    }
    for (int64_t r = lo * P->tile; r < r1; r += P->tile) {
        int64_t m = cpu_min(P->tile, r1 - r);
        const float *g = get_rows(p, b, O, r, m, m, tmp);
        for (int64_t k = 0; k < whole; k += nr) product(P->g, 2, m, O, g, O, w + k, K, NULL, gx + r * K + k, K, nr);
        if (whole < K) product(P->g, width == nr ? 2 : 1, m, O, g, O, edge, width, NULL, gx + r * K + whole, K, K - whole);
    }
    return HK_OK;
}

/* ---- linear_dw: G[o, k] = sum over t, then sample of the group, of g[o] x[k] ------------------------------------------------------ */

static int64_t dw_panels(const linear_plan *P) { return (P->K + 2 * P->g->vw - 1) / (2 * P->g->vw); }

static int64_t dw_units(const cpu_plan *p, const hk_bind *b) {
    const linear_plan *P = (const linear_plan *)p;
    return b->groups * (P->blas ? 1 : dw_panels(P));
}

/* Columns [k, k + cols) of the rows (t0 ... t0 + T - 1, i0 ... i0 + run - 1) of x, as f32 [T * run, width]; columns up to width are 0. */
static void pack_columns(const cpu_plan *p, const hk_bind *b, int64_t K, int64_t t0, int64_t T, int64_t i0, int64_t run, int64_t k, int64_t cols, int64_t width,
                         float *dst) {
    const hk_desc *d = &p->d[1];
    for (int64_t t = t0; t < t0 + T; t++)
        for (int64_t i = i0; i < i0 + run; i++, dst += width) {
            int64_t at = cpu_row(d, b, t, i) * K + k;
            if (d->dtype == HK_F32) {
                const float *x = (const float *)b->ptr[1] + at;
                if (cols == 16) memcpy(dst, x, 64);
                else memcpy(dst, x, (size_t)cols * 4);
            } else {
                const uint8_t *x = (const uint8_t *)b->ptr[1] + at;
                for (int64_t c = 0; c < cols; c++) dst[c] = (float)x[c];
            }
            for (int64_t c = cols; c < width; c++) dst[c] = 0.0f;
        }
}

static int64_t dw_steps(const cpu_plan *p, const hk_bind *b) { return (p->d[0].flags | p->d[1].flags) & HK_T ? b->T : 1; }
static int64_t dw_samples(const cpu_plan *p, const hk_bind *b) { return (p->d[0].flags | p->d[1].flags) & HK_N ? b->n : 1; }

static hk_status linear_dw_own(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw, panels = dw_panels(P), T = dw_steps(p, b), n = dw_samples(p, b);
    int gather = p->d[0].flags != (p->d[1].flags | p->d[0].flags); /* g does not vary with all that x varies with */
    float *panel = scratch, *rows = panel + P->chunk * HK_GROUP * nr;
    for (int64_t u = lo; u < hi; u++) {
        int64_t group = u / panels, k = u % panels * nr, cols = cpu_min(nr, K - k), width = cols > P->g->vw ? nr : P->g->vw;
        int64_t i0 = group * HK_GROUP, run = cpu_min(HK_GROUP, n - i0);
        float *out = (float *)cpu_out_ptr(p, b, 0) + group * O * K + k;
        for (int64_t t = 0; t < T; t += P->chunk) {
            int64_t steps = cpu_min(P->chunk, T - t), jump = gather ? 0 : (n - run) * O;
            pack_columns(p, b, K, t, steps, i0, run, k, cols, width, panel);
            const float *g = (const float *)b->ptr[0] + cpu_row(&p->d[0], b, t, i0) * O;
            if (gather) {
                for (int64_t r = 0; r < steps * run; r++)
                    memcpy(rows + r * O, (const float *)b->ptr[0] + cpu_row(&p->d[0], b, t + r / run, i0 + r % run) * O, (size_t)O * 4);
                g = rows;
            }
            for (int64_t o = 0, mr; o < O; o += mr) {
                mr = cpu_gemm_rows(O - o);
                P->g->outer[mr][width == nr ? 2 : 1](steps, run, g + o, O, jump, panel, out + o * K, K, cols, t > 0);
            }
        }
    }
    return HK_OK;
}

static hk_status linear_dw_blas(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t K = P->K, O = P->O, T = dw_steps(p, b), n = dw_samples(p, b);
    float *x = scratch, *g = x + P->chunk * HK_GROUP * K;
    for (int64_t group = lo; group < hi; group++) {
        int64_t i0 = group * HK_GROUP, run = cpu_min(HK_GROUP, n - i0);
        for (int64_t t = 0; t < T; t += P->chunk) {
            int64_t steps = cpu_min(P->chunk, T - t), rows = steps * run;
            pack_columns(p, b, K, t, steps, i0, run, 0, K, K, x);
            for (int64_t r = 0; r < rows; r++) memcpy(g + r * O, (const float *)b->ptr[0] + cpu_row(&p->d[0], b, t + r / run, i0 + r % run) * O, (size_t)O * 4);
            cpu_blas_sgemm(P->blas, 1, 0, O, K, rows, g, O, x, K, t > 0, (float *)cpu_out_ptr(p, b, 0) + group * O * K, K);
        }
    }
    return HK_OK;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

static hk_status linear_plan_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out, int64_t O, int64_t K) {
    hk_status s = cpu_plan_new(dev, o, sizeof(linear_plan), out);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    int large = (K > 256 || O > 256) && K * O >= 256 * 256 && cpu_min(K, O) >= 32;
    P->K = K, P->O = O;
    P->g = cpu_gemm_isa[P->base.isa];
    P->blas = large ? cpu_blas_get(dev) : NULL;
    P->tile = P->blas ? cpu_min(64, HK_GROUP * cpu_max(o->T, 1)) : 64;
    P->base.units = linear_units;
    P->base.grain = cpu_max(1, 200000 / (P->tile * K * O + 1));
    P->base.impl = P->blas ? "openblas" : P->base.isa == HK_ISA_AVX512 ? "own avx512" : P->base.isa == HK_ISA_AVX2 ? "own avx2" : "own baseline";
    return HK_OK;
}

static hk_status linear_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (o->in[1].flags != HK_STATIC || o->in[1].rank != 2) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear: the weight must be a static matrix", o->path);
    int64_t O = o->in[1].shape[0], K = o->in[1].shape[1];
    hk_status s = linear_plan_new(dev, o, out, O, K);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    int64_t wide = cpu_up(O, P->g->vw), by_rows = K * P->tile + 48 * CPU_MAX_NR, by_panels = K * wide + wide + P->tile * K;
    P->base.run = P->blas ? linear_blas : linear_own;
    if (P->blas) P->base.scratch = (size_t)(P->tile * (K + O)) * 4;
    else if (K * O > 256 * 256) P->base.scratch = (size_t)by_rows * 4; /* chunk 0: never by panels */
    else P->chunk = cpu_max(1, K * O / (K + O)), P->base.scratch = (size_t)cpu_max(by_rows, by_panels) * 4;
    return HK_OK;
}

static hk_status linear_dx_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (o->in[1].flags != HK_STATIC || o->in[1].rank != 2) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear_dx: the weight must be a static matrix", o->path);
    int64_t O = o->in[1].shape[0], K = o->in[1].shape[1];
    hk_status s = linear_plan_new(dev, o, out, O, K);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    P->chunk = -1;
    P->base.run = P->blas ? linear_blas : linear_dx_own;
    P->base.scratch = (size_t)(P->blas ? P->tile * (K + O) : O * CPU_MAX_NR + P->tile * O) * 4;
    return HK_OK;
}

static hk_status linear_dw_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int64_t O = hk_desc_elems(&o->in[0]), K = hk_desc_elems(&o->in[1]);
    hk_status s = linear_plan_new(dev, o, out, O, K);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    P->chunk = P->blas ? 16 : 24;
    P->base.run = P->blas ? linear_dw_blas : linear_dw_own;
    P->base.units = dw_units;
    P->base.grain = 1;
    P->base.scratch = (size_t)(P->chunk * HK_GROUP * ((P->blas ? K : CPU_MAX_NR) + O)) * 4;
    return HK_OK;
}

const cpu_op cpu_ops_linear[] = { { "linear", linear_new }, { "linear_dx", linear_dx_new }, { "linear_dw", linear_dw_new }, { NULL, NULL } };
