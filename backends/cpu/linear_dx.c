/* linear_dx.c - linear_dx with a large weight: gx[r, k] = sum_o g[r, o] w[o, k].
 *
 * The sum goes by blocks of OUTPUTS: of g they are packed into tiles [row tile][o][6], of w into a panel of columns that stays in L1 while all rows go by;
 * while they do, the next panel's numbers of w are fetched. gx holds the sum so far, so every number has one accumulator that adds in ascending
 * order: the bits of the plain product. Outputs are assigned (=). Units: tiles of rows. */
#include "gemm.h"
#pragma GCC optimize("O3")

enum { TILE = 64, ROWS = 240 /* packed at a time; whole tiles of 6 */, OUTPUTS = 256, FEW = 16 /* rows that do not pay for packing w */, LARGE = 128 };

typedef struct dx_plan {
    cpu_plan base;
    const cpu_gemm *g;
    int64_t K, O;
} dx_plan;

static int64_t row_count(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }
static int64_t dx_units(const cpu_plan *p, const hk_bind *b) { return (row_count(p, b) + TILE - 1) / TILE; }

/* to[tile][o][mr] of m rows of n numbers */
static void pack_rows(const cpu_plan *p, int64_t m, int64_t n, const float *g, int64_t ldg, float *to) {
    for (int64_t i = 0, mr; i < m; i += mr, to += n * mr) {
        mr = cpu_gemm_rows(m - i);
        cpu_turn[p->isa](mr, n, g + i * ldg, ldg, to, mr);
    }
}

/* Columns [k, k + cols) of n rows of w as [n][width] */
static void pack_panel(const float *w, int64_t n, int64_t K, int64_t cols, int64_t width, float *to) {
    for (int64_t o = 0; o < n; o++, w += K, to += width) {
        if (cols == 64 && width == 64) memcpy(to, w, 256);
        else if (cols == 16 && width == 16) memcpy(to, w, 64);
        else memcpy(to, w, (size_t)cols * 4), memset(to + cols, 0, (size_t)(width - cols) * 4);
    }
}

static hk_status dx_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const dx_plan *P = (const dx_plan *)p;
    int64_t K = P->K, O = P->O, vw = P->g->vw, nr = P->g->nv * vw, end = cpu_min(hi * TILE, row_count(p, b));
    const float *w = b->ptr[1];
    float *panel = scratch, *tiles = panel + OUTPUTS * nr;
    for (int64_t r0 = lo * TILE; r0 < end; r0 += ROWS)
        for (int64_t o0 = 0, m = cpu_min(ROWS, end - r0); o0 < O; o0 += OUTPUTS) {
            int64_t n = cpu_min(OUTPUTS, O - o0), tile_rows = (m + CPU_MR - 1) / CPU_MR, share = (n + tile_rows - 1) / tile_rows;
            pack_rows(p, m, n, (const float *)b->ptr[0] + r0 * O + o0, O, tiles);
            for (int64_t k = 0; k < K; k += nr) {
                int64_t cols = cpu_min(nr, K - k), width = cpu_up(cols, vw), packed = m > FEW || cols < width, next = 0;
                const float *from = w + o0 * K + k;
                if (packed) pack_panel(from, n, K, cols, width, panel);
                for (int64_t i = 0, mr; i < m; i += mr) {
                    mr = cpu_gemm_rows(m - i);
                    for (int64_t last = cpu_min(n, next + share); k + 2 * nr <= K && next < last; next++) /* the next panel, a share for each tile */
                        for (int64_t j = 0; j < nr; j += 16) __builtin_prefetch(from + next * K + nr + j, 0, 2);
                    P->g->outer[mr][width / vw](1, n, tiles + i * n, mr, 0, packed ? panel : from, packed ? width : K, 0,
                        (float *)cpu_out_ptr(p, b, 0) + (r0 + i) * K + k, K, cols, o0 > 0);
                }
            }
        }
    return HK_OK;
}

int cpu_linear_dx_fits(const hk_opdesc *o) {
    const hk_desc *g = &o->in[0];
    return g->dtype == HK_F32 && g->flags == o->out[0].flags && o->in[1].shape[0] >= LARGE && o->in[1].shape[1] >= LARGE;
}

hk_status cpu_linear_dx_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(dx_plan), out);
    if (s != HK_OK) return s;
    dx_plan *P = (dx_plan *)*out;
    P->g = cpu_gemm_isa[P->base.isa];
    P->O = o->in[1].shape[0], P->K = o->in[1].shape[1];
    P->base.units = dx_units, P->base.run = dx_run;
    P->base.grain = cpu_max(1, 200000 / (TILE * P->K * P->O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "panels, avx512" : P->base.isa == HK_ISA_AVX2 ? "panels, avx2" : "panels, baseline";
    P->base.scratch = (size_t)(OUTPUTS * (P->g->nv * P->g->vw + ROWS)) * 4;
    return HK_OK;
}
