/* winograd.c - conv2d and conv2d_dx with kernels of 3 x 3 by Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products for 16 outputs in place of 144.
 *
 * Along an axis, six numbers d and three taps g are taken to six points, multiplied there, and taken to four outputs: y = A^T (G g * B^T d).
 * The points are 0, +-1/sqrt 2, +-sqrt 2 and infinity: their squares are 1/2 and 2 and the product of those 1, which keeps the numbers of one size, so
 * that the error is that of the plain sum (docs/adr/0009-winograd.md), where the usual 0, +-1, +-2 lose two bits.
 * A tile at the edge with one or two outputs along an axis takes F(2, 3) there, at the points 0, +-1/sqrt 2 and infinity, of which the weights are there: 4 points in place of 6.
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
    MOST = 60 /* tiles at a time */,
    LINE = 16 /* numbers; apart by it, the points' rows do not share cache sets */
};
enum { LOW = 1, NARROW = 2, KINDS = 4 }; /* kinds of tiles: two outputs or fewer along an axis */
#define POINT_A 0.70710678f
#define POINT_B 1.41421356f

struct winograd_fns {
    /* By kind of tile: LOW, NARROW, both. to[point * step + c] of the 36 places at, f32 or u8 */
    void (*data[2][KINDS])(const void *const *at, int64_t C, float *to, int64_t step);
    void (*outputs[KINDS])(const float *m, int64_t step, const float *bias, float *y, int64_t line, int64_t place, int64_t rows, int64_t cols, int64_t n);
    void (*weights)(const float *taps, int64_t width, float *to, int64_t step); /* taps[9][width] */
};
typedef struct winograd_fns winograd_fns;

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
static inline v4 bytes_baseline(const uint8_t *c, int64_t cols) {
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
#define VBYTES(p) bytes_baseline(p, 4)
#define VBYTES_PART bytes_baseline
#include "winograd_micro.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
static const int32_t mask_words[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
static inline __m256i mask_avx2(int64_t cols) { return _mm256_loadu_si256((const void *)(mask_words + 8 - cols)); }
static inline void part_avx2(float *c, int64_t cols, __m256 x) { _mm256_maskstore_ps(c, mask_avx2(cols), x); }
static inline __m256 read_avx2(const float *c, int64_t cols) { return _mm256_maskload_ps(c, mask_avx2(cols)); }
static inline __m256 bytes_avx2(const uint8_t *c, int64_t cols) {
    uint64_t x = 0;
    memcpy(&x, c, (size_t)cols);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)x)));
}
#define NAME(x) x##_avx2
#define V __m256
#define VW 8
#define VSET1 _mm256_set1_ps
#define VLOAD _mm256_loadu_ps
#define VSTORE _mm256_storeu_ps
#define VFMA _mm256_fmadd_ps
#define VPART part_avx2
#define VREAD read_avx2
#define VBYTES(p) bytes_avx2(p, 8)
#define VBYTES_PART bytes_avx2
#include "winograd_micro.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
static inline void part_avx512(float *c, int64_t cols, __m512 x) { _mm512_mask_storeu_ps(c, (__mmask16)((1u << cols) - 1), x); }
static inline __m512 read_avx512(const float *c, int64_t cols) { return _mm512_maskz_loadu_ps((__mmask16)((1u << cols) - 1), c); }
static inline __m512 bytes_avx512(const uint8_t *c, int64_t cols) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << cols) - 1), c)));
}
#define NAME(x) x##_avx512
#define V __m512
#define VW 16
#define VSET1 _mm512_set1_ps
#define VLOAD _mm512_loadu_ps
#define VSTORE _mm512_storeu_ps
#define VFMA _mm512_fmadd_ps
#define VPART part_avx512
#define VREAD read_avx512
#define VBYTES(p) _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(p))))
#define VBYTES_PART bytes_avx512
#include "winograd_micro.h"
#pragma GCC pop_options
static const winograd_fns *const fns_isa[3] = { &winograd_baseline, &winograd_avx2, &winograd_avx512 };
#else
static const winograd_fns *const fns_isa[3] = { &winograd_baseline, &winograd_baseline, &winograd_baseline };
#endif

static int64_t u_step(const cpu_winograd *P, int64_t width) { return (P->bf16 ? cpu_bf16_words(P->C) : P->C) * width + LINE; }

/* In place: what is written lies before what is still to be read. */
static void round_weights(const cpu_winograd *P, int64_t width, float *to) {
    for (int64_t f = 0; f < POINTS * POINTS; f++)
        for (int64_t c = 0; c < P->C; c += 2) {
            const float *from = to + f * (P->C * width + LINE) + c * width;
            P->bf16->pair(width, from, c + 1 < P->C ? from + width : NULL, width, (uint32_t *)(void *)(to + f * u_step(P, width) + c / 2 * width));
        }
}
static void round_data(const cpu_winograd *P, int64_t t, float *v) {
    for (int64_t f = 0; f < POINTS * POINTS; f++, v += P->v_step) P->bf16->of_row(P->row, v + t * P->row, (uint32_t *)(void *)(v + t * P->row / 2));
}

