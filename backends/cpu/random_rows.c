/* random_rows.c - many steps of draws from the same probabilities: Philox4x32-10 of hillock/random.h with AVX-512, bit for bit.
 *
 * The counter of a draw is (step, t, sample, quad). In the first three of ten rounds each product has an operand that does not depend on all of
 * them, so what depends on (sample, quad) is tabulated once for all t, what depends on (t, sample) is computed once for all quads, and seven
 * rounds are left. A counter takes a lane of 64 bits: products need no shuffles. u <= p is compared as whole numbers. What never or always fires at
 * all steps, as the black of a picture does, is left out of the tables, and the draws of the rest are put in their places. */
#include "random_rows.h"
#include "hillock/random.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma GCC optimize("O3")

static const uint64_t M0 = UINT64_C(0xd2511f53), M1 = UINT64_C(0xcd9e8d57); /* Salmon et al. 2011, table 2 */
static const uint32_t W0 = UINT32_C(0x9e3779b9), W1 = UINT32_C(0xbb67ae85);
static inline uint32_t high(uint64_t x) { return (uint32_t)(x >> 32); }

CPU_AVX512 void cpu_random_probabilities(cpu_random_part *r, int64_t n, const float *p, int skip) {
    const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1.0f), largest = _mm512_set1_ps(0x1.fffffep-1f);
    uint64_t *most01 = (uint64_t *)(void *)r->most01, *most23 = (uint64_t *)(void *)r->most23;
    int64_t j = 0;
    memset(r->allow, 0, sizeof r->allow), memset(r->live, 0, sizeof r->live);
    for (int64_t i = 0; i < n; i += 16) {
        uint64_t most[8];
        __m512 v = _mm512_maskz_loadu_ps(n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff, p + i);
        uint32_t fires = _mm512_cmp_ps_mask(v, zero, _CMP_GT_OQ), always = _mm512_cmp_ps_mask(v, one, _CMP_GE_OQ); /* neither for NaN */
        __m512i k =
            _mm512_cvttps_epi32(_mm512_mul_ps(_mm512_maskz_min_ps((__mmask16)fires, v, largest), _mm512_set1_ps(0x1p24f))); /* u = k' / 2^24 <= p: k' <= k */
        _mm512_storeu_si512(most, _mm512_or_si512(_mm512_slli_epi32(k, 8), _mm512_set1_epi32(255)));
        _mm_storeu_si128((void *)(r->always + i), _mm_maskz_set1_epi8((__mmask16)always, 1));
        for (int64_t q = 0; q < 4 && i + 4 * q < n; q++) {
            uint32_t some = fires >> 4 * q & 15, all = always >> 4 * q & 15, draw = !skip || some != all;
            r->quad[j] = (uint16_t)(i / 4 + q), most01[j] = most[2 * q], most23[j] = most[2 * q + 1];
            r->allow[j / 8] |= (draw ? some : 0) << j % 8 * 4;
            r->live[i / 64] |= (uint16_t)(draw << (i % 64 / 4 + q));
            j += draw;
        }
    }
    r->drawn = j;
    for (; j % 8; j++) r->quad[j] = 0, most01[j] = most23[j] = 0;
}

void cpu_random_counters(cpu_random_part *r, const uint32_t *c, uint32_t k0, uint32_t k1) {
    uint64_t l1 = M0 * c[0], h1 = M1 * c[2];
    for (int64_t q = 0; q < (r->drawn + 7) / 8 * 8; q++) {
        uint64_t h2 = M1 * (high(l1) ^ (c[3] + r->quad[q]) ^ k1), l3 = M0 * (high(h2) ^ (uint32_t)h1 ^ (k0 + W0));
        r->a[q] = (uint32_t)h2 ^ (k0 + 2 * W0), r->d[q] = high(l3) ^ (k1 + 2 * W1), r->e[q] = (uint32_t)l3;
    }
}

#define UNROLL _Pragma("GCC unroll 8")
#define EACH UNROLL for (int v = 0; v < nv; v++)
typedef struct round_keys {
    __m512i a, d, b, k0[7], k1[7], m0, m1, low;
} round_keys;

/* The upper half of each lane in its lower half, by a shuffle: shifts would wait for the products' port. */
CPU_AVX512 static inline __m512i upper(__m512i x) { return _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(x))); }

