/* bf16_direct.c - linear_dw with direct = 1 by products of bf16 (bf16.h): G[o, k] = sum over the rows of the whole batch of g[row, o] x[row, k].
 *
 * Rows go group by group, in a group step by step, whatever the blocks; two rows that follow each other make a word. Of a block of outputs all rows of a
 * chunk are packed into tiles [tile][word][6], then for each panel of 64 columns of x its rows. Few spikes in the whole of x: the plan of f32, which
 * works by lists, does it all. Units: as many as that plan has; here they share out columns. Outputs are assigned (=). */
#include "bf16.h"
#include "spikes.h"
#pragma GCC optimize("O3")

enum { ROWS = 512, FLOATS = 96 << 10 /* rows of a chunk; words of g packed at a time: a part of L2 */, LARGE = 128 };

typedef struct direct_plan {
    cpu_plan base;
    const cpu_bf16 *f;
    int64_t K, O, o_span;
    int64_t most; /* per cent of spikes that go by lists */
} direct_plan;

static int64_t direct_units(const cpu_plan *p, const hk_bind *b) { return p->inner[0]->units(p->inner[0], b); }

/* Row `r` of the batch, groups outermost, as a row of operand d. */
static int64_t row_of(const direct_plan *P, const hk_desc *d, const hk_bind *b, int64_t T, int64_t n, int64_t r) {
    const int64_t group = r / (HK_GROUP * T), i0 = group * HK_GROUP, run = cpu_min(HK_GROUP, n - i0), at = r - i0 * T;
    return cpu_row_blocks(d, b, cpu_max(P->base.nb, 1), at / run, i0 + at % run);
}

static const void *row_at(const direct_plan *P, int operand, const hk_bind *b, int64_t T, int64_t n, int64_t r, int64_t first) {
    const hk_desc *d = &P->base.d[operand];
    return (const char *)b->ptr[operand] + (size_t)(row_of(P, d, b, T, n, r) * (operand ? P->K : P->O) + first) * cpu_size(d->dtype);
}

/* Outputs [o, o + on) of the rows [r0, r1) of g: to[tile][word][rows of the tile] */
static void pack_g(const direct_plan *P, const hk_bind *b, int64_t T, int64_t n, int64_t r0, int64_t r1, int64_t o, int64_t on, uint32_t *line, uint32_t *to) {
    const int64_t words = cpu_bf16_words(r1 - r0);
    for (int64_t r = r0, q = 0; r < r1; r += 2, q++) {
        P->f->pair(on, row_at(P, 0, b, T, n, r, o), r + 1 < r1 ? row_at(P, 0, b, T, n, r + 1, o) : NULL, cpu_up(on, BF16_VW), line);
        for (int64_t i = 0, mr; i < on; i += mr) {
            mr = cpu_gemm_rows(on - i);
            if (mr == 6) memcpy(to + i * words + q * 6, line + i, 24);
            else memcpy(to + i * words + q * mr, line + i, (size_t)mr * 4);
        }
    }
}

/* Columns [k, k + cols) of the same rows of x: to[word][width] */
static void pack_x(const direct_plan *P, const hk_bind *b, int64_t T, int64_t n, int64_t r0, int64_t r1, int64_t k, int64_t cols, int64_t width, uint32_t *to) {
    for (int64_t r = r0; r < r1; r += 2, to += width) {
        const void *even = row_at(P, 1, b, T, n, r, k), *odd = r + 1 < r1 ? row_at(P, 1, b, T, n, r + 1, k) : NULL;
        if (P->base.d[1].dtype == HK_F32) P->f->pair(cols, even, odd, width, to);
        else P->f->pair_spikes(cols, even, odd, width, to);
    }
}