/* The product at a point, of the rows of tiles [lo, hi) with a panel */
static void point_product(const cpu_winograd *P, int64_t lo, int64_t hi, const float *v, const float *u, int64_t width, float *m) {
    const int64_t to[CPU_MR] = { 0, width, 2 * width, 3 * width, 4 * width, 5 * width };
    for (int64_t i = lo, mr; i < hi; i += mr) {
        mr = cpu_gemm_rows(hi - i);
        if (P->bf16)
            P->bf16->product[mr][width / BF16_VW](cpu_bf16_words(P->C), (const uint32_t *)(const void *)(v + i * P->row / 2), P->row / 2, 1, (const uint32_t *)(const void *)u,
                NULL, m + i * width, to, width, 0);
        else P->g->rows[mr][width / P->g->vw](P->C, v + i * P->row, P->row, u, width, NULL, m + i * width, width, width);
    }
}

/* Weights of the outputs [o, o + width) at the points: to[point][channel][width] */
static void weights(const cpu_winograd *P, const float *w, int64_t o, int64_t width, float *taps, float *to) {
    int64_t n = cpu_min(width, P->O - o);
    if (n < width) memset(taps, 0, (size_t)(9 * width) * 4);
    for (int64_t c = 0; c < P->C; c++) {
        const float *from = w + c * P->w_in + o * P->w_out;
        for (int64_t j = 0; j < n; j++, from += P->w_out)
            for (int64_t k = 0; k < 9; k++) taps[k * width + j] = from[P->bwd ? 8 - k : k];
        P->fn->weights(taps, width, to + c * width, P->C * width + LINE);
    }
    if (P->bf16) round_weights(P, width, to);
}

/* Where the six by six numbers of a tile lie; outside of the image: zeros. */
static void find_data(const cpu_winograd *P, const char *image, int64_t y, int64_t x, const void *zeros, const void **at) {
    for (int64_t i = 0; i < POINTS; i++)
        for (int64_t j = 0; j < POINTS; j++) {
            int64_t h = y + P->org[0] + i, w = x + P->org[1] + j;
            *at++ = h < 0 || h >= P->H || w < 0 || w >= P->W ? zeros : image + (size_t)((h * P->W + w) * P->C) * P->size;
        }
}

typedef struct tile_of {
    int64_t image, y, x;
    int kind;
} tile_of;

/* Tiles [t0, t0 + tiles), narrow ones first, then whole, low, and both: the tiles that have a point lie side by side. end_of[kind]: where they end. */
static void order_tiles(const cpu_winograd *P, const int32_t *list, int64_t t0, int64_t tiles, tile_of *to, int64_t *end_of) {
    static const int order[KINDS] = { NARROW, 0, LOW, LOW | NARROW };
    int64_t each = P->tiles_h * P->tiles_w, n = 0;
    for (int q = 0; q < KINDS; q++) {
        for (int64_t t = t0; t < t0 + tiles; t++) {
            tile_of k = { t / each, t % each / P->tiles_w * TILE, t % each % P->tiles_w * TILE, 0 };
            k.kind = (P->OH - k.y <= TILE / 2 ? LOW : 0) | (P->OW - k.x <= TILE / 2 ? NARROW : 0);
            if (list) k.image = list[k.image];
            if (k.kind == order[q]) to[n++] = k;
        }
        end_of[order[q]] = n;
    }
}

void cpu_winograd_run(const cpu_winograd *P, const int32_t *list, int64_t lo, int64_t hi, const void *x, const float *w, const float *bias, float *y, void *scratch) {
    int64_t nr = P->g->nv * P->g->vw;
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
        for (int64_t t0 = lo; t0 < hi; t0 += P->block) {
            int64_t tiles = cpu_min(P->block, hi - t0);
            tile_of at[MOST];
            int64_t end_of[KINDS];
            order_tiles(P, list, t0, tiles, at, end_of);
            for (int64_t t = 0; t < tiles; t++) {
                const void *data[POINTS * POINTS];
                find_data(P, (const char *)x + (size_t)(at[t].image * P->H * P->W * P->C) * P->size, at[t].y, at[t].x, zeros, data);
                P->fn->data[P->size == 1][at[t].kind](data, P->C, v + t * P->row, P->v_step);
                if (P->bf16) round_data(P, t, v);
            }
            const float *from = u;
            for (int64_t o = o0, width; o < end; o += width) {
                width = cpu_min(nr, end - o);
                for (int64_t f = 0; f < POINTS * POINTS; f++, from += u_step(P, width)) {
                    int high = f / POINTS == 3 || f / POINTS == 4, far = f % POINTS == 3 || f % POINTS == 4; /* such a point has no low (narrow) tile */
                    point_product(P, far ? end_of[NARROW] : 0, high ? end_of[0] : far ? end_of[LOW] : tiles, v + f * P->v_step, from, width, m + f * P->m_step);
                }
                for (int64_t t = 0; t < tiles; t++)
                    P->fn->outputs[at[t].kind](m + t * width, P->m_step, bias ? pad_bias + o : NULL, y + ((at[t].image * P->OH + at[t].y) * P->OW + at[t].x) * P->O + o,
                        P->OW * P->O, P->O, cpu_min(TILE, P->OH - at[t].y), cpu_min(TILE, P->OW - at[t].x), cpu_min(width, P->O - o));
            }
        }
    }
}

