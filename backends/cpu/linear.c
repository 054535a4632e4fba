/* linear.c - y = x w^T (+ b) and its two adjoints, on rows (t, sample), by the register-tiled kernels of gemm.h.
 *
 * Every output number has one accumulator that adds in ascending order, so bits depend on no tile, block or thread. (OpenBLAS was
 * measured beside this and is not used: it was no faster on 3136 x 1024, and its last bits depend on a row's place in the call.)
 * Outputs are assigned (=). Units: tiles of rows; for linear_dw, (group, span of columns). */
#include "bf16.h"
#include "spikes.h"
#pragma GCC optimize("O3")

enum {
    OC = 48,             /* linear, few rows: columns of y turned round at a time */
    DX_PANELS = 4,       /* linear_dx: panels of w packed at a time */
    DW_FLOATS = 256 << 8 /* linear_dw: numbers of x kept as f32: half of a usual L2 */
};

typedef struct linear_plan {
    cpu_plan base;
    const cpu_gemm *g;
    int64_t K, O, tile;  /* rows of a unit */
    int64_t panel_rows;  /* linear: fewest rows for which w is packed */
    int64_t chunk, span; /* linear_dw: steps and columns added up in one go */
    int spikes;          /* linear: rows of spikes may go by their lists */
    int64_t most;        /* up to this per cent of spikes */
    int64_t panel;       /* linear with packed weights: outputs in a unit when rows are few */
} linear_plan;

