/* linear_small.c - products of small matrices without packing what there is much of: linear whose x is the columns of a picture, and linear_dw.
 *
 * For a weight gradient the rows of g are the vectors and the numbers of x the factors, so that x is read in whatever order it lies, and the sum, [k][o], is
 * turned round at the end; rows of spikes (AVX-512) are masks instead, under which numbers of g are added. Sums are those of linear.c, in the same order:
 * the same bits. Units: pictures; groups. */
#include "gemm.h"
#include "linear_neuron.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")

enum { ELEMS_MAX = 16384 /* numbers of w */ };

typedef void spikes_fn(
    int64_t T, int64_t run, const float *g, int64_t ldg, int64_t g_jump, const uint8_t *x, int64_t ldx, int64_t x_jump, float *c, int64_t ldc, int64_t cols);

typedef struct small_plan {
    cpu_plan base;
    const cpu_gemm *g;
    int64_t K, O, wide;             /* wide: O up to whole vectors */
    int64_t x_k, x_i, x_t, picture; /* strides of x by k, sample and step; numbers of a picture (columns), else 0 */
} small_plan;

/* A picture [1,H,W] lies as written, [H,W] column by column. */
static int picture_of(small_plan *P, const hk_desc *x) {
    if ((x->rank != 2 && (x->rank != 3 || x->shape[0] != 1)) || x->dtype != HK_F32 || x->flags != HK_HELD) return 0;
    int64_t H = x->shape[x->rank - 2], W = x->shape[x->rank - 1];
    P->x_k = x->rank == 2 ? 1 : W, P->x_t = x->rank == 2 ? H : 1;
    P->picture = P->x_i = H * W;
    return H == P->K && W == P->base.T;
}

/* ---- linear, columns = 1 ---------------------------------------------------------------------------------------------------------------- */

static int64_t picture_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->n;
}

/* w as [panel][k][width] */
static void pack_columns(const small_plan *P, const float *w, float *panel) {
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw;
    for (int64_t o = 0; o < P->wide; o += nr) {
        int64_t width = cpu_min(nr, P->wide - o), cols = cpu_min(width, O - o);
        for (int64_t j = 0; j < width; j++)
            for (int64_t k = 0; k < K; k++) panel[o * K + k * width + j] = j < cols ? w[(o + j) * K + k] : 0.0f;
    }
}

/* Pictures [i0, i0 + m), whose rows of step t begin at y + t * y_t. */
static void columns_rows(const small_plan *P, const hk_bind *b, const float *panel, int64_t i0, int64_t m, float *y, int64_t y_t) {
    int64_t K = P->K, O = P->O, nr = 2 * P->g->vw;
    const float *bias = cpu_has_in(&P->base, 2) ? b->ptr[2] : NULL;
    for (int64_t i = 0; i < m; i++) {
        const float *x = (const float *)b->ptr[0] + (i0 + i) * P->picture;
        for (int64_t o = 0; o < P->wide; o += nr) {
            int64_t width = cpu_min(nr, P->wide - o), cols = cpu_min(width, O - o);
            for (int64_t t = 0, mr; t < b->T; t += mr) {
                mr = cpu_gemm_cross_rows(P->g, b->T - t);
                const float *from = x + t * P->x_t, *add = bias ? bias + o : NULL;
                float *to = y + t * y_t + i * O + o;
                if (P->x_t == 1) P->g->cols[mr][width / P->g->vw](K, from, P->x_k, panel + o * K, add, to, y_t, cols);
                else P->g->cross[mr][width / P->g->vw](1, K, from, P->x_t, P->x_k, 0, panel + o * K, width, 0, add, to, y_t, cols);
            }
        }
    }
}

static hk_status columns_prepare(const cpu_plan *p, const hk_bind *b) {
    pack_columns((const small_plan *)p, b->ptr[1], b->kept);
    return HK_OK;
}

static void columns_begin(const cpu_plan *p, const hk_bind *b, void *scratch) {
    if (!p->kept) pack_columns((const small_plan *)p, b->ptr[1], scratch);
}

static void columns_part(const cpu_plan *p, const hk_bind *b, int64_t i0, int64_t m, float *y, void *scratch) {
    const small_plan *P = (const small_plan *)p;
    columns_rows(P, b, p->kept ? b->kept : scratch, i0, m, y, m * P->O);
}

int cpu_columns_lanes(const cpu_plan *p, const hk_bind *b, const void *scratch, cpu_lanes *a) {
    const small_plan *P = (const small_plan *)p;
    a->x_f32 = b->ptr[0], a->x_i = P->picture, a->x_k = P->x_k, a->w = p->kept ? b->kept : scratch;
    return P->x_t == 1 && P->g->vw == 16;
}