/* bits[v]: the 32 positions of quads q + 8 v ... q + 8 v + 7. nv = 2 keeps two chains of products going. */
CPU_AVX512 __attribute__((always_inline)) static inline void draw_quads(
    const cpu_random_part *r, const round_keys *k, int64_t q, const int nv, uint32_t *bits) {
    __m512i a[2], b[2], d[2], e[2], h[2], l[2];
    EACH {
        a[v] = _mm512_xor_si512(k->a, _mm512_loadu_si512(r->a + q + 8 * v)), d[v] = _mm512_xor_si512(k->d, _mm512_loadu_si512(r->d + q + 8 * v));
        e[v] = _mm512_loadu_si512(r->e + q + 8 * v), b[v] = k->b;
    }
    UNROLL for (int i = 0; i < 6; i++) {
        EACH l[v] = _mm512_mul_epu32(k->m0, a[v]), h[v] = _mm512_mul_epu32(k->m1, d[v]);
        EACH {
            a[v] = _mm512_ternarylogic_epi64(upper(h[v]), b[v], k->k0[i], 0x96), b[v] = h[v]; /* the upper halves are never read */
            d[v] = _mm512_ternarylogic_epi64(upper(l[v]), e[v], k->k1[i], 0x96), e[v] = l[v];
        }
    }
    EACH {
        l[v] = _mm512_mul_epu32(k->m0, a[v]), h[v] = _mm512_mul_epu32(k->m1, d[v]);
        __m512i r01 = _mm512_xor_si512(_mm512_rol_epi64(h[v], 32), _mm512_ternarylogic_epi64(b[v], k->k0[6], k->low, 0x28)); /* (b ^ k) & low */
        __m512i r23 = _mm512_xor_si512(_mm512_rol_epi64(l[v], 32), _mm512_ternarylogic_epi64(e[v], k->k1[6], k->low, 0x28));
        uint32_t m01 = _mm512_cmple_epu32_mask(r01, _mm512_loadu_si512(r->most01 + 2 * q + 16 * v));
        uint32_t m23 = _mm512_cmple_epu32_mask(r23, _mm512_loadu_si512(r->most23 + 2 * q + 16 * v));
        bits[v] = (_pdep_u32(m01, UINT32_C(0x33333333)) | _pdep_u32(m23, UINT32_C(0xcccccccc))) & r->allow[q / 8 + v];
    }
}

CPU_AVX512 void cpu_random_draw(cpu_random_part *r, int64_t n, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y) {
    uint64_t l1 = M0 * c[0], h1 = M1 * c[2], l2 = M0 * (high(h1) ^ c[1] ^ k0), h3 = M1 * (high(l2) ^ (uint32_t)l1 ^ (k1 + W1));
    round_keys k = { .a = _mm512_set1_epi64(high(h3)), .d = _mm512_set1_epi64((uint32_t)l2), .b = _mm512_set1_epi64((uint32_t)h3) };
    k.m0 = _mm512_set1_epi64((int64_t)M0), k.m1 = _mm512_set1_epi64((int64_t)M1), k.low = _mm512_set1_epi64(UINT32_MAX);
    UNROLL for (uint32_t i = 0; i < 7; i++) k.k0[i] = _mm512_set1_epi64(k0 + (i + 3) * W0), k.k1[i] = _mm512_set1_epi64(k1 + (i + 3) * W1);
    uint32_t bits[2];
    int apart = r->drawn < (n + 3) / 4;
    uint8_t *to = apart ? r->row : y;
    int64_t i = 0, m = apart ? 4 * r->drawn : n;
    for (; i + 64 <= m; i += 64) {
        draw_quads(r, &k, i / 4, 2, bits);
        _mm512_storeu_si512(to + i, _mm512_maskz_set1_epi8((uint64_t)bits[1] << 32 | bits[0], 1));
    }
    for (; i < m; i += 32) {
        draw_quads(r, &k, i / 4, 1, bits);
        _mm256_mask_storeu_epi8(to + i, m - i < 32 ? (UINT32_C(1) << (m - i)) - 1 : UINT32_MAX, _mm256_maskz_set1_epi8(bits[0], 1));
    }
    const uint8_t *from = to;
    for (i = 0; apart && i < n; i += 64) { /* a quad is a number of 32 bits */
        uint32_t live = r->live[i / 64];
        __m512i v = _mm512_mask_expandloadu_epi32(_mm512_loadu_si512(r->always + i), (__mmask16)live, from);
        _mm512_mask_storeu_epi8(y + i, n - i < 64 ? (UINT64_C(1) << (n - i)) - 1 : UINT64_MAX, v);
        from += 4 * __builtin_popcount(live);
    }
}
#else
void cpu_random_probabilities(cpu_random_part *r, int64_t n, const float *p, int skip) { (void)r, (void)n, (void)p, (void)skip; }
void cpu_random_counters(cpu_random_part *r, const uint32_t *c, uint32_t k0, uint32_t k1) { (void)r, (void)c, (void)k0, (void)k1; }
void cpu_random_draw(cpu_random_part *r, int64_t n, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y) {
    (void)r, (void)n, (void)c, (void)k0, (void)k1, (void)y;
}
#endif
