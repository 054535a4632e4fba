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

/* G g: six points of three taps */
CPU_BODY NAME(of_taps)(const V *g, V *u) {
    V e = VSET1(-2.0f / 3) * VFMA(VSET1(0.5f), g[2], g[0]), o = VSET1(-2.0f / 3 * POINT_A) * g[1];
    V E = VSET1(1.0f / 6) * VFMA(VSET1(2.0f), g[2], g[0]), O = VSET1(1.0f / 6 * POINT_B) * g[1];
    u[0] = g[0], u[1] = e + o, u[2] = e - o, u[3] = E + O, u[4] = E - O, u[5] = g[2];
}

#define DATA(name, type, whole, part_of)                                                                                                                       \
    static void NAME(name)(const void *const *at, int64_t C, float *to, int64_t step) {                                                                        \
        for (int64_t c = 0; c < C; c += VW) {                                                                                                                  \
            V part[POINTS][POINTS], t[POINTS];                                                                                                                 \
            for (int j = 0; j < POINTS; j++) {                                                                                                                 \
                V d[POINTS];                                                                                                                                   \
                if (C - c >= VW) UNROLL for (int i = 0; i < POINTS; i++) d[i] = whole((const type *)at[i * POINTS + j] + c);                                   \
                else UNROLL for (int i = 0; i < POINTS; i++) d[i] = part_of((const type *)at[i * POINTS + j] + c, C - c);                                      \
                NAME(to_points)(d, part[j]);                                                                                                                   \
            }                                                                                                                                                  \
            for (int i = 0; i < POINTS; i++) {                                                                                                                 \
                V d[POINTS];                                                                                                                                   \
                UNROLL for (int j = 0; j < POINTS; j++) d[j] = part[j][i];                                                                                     \
                NAME(to_points)(d, t);                                                                                                                         \
                UNROLL for (int j = 0; j < POINTS; j++) VSTORE(to + (i * POINTS + j) * step + c, t[j]);                                                        \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
    }
DATA(data_f32, float, VLOAD, VREAD)
DATA(data_u8, uint8_t, VBYTES, VBYTES_PART)

static void NAME(outputs)(const float *m, int64_t step, const float *bias, float *y, int64_t line, int64_t place, int64_t rows, int64_t cols, int64_t n) {
    for (int64_t c = 0; c < n; c += VW) {
        V part[POINTS][TILE];
        for (int j = 0; j < POINTS; j++) {
            V d[POINTS];
            UNROLL for (int i = 0; i < POINTS; i++) d[i] = VLOAD(m + (i * POINTS + j) * step + c);
            NAME(from_points)(d, part[j]);
        }
        V b = bias ? VLOAD(bias + c) : VSET1(0.0f);
        for (int64_t i = 0; i < rows; i++) {
            V d[POINTS], t[TILE];
            UNROLL for (int j = 0; j < POINTS; j++) d[j] = part[j][i];
            NAME(from_points)(d, t);
            for (int64_t j = 0; j < cols; j++) {
                float *to = y + i * line + j * place + c;
                V v = t[j] + b;
                if (n - c >= VW) VSTORE(to, v);
                else VPART(to, n - c, v);
            }
        }
    }
}

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

static const winograd_fns NAME(winograd) = { { NAME(data_f32), NAME(data_u8) }, NAME(outputs), NAME(weights) };
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
