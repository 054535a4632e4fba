/* linear_direct.c - linear_dw with direct = 1: the weight gradient of the whole batch, added to the result group by group.
 *
 * A unit is a span of the output's columns for a span of its rows. Groups of samples are taken in chunks: rows of g are packed into
 * tiles once for all units of a thread, columns of x into panels; a tile of the output stays in L1 while the sums of the chunk's groups
 * are added to it, one after the other: the bits of partial sums and their merge. */
#include "gemm.h"
#include "spikes.h"
#pragma GCC optimize("O3")

enum { ROWS = 1024, FLOATS = 256 << 8 /* rows in a chunk; numbers of x kept as f32: half of a usual L2 */ };

typedef struct direct_plan {
    cpu_plan base;
    const cpu_gemm *g;
    int64_t K, O, span, spans, o_span, o_spans, chunk; /* groups at a time */
    int64_t rows; /* of spikes that may go by their lists; 0: none */
    int patterns, forced; /* or by patterns of steps; always, whatever the spikes */
    int64_t most; /* per cent of spikes of all x that is asked for; -1: what is usual, part by part */
    size_t tables; /* bytes of the rows' places before the rest of the scratch */
} direct_plan;

static int64_t direct_units(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return ((const direct_plan *)p)->spans * ((const direct_plan *)p)->o_spans;
}

/* Rows (t, i), t outermost, of samples [i0, i0 + run): to[panel][row][width], zeros up to the panel's width. */
static void pack_rows(const direct_plan *P, const hk_bind *b, int operand, int64_t T, int64_t i0, int64_t run, int64_t k0, int64_t cols, float *to) {
    const hk_desc *d = &P->base.d[operand];
    int64_t E = operand ? P->K : P->O, nr = 2 * P->g->vw, rows = T * run;
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = cpu_row_blocks(d, b, cpu_max(P->base.nb, 1), r / run, i0 + r % run) * E + k0;
        for (int64_t k = 0, m; k < cols; k += m) {
            m = operand ? cpu_min(nr, cols - k) : cpu_gemm_rows(cols - k);
            float *dst = to + k * rows + r * (operand ? nr : m);
            if (d->dtype != HK_F32) cpu_from_u8[P->base.isa](m, (const uint8_t *)b->ptr[operand] + at + k, dst);
            else if (m == 16) memcpy(dst, (const float *)b->ptr[operand] + at + k, 64);
            else if (m == 6) memcpy(dst, (const float *)b->ptr[operand] + at + k, 24);
            else memcpy(dst, (const float *)b->ptr[operand] + at + k, (size_t)m * 4);
            for (int64_t j = m; operand && j < nr; j++) dst[j] = 0.0f;
        }
    }
}

/* Columns of units [lo, hi), which share their outputs, by the spikes of x; 0: there are too many. */
static int run_spikes(const direct_plan *P, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const hk_desc *dg = &P->base.d[0], *dx = &P->base.d[1];
    int64_t T = (dg->flags | dx->flags) & HK_T ? b->T : 1, n = (dg->flags | dx->flags) & HK_N ? b->n : 1, groups = (n + HK_GROUP - 1) / HK_GROUP, nb = cpu_max(P->base.nb, 1), r = 0;
    const int64_t all = cpu_count(dx, b) * cpu_steps(dx, b) * P->K;
    if (P->most >= 0 && cpu_spike_count(all, b->ptr[1]) > all / 100 * P->most) return 0;
    const uint8_t **x = scratch;
    const float **g = (const float **)(void *)(x + P->rows);
    int64_t *first = (int64_t *)(void *)(g + P->rows);
    for (int64_t j = 0; j < groups; j++) {
        first[j] = r;
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = j * HK_GROUP; i < cpu_min((j + 1) * HK_GROUP, n); i++, r++)
                x[r] = (const uint8_t *)b->ptr[1] + cpu_row_blocks(dx, b, nb, t, i) * P->K, g[r] = (const float *)b->ptr[0] + cpu_row_blocks(dg, b, nb, t, i) * P->O;
    }
    first[groups] = r;
    int64_t k0 = lo % P->spans * P->span, k1 = cpu_min(P->K, ((hi - 1) % P->spans + 1) * P->span), o0 = lo / P->spans * P->o_span;
    int64_t on = cpu_min(P->o_span, P->O - o0);
    float *out = cpu_out_ptr(&P->base, b, 0);
    void *rest = (char *)scratch + P->tables;
    if (!P->patterns || (!P->forced && !cpu_steps_linear_dw_pays(P->base.isa, groups, first, T, x, P->K, rest)))
        return cpu_spike_linear_dw(P->base.isa, P->most < 0 ? SPIKE_LINEAR_DENSE : 100, groups, first, x, g, k0, k1 - k0, o0, on, P->K, out, rest);
    cpu_steps_linear_dw(P->base.isa, groups, first, T, x, g, k0, k1 - k0, o0, on, P->K, out, rest);
    return 1;
}

