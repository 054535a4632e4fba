/* gemm_micro.h - the micro-kernels, included by gemm.c once per ISA level with V, VW, VSET1, VLOAD, VSTORE, VFMA, VPART, NAME set. */

#define MICRO(MR, NV)                                                                                                                                          \
    static void NAME(rows_##MR##_##NV)(                                                                                                                        \
        int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, const float *bias, float *c, int64_t ldc, int64_t cols) {                         \
        V acc[MR][NV];                                                                                                                                         \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VSET1(0.0f);                                                       \
        for (int64_t p = 0; p < k; p++, b += ldb) {                                                                                                            \
            V bv[NV];                                                                                                                                          \
            UNROLL for (int v = 0; v < NV; v++) bv[v] = VLOAD(b + v * VW);                                                                                     \
            UNROLL for (int i = 0; i < MR; i++) {                                                                                                              \
                V av = VSET1(a[i * lda + p]);                                                                                                                  \
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VFMA(av, bv[v], acc[i][v]);                                                                    \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        if (bias) UNROLL for (int v = 0; v < NV; v++) {                                                                                                        \
                V bv = VLOAD(bias + v * VW);                                                                                                                   \
                UNROLL for (int i = 0; i < MR; i++) acc[i][v] = acc[i][v] + bv;                                                                                \
            }                                                                                                                                                  \
        if (cols == NV * VW) {                                                                                                                                 \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VSTORE(c + i * ldc + v * VW, acc[i][v]);                                   \
        } else {                                                                                                                                               \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VPART(c + i * ldc + v * VW, cols - v * VW, acc[i][v]);                     \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    static void NAME(outer_##MR##_##NV)(                                                                                                                       \
        int64_t T, int64_t run, const float *a, int64_t lda, int64_t a_jump, const float *b, int64_t ldb,                                                      \
        int64_t b_jump, float *c, int64_t ldc, int64_t cols, int add) {                                                                                        \
        V acc[MR][NV];                                                                                                                                         \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++)                                                                                \
            acc[i][v] = add == 1 ? VREAD(c + i * ldc + v * VW, cols - v * VW) : VSET1(0.0f);                                                                   \
        for (int64_t t = 0; t < T; t++, a += a_jump, b += b_jump)                                                                                              \
            for (int64_t p = 0; p < run; p++, a += lda, b += ldb) {                                                                                            \
                V bv[NV];                                                                                                                                      \
                UNROLL for (int v = 0; v < NV; v++) bv[v] = VLOAD(b + v * VW);                                                                                 \
                UNROLL for (int i = 0; i < MR; i++) {                                                                                                          \
                    V av = VSET1(a[i]);                                                                                                                        \
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VFMA(av, bv[v], acc[i][v]);                                                                \
                }                                                                                                                                              \
            }                                                                                                                                                  \
        if (add == 2) UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) acc[i][v] += VREAD(c + i * ldc + v * VW, cols - v * VW);         \
        if (cols == NV * VW) {                                                                                                                                 \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VSTORE(c + i * ldc + v * VW, acc[i][v]);                                   \
        } else {                                                                                                                                               \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VPART(c + i * ldc + v * VW, cols - v * VW, acc[i][v]);                     \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    static void NAME(segs_##MR##_##NV)(                                                                                                                        \
        int64_t segs, const int64_t *seg, int64_t run, const float *a, const int64_t *at, const float *b, const float *bias, float *c,                         \
        const int64_t *to, int64_t cols) {                                                                                                                     \
        V acc[MR][NV];                                                                                                                                         \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VSET1(0.0f);                                                       \
        for (int64_t s = 0; s < segs; s++) {                                                                                                                   \
            const float *x[MR];                                                                                                                                \
            UNROLL for (int i = 0; i < MR; i++) x[i] = a + at[i] + seg[s];                                                                                     \
            for (int64_t p = 0; p < run; p++, b += NV * VW) {                                                                                                  \
                V bv[NV];                                                                                                                                      \
                UNROLL for (int v = 0; v < NV; v++) bv[v] = VLOAD(b + v * VW);                                                                                 \
                UNROLL for (int i = 0; i < MR; i++) {                                                                                                          \
                    V av = VSET1(x[i][p]);                                                                                                                     \
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VFMA(av, bv[v], acc[i][v]);                                                                \
                }                                                                                                                                              \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        if (bias) UNROLL for (int v = 0; v < NV; v++) {                                                                                                        \
                V bv = VLOAD(bias + v * VW);                                                                                                                   \
                UNROLL for (int i = 0; i < MR; i++) acc[i][v] = acc[i][v] + bv;                                                                                \
            }                                                                                                                                                  \
        if (cols == NV * VW) {                                                                                                                                 \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VSTORE(c + to[i] + v * VW, acc[i][v]);                                     \
        } else {                                                                                                                                               \
            UNROLL for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) VPART(c + to[i] + v * VW, cols - v * VW, acc[i][v]);                       \
        }                                                                                                                                                      \
    }

#define CROSS_BODY(MR, NV, T, a_row, whole)                                                                                                                    \
    V acc[MR][NV];                                                                                                                                             \
    UNROLL16 for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VSET1(0.0f);                                                         \
    for (int64_t t = 0; t < (T); t++, a += a_jump, b += b_jump)                                                                                                \
        for (int64_t p = 0; p < run; p++, a += a_step, b += ldb) {                                                                                             \
            V bv[NV];                                                                                                                                          \
            UNROLL for (int v = 0; v < NV; v++) bv[v] = v < NV - 1 || (whole) ? VLOAD(b + v * VW) : VREAD(b + v * VW, cols - v * VW);                          \
            UNROLL16 for (int i = 0; i < MR; i++) {                                                                                                            \
                V av = VSET1(a[i * (a_row)]);                                                                                                                  \
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = VFMA(av, bv[v], acc[i][v]);                                                                    \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
    if (bias) UNROLL for (int v = 0; v < NV; v++) {                                                                                                            \
            V bv = (whole) ? VLOAD(bias + v * VW) : VREAD(bias + v * VW, cols - v * VW);                                                                       \
            UNROLL16 for (int i = 0; i < MR; i++) acc[i][v] = acc[i][v] + bv;                                                                                  \
        }                                                                                                                                                      \
    UNROLL16 for (int i = 0; i < MR; i++) UNROLL for (int v = 0; v < NV; v++) {                                                                                \
        if (v < NV - 1 || (whole)) VSTORE(c + i * ldc + v * VW, acc[i][v]);                                                                                    \
        else VPART(c + i * ldc + v * VW, cols - v * VW, acc[i][v]);                                                                                            \
    }
#define CROSS(MR, NV)                                                                                                                                          \
    static void NAME(cross_##MR##_##NV)(int64_t T, int64_t run, const float *a, int64_t a_row, int64_t a_step, int64_t a_jump, const float *b, int64_t ldb,    \
        int64_t b_jump, const float *bias, float *c, int64_t ldc, int64_t cols) {                                                                              \
        const int all = cols >= NV * VW;                                                                                                                       \
        CROSS_BODY(MR, NV, T, a_row, all)                                                                                                                      \
    }                                                                                                                                                          \
    static void NAME(cols_##MR##_##NV)(int64_t run, const float *a, int64_t a_step, const float *b, const float *bias, float *c, int64_t ldc, int64_t cols) {  \
        const int64_t a_jump = 0, b_jump = 0, ldb = NV * VW;                                                                                                   \
        if (cols == NV * VW) {                                                                                                                                 \
            CROSS_BODY(MR, NV, 1, 1, 1)                                                                                                                        \
        } else {                                                                                                                                               \
            CROSS_BODY(MR, NV, 1, 1, 0)                                                                                                                        \
        }                                                                                                                                                      \
    }
CROSS(1, 1) CROSS(2, 1) CROSS(3, 1) CROSS(4, 1) CROSS(5, 1) CROSS(6, 1) CROSS(1, 2) CROSS(2, 2) CROSS(3, 2) CROSS(4, 2) CROSS(5, 2) CROSS(6, 2)
#if WIDE /* 32 registers */
CROSS(7, 1) CROSS(7, 2) CROSS(14, 1) CROSS(14, 2)
#endif

MICRO(1, 1)
MICRO(2, 1) MICRO(3, 1) MICRO(4, 1) MICRO(5, 1) MICRO(6, 1) MICRO(1, 2) MICRO(2, 2) MICRO(3, 2) MICRO(4, 2) MICRO(5, 2) MICRO(6, 2)
#if WIDE
MICRO(1, 3) MICRO(2, 3) MICRO(3, 3) MICRO(4, 3) MICRO(5, 3) MICRO(6, 3) MICRO(1, 4) MICRO(2, 4) MICRO(3, 4) MICRO(4, 4) MICRO(5, 4) MICRO(6, 4)
#define SET(kind, MR)                                                                                                                                          \
    { NULL, NAME(kind##_##MR##_1), NAME(kind##_##MR##_2), NAME(kind##_##MR##_3), NAME(kind##_##MR##_4) }
#else
#define SET(kind, MR)                                                                                                                                          \
    { NULL, NAME(kind##_##MR##_1), NAME(kind##_##MR##_2) }
#endif
#define PAIR(kind, MR)                                                                                                                                         \
    { NULL, NAME(kind##_##MR##_1), NAME(kind##_##MR##_2) }
    static const cpu_gemm NAME(gemm) = {
        VW, WIDE ? 4 : 2,
        { { NULL }, SET(rows, 1), SET(rows, 2), SET(rows, 3), SET(rows, 4), SET(rows, 5), SET(rows, 6) },
        { { NULL }, SET(outer, 1), SET(outer, 2), SET(outer, 3), SET(outer, 4), SET(outer, 5), SET(outer, 6) },
        { { NULL }, SET(segs, 1), SET(segs, 2), SET(segs, 3), SET(segs, 4), SET(segs, 5), SET(segs, 6) },
        { { NULL }, PAIR(cross, 1), PAIR(cross, 2), PAIR(cross, 3), PAIR(cross, 4), PAIR(cross, 5), PAIR(cross, 6),
#if WIDE
            PAIR(cross, 7), [14] = PAIR(cross, 14)
#endif
        },
        { { NULL }, PAIR(cols, 1), PAIR(cols, 2), PAIR(cols, 3), PAIR(cols, 4), PAIR(cols, 5), PAIR(cols, 6),
#if WIDE
            PAIR(cols, 7), [14] = PAIR(cols, 14)
#endif
        },
    };
#undef MICRO
#undef CROSS
#undef CROSS_BODY
#undef PAIR
#undef SET
#undef WIDE
#undef NAME
#undef V
#undef VW
#undef VSET1
#undef VLOAD
#undef VSTORE
#undef VFMA
#undef VPART
#undef VREAD
