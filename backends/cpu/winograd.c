/* winograd.c - conv2d and conv2d_dx with kernels of 3 x 3 by Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products for 16 outputs in place of 144.
 *
 * Along an axis, six numbers d and three taps g are taken to six points, multiplied there, and taken to four outputs: y = A^T (G g * B^T d).
 * The points are 0, +-1/sqrt 2, +-sqrt 2 and infinity: their squares are 1/2 and 2 and the product of those 1, which keeps the numbers of one size, so
 * that the error is that of the plain sum (docs/adr/0009-winograd.md), where the usual 0, +-1, +-2 lose two bits.
 * Tiles of outputs are counted through all images. A unit is `block` of them: their data at the 36 points, one product with the weights at each
 * point for a panel of outputs, and the panel back; all in L2. A tile's sums see nothing of other tiles, so bits do not depend on blocks.
 * Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks"; on points: Barabasz et al. 2020, "Error analysis and improving
 * the accuracy of Winograd convolution for deep neural networks". */
#include "gemm.h"
#include "window.h"
#include "winograd.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 8")

enum {
    TILE = 4,
    POINTS = 6,
    CHUNK = 1 << 20 /* numbers of weights kept at the points */,
    LINE = 16 /* numbers; apart by it, the points' rows do not share cache sets */
};
#define POINT_A 0.70710678f
#define POINT_B 1.41421356f

typedef struct winograd_fns {
    void (*data)(const float *const *at, int64_t C, float *to, int64_t step); /* to[point * step + c] of the 36 places at */
    void (*outputs)(const float *m, int64_t step, const float *bias, float *y, int64_t line, int64_t place, int64_t rows, int64_t cols, int64_t n);
    void (*weights)(const float *taps, int64_t width, float *to, int64_t step); /* taps[9][width] */
} winograd_fns;

