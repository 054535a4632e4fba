/* bf16_linear.c - linear and linear_dx with a large weight, by products of bf16 (bf16.h).
 *
 * Rows are rounded into words where they are; of w a panel of 64 columns of the product is packed, and stays in L1 while all rows go by. The sum goes
 * by blocks of the summed index, and the output holds the sum so far. Spikes are exact in bf16. A row of few spikes goes by its list, which reads the
 * weights as f32, and a row of many by the product: which, depends on that row alone. Outputs are assigned (=). Units: tiles of rows. */
#include "bf16.h"
#include "spikes.h"
#pragma GCC optimize("O3")

enum {
    TILE = 64,
    ROWS = 256,  /* rows of a unit; in one call, at most */
    BLOCK = 256, /* of the summed index at a time */
    APART = 16,  /* words between rows: they do not share cache sets */
    LARGE = 128,
    FEWEST = 32 /* sides of the weight; rows of a plan: fewer do not pay for packing */
};

typedef struct bf16_plan {
    cpu_plan base;
    const cpu_bf16 *f;
    int64_t K, O;
    int64_t most, share; /* linear of spikes: of a row, up to which it goes by its list; in per cent */
    size_t lists_at; /* in scratch */
} bf16_plan;

static int64_t row_count(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }
static int64_t tile_count(const cpu_plan *p, const hk_bind *b) { return (row_count(p, b) + TILE - 1) / TILE; }

/* A part of w that is fetched while rows go by: `rows` of them, each of 1 << shift lines of cache, `apart` numbers apart. */
typedef struct ahead {
    const float *at;
    int64_t rows, apart;
    int shift;
} ahead;

/* The product of m packed rows with a panel of `width` columns, of which `cols` are written; to[i]: where row i lies in c. */
static void by_rows(const cpu_bf16 *f, int64_t m, int64_t words, const uint32_t *a, int64_t a_row, const uint32_t *panel, int64_t width, const float *bias,
    float *c, const int64_t *to, int64_t cols, int add, ahead next) {
    const int64_t lines = next.rows << next.shift, share = lines / ((m + BF16_MR - 1) / BF16_MR) + 1;
    for (int64_t i = 0, mr, q = 0; i < m; i += mr) {
        mr = cpu_gemm_rows(m - i);
        for (int64_t end = cpu_min(lines, q + share); q < end; q++)
            __builtin_prefetch(next.at + (q >> next.shift) * next.apart + (q & ((1 << next.shift) - 1)) * 16, 0, 2);
        f->product[mr][width / BF16_VW](words, a + i * a_row, a_row, 1, panel, bias, c, to + i, cols, add);
    }
}

/* ---- linear_dx: gx[r, k] = sum_o g[r, o] w[o, k] ------------------------------------------------------------------------------------ */

static hk_status dx_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const bf16_plan *P = (const bf16_plan *)p;
    const int64_t K = P->K, O = P->O, end = cpu_min(hi * TILE, row_count(p, b)), a_row = BLOCK / 2 + APART;
    const float *g = b->ptr[0], *w = b->ptr[1];
    float *gx = cpu_out_ptr(p, b, 0);
    uint32_t *panel = scratch, *rows = panel + BLOCK / 2 * BF16_NR;
    int64_t to[ROWS];
    for (int64_t r0 = lo * TILE; r0 < end; r0 += ROWS)
        for (int64_t o0 = 0, m = cpu_min(ROWS, end - r0); o0 < O; o0 += BLOCK) {
            const int64_t n = cpu_min(BLOCK, O - o0);
            for (int64_t i = 0; i < m; i++) P->f->of_row(n, g + (r0 + i) * O + o0, rows + i * a_row), to[i] = (r0 + i) * K;
            for (int64_t k = 0; k < K; k += BF16_NR) {
                const int64_t cols = cpu_min(BF16_NR, K - k), width = cpu_up(cols, BF16_VW);
                for (int64_t o = 0; o < n; o += 2) {
                    const float *even = w + (o0 + o) * K + k;
                    P->f->pair(cols, even, o + 1 < n ? even + K : NULL, width, panel + o / 2 * width);
                }
                const ahead next = { w + o0 * K + k + BF16_NR, k + 2 * BF16_NR <= K ? n : 0, K, 2 };
                by_rows(P->f, m, cpu_bf16_words(n), rows, a_row, panel, width, NULL, gx + k, to, cols, o0 > 0, next);
            }
        }
    return HK_OK;
}

/* ---- linear: y[r, o] = sum_k x[r, k] w[o, k] (+ b[o]) --------------------------------------------------------------------------------- */

