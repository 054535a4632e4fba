/* winograd_micro.h - the transforms of winograd.c, included by it once per ISA level with V, VW, VSET1, VLOAD, VSTORE, VFMA, VPART, VREAD, VBYTES, VBYTES_PART, NAME set. */

/* B^T d: the data of a tile, six numbers along one axis */
CPU_BODY NAME(to_points)(const V *d, V *t) {
    V e = VFMA(VSET1(-2.0f), d[2], d[4]), o = VFMA(VSET1(-2.0f), d[1], d[3]), E = VFMA(VSET1(-0.5f), d[2], d[4]), O = VFMA(VSET1(-0.5f), d[1], d[3]);
    t[0] = VFMA(VSET1(-2.5f), d[2], d[4] + d[0]);
    t[1] = VFMA(VSET1(POINT_A), o, e), t[2] = VFMA(VSET1(-POINT_A), o, e);
    t[3] = VFMA(VSET1(POINT_B), O, E), t[4] = VFMA(VSET1(-POINT_B), O, E);
    t[5] = VFMA(VSET1(-2.5f), d[3], d[5] + d[1]);
}

/* A^T m: four outputs from six points */
CPU_BODY NAME(from_points)(const V *m, V *y) {
    V s = m[1] + m[2], S = m[3] + m[4], d = VSET1(POINT_A) * (m[1] - m[2]), D = VSET1(POINT_B) * (m[3] - m[4]);
    y[0] = m[0] + s + S;
    y[1] = d + D;
    y[2] = VFMA(VSET1(0.5f), s, S + S);
    y[3] = VFMA(VSET1(0.5f), d, D + D) + m[5];
}

/* The same for two outputs, from the four numbers below them, at the points 0, 1, 2 and 5 alone. What G has too much at points 1 and 2, -2/3, is taken back. */
CPU_BODY NAME(to_few)(const V *d, V *t) {
    V e = VSET1(-1.5f) * d[2], o = VSET1(-1.5f * POINT_A) * d[1];
    t[0] = VFMA(VSET1(-2.0f), d[2], d[0]);
    t[1] = e + o, t[2] = e - o;
    t[5] = VFMA(VSET1(-0.5f), d[1], d[3]);
}
CPU_BODY NAME(from_few)(const V *m, V *y) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = VFMA(VSET1(POINT_A), m[1] - m[2], m[5]);
}

/* G g: six points of three taps */
CPU_BODY NAME(of_taps)(const V *g, V *u) {
    V e = VSET1(-2.0f / 3) * VFMA(VSET1(0.5f), g[2], g[0]), o = VSET1(-2.0f / 3 * POINT_A) * g[1];
    V E = VSET1(1.0f / 6) * VFMA(VSET1(2.0f), g[2], g[0]), O = VSET1(1.0f / 6 * POINT_B) * g[1];
    u[0] = g[0], u[1] = e + o, u[2] = e - o, u[3] = E + O, u[4] = E - O, u[5] = g[2];
}