static hk_status dense_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const direct_plan *P = (const direct_plan *)p;
    uint32_t flags = p->d[0].flags | p->d[1].flags;
    int64_t K = P->K, vw = P->g->vw, nr = 2 * vw, T = flags & HK_T ? b->T : 1, n = flags & HK_N ? b->n : 1, most = P->chunk * HK_GROUP;
    float *x = scratch, *g = x + P->span * T * most;
    for (int64_t s0 = 0; s0 < n; s0 += most)
        for (int64_t u = lo; u < hi; u++) {
            int64_t k0 = u % P->spans * P->span, cols = cpu_min(P->span, K - k0), o0 = u / P->spans * P->o_span, on = cpu_min(P->o_span, P->O - o0);
            int64_t end = cpu_min(s0 + most, n), wide = cpu_up(cols, nr);
            float *out = (float *)cpu_out_ptr(p, b, 0) + o0 * K + k0;
            for (int64_t i = s0; i < end; i += HK_GROUP) {
                int64_t run = cpu_min(HK_GROUP, end - i);
                if (u == lo || u % P->spans == 0) pack_rows(P, b, 0, T, i, run, o0, on, g + (i - s0) * T * on);
                pack_rows(P, b, 1, T, i, run, k0, cols, x + (i - s0) * T * wide);
            }
            for (int64_t o = 0, mr; o < on; o += mr) {
                mr = cpu_gemm_rows(on - o);
                for (int64_t r = 0; r < mr && !s0; r++) memset(out + (o + r) * K, 0, (size_t)cols * 4);
                for (int64_t k = 0; k < cols; k += nr)
                    for (int64_t i = s0; i < end; i += HK_GROUP) {
                        int64_t rows = T * cpu_min(HK_GROUP, end - i);
                        P->g->outer[mr][cols - k > vw ? 2 : 1](1, rows, g + (i - s0) * T * on + o * rows, mr, 0, x + (i - s0) * T * wide + k * rows, nr, 0,
                            out + o * K + k, K, cpu_min(nr, cols - k), 2);
                    }
            }
        }
    return HK_OK;
}

static hk_status direct_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const direct_plan *P = (const direct_plan *)p;
    hk_status s = HK_OK;
    for (int64_t end; lo < hi && s == HK_OK; lo = end) {
        end = P->rows ? cpu_min(hi, (lo / P->spans + 1) * P->spans) : hi;
        if (!P->rows || !run_spikes(P, b, lo, end, scratch)) s = dense_run(p, b, lo, end, scratch);
    }
    return s;
}

hk_status cpu_linear_direct_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (o->out[0].flags != HK_STATIC) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear_dw: direct = 1 gives a static result", o->path);
    hk_status s = cpu_plan_new(dev, o, sizeof(direct_plan), out);
    if (s != HK_OK) return s;
    direct_plan *P = (direct_plan *)*out;
    P->O = hk_desc_elems(&o->in[0]), P->K = hk_desc_elems(&o->in[1]);
    P->g = cpu_gemm_isa[P->base.isa];
    int64_t nr = 2 * P->g->vw, T = cpu_max(o->T, 1), threads = dev->threads, groups = (o->N + HK_GROUP - 1) / HK_GROUP;
    P->chunk = cpu_max(1, cpu_min(groups, ROWS / (T * HK_GROUP)));
    int64_t rows = P->chunk * HK_GROUP * T, share = cpu_up((P->K + threads - 1) / threads, nr);
    P->span = cpu_max(nr, cpu_min(share, FLOATS / rows / nr * nr));
    P->spans = (P->K + P->span - 1) / P->span;
    P->o_spans = cpu_max(1, cpu_min((threads + P->spans - 1) / P->spans, P->O / CPU_MR));
    P->o_span = cpu_up((P->O + P->o_spans - 1) / P->o_spans, CPU_MR);
    P->o_spans = (P->O + P->o_span - 1) / P->o_span;
    P->base.units = direct_units, P->base.run = direct_run;
    P->base.impl = "tiles, direct";
    P->base.scratch = (size_t)(rows * (P->span + P->o_span)) * 4;
    int64_t all = o->N * T;
    P->most = cpu_way_of(dev, o).most;
    size_t by_spikes = o->in[1].dtype == HK_SPIKE ? cpu_spike_linear_dw_scratch(P->base.isa, all, P->K, P->most < 0 ? SPIKE_LINEAR_DENSE : 100) : 0;
    if (!by_spikes) return HK_OK;
    size_t by_patterns = 0;
    if (dev->steps != CPU_STEPS_SINGLE && o->in[1].flags == HK_SEQ) by_patterns = cpu_steps_linear_dw_scratch(P->base.isa, o->N, T, P->K, P->forced = dev->steps == CPU_STEPS_PATTERNS);
    P->patterns = by_patterns > 0;
    by_spikes = by_patterns > by_spikes ? by_patterns : by_spikes;
    P->rows = all, P->tables = (size_t)cpu_up(all * 16 + (groups + 1) * 8, 64);
    by_spikes += P->tables;
    if (by_spikes > P->base.scratch) P->base.scratch = by_spikes;
    P->base.impl = "spikes, direct";
    cpu_way_add(*out, "dense", 0), cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    return HK_OK;
}