typedef float v4 __attribute__((vector_size(16)));
typedef float v4u __attribute__((vector_size(16), aligned(4)));
static inline void part_baseline(float *c, int64_t cols, v4 x) {
    for (int i = 0; i < 4 && i < cols; i++) c[i] = x[i];
}
static inline v4 read_baseline(const float *c, int64_t cols) {
    v4 x = { 0, 0, 0, 0 };
    for (int i = 0; i < 4 && i < cols; i++) x[i] = c[i];
    return x;
}
#define NAME(x) x##_baseline
#define V v4
#define VW 4
#define VSET1(x) ((v4){ (x), (x), (x), (x) })
#define VLOAD(p) (*(const v4u *)(p))
#define VSTORE(p, x) (*(v4u *)(p) = (x))
#define VFMA(a, b, c) ((a) * (b) + (c))
#define VPART part_baseline
#define VREAD read_baseline
#include "winograd_micro.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
static const int32_t mask_words[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
static inline __m256i mask_avx2(int64_t cols) { return _mm256_loadu_si256((const void *)(mask_words + 8 - cols)); }
static inline void part_avx2(float *c, int64_t cols, __m256 x) { _mm256_maskstore_ps(c, mask_avx2(cols), x); }
static inline __m256 read_avx2(const float *c, int64_t cols) { return _mm256_maskload_ps(c, mask_avx2(cols)); }
#define NAME(x) x##_avx2
#define V __m256
#define VW 8
#define VSET1 _mm256_set1_ps
#define VLOAD _mm256_loadu_ps
#define VSTORE _mm256_storeu_ps
#define VFMA _mm256_fmadd_ps
#define VPART part_avx2
#define VREAD read_avx2
#include "winograd_micro.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
static inline void part_avx512(float *c, int64_t cols, __m512 x) { _mm512_mask_storeu_ps(c, (__mmask16)((1u << cols) - 1), x); }
static inline __m512 read_avx512(const float *c, int64_t cols) { return _mm512_maskz_loadu_ps((__mmask16)((1u << cols) - 1), c); }
#define NAME(x) x##_avx512
#define V __m512
#define VW 16
#define VSET1 _mm512_set1_ps
#define VLOAD _mm512_loadu_ps
#define VSTORE _mm512_storeu_ps
#define VFMA _mm512_fmadd_ps
#define VPART part_avx512
#define VREAD read_avx512
#include "winograd_micro.h"
#pragma GCC pop_options
static const winograd_fns *const fns_isa[3] = { &winograd_baseline, &winograd_avx2, &winograd_avx512 };
#else
static const winograd_fns *const fns_isa[3] = { &winograd_baseline, &winograd_baseline, &winograd_baseline };
#endif

typedef struct winograd_plan {
    cpu_plan base;
    const cpu_gemm *g;
    const winograd_fns *fn;
    int64_t C, H, W, O, OH, OW;       /* of the source and of the output */
    int64_t org[2], tiles_h, tiles_w; /* tap 0 of output q lies at q + org of the source */
    int64_t w_in, w_out, bwd;         /* steps in the weight from channel to channel */
    int64_t row, wide, chunk, block;  /* C and O up to whole vectors; outputs whose weights are kept; tiles */
    int64_t v_step, m_step;
} winograd_plan;

static int64_t tile_count(const winograd_plan *P, const hk_bind *b) {
    const hk_desc *d = cpu_out(&P->base, 0);
    return cpu_count(d, b) * cpu_steps(d, b) * P->tiles_h * P->tiles_w;
}

static int64_t winograd_units(const cpu_plan *p, const hk_bind *b) {
    const winograd_plan *P = (const winograd_plan *)p;
    return (tile_count(P, b) + P->block - 1) / P->block;
}

static int64_t u_step(const winograd_plan *P, int64_t width) { return P->C * width + LINE; }

/* Weights of the outputs [o, o + width) at the points: to[point][channel][width] */
static void weights(const winograd_plan *P, const float *w, int64_t o, int64_t width, float *taps, float *to) {
    int64_t n = cpu_min(width, P->O - o);
    if (n < width) memset(taps, 0, (size_t)(9 * width) * 4);
    for (int64_t c = 0; c < P->C; c++) {
        const float *from = w + c * P->w_in + o * P->w_out;
        for (int64_t j = 0; j < n; j++, from += P->w_out)
            for (int64_t k = 0; k < 9; k++) taps[k * width + j] = from[P->bwd ? 8 - k : k];
        P->fn->weights(taps, width, to + c * width, u_step(P, width));
    }
}

/* Where the six by six numbers of a tile lie; outside of the image: zeros. */
static void find_data(const winograd_plan *P, const float *image, int64_t y, int64_t x, const float *zeros, const float **at) {
    for (int64_t i = 0; i < POINTS; i++)
        for (int64_t j = 0; j < POINTS; j++) {
            int64_t h = y + P->org[0] + i, w = x + P->org[1] + j;
            *at++ = h < 0 || h >= P->H || w < 0 || w >= P->W ? zeros : image + (h * P->W + w) * P->C;
        }
}

static hk_status winograd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const winograd_plan *P = (const winograd_plan *)p;
    const float *w = b->ptr[1], *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    int64_t vw = P->g->vw, nr = P->g->nv * vw, each = P->tiles_h * P->tiles_w, all = tile_count(P, b);
    float *v = scratch, *m = v + POINTS * POINTS * P->v_step, *zeros = m + POINTS * POINTS * P->m_step, *pad_bias = zeros + P->row, *taps = pad_bias + P->wide;
    float *u = taps + 9 * nr;
    memset(zeros, 0, (size_t)(P->row + P->wide) * 4);
    if (bias) memcpy(pad_bias, bias, (size_t)P->O * 4);
    for (int64_t o0 = 0; o0 < P->O; o0 += P->chunk) {
        int64_t end = cpu_min(o0 + P->chunk, P->wide);
        float *to = u;
        for (int64_t o = o0, width; o < end; o += width, to += POINTS * POINTS * u_step(P, width)) {
            width = cpu_min(nr, end - o);
            weights(P, w, o, width, taps, to);
        }
        for (int64_t t0 = lo * P->block; t0 < cpu_min(hi * P->block, all); t0 += P->block) {
            int64_t tiles = cpu_min(P->block, all - t0);
            for (int64_t t = 0; t < tiles; t++) {
                const float *at[POINTS * POINTS];
                int64_t image = (t0 + t) / each, k = (t0 + t) % each;
                find_data(P, (const float *)b->ptr[0] + image * P->H * P->W * P->C, k / P->tiles_w * TILE, k % P->tiles_w * TILE, zeros, at);
                P->fn->data(at, P->C, v + t * P->row, P->v_step);
            }
            const float *from = u;
            for (int64_t o = o0, width; o < end; o += width) {
                width = cpu_min(nr, end - o);
                for (int64_t f = 0; f < POINTS * POINTS; f++, from += u_step(P, width))
                    for (int64_t i = 0, mr; i < tiles; i += mr) {
                        mr = cpu_gemm_rows(tiles - i);
                        P->g->rows[mr][width / vw](
                            P->C, v + f * P->v_step + i * P->row, P->row, from, width, NULL, m + f * P->m_step + i * width, width, width);
                    }
                for (int64_t t = 0; t < tiles; t++) {
                    int64_t image = (t0 + t) / each, k = (t0 + t) % each, y = k / P->tiles_w * TILE, x = k % P->tiles_w * TILE;
                    P->fn->outputs(m + t * width, P->m_step, bias ? pad_bias + o : NULL,
                        (float *)cpu_out_ptr(p, b, 0) + ((image * P->OH + y) * P->OW + x) * P->O + o, P->OW * P->O, P->O, cpu_min(TILE, P->OH - y),
                        cpu_min(TILE, P->OW - x), cpu_min(width, P->O - o));
                }
            }
        }
    }
    return HK_OK;
}

