/* spikes_micro.h - the kernels of spikes.h for one ISA level; included by spikes.c with NAME, V, VW, VLOAD, VSTORE, and AT_ONCE: sums of a group that
 * fit the registers beside as many totals. */

#define ROWS(NV)                                                                                                                                               \
    static void NAME(rows_##NV)(const spike_row *s, const float *w, float *acc, int first) {                                                                   \
        for (int64_t x = 0; x < s->OW; x++, acc += NV * VW) {                                                                                                  \
            int64_t lo = x * s->stride - s->pad, hi = lo + s->kernel;                                                                                          \
            const float *base = w - lo * s->C * (NV * VW);                                                                                                     \
            const uint16_t *e = s->e + s->off[lo < 0 ? 0 : lo > s->W ? s->W : lo], *end = s->e + s->off[hi < 0 ? 0 : hi > s->W ? s->W : hi];                   \
            V a[NV];                                                                                                                                           \
            UNROLL for (int v = 0; v < NV; v++) a[v] = first ? (V){ 0 } : VLOAD(acc + v * VW);                                                                 \
            for (; e < end; e++) {                                                                                                                             \
                const float *row = base + (int64_t)*e * (NV * VW);                                                                                             \
                UNROLL for (int v = 0; v < NV; v++) a[v] += VLOAD(row + v * VW);                                                                               \
            }                                                                                                                                                  \
            UNROLL for (int v = 0; v < NV; v++) VSTORE(acc + v * VW, a[v]);                                                                                    \
        }                                                                                                                                                      \
    }
#define SUM(NV)                                                                                                                                                \
    static void NAME(sum_##NV)(int64_t n, const uint16_t *e, const float *w, float *acc, int first) {                                                          \
        V a[NV];                                                                                                                                               \
        UNROLL for (int v = 0; v < NV; v++) a[v] = first ? (V){ 0 } : VLOAD(acc + v * VW);                                                                     \
        for (int64_t i = 0; i < n; i++) {                                                                                                                      \
            const float *row = w + (int64_t)e[i] * (NV * VW);                                                                                                  \
            UNROLL for (int v = 0; v < NV; v++) a[v] += VLOAD(row + v * VW);                                                                                   \
        }                                                                                                                                                      \
        UNROLL for (int v = 0; v < NV; v++) VSTORE(acc + v * VW, a[v]);                                                                                        \
    }
#define GROUPS_PART(NV, FROM, N)                                                                                                                               \
    if (N) {                                                                                                                                                  \
        V t[N ? N : 1];                                                                                                                                        \
        UNROLL for (int v = 0; v < N; v++) t[v] = first ? (V){ 0 } : VLOAD(to + (FROM + v) * VW);                                                              \
        for (int64_t k = 0; k < groups; k++) {                                                                                                                 \
            const uint16_t *at = e + off[k], *end = e + off[k + 1];                                                                                            \
            if (at == end) continue;                                                                                                                           \
            const float *row = g + (int64_t)*at++ * (NV * VW) + FROM * VW;                                                                                     \
            V a[N ? N : 1];                                                                                                                                    \
            UNROLL for (int v = 0; v < N; v++) a[v] = VLOAD(row + v * VW);                                                                                     \
            for (; at < end; at++) {                                                                                                                           \
                row = g + (int64_t)*at * (NV * VW) + FROM * VW;                                                                                                \
                UNROLL for (int v = 0; v < N; v++) a[v] += VLOAD(row + v * VW);                                                                                \
            }                                                                                                                                                  \
            UNROLL for (int v = 0; v < N; v++) t[v] += a[v];                                                                                                   \
        }                                                                                                                                                      \
        UNROLL for (int v = 0; v < N; v++) VSTORE(to + (FROM + v) * VW, t[v]);                                                                                 \
    }
#define GROUPS(NV)                                                                                                                                             \
    static void NAME(groups_##NV)(int64_t groups, const int32_t *off, const uint16_t *e, const float *g, float *to, int first) {                               \
        GROUPS_PART(NV, 0, (NV < AT_ONCE ? NV : AT_ONCE))                                                                                                      \
        GROUPS_PART(NV, AT_ONCE, (NV > AT_ONCE ? NV - AT_ONCE : 0))                                                                                            \
    }
