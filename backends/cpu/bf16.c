/* bf16.c - the kernels of bf16.h: rounding, packing into words, and the register tile. */
#include "bf16.h"
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 8")

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2")

static inline __mmask16 mask(int64_t cols) { return cols <= 0 ? 0 : cols >= 16 ? 0xffff : (__mmask16)((1u << cols) - 1); }

#define PRODUCT(MR, NV)                                                                                                                                        \
    static void product_##MR##_##NV(int64_t words, const uint32_t *a, int64_t a_row, int64_t a_step, const uint32_t *b, const float *bias, float *c,           \
        const int64_t *to, int64_t cols, int add) {                                                                                                            \
        __m512 acc[MR][NV];                                                                                                                                    \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) acc[i][v] =                                                                    \
            add ? _mm512_maskz_loadu_ps(mask(cols - v * 16), c + to[i] + v * 16) : _mm512_setzero_ps();                                                        \
        for (int64_t w = 0; w < words; w++, a += a_step, b += NV * 16) {                                                                                       \
            __m512i bv[NV];                                                                                                                                    \
            UNROLL for (int v = 0; v < NV; v++) bv[v] = _mm512_loadu_si512(b + v * 16);                                                                        \
            UNROLL for (int i = 0; i < MR; i++) {                                                                                                              \
                const __m512i av = _mm512_set1_epi32((int)a[i * a_row]);                                                                                       \
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], (__m512bh)av, (__m512bh)bv[v]);                                    \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        if (bias) UNROLL for (int v = 0; v < NV; v++) {                                                                                                        \
                const __m512 bv = _mm512_maskz_loadu_ps(mask(cols - v * 16), bias + v * 16);                                                                   \
                UNROLL for (int i = 0; i < MR; i++) acc[i][v] = acc[i][v] + bv;                                                                                \
            }                                                                                                                                                  \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) _mm512_mask_storeu_ps(c + to[i] + v * 16, mask(cols - v * 16), acc[i][v]);     \
    }
#define ROW(MR) PRODUCT(MR, 1) PRODUCT(MR, 2) PRODUCT(MR, 3) PRODUCT(MR, 4)
ROW(1)
ROW(2) ROW(3) ROW(4) ROW(5) ROW(6)

    static void of_row(int64_t n, const float *x, uint32_t *to) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) _mm512_storeu_si512(to + i / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i)));
    if (i == n) return;
    const __m512 low = _mm512_maskz_loadu_ps(mask(n - i), x + i), high = _mm512_maskz_loadu_ps(mask(n - i - 16), x + i + 16);
    _mm512_mask_storeu_epi32(to + i / 2, mask((n - i + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

static void of_spikes(int64_t n, const uint8_t *x, uint32_t *to) {
    uint16_t *one = (uint16_t *)(void *)to;
    for (int64_t i = 0; i < n; i++) one[i] = x[i] ? 0x3f80 : 0; /* 1 */
    if (n % 2) one[n] = 0;
}

/* Both rows' numbers as the halves of a word. */
static void pair(int64_t n, const float *even, const float *odd, int64_t width, uint32_t *to) {
    const __m512i halves =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int64_t j = 0; j < width; j += 16) {
        const __mmask16 m = mask(n - j);
        const __m512 low = _mm512_maskz_loadu_ps(m, even + j), high = odd ? _mm512_maskz_loadu_ps(m, odd + j) : _mm512_setzero_ps();
        _mm512_storeu_si512(to + j, _mm512_permutexvar_epi16(halves, (__m512i)_mm512_cvtne2ps_pbh(high, low)));
    }
}

static void pair_spikes(int64_t n, const uint8_t *even, const uint8_t *odd, int64_t width, uint32_t *to) {
    if (odd)
        for (int64_t j = 0; j < n; j++) to[j] = (even[j] ? 0x3f80u : 0) | (odd[j] ? 0x3f800000u : 0);
    else
        for (int64_t j = 0; j < n; j++) to[j] = even[j] ? 0x3f80u : 0;
    for (int64_t j = n; j < width; j++) to[j] = 0;
}
#pragma GCC pop_options

#define SET(MR)                                                                                                                                                \
    { NULL, product_##MR##_1, product_##MR##_2, product_##MR##_3, product_##MR##_4 }
static const cpu_bf16 kernels = { { { NULL }, SET(1), SET(2), SET(3), SET(4), SET(5), SET(6) }, of_row, of_spikes, pair, pair_spikes };

/* Registers are the level's, which the host has looked at. */
const cpu_bf16 *cpu_bf16_kernels(uint32_t isa) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (isa < HK_ISA_AVX512 || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return NULL;
    return &kernels;
}
#else
const cpu_bf16 *cpu_bf16_kernels(uint32_t isa) { return (void)isa, NULL; }
#endif