/* Does a tile that is narrow along an axis have no point k of it? */
#define LEFT_OUT(narrow, k) ((narrow) && ((k) == 3 || (k) == 4))
#define DATA_PART(name, type, whole, part_of, low, narrow)                                                                                                     \
    static void NAME(name##_##low##narrow)(const void *const *at, int64_t C, float *to, int64_t step) {                                                        \
        for (int64_t c = 0; c < C; c += VW) {                                                                                                                  \
            V part[POINTS][POINTS], t[POINTS];                                                                                                                 \
            for (int j = 0; j < POINTS - 2 * narrow; j++) {                                                                                                    \
                V d[POINTS];                                                                                                                                   \
                if (C - c >= VW) UNROLL for (int i = 0; i < POINTS - 2 * low; i++) d[i] = whole((const type *)at[i * POINTS + j] + c);                         \
                else UNROLL for (int i = 0; i < POINTS - 2 * low; i++) d[i] = part_of((const type *)at[i * POINTS + j] + c, C - c);                            \
                if (low) NAME(to_few)(d, part[j]);                                                                                                             \
                else NAME(to_points)(d, part[j]);                                                                                                              \
            }                                                                                                                                                  \
            for (int i = 0; i < POINTS; i++) {                                                                                                                 \
                V d[POINTS];                                                                                                                                   \
                if (LEFT_OUT(low, i)) continue;                                                                                                                \
                UNROLL for (int j = 0; j < POINTS - 2 * narrow; j++) d[j] = part[j][i];                                                                        \
                if (narrow) NAME(to_few)(d, t);                                                                                                                \
                else NAME(to_points)(d, t);                                                                                                                    \
                UNROLL for (int j = 0; j < POINTS; j++) if (!LEFT_OUT(narrow, j)) VSTORE(to + (i * POINTS + j) * step + c, t[j]);                              \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
    }
#define DATA(name, type, whole, part_of)                                                                                                                       \
    DATA_PART(name, type, whole, part_of, 0, 0)                                                                                                                \
    DATA_PART(name, type, whole, part_of, 1, 0)                                                                                                                \
    DATA_PART(name, type, whole, part_of, 0, 1)                                                                                                                \
    DATA_PART(name, type, whole, part_of, 1, 1)
DATA(data_f32, float, VLOAD, VREAD)
DATA(data_u8, uint8_t, VBYTES, VBYTES_PART)

#define OUTPUTS(low, narrow)                                                                                                                                   \
    static void NAME(outputs_##low##narrow)(                                                                                                                   \
        const float *m, int64_t step, const float *bias, float *y, int64_t line, int64_t place, int64_t rows, int64_t cols, int64_t n) {                       \
        rows = cpu_min(rows, TILE - 2 * low), cols = cpu_min(cols, TILE - 2 * narrow);                                                                         \
        for (int64_t c = 0; c < n; c += VW) {                                                                                                                  \
            V part[POINTS][TILE];                                                                                                                              \
            for (int j = 0; j < POINTS; j++) {                                                                                                                 \
                V d[POINTS];                                                                                                                                   \
                if (LEFT_OUT(narrow, j)) continue;                                                                                                             \
                UNROLL for (int i = 0; i < POINTS; i++) if (!LEFT_OUT(low, i)) d[i] = VLOAD(m + (i * POINTS + j) * step + c);                                  \
                if (low) NAME(from_few)(d, part[j]);                                                                                                           \
                else NAME(from_points)(d, part[j]);                                                                                                            \
            }                                                                                                                                                  \
            V b = bias ? VLOAD(bias + c) : VSET1(0.0f);                                                                                                        \
            for (int64_t i = 0; i < rows; i++) {                                                                                                               \
                V d[POINTS], t[TILE];                                                                                                                          \
                UNROLL for (int j = 0; j < POINTS; j++) if (!LEFT_OUT(narrow, j)) d[j] = part[j][i];                                                           \
                if (narrow) NAME(from_few)(d, t);                                                                                                              \
                else NAME(from_points)(d, t);                                                                                                                  \
                for (int64_t j = 0; j < cols; j++) {                                                                                                           \
                    float *to = y + i * line + j * place + c;                                                                                                  \
                    V v = t[j] + b;                                                                                                                            \
                    if (n - c >= VW) VSTORE(to, v);                                                                                                            \
                    else VPART(to, n - c, v);                                                                                                                  \
                }                                                                                                                                              \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
    }
OUTPUTS(0, 0) OUTPUTS(1, 0) OUTPUTS(0, 1) OUTPUTS(1, 1)

static void NAME(weights)(const float *taps, int64_t width, float *to, int64_t step) {
    for (int64_t c = 0; c < width; c += VW) {
        V part[3][POINTS], u[POINTS];
        UNROLL for (int j = 0; j < 3; j++) {
            V g[3];
            UNROLL for (int i = 0; i < 3; i++) g[i] = VLOAD(taps + (i * 3 + j) * width + c);
            NAME(of_taps)(g, part[j]);
        }
        for (int i = 0; i < POINTS; i++) {
            V g[3] = { part[0][i], part[1][i], part[2][i] };
            NAME(of_taps)(g, u);
            UNROLL for (int j = 0; j < POINTS; j++) VSTORE(to + (i * POINTS + j) * step + c, u[j]);
        }
    }
}

#define PARTS(name)                                                                                                                                            \
    { NAME(name##_00), NAME(name##_10), NAME(name##_01), NAME(name##_11) }
static const winograd_fns NAME(winograd) = { { PARTS(data_f32), PARTS(data_u8) }, PARTS(outputs), NAME(weights) };
#undef NAME
#undef V
#undef VW
#undef VSET1
#undef VLOAD
#undef VSTORE
#undef VFMA
#undef VPART
#undef VREAD
#undef VBYTES
#undef VBYTES_PART
#undef DATA
#undef DATA_PART
#undef OUTPUTS
#undef PARTS
#undef LEFT_OUT