/* Rows list[0] ... list[m - 1] of x, at most ROWS */
static void product(const bf16_plan *P, const hk_bind *b, int64_t m, const int64_t *list, uint32_t *scratch) {
    const cpu_plan *p = &P->base;
    const int64_t K = P->K, O = P->O, a_row = BLOCK / 2 + APART;
    const float *w = b->ptr[1], *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    uint32_t *panel = scratch, *rows = panel + BLOCK / 2 * BF16_NR, *turned = rows + ROWS * a_row;
    int64_t to[ROWS];
    for (int64_t i = 0; i < m; i++) to[i] = list[i] * O;
    for (int64_t k0 = 0; k0 < K; k0 += BLOCK) {
        const int64_t n = cpu_min(BLOCK, K - k0), words = cpu_bf16_words(n);
        for (int64_t i = 0; i < m; i++) {
            if (p->d[0].dtype == HK_F32) P->f->of_row(n, (const float *)b->ptr[0] + list[i] * K + k0, rows + i * a_row);
            else P->f->of_spikes(n, (const uint8_t *)b->ptr[0] + list[i] * K + k0, rows + i * a_row);
        }
        for (int64_t o = 0; o < O; o += BF16_NR) {
            const int64_t cols = cpu_min(BF16_NR, O - o), width = cpu_up(cols, BF16_VW);
            for (int64_t j = 0; j < cols; j++) P->f->of_row(n, w + (o + j) * K + k0, turned + j * a_row);
            cpu_turn[p->isa](cols, words, (const float *)(const void *)turned, a_row, (float *)(void *)panel, width); /* moves words, whatever they are */
            for (int64_t q = 0; q < words && cols < width; q++) memset(panel + q * width + cols, 0, (size_t)(width - cols) * 4);
            const ahead next = { w + (o + BF16_NR) * K + k0, n == BLOCK && o + 2 * BF16_NR <= O ? BF16_NR : 0, K, 4 };
            by_rows(
                P->f, m, words, rows, a_row, panel, width, bias && k0 + n == K ? bias + o : NULL, (float *)cpu_out_ptr(p, b, 0) + o, to, cols, k0 > 0, next);
        }
    }
}

static hk_status linear_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const bf16_plan *P = (const bf16_plan *)p;
    const int64_t end = cpu_min(hi * TILE, row_count(p, b));
    int64_t list[ROWS], many = 0;
    for (int64_t r = lo * TILE, m; r < end; r += m) {
        const uint8_t *x[SPIKE_ROWS], *zeros = scratch;
        m = cpu_min(SPIKE_ROWS, end - r);
        int64_t few = 0;
        if (P->lists_at) memset(scratch, 0, (size_t)P->K);
        for (int64_t i = 0; i < m; i++) {
            x[i] = (const uint8_t *)b->ptr[0] + (r + i) * P->K;
            if (P->lists_at && cpu_spike_count(P->K, x[i]) <= P->most) few++;
            else x[i] = zeros, list[many++] = r + i;
        }
        if (few)
            cpu_spike_linear(p->isa, P->share + 1, m, x, P->K, b->ptr[1], NULL, cpu_has_in(p, 2) ? b->ptr[2] : NULL, P->O, 0, P->O,
                (float *)cpu_out_ptr(p, b, 0) + r * P->O, (char *)scratch + P->lists_at);
        if (many > ROWS - SPIKE_ROWS || (many && r + m == end)) product(P, b, many, list, scratch), many = 0;
    }
    return HK_OK;
}

/* ---- plans ----------------------------------------------------------------------------------------------------------------------------- */

static hk_status plan_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_desc *x = &o->in[0], *w = &o->in[1];
    *out = NULL;
    if (!dev->bf16 || o->isa < HK_ISA_AVX512 || x->flags != o->out[0].flags || !(x->flags & HK_N)) return HK_EUNSUPPORTED;
    if (w->shape[0] < LARGE || w->shape[1] < LARGE || o->N * (x->flags & HK_T ? o->T : 1) < FEWEST) return HK_EUNSUPPORTED;
    hk_status s = cpu_plan_new(dev, o, sizeof(bf16_plan), out);
    if (s != HK_OK) return s;
    bf16_plan *P = (bf16_plan *)*out;
    P->f = dev->bf16, P->O = w->shape[0], P->K = w->shape[1];
    P->base.units = tile_count, P->base.traits = HK_ROUNDS;
    P->base.scratch = (size_t)(BLOCK / 2 * BF16_NR + ROWS * (BLOCK / 2 + APART)) * 4;
    return HK_OK;
}

hk_status cpu_bf16_linear_dx_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    if (o->in[0].dtype != HK_F32) return HK_EUNSUPPORTED;
    hk_status s = plan_new(dev, o, out);
    if (s != HK_OK) return s;
    (*out)->run = dx_run, (*out)->impl = "panels, bf16";
    return HK_OK;
}

hk_status cpu_bf16_linear_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const int spikes = o->in[0].dtype == HK_SPIKE;
    if ((!spikes && o->in[0].dtype != HK_F32) || (spikes && cpu_may_keep(o, 1))) return HK_EUNSUPPORTED; /* lists with packed weights are faster */
    hk_status s = plan_new(dev, o, out);
    if (s != HK_OK) return s;
    bf16_plan *P = (bf16_plan *)*out;
    P->base.run = linear_run, P->base.impl = spikes ? "spikes or panels, bf16" : "panels, bf16";
    P->base.scratch += (size_t)(BF16_NR * (BLOCK / 2 + APART)) * 4;
    const cpu_way way = cpu_way_of(dev, o);
    P->share = way.most >= 0 ? way.most : SPIKE_ROW_BF16;
    const size_t lists = spikes ? cpu_spike_linear_scratch(P->base.isa, P->K, P->O, 0, P->share + 1) : 0;
    if (!lists) return HK_OK;
    cpu_way_add(*out, "dense", 0), cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    P->most = P->K * P->share / 100;
    P->lists_at = (size_t)cpu_up(P->K, 64);
    P->base.scratch = (size_t)cpu_max((int64_t)P->base.scratch, (int64_t)(P->lists_at + lists));
    return HK_OK;
}