size_t cpu_winograd_init(cpu_winograd *P, const hk_device *dev, const hk_opdesc *o) {
    const hk_desc *x = &o->in[0], *y = &o->out[0], *w = &o->in[1];
    if (dev->conv == CPU_CONV_DIRECT || cpu_attr(o, "groups")->i > 1 || w->shape[2] != 3 || w->shape[3] != 3) return 0;
    for (int k = 0; k < 2; k++) {
        cpu_window a = cpu_window_of(o, k);
        if (a.stride != 1 || a.dil != 1) return 0;
    }
    if (dev->conv == CPU_CONV_AUTO && (w->shape[0] < 16 || w->shape[1] < 16)) return 0;
    uint32_t isa = o->isa < dev->isa ? o->isa : dev->isa;
    P->g = cpu_gemm_isa[isa], P->fn = fns_isa[isa];
    P->bwd = !strcmp(o->op, "conv2d_dx"), P->bf16 = P->bwd && dev->bf16_points && isa == HK_ISA_AVX512 ? dev->bf16 : NULL, P->size = cpu_size(x->dtype);
    P->C = x->shape[0], P->H = x->shape[1], P->W = x->shape[2], P->O = y->shape[0], P->OH = y->shape[1], P->OW = y->shape[2];
    for (int k = 0; k < 2; k++) P->org[k] = P->bwd ? cpu_window_of(o, k).pad - 2 : -cpu_window_of(o, k).pad;
    P->w_in = (P->bwd ? w->shape[1] : 1) * 9, P->w_out = (P->bwd ? 1 : w->shape[1]) * 9;
    P->tiles_h = (P->OH + TILE - 1) / TILE, P->tiles_w = (P->OW + TILE - 1) / TILE;
    int64_t vw = P->g->vw, nr = P->g->nv * vw, points = POINTS * POINTS;
    P->row = cpu_up(P->C, vw), P->wide = cpu_up(P->O, vw);
    P->chunk = cpu_max(nr, CHUNK / (points * P->C) / nr * nr);
    int64_t fit = (int64_t)dev->l2 / 4 / (points * (P->row + nr) * 4) / CPU_MR * CPU_MR;
    P->block = cpu_max(2 * CPU_MR, cpu_min(fit, MOST));
    P->v_step = P->block * P->row + LINE, P->m_step = P->block * nr + LINE;
    int64_t kept = cpu_min(P->chunk, P->wide), panels = (kept + nr - 1) / nr;
    return (size_t)(points * (P->v_step + P->m_step + P->C * kept + panels * LINE) + P->row + P->wide + 9 * nr) * 4;
}

/* ---- as a plan of its own, for dense data -------------------------------------------------------------------------------------------- */

typedef struct winograd_plan {
    cpu_plan base;
    cpu_winograd w;
} winograd_plan;

static int64_t tile_count(const winograd_plan *P, const hk_bind *b) {
    const hk_desc *d = cpu_out(&P->base, 0);
    return cpu_count(d, b) * cpu_steps(d, b) * P->w.tiles_h * P->w.tiles_w;
}

static int64_t winograd_units(const cpu_plan *p, const hk_bind *b) {
    const winograd_plan *P = (const winograd_plan *)p;
    return (tile_count(P, b) + P->w.block - 1) / P->w.block;
}

static hk_status winograd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const winograd_plan *P = (const winograd_plan *)p;
    int64_t end = cpu_min(hi * P->w.block, tile_count(P, b));
    cpu_winograd_run(&P->w, NULL, lo * P->w.block, end, b->ptr[0], b->ptr[1], cpu_has_in(p, 2) ? b->ptr[2] : NULL, cpu_out_ptr(p, b, 0), scratch);
    return HK_OK;
}

hk_status cpu_winograd_new(hk_device *dev, const hk_opdesc *o, const cpu_winograd *w, size_t scratch, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(winograd_plan), out);
    if (s != HK_OK) return s;
    winograd_plan *P = (winograd_plan *)*out;
    P->w = *w;
    P->base.units = winograd_units, P->base.run = winograd_run;
    P->base.grain = cpu_max(1, 200000 / (w->block * POINTS * POINTS * w->C * w->O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? w->bf16 ? "winograd, bf16" : "winograd, avx512" : P->base.isa == HK_ISA_AVX2 ? "winograd, avx2" : "winograd, baseline";
    P->base.traits = w->bf16 ? HK_TRANSFORMS | HK_ROUNDS : HK_TRANSFORMS;
    P->base.scratch = scratch;
    return HK_OK;
}
