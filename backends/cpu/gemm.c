/* gemm.c - the micro-kernels at each ISA level. Baseline has no FMA, so its last bits differ from the others'. */
#include "gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 8")
#define UNROLL16 _Pragma("GCC unroll 16")

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
#define WIDE 0
#define VSET1(x) ((v4){ (x), (x), (x), (x) })
#define VLOAD(p) (*(const v4u *)(p))
#define VSTORE(p, x) (*(v4u *)(p) = (x))
#define VFMA(a, b, c) ((a) * (b) + (c))
#define VPART part_baseline
#define VREAD read_baseline
#include "gemm_micro.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
static const int32_t mask_words[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
static inline __m256i mask_avx2(int64_t cols) { return _mm256_loadu_si256((const void *)(mask_words + 8 - (cols < 0 ? 0 : cols > 8 ? 8 : cols))); }
static inline void part_avx2(float *c, int64_t cols, __m256 x) { _mm256_maskstore_ps(c, mask_avx2(cols), x); }
static inline __m256 read_avx2(const float *c, int64_t cols) { return _mm256_maskload_ps(c, mask_avx2(cols)); }
#define NAME(x) x##_avx2
#define V __m256
#define VW 8
#define WIDE 0
#define VSET1 _mm256_set1_ps
#define VLOAD _mm256_loadu_ps
#define VSTORE _mm256_storeu_ps
#define VFMA _mm256_fmadd_ps
#define VPART part_avx2
#define VREAD read_avx2
#include "gemm_micro.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
static inline __mmask16 mask_avx512(int64_t cols) { return cols <= 0 ? 0 : cols >= 16 ? 0xffff : (__mmask16)((1u << cols) - 1); }
static inline void part_avx512(float *c, int64_t cols, __m512 x) { _mm512_mask_storeu_ps(c, mask_avx512(cols), x); }
static inline __m512 read_avx512(const float *c, int64_t cols) { return _mm512_maskz_loadu_ps(mask_avx512(cols), c); }
#define NAME(x) x##_avx512
#define V __m512
#define VW 16
#define WIDE 1 /* 32 registers: 6 x 4 sums */
#define VSET1 _mm512_set1_ps
#define VLOAD _mm512_loadu_ps
#define VSTORE _mm512_storeu_ps
#define VFMA _mm512_fmadd_ps
#define VPART part_avx512
#define VREAD read_avx512
#include "gemm_micro.h"
#pragma GCC pop_options
const cpu_gemm *const cpu_gemm_isa[3] = { &gemm_baseline, &gemm_avx2, &gemm_avx512 };
#else
const cpu_gemm *const cpu_gemm_isa[3] = { &gemm_baseline, &gemm_baseline, &gemm_baseline };
#endif