int cpu_winograd_fits(const hk_device *dev, const hk_opdesc *o) {
    const hk_desc *w = &o->in[1];
    if (dev->conv == CPU_CONV_DIRECT || o->in[0].dtype != HK_F32 || cpu_attr(o, "groups")->i > 1 || w->shape[2] != 3 || w->shape[3] != 3) return 0;
    for (int k = 0; k < 2; k++) {
        cpu_window a = cpu_window_of(o, k);
        if (a.stride != 1 || a.dil != 1) return 0;
    }
    return dev->conv == CPU_CONV_WINOGRAD || (w->shape[0] >= 16 && w->shape[1] >= 16);
}

hk_status cpu_winograd_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(winograd_plan), out);
    if (s != HK_OK) return s;
    winograd_plan *P = (winograd_plan *)*out;
    const hk_desc *x = &o->in[0], *y = &o->out[0], *w = &o->in[1];
    P->g = cpu_gemm_isa[P->base.isa], P->fn = fns_isa[P->base.isa];
    P->bwd = !strcmp(o->op, "conv2d_dx");
    P->C = x->shape[0], P->H = x->shape[1], P->W = x->shape[2], P->O = y->shape[0], P->OH = y->shape[1], P->OW = y->shape[2];
    for (int k = 0; k < 2; k++) P->org[k] = P->bwd ? cpu_window_of(o, k).pad - 2 : -cpu_window_of(o, k).pad;
    P->w_in = (P->bwd ? w->shape[1] : 1) * 9, P->w_out = (P->bwd ? 1 : w->shape[1]) * 9;
    P->tiles_h = (P->OH + TILE - 1) / TILE, P->tiles_w = (P->OW + TILE - 1) / TILE;
    int64_t vw = P->g->vw, nr = P->g->nv * vw, points = POINTS * POINTS;
    P->row = cpu_up(P->C, vw), P->wide = cpu_up(P->O, vw);
    P->chunk = cpu_max(nr, CHUNK / (points * P->C) / nr * nr);
    int64_t fit = (int64_t)dev->l2 / 4 / (points * (P->row + nr) * 4) / CPU_MR * CPU_MR;
    P->block = cpu_max(2 * CPU_MR, cpu_min(fit, 10 * CPU_MR));
    P->v_step = P->block * P->row + LINE, P->m_step = P->block * nr + LINE;
    P->base.units = winograd_units, P->base.run = winograd_run;
    P->base.grain = cpu_max(1, 200000 / (P->block * points * P->C * P->O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "winograd, avx512" : P->base.isa == HK_ISA_AVX2 ? "winograd, avx2" : "winograd, baseline";
    int64_t kept = cpu_min(P->chunk, P->wide), panels = (kept + nr - 1) / nr;
    P->base.scratch = (size_t)(points * (P->v_step + P->m_step + P->C * kept + panels * LINE) + P->row + P->wide + 9 * nr) * 4;
    return HK_OK;
}