#define TAPS(name, R, K)                                                                                                                                       \
    static void NAME(name)(int64_t n, const uint16_t *at, const float *g, int64_t pitch, float *acc) {                                                         \
        V a[R][K];                                                                                                                                             \
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int k = 0; k < K; k++) a[r][k] = VLOAD(acc + (r * K + k) * VW);                                         \
        for (int64_t i = 0; i < n; i++) {                                                                                                                      \
            const float *p = g + (int64_t)at[i] * VW;                                                                                                          \
            UNROLL for (int r = 0; r < R; r++) {                                                                                                               \
                UNROLL for (int k = 0; k < K; k++) a[r][k] += VLOAD(p - k * VW);                                                                               \
                p -= pitch;                                                                                                                                    \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int k = 0; k < K; k++) VSTORE(acc + (r * K + k) * VW, a[r][k]);                                         \
    }

ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
SUM(1) SUM(2) SUM(3) SUM(4) SUM(5) SUM(6) SUM(7) SUM(8)
GROUPS(1) GROUPS(2) GROUPS(3) GROUPS(4) GROUPS(5) GROUPS(6) GROUPS(7) GROUPS(8)
TAPS(taps_1, 1, 1) TAPS(taps_2, 1, 2) TAPS(taps_3, 1, 3) TAPS(taps_4, 1, 4) TAPS(taps_5, 1, 5) TAPS(taps_6, 1, 6) TAPS(taps_7, 1, 7) TAPS(taps_3x3, 3, 3)

#define SPREAD(K)                                                                                                                                              \
    static void NAME(spread_##K)(int64_t n, const uint16_t *e, const float *v, const float *w, float *acc) {                                                   \
        V a[K];                                                                                                                                                \
        UNROLL for (int k = 0; k < K; k++) a[k] = VLOAD(acc + k * VW);                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                                                                      \
            const V g = VSET1(v[i]);                                                                                                                           \
            const float *row = w + (int64_t)e[i] * (K * VW);                                                                                                   \
            UNROLL for (int k = 0; k < K; k++) a[k] = VFMA(g, VLOAD(row + k * VW), a[k]);                                                                      \
        }                                                                                                                                                      \
        UNROLL for (int k = 0; k < K; k++) VSTORE(acc + k * VW, a[k]);                                                                                         \
    }
SPREAD(1) SPREAD(2) SPREAD(3) SPREAD(4) SPREAD(5) SPREAD(6) SPREAD(7)

static int64_t NAME(nonzero)(int64_t n, const float *x, uint16_t *e, float *v) {
    int64_t found = 0, i = 0;
#if VW == 16
    for (; i + 16 <= n; i += 16) {
        const __m512 f = _mm512_loadu_ps(x + i);
        const __mmask16 m = _mm512_cmp_ps_mask(f, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __m512i at = _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32((int)i));
        _mm512_storeu_ps(v + found, _mm512_maskz_compress_ps(m, f));
        _mm256_storeu_si256((__m256i *)(e + found), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(m, at)));
        found += __builtin_popcount(m);
    }
#endif
    for (; i < n; i++) e[found] = (uint16_t)i, v[found] = x[i], found += x[i] != 0.0f;
    return found;
}

static const cpu_spikes NAME(spikes) = {
    VW,
    { NULL, NAME(rows_1), NAME(rows_2), NAME(rows_3), NAME(rows_4), NAME(rows_5), NAME(rows_6), NAME(rows_7), NAME(rows_8) },
    { NULL, NAME(sum_1), NAME(sum_2), NAME(sum_3), NAME(sum_4), NAME(sum_5), NAME(sum_6), NAME(sum_7), NAME(sum_8) },
    { NULL, NAME(groups_1), NAME(groups_2), NAME(groups_3), NAME(groups_4), NAME(groups_5), NAME(groups_6), NAME(groups_7), NAME(groups_8) },
    { NULL, NAME(taps_1), NAME(taps_2), NAME(taps_3), NAME(taps_4), NAME(taps_5), NAME(taps_6), NAME(taps_7) },
    NAME(taps_3x3),
    { NULL, NAME(spread_1), NAME(spread_2), NAME(spread_3), NAME(spread_4), NAME(spread_5), NAME(spread_6), NAME(spread_7) },
    NAME(nonzero),
};
#undef ROWS
#undef SUM
#undef GROUPS_PART
#undef GROUPS
#undef AT_ONCE
#undef TAPS
#undef SPREAD
#undef NAME
#undef V
#undef VW
#undef VLOAD
#undef VSTORE
#undef VSET1
#undef VFMA