static hk_status columns_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const small_plan *P = (const small_plan *)p;
    columns_begin(p, b, scratch);
    columns_rows(P, b, p->kept ? b->kept : scratch, lo, hi - lo, (float *)cpu_out_ptr(p, b, 0) + lo * P->O, b->n * P->O);
    return HK_OK;
}

static hk_status small_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out, int64_t O, int64_t K, const char *what) {
    hk_status s = cpu_plan_new(dev, o, sizeof(small_plan), out);
    if (s != HK_OK) return s;
    small_plan *P = (small_plan *)*out;
    P->K = K, P->O = O, P->g = cpu_gemm_isa[P->base.isa], P->wide = cpu_up(O, P->g->vw);
    P->base.impl = what;
    return HK_OK;
}

hk_status cpu_linear_columns_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = small_new(dev, o, out, o->in[1].shape[0], o->in[1].shape[1], "columns");
    if (s != HK_OK) return s;
    small_plan *P = (small_plan *)*out;
    if (!picture_of(P, &o->in[0])) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear: its columns do not fit", o->path);
    P->base.units = picture_units, P->base.run = columns_run, P->base.begin = columns_begin, P->base.part = columns_part;
    P->base.grain = cpu_max(1, 200000 / (o->T * P->K * P->O + 1));
    if (cpu_may_keep(o, 1)) P->base.kept = (size_t)(P->K * P->wide) * 4, P->base.prepare = columns_prepare;
    else P->base.scratch = (size_t)(P->K * P->wide) * 4;
    return HK_OK;
}

/* ---- linear_dw ---------------------------------------------------------------------------------------------------------------------------- */

static int64_t group_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->groups;
}

static hk_status dw_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const small_plan *P = (const small_plan *)p;
    int64_t K = P->K, O = P->O, n = b->n, T = cpu_steps(&p->d[0], b), vw = P->g->vw;
    float *sum = scratch;
    for (int64_t u = lo; u < hi; u++) {
        int64_t i0 = u * HK_GROUP, run = cpu_min(HK_GROUP, n - i0);
        int64_t x_t = P->picture ? P->x_t : n * K;
        const float *g = (const float *)b->ptr[0] + i0 * O, *x = (const float *)b->ptr[1] + i0 * P->x_i;
        float *out = (float *)cpu_out_ptr(p, b, 0) + u * O * K;
        for (int64_t k = 0, mr; k < K; k += mr) {
            mr = cpu_gemm_cross_rows(P->g, K - k);
            for (int64_t o = 0; o < O; o += 2 * vw)
                P->g->cross[mr][O - o > vw ? 2 : 1](T, run, x + k * P->x_k, P->x_k, P->x_i, x_t - run * P->x_i, g + o, O, (n - run) * O, NULL,
                    sum + k * P->wide + o, P->wide, cpu_min(2 * vw, O - o));
        }
        for (int64_t o = 0; o < O; o++)
            for (int64_t k = 0; k < K; k++) out[o * K + k] = sum[k * P->wide + o];
    }
    return HK_OK;
}

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
static inline __mmask16 spikes_at(const uint8_t *x, int64_t cols) {
    __m128i one = _mm_set1_epi8(1);
    if (cols >= 16) return _mm_test_epi8_mask(_mm_loadu_si128((const void *)x), one);
    return _mm_test_epi8_mask(_mm_maskz_loadu_epi8((__mmask16)((1u << cols) - 1), x), one);
}
/* c[i, j] = sum of g[r, i] over the rows r where x[r, j] spikes */
#define SPIKES(MR, NV)                                                                                                                                         \
    static void spikes_##MR##_##NV(int64_t T, int64_t run, const float *g, int64_t ldg, int64_t g_jump, const uint8_t *x, int64_t ldx, int64_t x_jump,         \
        float *c, int64_t ldc, int64_t cols) {                                                                                                                 \
        __m512 acc[MR][NV];                                                                                                                                    \
        const int64_t last = cols - 16 * (NV - 1);                                                                                                             \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) for (int v = 0; v < NV; v++) acc[i][v] = _mm512_setzero_ps();                                    \
        for (int64_t t = 0; t < T; t++, g += g_jump, x += x_jump)                                                                                              \
            for (int64_t p = 0; p < run; p++, g += ldg, x += ldx) {                                                                                            \
                __mmask16 m[NV];                                                                                                                               \
                for (int v = 0; v < NV; v++) m[v] = spikes_at(x + 16 * v, v < NV - 1 ? 16 : last);                                                             \
                if (!(m[0] | m[NV - 1])) continue;                                                                                                             \
                _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                                                        \
                    __m512 gv = _mm512_set1_ps(g[i]);                                                                                                          \
                    for (int v = 0; v < NV; v++) acc[i][v] = _mm512_mask_add_ps(acc[i][v], m[v], acc[i][v], gv);                                               \
                }                                                                                                                                              \
            }                                                                                                                                                  \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) for (int v = 0; v < NV; v++)                                                                     \
            _mm512_mask_storeu_ps(c + i * ldc + 16 * v, v < NV - 1 || last >= 16 ? 0xffff : (__mmask16)((1u << last) - 1), acc[i][v]);                         \
    }
