/* turn.c - a matrix turned round, in squares of one vector that stay in registers. */
#include "cpu.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 16")

/* to[j * ldt + i] = from[i * ldf + j], numbers of a square's remainder */
static void turn_plain(int64_t rows, int64_t cols, const float *from, int64_t ldf, float *to, int64_t ldt) {
    for (int64_t j = 0; j < cols; j++)
        for (int64_t i = 0; i < rows; i++) to[j * ldt + i] = from[i * ldf + j];
}

/* Squares of `size`; along the rows of the matrix whose rows lie farther apart. */
#define TURN(name, size)                                                                                                                                       \
    static void name(int64_t rows, int64_t cols, const float *from, int64_t ldf, float *to, int64_t ldt) {                                                     \
        int64_t r = rows / (size) * (size), c = cols / (size) * (size);                                                                                        \
        if (ldf > ldt) {                                                                                                                                       \
            for (int64_t i = 0; i < r; i += (size))                                                                                                            \
                for (int64_t j = 0; j < c; j += (size)) name##_square(from + i * ldf + j, ldf, to + j * ldt + i, ldt);                                         \
        } else {                                                                                                                                               \
            for (int64_t j = 0; j < c; j += (size))                                                                                                            \
                for (int64_t i = 0; i < r; i += (size)) name##_square(from + i * ldf + j, ldf, to + j * ldt + i, ldt);                                         \
        }                                                                                                                                                      \
        turn_plain(r, cols - c, from + c, ldf, to + c * ldt, ldt);                                                                                             \
        turn_plain(rows - r, cols, from + r * ldf, ldf, to + r, ldt);                                                                                          \
    }

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
static inline void turn_avx2_square(const float *from, int64_t ldf, float *to, int64_t ldt) {
    __m256 a[8], b[8];
    UNROLL for (int i = 0; i < 8; i++) a[i] = _mm256_loadu_ps(from + i * ldf);
    UNROLL for (int i = 0; i < 8; i += 2) b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]), b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]); /* pairs of rows */
    UNROLL for (int i = 0; i < 8; i += 4) UNROLL for (int k = 0; k < 2; k++) {                                                      /* fours */
        a[i + 2 * k] = _mm256_shuffle_ps(b[i + k], b[i + 2 + k], 0x44);
        a[i + 2 * k + 1] = _mm256_shuffle_ps(b[i + k], b[i + 2 + k], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * ldt, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * ldt, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}
TURN(turn_avx2, 8)
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
static inline void turn_avx512_square(const float *from, int64_t ldf, float *to, int64_t ldt) {
    __m512 a[16], b[16];
    UNROLL for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_ps(from + i * ldf);
    UNROLL for (int i = 0; i < 16; i += 2) b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]), b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    UNROLL for (int i = 0; i < 16; i += 4) UNROLL for (int k = 0; k < 2; k++) { /* a[4 q + c]: columns c + 4 * lane of rows 4 q ... 4 q + 3 */
        a[i + 2 * k] = _mm512_shuffle_ps(b[i + k], b[i + 2 + k], 0x44);
        a[i + 2 * k + 1] = _mm512_shuffle_ps(b[i + k], b[i + 2 + k], 0xee);
    }
    UNROLL for (int c = 0; c < 4; c++) { /* a 4 x 4 matrix of lanes, turned round */
        __m512 p = _mm512_shuffle_f32x4(a[c], a[4 + c], 0x44), q = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0x44);
        __m512 r = _mm512_shuffle_f32x4(a[c], a[4 + c], 0xee), s = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0xee);
        _mm512_storeu_ps(to + c * ldt, _mm512_shuffle_f32x4(p, q, 0x88));
        _mm512_storeu_ps(to + (4 + c) * ldt, _mm512_shuffle_f32x4(p, q, 0xdd));
        _mm512_storeu_ps(to + (8 + c) * ldt, _mm512_shuffle_f32x4(r, s, 0x88));
        _mm512_storeu_ps(to + (12 + c) * ldt, _mm512_shuffle_f32x4(r, s, 0xdd));
    }
}
TURN(turn_avx512, 16)
#pragma GCC pop_options
void (*const cpu_turn[3])(int64_t, int64_t, const float *, int64_t, float *, int64_t) = { turn_plain, turn_avx2, turn_avx512 };
#else
void (*const cpu_turn[3])(int64_t, int64_t, const float *, int64_t, float *, int64_t) = { turn_plain, turn_plain, turn_plain };
#endif
