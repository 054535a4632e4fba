/* spikes.c - lists of spikes, and the kernels of spikes.h at each ISA level. */
#include "spikes.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 8")

/* The set bits of each byte, ascending. */
typedef struct bit_places {
    uint16_t at[256][8];
    uint8_t n[256];
} bit_places;
static bit_places table;
__attribute__((constructor)) static void fill_table(void) {
    for (int m = 0; m < 256; m++)
        for (int bit = 0; bit < 8; bit++)
            if (m >> bit & 1) table.at[m][table.n[m]++] = (uint16_t)bit;
}

int64_t cpu_spike_list(int64_t n, const uint8_t *x, int64_t first, uint16_t *to) {
    uint16_t *start = to;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t bytes;
        memcpy(&bytes, x + i, 8);
        if (!bytes) continue;
        unsigned m = (unsigned)(bytes * UINT64_C(0x0102040810204080) >> 56); /* byte k to bit k */
        const uint16_t *at = table.at[m];
        for (int k = 0; k < 8; k++) to[k] = (uint16_t)(first + i + at[k]);
        to += table.n[m];
    }
    for (; i < n; i++)
        if (x[i]) *to++ = (uint16_t)(first + i);
    return to - start;
}

#define PATTERNS(x) for (int64_t i = 0; i < n; i++) to[i] = (uint8_t)(x);
CPU_BODY patterns_body(int64_t n, int64_t steps, const uint8_t *const *from, uint8_t *restrict to) {
    const uint8_t *restrict a = from[0], *restrict b = from[steps > 1], *restrict c = from[steps > 2 ? 2 : 0], *restrict d = from[steps > 3 ? 3 : 0];
    if (steps == 4) PATTERNS(a[i] | b[i] << 1 | c[i] << 2 | d[i] << 3)
    else if (steps == 3) PATTERNS(a[i] | b[i] << 1 | c[i] << 2)
    else if (steps == 2) PATTERNS(a[i] | b[i] << 1)
    else PATTERNS(a[i])
}
#undef PATTERNS
CPU_CLONES(patterns, (int64_t n, int64_t steps, const uint8_t *const *x, uint8_t *to), (n, steps, x, to));
void cpu_spike_patterns(uint32_t isa, int64_t n, int64_t steps, const uint8_t *const *x, uint8_t *to) { patterns[isa](n, steps, x, to); }

/* Which bytes of eight are not 0, as their bits 0; a byte is below 16. */
static inline uint64_t any_of(const uint8_t *x) {
    uint64_t bytes;
    memcpy(&bytes, x, 8);
    return (bytes | bytes >> 1 | bytes >> 2 | bytes >> 3) & UINT64_C(0x0101010101010101);
}

int64_t cpu_pattern_list(int64_t n, const uint8_t *x, uint16_t *to) {
    uint16_t *start = to;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        unsigned m = (unsigned)(any_of(x + i) * UINT64_C(0x0102040810204080) >> 56);
        const uint16_t *at = table.at[m];
        for (int k = 0; k < 8; k++) to[k] = (uint16_t)(i + at[k]);
        to += table.n[m];
    }
    for (; i < n; i++)
        if (x[i]) *to++ = (uint16_t)i;
    return to - start;
}

int64_t cpu_pattern_count(int64_t n, const uint8_t *x) {
    int64_t sum = 0, i = 0;
    for (; i + 8 <= n; i += 8) sum += (int64_t)(any_of(x + i) * UINT64_C(0x0101010101010101) >> 56);
    for (; i < n; i++) sum += x[i] != 0;
    return sum;
}

/* Eight bytes at a time, without a branch on what they are; how many lie before each place is counted in their bits. */
CPU_BODY places_body(int64_t W, int64_t C, const uint8_t *restrict x, int64_t first, int32_t *restrict off, uint16_t *restrict to, int64_t *end) {
    int64_t n = first, at = 0, row = W * C;
    if (C % 8 == 0) {
        for (int64_t p = 0; p < W; p++) {
            off[p] = (int32_t)n;
            for (int64_t c = 0; c < C; c += 8, at += 8) {
                uint64_t bytes;
                memcpy(&bytes, x + at, 8);
                unsigned m = (unsigned)(bytes * UINT64_C(0x0102040810204080) >> 56);
                for (int k = 0; k < 8; k++) to[n + k] = (uint16_t)(at + table.at[m][k]);
                n += table.n[m];
            }
        }
    } else {
        int64_t next = C, p = 1; /* where place p begins */
        off[0] = (int32_t)n;
        for (; at + 8 <= row; at += 8) {
            uint64_t bytes;
            memcpy(&bytes, x + at, 8);
            unsigned m = (unsigned)(bytes * UINT64_C(0x0102040810204080) >> 56);
            for (; next <= at + 8 && p <= W; p++, next += C) off[p] = (int32_t)(n + table.n[m & ((1u << (next - at)) - 1)]);
            for (int k = 0; k < 8; k++) to[n + k] = (uint16_t)(at + table.at[m][k]);
            n += table.n[m];
        }
        for (; at < row; at++) {
            to[n] = (uint16_t)at, n += x[at];
            if (at + 1 == next) off[p++] = (int32_t)n, next += C;
        }
    }
    off[W] = (int32_t)n;
    *end = n;
}
CPU_CLONES(places, (int64_t W, int64_t C, const uint8_t *x, int64_t first, int32_t *off, uint16_t *to, int64_t *end), (W, C, x, first, off, to, end));

int64_t cpu_spike_places(uint32_t isa, int64_t W, int64_t C, const uint8_t *x, int64_t n, int32_t *off, uint16_t *to) {
    int64_t end;
    places[isa](W, C, x, n, off, to, &end);
    return end;
}

int64_t cpu_spike_count(int64_t n, const uint8_t *x) {
    int64_t sum = 0;
    for (int64_t i = 0, m; i < n; i += m) {
        uint32_t part = 0; /* of few enough not to overflow */
        m = cpu_min(n - i, INT64_C(1) << 20);
        for (int64_t k = 0; k < m; k++) part += x[i + k];
        sum += part;
    }
    return sum;
}

typedef float v4 __attribute__((vector_size(16)));
typedef float v4u __attribute__((vector_size(16), aligned(4)));
#define NAME(x) x##_baseline
#define V v4
#define VW 4
#define AT_ONCE 4
#define VLOAD(p) (*(const v4u *)(p))
#define VSTORE(p, x) (*(v4u *)(p) = (x))
#define VSET1(x) ((v4){ (x), (x), (x), (x) })
#define VFMA(a, b, c) ((a) * (b) + (c))
#include "spikes_micro.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
#define NAME(x) x##_avx2
#define V __m256
#define VW 8
#define AT_ONCE 4
#define VLOAD _mm256_loadu_ps
#define VSTORE _mm256_storeu_ps
#define VSET1 _mm256_set1_ps
#define VFMA _mm256_fmadd_ps
#include "spikes_micro.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
#define NAME(x) x##_avx512
#define V __m512
#define VW 16
#define AT_ONCE 8
#define VLOAD _mm512_loadu_ps
#define VSTORE _mm512_storeu_ps
#define VSET1 _mm512_set1_ps
#define VFMA _mm512_fmadd_ps
#include "spikes_micro.h"
#pragma GCC pop_options
const cpu_spikes *const cpu_spikes_isa[3] = { &spikes_baseline, &spikes_avx2, &spikes_avx512 };
#else
const cpu_spikes *const cpu_spikes_isa[3] = { &spikes_baseline, &spikes_baseline, &spikes_baseline };
#endif