#define SPIKES_BOTH(MR) SPIKES(MR, 1) SPIKES(MR, 2)
SPIKES_BOTH(1)
SPIKES_BOTH(2) SPIKES_BOTH(3) SPIKES_BOTH(4) SPIKES_BOTH(5) SPIKES_BOTH(6) SPIKES_BOTH(7) SPIKES_BOTH(10) SPIKES_BOTH(11) SPIKES_BOTH(14)
#pragma GCC pop_options
#define SPIKES_PAIR(MR) [MR] = { NULL, spikes_##MR##_1, spikes_##MR##_2 }
    static spikes_fn *const spikes[15][3] = { SPIKES_PAIR(1), SPIKES_PAIR(2), SPIKES_PAIR(3), SPIKES_PAIR(4), SPIKES_PAIR(5), SPIKES_PAIR(6), SPIKES_PAIR(7),
        SPIKES_PAIR(10), SPIKES_PAIR(11), SPIKES_PAIR(14) };

/* How many rows next: never leaving few, which would wait for one another. */
static int64_t spike_rows(int64_t left) {
    return left > 28 && left <= 33 ? 11 : left >= 14 ? 14 : left >= 10 ? (left == 11 ? 11 : 10) : left == 8 ? 4 : left >= 7 ? 7 : left;
}

static hk_status dw_spikes_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const small_plan *P = (const small_plan *)p;
    int64_t K = P->K, O = P->O, n = b->n, T = cpu_steps(&p->d[0], b);
    (void)scratch;
    for (int64_t u = lo; u < hi; u++) {
        int64_t i0 = u * HK_GROUP, run = cpu_min(HK_GROUP, n - i0);
        const float *g = (const float *)b->ptr[0] + i0 * O;
        const uint8_t *x = (const uint8_t *)b->ptr[1] + i0 * K;
        float *out = (float *)cpu_out_ptr(p, b, 0) + u * O * K;
        for (int64_t o = 0, mr; o < O; o += mr) {
            mr = spike_rows(O - o);
            for (int64_t k = 0; k < K; k += 32)
                spikes[mr][K - k > 16 ? 2 : 1](T, run, g + o, O, (n - run) * O, x + k, K, (n - run) * K, out + o * K + k, K, cpu_min(32, K - k));
        }
    }
    return HK_OK;
}
#endif

hk_status cpu_linear_dw_small_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int columns = cpu_attr(o, "columns")->i != 0;
    const hk_desc *g = &o->in[0], *x = &o->in[1];
    int64_t O = hk_desc_elems(g), K = o->out[0].shape[1];
    if (!columns && (K * O > ELEMS_MAX || g->flags != x->flags || !(g->flags & HK_N))) return HK_EUNSUPPORTED;
    if (columns && g->flags != HK_SEQ) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear_dw: its columns do not fit", o->path);
    int spiking = x->dtype == HK_SPIKE && (o->isa < dev->isa ? o->isa : dev->isa) == HK_ISA_AVX512;
    if (!spiking && x->dtype != HK_F32) return HK_EUNSUPPORTED;
    hk_status s = small_new(dev, o, out, O, K, spiking ? "masks" : columns ? "columns" : "rows");
    if (s != HK_OK) return s;
    small_plan *P = (small_plan *)*out;
    P->x_k = 1, P->x_i = K;
    if (columns && !picture_of(P, x)) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear_dw: its columns do not fit", o->path);
    P->base.units = group_units, P->base.run = dw_run;
    P->base.scratch = (size_t)(K * P->wide) * 4;
#if defined(__x86_64__)
    if (spiking) P->base.run = dw_spikes_run, P->base.scratch = 0;
#endif
    return HK_OK;
}