static int64_t linear_rows(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

/* With packed weights and no more rows than a tile has, units are panels of outputs: one row keeps several threads busy. */
static int by_outputs(const linear_plan *P, const hk_bind *b) { return b->kept && linear_rows(&P->base, b) <= P->tile; }

static int64_t linear_units(const cpu_plan *p, const hk_bind *b) {
    const linear_plan *P = (const linear_plan *)p;
    return by_outputs(P, b) ? (P->O + P->panel - 1) / P->panel : (linear_rows(p, b) + P->tile - 1) / P->tile;
}

/* Row r of the output, as a row of operand d. */
static inline int64_t map_row(const hk_desc *d, const hk_desc *out, const hk_bind *b, int64_t r) {
    if (d->flags == out->flags) return r;
    int64_t n = cpu_count(out, b);
    return cpu_row(d, b, r / n, r % n);
}

/* Rows r0 ... r0 + m - 1 of operand 0 as f32 [m, K]: in place when they lie so, else put into tmp. */
static const float *get_rows(const cpu_plan *p, const hk_bind *b, int64_t K, int64_t r0, int64_t m, float *tmp) {
    const hk_desc *d = &p->d[0], *out = cpu_out(p, 0);
    if (d->dtype == HK_F32 && d->flags == out->flags) return (const float *)b->ptr[0] + r0 * K;
    for (int64_t r = 0; r < m; r++) {
        int64_t at = map_row(d, out, b, r0 + r) * K;
        if (d->dtype == HK_F32) memcpy(tmp + r * K, (const float *)b->ptr[0] + at, (size_t)K * 4);
        else cpu_from_u8[p->isa](K, (const uint8_t *)b->ptr[0] + at, tmp + r * K);
    }
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
static void product(const cpu_gemm *g, int nv, int64_t m, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, const float *bias, float *c,
    int64_t ldc, int64_t cols) {
    for (int64_t i = 0, mr; i < m; i += mr) {
        mr = cpu_gemm_rows(m - i);
        g->rows[mr][nv](k, a + i * lda, lda, b, ldb, bias, c + i * ldc, ldc, cols);
    }
}

/* ---- linear: y[r, o] = sum_k x[r, k] w[o, k] (+ b[o]) ------------------------------------------------------------------------- */

/* Many rows: w is packed into panels of columns, one by one. */
static void linear_by_panels(const linear_plan *P, const hk_bind *b, int64_t r0, int64_t r1, int64_t o0, int64_t o1, float *scratch) {
    const cpu_plan *p = &P->base;
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw, tile = P->tile, wide = cpu_up(O, P->g->vw), end = cpu_up(o1, P->g->vw);
    const float *w = b->ptr[1], *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *y = cpu_out_ptr(p, b, 0), *panel = scratch, *pad_bias = panel + K * wide, *tmp = pad_bias + wide;
    for (int64_t o = o0; o < end; o += nr) {
        int64_t width = cpu_min(nr, wide - o);
        pack_transposed(w + o * K, cpu_min(width, O - o), K, width, panel + o * K);
    }
    if (bias) memset(pad_bias, 0, (size_t)wide * 4), memcpy(pad_bias, bias, (size_t)O * 4);
    for (int64_t r = r0; r < r1; r += tile) {
        int64_t m = cpu_min(tile, r1 - r);
        const float *x = get_rows(p, b, K, r, m, tmp);
        for (int64_t o = o0; o < end; o += nr) {
            int64_t width = cpu_min(nr, wide - o);
            product(P->g, width == nr ? 2 : 1, m, K, x, K, panel + o * K, width, bias ? pad_bias + o : NULL, y + r * O + o, O, cpu_min(width, O - o));
        }
    }
}

/* Few rows: w is read in place, and x is turned round instead: y^T = w x^T. The same sums, the same bits. */
static void linear_by_rows(const linear_plan *P, const hk_bind *b, int64_t r0, int64_t r1, int64_t o0, int64_t o1, float *scratch) {
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
        for (int64_t o = o0; o < o1; o += OC) {
            int64_t oc = cpu_min(OC, o1 - o);
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

static hk_status linear_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t rows = linear_rows(p, b), r0 = lo * P->tile, r1 = cpu_min(hi * P->tile, rows), o0 = 0, o1 = P->O;
    if (by_outputs(P, b)) r0 = 0, r1 = rows, o0 = lo * P->panel, o1 = cpu_min(hi * P->panel, P->O);
    /* Fewer rows do not pay for turning w round; many rows of sums shorter than a vector go faster by multiplying. */
    int lists = P->spikes && (P->O >= P->g->vw || r1 - r0 <= SPIKE_FEW);
    while (lists && r1 - r0 >= (b->kept ? 1 : SPIKE_ROWS / 4)) {
        const uint8_t *x[SPIKE_ROWS];
        int64_t m = cpu_min(SPIKE_ROWS, r1 - r0);
        for (int64_t i = 0; i < m; i++) x[i] = (const uint8_t *)b->ptr[0] + map_row(&p->d[0], cpu_out(p, 0), b, r0 + i) * P->K;
        float *y = (float *)cpu_out_ptr(p, b, 0) + r0 * P->O;
        if (!cpu_spike_linear(p->isa, P->most, m, x, P->K, b->ptr[1], b->kept, cpu_has_in(p, 2) ? b->ptr[2] : NULL, P->O, o0, o1, y, scratch)) break;
        r0 += m;
    }
    if (r0 == r1) return HK_OK;
    if (r1 - r0 >= P->panel_rows) linear_by_panels(P, b, r0, r1, o0, o1, scratch);
    else linear_by_rows(P, b, r0, r1, o0, o1, scratch);
    return HK_OK;
}

static hk_status linear_prepare(const cpu_plan *p, const hk_bind *b) {
    const linear_plan *P = (const linear_plan *)p;
    cpu_spike_linear_pack(p->isa, P->K, P->O, b->ptr[1], b->kept);
    return HK_OK;
}

/* ---- linear_dx: gx[r, k] = sum_o g[r, o] w[o, k] ---------------------------------------------------------------------------- */

/* Columns [k, k + cols) of w as a panel [O, width] */
static void pack_panel(const float *w, int64_t O, int64_t K, int64_t cols, int64_t width, float *panel) {
    for (int64_t o = 0; o < O; o++, w += K, panel += width) {
        if (cols == 16 && width == 16) {
            memcpy(panel, w, 64);
            continue;
        }
        memcpy(panel, w, (size_t)cols * 4);
        memset(panel + cols, 0, (size_t)(width - cols) * 4);
    }
}

/* DX_PANELS panels of columns at a time; a panel of a large w is packed when there are rows enough to pay for it, else read in place. */
static hk_status linear_dx_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    int64_t K = P->K, O = P->O, vw = P->g->vw, nr = 2 * vw, r0 = lo * P->tile, r1 = cpu_min(hi * P->tile, linear_rows(p, b));
    int pack_all = K * O > 64 * 64 && r1 - r0 > 16;
    const float *w = b->ptr[1];
    float *gx = cpu_out_ptr(p, b, 0), *panels = scratch, *tmp = panels + DX_PANELS * O * nr;
    for (int64_t k0 = 0; k0 < K; k0 += DX_PANELS * nr) {
        int64_t end = cpu_min(k0 + DX_PANELS * nr, K);
        for (int64_t k = k0; k < end; k += nr)
            if (pack_all || end - k < nr) pack_panel(w + k, O, K, cpu_min(nr, end - k), end - k > vw ? nr : vw, panels + (k - k0) * O);
        for (int64_t r = r0; r < r1; r += P->tile) {
            int64_t m = cpu_min(P->tile, r1 - r);
            const float *g = get_rows(p, b, O, r, m, tmp);
            for (int64_t k = k0; k < end; k += nr) {
                int64_t cols = cpu_min(nr, end - k), width = cols > vw ? nr : vw;
                int packed = pack_all || cols < nr;
                product(P->g, width == nr ? 2 : 1, m, O, g, O, packed ? panels + (k - k0) * O : w + k, packed ? width : K, NULL, gx + r * K + k, K, cols);
            }
        }
    }
    return HK_OK;
}

/* ---- linear_dw: G[o, k] = sum over t, then sample of the group, of g[o] x[k] ------------------------------------------------------ */

static int64_t dw_units(const cpu_plan *p, const hk_bind *b) {
    const linear_plan *P = (const linear_plan *)p;
    return b->groups * ((P->K + P->span - 1) / P->span);
}

/* Columns [k, k + cols) of the rows (t0 ... t0 + T - 1, i0 ... i0 + run - 1) of x, as f32 [T * run, span], zeros up to a whole vector. */
static void pack_columns(const linear_plan *P, const hk_bind *b, int64_t t0, int64_t T, int64_t i0, int64_t run, int64_t k, int64_t cols, float *dst) {
    const hk_desc *d = &P->base.d[1];
    int64_t zeros = cpu_up(cols, P->g->vw) - cols;
    for (int64_t t = t0; t < t0 + T; t++)
        for (int64_t i = i0; i < i0 + run; i++, dst += P->span) {
            int64_t at = cpu_row(d, b, t, i) * P->K + k;
            if (d->dtype == HK_F32) memcpy(dst, (const float *)b->ptr[1] + at, (size_t)cols * 4);
            else cpu_from_u8[P->base.isa](cols, (const uint8_t *)b->ptr[1] + at, dst);
            for (int64_t c = 0; c < zeros; c++) dst[cols + c] = 0.0f;
        }
}

static hk_status linear_dw_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_plan *P = (const linear_plan *)p;
    const hk_desc *dg = &p->d[0];
    uint32_t flags = dg->flags | p->d[1].flags;
    int64_t K = P->K, O = P->O, vw = P->g->vw, spans = (K + P->span - 1) / P->span, T = flags & HK_T ? b->T : 1, n = flags & HK_N ? b->n : 1;
    int gather = dg->flags != flags; /* g does not vary with all that x varies with */
    float *x = scratch, *rows = x + P->chunk * HK_GROUP * P->span;
    for (int64_t u = lo; u < hi; u++) {
        int64_t group = u / spans, k0 = u % spans * P->span, cols = cpu_min(P->span, K - k0), i0 = group * HK_GROUP, run = cpu_min(HK_GROUP, n - i0);
        float *out = (float *)cpu_out_ptr(p, b, 0) + group * O * K + k0;
        for (int64_t t = 0; t < T; t += P->chunk) {
            int64_t steps = cpu_min(P->chunk, T - t), jump = gather ? 0 : (n - run) * O;
            pack_columns(P, b, t, steps, i0, run, k0, cols, x);
            const float *g = (const float *)b->ptr[0] + cpu_row(dg, b, t, i0) * O;
            for (int64_t r = 0; gather && r < steps * run; r++)
                memcpy(rows + r * O, (const float *)b->ptr[0] + cpu_row(dg, b, t + r / run, i0 + r % run) * O, (size_t)O * 4);
            if (gather) g = rows;
            for (int64_t o = 0, mr; o < O; o += mr) {
                mr = cpu_gemm_rows(O - o);
                for (int64_t k = 0; k < cols; k += 2 * vw)
                    P->g->outer[mr][cols - k > vw ? 2 : 1](steps, run, g + o, O, jump, x + k, P->span, 0, out + o * K + k, K, cpu_min(2 * vw, cols - k), t > 0);
            }
        }
    }
    return HK_OK;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

static hk_status linear_plan_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out, int64_t O, int64_t K) {
    hk_status s = cpu_plan_new(dev, o, sizeof(linear_plan), out);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    P->K = K, P->O = O, P->tile = 64;
    P->g = cpu_gemm_isa[P->base.isa];
    P->base.units = linear_units;
    P->base.grain = cpu_max(1, 200000 / (P->tile * K * O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "tiles, avx512" : P->base.isa == HK_ISA_AVX2 ? "tiles, avx2" : "tiles, baseline";
    return HK_OK;
}

static int static_matrix(const hk_desc *w) { return w->flags == HK_STATIC && w->rank == 2; }

static hk_status linear_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (!static_matrix(&o->in[1])) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear: the weight must be a static matrix", o->path);
    if (o->n_in > 3 && o->in[3].dtype != HK_ABSENT) return cpu_linear_table_new(dev, o, out);
    if (cpu_attr(o, "columns")->i) return cpu_linear_columns_new(dev, o, out);
    hk_status s = cpu_linear_masks_new(dev, o, out);
    if (s == HK_EUNSUPPORTED) s = cpu_bf16_linear_new(dev, o, out);
    if (s != HK_EUNSUPPORTED) return s;
    int64_t O = o->in[1].shape[0], K = o->in[1].shape[1];
    s = linear_plan_new(dev, o, out, O, K);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    int64_t wide = cpu_up(O, P->g->vw), by_rows = K * P->tile + OC * CPU_MAX_NR, by_panels = K * wide + wide + P->tile * K;
    P->panel_rows = K * O > 256 * 256 ? INT64_MAX : K * O / (K + O);
    P->base.run = linear_run;
    P->base.scratch = (size_t)(K * O > 256 * 256 ? by_rows : cpu_max(by_rows, by_panels)) * 4;
    int keeps = cpu_may_keep(o, 1);
    const cpu_way way = cpu_way_of(dev, o);
    P->most = way.most >= 0 ? way.most : SPIKE_LINEAR_DENSE;
    size_t by_spikes = o->in[0].dtype == HK_SPIKE ? cpu_spike_linear_scratch(P->base.isa, K, O, keeps, P->most) : 0;
    P->spikes = by_spikes > 0;
    if (P->spikes && O >= P->g->vw) cpu_way_add(*out, "dense", 0), cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    P->panel = cpu_spike_linear_panel(P->base.isa);
    if (P->spikes && keeps) P->base.kept = (size_t)cpu_spike_linear_packed(P->base.isa, K, O) * 4, P->base.prepare = linear_prepare;
    if (by_spikes > P->base.scratch) P->base.scratch = by_spikes;
    if (P->spikes) P->base.impl = P->base.isa == HK_ISA_AVX512 ? "spikes, avx512" : P->base.isa == HK_ISA_AVX2 ? "spikes, avx2" : "spikes, baseline";
    return HK_OK;
}

static hk_status linear_dx_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (!static_matrix(&o->in[1])) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear_dx: the weight must be a static matrix", o->path);
    hk_status s = cpu_bf16_linear_dx_new(dev, o, out);
    if (s != HK_EUNSUPPORTED) return s;
    if (cpu_linear_dx_fits(o)) return cpu_linear_dx_new(dev, o, out);
    s = linear_plan_new(dev, o, out, o->in[1].shape[0], o->in[1].shape[1]);
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    P->base.run = linear_dx_run;
    P->base.scratch = (size_t)(P->O * (DX_PANELS * 2 * P->g->vw + P->tile)) * 4;
    return HK_OK;
}

static hk_status linear_dw_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_attr(o, "direct")->i ? cpu_bf16_direct_new(dev, o, out) : HK_EUNSUPPORTED;
    if (s != HK_EUNSUPPORTED) return s;
    if (cpu_attr(o, "direct")->i) return cpu_linear_direct_new(dev, o, out);
    s = cpu_linear_dw_small_new(dev, o, out);
    if (s != HK_EUNSUPPORTED || cpu_attr(o, "columns")->i) return s;
    s = linear_plan_new(dev, o, out, hk_desc_elems(&o->in[0]), hk_desc_elems(&o->in[1]));
    if (s != HK_OK) return s;
    linear_plan *P = (linear_plan *)*out;
    int64_t nr = 2 * P->g->vw;
    P->chunk = cpu_min(cpu_max(o->T, 1), 24);
    P->span = cpu_max(nr, cpu_min(cpu_up(P->K, nr), DW_FLOATS / (P->chunk * HK_GROUP) / nr * nr));
    P->base.run = linear_dw_run, P->base.units = dw_units;
    P->base.scratch = (size_t)(P->chunk * HK_GROUP * (P->span + P->O)) * 4;
    return HK_OK;
}

const cpu_op cpu_ops_linear[] = { { "linear", linear_new }, { "linear_dx", linear_dx_new }, { "linear_dw", linear_dw_new }, { NULL, NULL } };
