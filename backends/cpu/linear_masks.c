/* linear_masks.c - linear of spikes to fewer outputs than a vector has lanes, with AVX-512: the lanes are steps.
 *
 * Number k of a sample's spikes at 32 steps is a mask of 32 bits, under which w[o, k] is added to the sums of output o: no lane is lost to a small number of
 * outputs, and numbers that are silent at all 32 steps, as the black of a picture, are left out. Sums are those of linear.c, in the same order: the same bits.
 * A unit is a sample's span of steps. */
#include "gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma GCC optimize("O3")
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
#define UNROLL _Pragma("GCC unroll 16")

enum { STEPS = 32, O_MAX = 15, K_MAX = 65536 };

/* sum[o][STEPS] = sum over j of w[k[j]][o] at the steps in mask[j]; vectors of 16 steps: the first, or both. */
typedef void masks_fn(int64_t n, const uint32_t *k, const uint32_t *mask, const float *w, float *sum);

typedef struct masks_plan {
    cpu_plan base;
    int64_t K, O;
    masks_fn *const *add; /* by vectors */
} masks_plan;

#define MASKS(O, NV)                                                                                                                                           \
    static void masks_##O##_##NV(int64_t n, const uint32_t *k, const uint32_t *mask, const float *w, float *sum) {                                             \
        __m512 acc[O][NV];                                                                                                                                     \
        UNROLL for (int o = 0; o < O; o++) for (int v = 0; v < NV; v++) acc[o][v] = _mm512_setzero_ps();                                                       \
        for (int64_t j = 0; j < n; j++) {                                                                                                                      \
            const float *row = w + k[j] * O;                                                                                                                   \
            const uint16_t *half = (const uint16_t *)(const void *)(mask + j);                                                                                 \
            __mmask16 m[NV];                                                                                                                                   \
            for (int v = 0; v < NV; v++) m[v] = half[v];                                                                                                       \
            UNROLL for (int o = 0; o < O; o++) {                                                                                                               \
                __m512 wv = _mm512_set1_ps(row[o]);                                                                                                            \
                for (int v = 0; v < NV; v++) acc[o][v] = _mm512_mask_add_ps(acc[o][v], m[v], acc[o][v], wv);                                                   \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        UNROLL for (int o = 0; o < O; o++) for (int v = 0; v < NV; v++) _mm512_storeu_ps(sum + o * STEPS + 16 * v, acc[o][v]);                                 \
    }
#define MASKS_BOTH(O) MASKS(O, 1) MASKS(O, 2)
MASKS_BOTH(1)
MASKS_BOTH(2) MASKS_BOTH(3) MASKS_BOTH(4) MASKS_BOTH(5) MASKS_BOTH(6) MASKS_BOTH(7) MASKS_BOTH(8) MASKS_BOTH(9) MASKS_BOTH(10) MASKS_BOTH(11) MASKS_BOTH(12)
    MASKS_BOTH(13) MASKS_BOTH(14) MASKS_BOTH(15)
#define PAIR(O) [O] = { NULL, masks_##O##_1, masks_##O##_2 }
        static masks_fn *const masks[O_MAX + 1][3] = { PAIR(1), PAIR(2), PAIR(3), PAIR(4), PAIR(5), PAIR(6), PAIR(7), PAIR(8), PAIR(9), PAIR(10), PAIR(11),
            PAIR(12), PAIR(13), PAIR(14), PAIR(15) };

/* mask[k], bit t: x[t * step + k], for `cols` bytes, up to 64, of `steps` rows. */
static inline void turn_bits(int64_t steps, int64_t step, const uint8_t *x, int64_t cols, uint32_t *mask) {
    __mmask64 in = cols < 64 ? (UINT64_C(1) << cols) - 1 : UINT64_MAX;
    __m512i byte[STEPS / 8], pair[4];
    for (int q = 0; q < STEPS / 8; q++) {
        __m512i v = _mm512_setzero_si512();
        for (int t = 0; t < 8 && 8 * q + t < steps; t++, x += step) v = _mm512_or_si512(v, _mm512_slli_epi16(_mm512_maskz_loadu_epi8(in, x), (unsigned)t));
        byte[q] = v;
    }
    pair[0] = _mm512_unpacklo_epi8(byte[0], byte[1]), pair[1] = _mm512_unpackhi_epi8(byte[0], byte[1]);
    pair[2] = _mm512_unpacklo_epi8(byte[2], byte[3]), pair[3] = _mm512_unpackhi_epi8(byte[2], byte[3]);
    for (int h = 0; h < 2; h++) { /* lane i of a vector: numbers 16 i + 8 h ... 16 i + 8 h + 3, or the four after them */
        __m512i low = _mm512_unpacklo_epi16(pair[h], pair[2 + h]), high = _mm512_unpackhi_epi16(pair[h], pair[2 + h]);
        uint32_t *to = mask + 8 * h;
        _mm_storeu_si128((void *)to, _mm512_castsi512_si128(low)), _mm_storeu_si128((void *)(to + 4), _mm512_castsi512_si128(high));
        _mm_storeu_si128((void *)(to + 16), _mm512_extracti32x4_epi32(low, 1)), _mm_storeu_si128((void *)(to + 20), _mm512_extracti32x4_epi32(high, 1));
        _mm_storeu_si128((void *)(to + 32), _mm512_extracti32x4_epi32(low, 2)), _mm_storeu_si128((void *)(to + 36), _mm512_extracti32x4_epi32(high, 2));
        _mm_storeu_si128((void *)(to + 48), _mm512_extracti32x4_epi32(low, 3)), _mm_storeu_si128((void *)(to + 52), _mm512_extracti32x4_epi32(high, 3));
    }
}

/* Those of 64 masks that are not 0, and their numbers from `first` on; up to 16 more may be written. Returns how many. */
static inline int64_t keep_masks(const uint32_t *mask, int64_t first, uint32_t *k, uint32_t *kept) {
    int64_t n = 0;
    for (int64_t i = 0; i < 64; i += 16) {
        __m512i v = _mm512_loadu_si512(mask + i);
        __m512i at = _mm512_add_epi32(_mm512_set1_epi32((int)(first + i)), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
        __mmask16 some = _mm512_test_epi32_mask(v, v);
        _mm512_storeu_si512(k + n, _mm512_maskz_compress_epi32(some, at)), _mm512_storeu_si512(kept + n, _mm512_maskz_compress_epi32(some, v));
        n += __builtin_popcount(some);
    }
    return n;
}

static hk_status masks_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const masks_plan *P = (const masks_plan *)p;
    const int64_t K = P->K, O = P->O, n = b->n, room = cpu_up(K, 64) + 16, spans = (b->T + STEPS - 1) / STEPS;
    const float *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *w = scratch, *sum = w + cpu_up(K * O, 16);
    uint32_t *k = (uint32_t *)(void *)(sum + O_MAX * STEPS), *kept = k + room, mask[64];
    cpu_turn[p->isa](O, K, b->ptr[1], K, w, O);
    for (int64_t u = lo; u < hi; u++) {
        int64_t i = u / spans, t0 = u % spans * STEPS, steps = cpu_min(STEPS, b->T - t0), m = 0;
        const uint8_t *x = (const uint8_t *)b->ptr[0] + (t0 * n + i) * K;
        for (int64_t j = 0; j < K; j += 64) {
            turn_bits(steps, n * K, x + j, K - j, mask);
            m += keep_masks(mask, j, k + m, kept + m);
        }
        P->add[steps > 16 ? 2 : 1](m, k, kept, w, sum);
        for (int64_t t = 0; t < steps; t++) {
            float *y = (float *)cpu_out_ptr(p, b, 0) + ((t0 + t) * n + i) * O;
            for (int64_t o = 0; o < O; o++) y[o] = bias ? sum[o * STEPS + t] + bias[o] : sum[o * STEPS + t];
        }
    }
    return HK_OK;
}
#pragma GCC pop_options

static int64_t masks_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->n * ((b->T + STEPS - 1) / STEPS);
}

hk_status cpu_linear_masks_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int64_t O = o->in[1].shape[0], K = o->in[1].shape[1];
    uint32_t isa = o->isa < dev->isa ? o->isa : dev->isa;
    if (isa != HK_ISA_AVX512 || o->in[0].dtype != HK_SPIKE || o->in[0].flags != HK_SEQ || o->T < 16 || O > O_MAX || K < 64 || K > K_MAX) return HK_EUNSUPPORTED;
    hk_status s = cpu_plan_new(dev, o, sizeof(masks_plan), out);
    if (s != HK_OK) return s;
    masks_plan *P = (masks_plan *)*out;
    P->K = K, P->O = O, P->add = masks[O];
    P->base.units = masks_units, P->base.run = masks_run;
    P->base.grain = cpu_max(1, 400000 / (STEPS * K * O));
    P->base.scratch = (size_t)(cpu_up(K * O, 16) + O_MAX * STEPS + 2 * (cpu_up(K, 64) + 16)) * 4;
    P->base.impl = "masks, avx512";
    return HK_OK;
}
#else
hk_status cpu_linear_masks_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    (void)dev, (void)o, (void)out;
    return HK_EUNSUPPORTED;
}
#endif