static void columns(const direct_plan *P, const hk_bind *b, int64_t k0, int64_t k1, uint32_t *scratch) {
    const uint32_t flags = P->base.d[0].flags | P->base.d[1].flags;
    const int64_t K = P->K, T = flags & HK_T ? b->T : 1, n = flags & HK_N ? b->n : 1, rows = T * n;
    uint32_t *x = scratch, *line = x + ROWS / 2 * BF16_NR, *g = line + cpu_up(P->o_span, BF16_VW);
    float *out = cpu_out_ptr(&P->base, b, 0);
    int64_t to[BF16_MR];
    for (int64_t i = 0; i < BF16_MR; i++) to[i] = i * K;
    for (int64_t o0 = 0; o0 < P->O; o0 += P->o_span)
        for (int64_t r0 = 0; r0 < rows; r0 += ROWS) {
            const int64_t on = cpu_min(P->o_span, P->O - o0), r1 = cpu_min(r0 + ROWS, rows), words = cpu_bf16_words(r1 - r0);
            pack_g(P, b, T, n, r0, r1, o0, on, line, g);
            for (int64_t k = k0; k < k1; k += BF16_NR) {
                const int64_t cols = cpu_min(BF16_NR, k1 - k), width = cpu_up(cols, BF16_VW);
                pack_x(P, b, T, n, r0, r1, k, cols, width, x);
                for (int64_t o = 0, mr; o < on; o += mr) {
                    mr = cpu_gemm_rows(on - o);
                    P->f->product[mr][width / BF16_VW](words, g + o * words, 1, mr, x, NULL, out + (o0 + o) * K + k, to, cols, r0 > 0);
                }
            }
        }
}

static hk_status direct_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const direct_plan *P = (const direct_plan *)p;
    const hk_desc *x = &p->d[1];
    const int64_t all = cpu_count(x, b) * cpu_steps(x, b) * P->K, units = direct_units(p, b);
    if (x->dtype == HK_SPIKE && cpu_spike_count(all, b->ptr[1]) <= all / 100 * P->most) return p->inner[0]->run(p->inner[0], b, lo, hi, scratch);
    const int64_t k0 = cpu_min(P->K, cpu_up(P->K * lo / units, BF16_NR)), k1 = hi == units ? P->K : cpu_min(P->K, cpu_up(P->K * hi / units, BF16_NR));
    if (k0 < k1) columns(P, b, k0, k1, scratch);
    return HK_OK;
}

hk_status cpu_bf16_direct_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_desc *g = &o->in[0], *x = &o->in[1];
    *out = NULL;
    if (!dev->bf16 || o->isa < HK_ISA_AVX512 || o->out[0].flags != HK_STATIC || g->dtype != HK_F32 || (x->dtype != HK_F32 && x->dtype != HK_SPIKE))
        return HK_EUNSUPPORTED;
    if (hk_desc_elems(g) < LARGE || hk_desc_elems(x) < LARGE) return HK_EUNSUPPORTED;
    hk_status s = cpu_plan_new(dev, o, sizeof(direct_plan), out);
    if (s == HK_OK) s = cpu_linear_direct_new(dev, o, &(*out)->inner[0]);
    if (s != HK_OK) return s;
    direct_plan *P = (direct_plan *)*out;
    const cpu_way way = cpu_way_of(dev, o);
    P->most = way.most >= 0 ? way.most : SPIKE_DW_BF16;
    if (P->base.inner[0]->n_ways) cpu_way_add(*out, "dense", 0), cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    P->f = dev->bf16, P->O = hk_desc_elems(g), P->K = hk_desc_elems(x);
    P->o_span = cpu_min(P->O, cpu_max(BF16_MR, FLOATS / (ROWS / 2) / BF16_MR * BF16_MR));
    P->base.traits = HK_ROUNDS;
    P->base.units = direct_units, P->base.run = direct_run, P->base.grain = P->base.inner[0]->grain;
    P->base.impl = x->dtype == HK_SPIKE ? "spikes or tiles, bf16, direct" : "tiles, bf16, direct";
    P->base.scratch = (size_t)(ROWS / 2 * (BF16_NR + P->o_span) + cpu_up(P->o_span, BF16_VW)) * 4;
    P->base.scratch = (size_t)cpu_max((int64_t)P->base.scratch, (int64_t)P->base.inner[0]->scratch);
    return HK_OK;
}
