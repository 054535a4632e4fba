/* linear_neuron_lanes.c - linear_neuron with AVX-512, of neurons whose type declares its charge (hk_charge): a row of the product never leaves its registers, where
 * the neuron's step takes it up; the state goes from step to step in a register.
 *
 * The step is that of the neuron's text with f = 0 or 1 put in, sum for sum: r v_reset + (1 - r) h is v_reset + 0 h where it fires, else 0 v_reset + h; and 0 h is
 * h - h, for infinities too. h - v_threshold >= 0 is h >= v_threshold unless the difference may be flushed to 0: other thresholds go the other way. So bits
 * are those of the row kernels. Sums of the product are those of linear_small.c and linear_table.c. */
#include "linear_neuron.h"
#include <float.h>
#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#pragma GCC optimize("O3")
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
#define LANES static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { VW = 16, ADD, LEAK_IN, LEAK };

typedef struct lanes { /* v_threshold, v_reset, 0 times each; 1 / tau, v_rest */
    __m512 th, vr, zero_th, zero_vr, k, rest;
} lanes;

/* v before the step and x -> v after it; fired: where */
LANES __m512 lanes_step(const int charge, const int soft, const lanes *p, __m512 v, __m512 x, __mmask16 *fired) {
    __m512 h;
    if (charge == ADD) {
        h = _mm512_add_ps(v, x);
    } else {
        __m512 away = _mm512_sub_ps(v, p->rest);
        if (charge == LEAK_IN) h = _mm512_add_ps(v, _mm512_mul_ps(_mm512_sub_ps(x, away), p->k));
        else h = _mm512_add_ps(_mm512_sub_ps(v, _mm512_mul_ps(away, p->k)), x);
    }
    *fired = _mm512_cmp_ps_mask(h, p->th, _CMP_GE_OQ);
    if (soft) return _mm512_mask_blend_ps(*fired, _mm512_sub_ps(h, p->zero_th), _mm512_sub_ps(h, p->th));
    return _mm512_mask_blend_ps(*fired, _mm512_add_ps(p->zero_vr, h), _mm512_add_ps(p->vr, _mm512_sub_ps(h, h)));
}

/* The spikes of one vector. */
LANES void lanes_fire(__mmask16 fired, __mmask16 in, uint8_t *y) {
    if (in == 0xffff) _mm_storeu_si128((void *)y, _mm_maskz_set1_epi8(fired, 1));
    else _mm_mask_storeu_epi8(y, in, _mm_maskz_set1_epi8(fired, 1));
}

/* MR steps of a picture, NV vectors of outputs: the sums of linear_small.c, then the steps. */
#define COLUMNS(MR, NV)                                                                                                                                        \
    LANES void columns_##MR##_##NV(const int charge, const int soft, const cpu_lanes *a, const lanes *p, const float *x, const float *w, const __m512 *bias,   \
        __m512 *v, __mmask16 last, uint8_t *y) {                                                                                                               \
        __m512 acc[MR][NV];                                                                                                                                    \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int u = 0; u < NV; u++) acc[i][u] = _mm512_setzero_ps();                                               \
        for (int64_t k = 0; k < a->K; k++, x += a->x_k, w += NV * VW) {                                                                                        \
            __m512 wv[NV];                                                                                                                                     \
            UNROLL for (int u = 0; u < NV; u++) wv[u] = _mm512_loadu_ps(w + u * VW);                                                                           \
            UNROLL for (int i = 0; i < MR; i++) {                                                                                                              \
                __m512 xv = _mm512_set1_ps(x[i]);                                                                                                              \
                UNROLL for (int u = 0; u < NV; u++) acc[i][u] = _mm512_fmadd_ps(xv, wv[u], acc[i][u]);                                                         \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int u = 0; u < NV; u++) {                                                                              \
            __mmask16 fired;                                                                                                                                   \
            v[u] = lanes_step(charge, soft, p, v[u], _mm512_add_ps(acc[i][u], bias[u]), &fired);                                                               \
            lanes_fire(fired, u < NV - 1 ? 0xffff : last, y + i * a->y_ld + u * VW);                                                                           \
        }                                                                                                                                                      \
    }
COLUMNS(1, 1)
COLUMNS(2, 1) COLUMNS(4, 1) COLUMNS(7, 1) COLUMNS(14, 1) COLUMNS(1, 2) COLUMNS(2, 2) COLUMNS(4, 2) COLUMNS(7, 2) COLUMNS(14, 2)

#define COLUMNS_PANEL(NV)                                                                                                                                      \
    LANES void panel_##NV(const int charge, const int soft, const cpu_lanes *a, const lanes *p, const float *x, const float *w, const __m512 *bias, __m512 *v, \
        __mmask16 last, uint8_t *y) {                                                                                                           \
        for (int64_t t = 0, mr; t < a->T; t += mr) {                                                                                                           \
            int64_t left = a->T - t;                                                                                                                           \
            uint8_t *to = y + t * a->y_ld;                                                                                                                     \
            mr = left >= 14 ? 14 : left >= 7 ? 7 : left >= 4 ? 4 : left >= 2 ? 2 : 1;                                                                          \
            if (mr == 14) columns_14_##NV(charge, soft, a, p, x + t, w, bias, v, last, to);                                                                    \
            else if (mr == 7) columns_7_##NV(charge, soft, a, p, x + t, w, bias, v, last, to);                                                                 \
            else if (mr == 4) columns_4_##NV(charge, soft, a, p, x + t, w, bias, v, last, to);                                                                 \
            else if (mr == 2) columns_2_##NV(charge, soft, a, p, x + t, w, bias, v, last, to);                                                                 \
            else columns_1_##NV(charge, soft, a, p, x + t, w, bias, v, last, to);                                                                              \
        }                                                                                                                                                      \
    }
COLUMNS_PANEL(1)
COLUMNS_PANEL(2)

/* Up to 2 vectors of outputs of a sample: state and bias in, state and counts out. */
LANES void lanes_load(int64_t cols, const float *from, __m512 *v) {
    UNROLL for (int u = 0; u < 2; u++) v[u] = cols > u * VW ? _mm512_maskz_loadu_ps(cols >= (u + 1) * VW ? 0xffff : (__mmask16)((1u << (cols - u * VW)) - 1), from + u * VW) : _mm512_setzero_ps();
}
LANES void lanes_store(int64_t cols, float *to, const __m512 *v) {
    UNROLL for (int u = 0; u < 2; u++)
        if (to && cols > u * VW) _mm512_mask_storeu_ps(to + u * VW, cols >= (u + 1) * VW ? 0xffff : (__mmask16)((1u << (cols - u * VW)) - 1), v[u]);
}
LANES void lanes_count(int64_t cols, float *to, const __m512 *count, float scale) {
    __m512 v[2];
    UNROLL for (int u = 0; u < 2; u++) v[u] = _mm512_mul_ps(_mm512_set1_ps(scale), count[u]);
    lanes_store(cols, to, v);
}

LANES void columns_of(const int charge, const int soft, const cpu_lanes *a, const lanes *p) {
    for (int64_t i = a->i0; i < a->i1; i++)
        for (int64_t o = 0; o < a->O; o += 2 * VW) {
            int64_t cols = cpu_min(2 * VW, a->O - o), at = i * a->O + o;
            __mmask16 last = (__mmask16)((1u << (cols > VW ? cols - VW : cols)) - 1);
            const __m512 none = _mm512_set1_ps(-0.0f); /* x + -0 is x */
            __m512 v[2], bias[2] = { none, none };
            float row[2 * VW];
            lanes_load(cols, cpu_lanes_state(a, at, cols, row), v);
            if (a->bias) lanes_load(cols, a->bias + o, bias);
            if (cols > VW) panel_2(charge, soft, a, p, a->x_f32 + i * a->x_i, a->w + o * a->K, bias, v, last, a->y + at);
            else panel_1(charge, soft, a, p, a->x_f32 + i * a->x_i, a->w + o * a->K, bias, v, last, a->y + at);
            lanes_store(cols, a->v1 ? a->v1 + at : NULL, v);
        }
}

/* ---- by a table of spikes ------------------------------------------------------------------------------------------------------------------- */

LANES uint64_t spike_bits(int64_t K, __mmask64 some, const uint8_t *x) {
    if (K == 32) return _mm256_test_epi8_mask(_mm256_loadu_si256((const void *)x), _mm256_set1_epi8(1));
    return _mm512_test_epi8_mask(_mm512_maskz_loadu_epi8(some, x), _mm512_set1_epi8(1));
}

/* V vectors of outputs from o on, of all samples; two samples in turn, so that one does not wait for its state alone. */
LANES void table_of_outputs(const int charge, const int soft, const int summed, const int V, const int64_t K, const int64_t wide, const cpu_lanes *a, const lanes *p, int64_t o) {
    const int64_t O = a->O, Q = (K + 3) / 4, T = a->T, n = a->n, y_ld = a->y_ld, cols = cpu_min(V * VW, O - o);
    const __mmask64 some = K == 64 ? ~UINT64_C(0) : (UINT64_C(1) << K) - 1;
    const __mmask16 last = (__mmask16)((1u << (cols - VW * (V - 1))) - 1);
    const __m512 none = _mm512_set1_ps(-0.0f), one = _mm512_set1_ps(1.0f);
    __m512 bias[2] = { none, none };
    if (a->bias) lanes_load(cols, a->bias + o, bias);
    for (int64_t i = a->i0; i < a->i1; i += 2) {
        __m512 v[2][2], count[2][2];
        int64_t at[2] = { i * O + o, (i + 1 < a->i1 ? i + 1 : i) * O + o }, from[2] = { i * K, (i + 1 < a->i1 ? i + 1 : i) * K };
        UNROLL for (int s = 0; s < 2; s++) {
            float row[2 * VW];
            lanes_load(cols, cpu_lanes_state(a, at[s], cols, row), v[s]);
            count[s][0] = count[s][1] = _mm512_setzero_ps();
        }
        const uint8_t *x[2] = { a->x_spike + from[0], a->x_spike + from[1] };
        const float *plus = a->plus, *const table = a->table + o;
        uint8_t *y = a->y;
        for (int64_t t = 0; t < T; t++) {
            UNROLL for (int s = 0; s < 2; s++) {
                uint64_t bits = spike_bits(K, some, x[s]);
                const float *rows = table;
                __m512 acc[2];
                UNROLL for (int u = 0; u < V; u++) acc[u] = _mm512_loadu_ps(rows + (int64_t)(bits & 15) * wide + u * VW);
#pragma GCC unroll 8
                for (int64_t q = 1; q < Q; q++) {
                    rows += 16 * wide;
                    const float *row = rows + (int64_t)(bits >> (4 * q) & 15) * wide;
                    if (q & 1) UNROLL for (int u = 0; u < V; u++) acc[u] = _mm512_fmadd_ps(one, _mm512_loadu_ps(row + u * VW), acc[u]); /* the same sum, by the other unit */
                    else UNROLL for (int u = 0; u < V; u++) acc[u] = _mm512_add_ps(acc[u], _mm512_loadu_ps(row + u * VW));
                }
                UNROLL for (int u = 0; u < V; u++) {
                    __mmask16 fired, in = u < V - 1 ? 0xffff : last;
                    acc[u] = _mm512_add_ps(acc[u], bias[u]);
                    if (plus) acc[u] = _mm512_add_ps(acc[u], _mm512_maskz_loadu_ps(in, plus + at[s] + u * VW));
                    v[s][u] = lanes_step(charge, soft, p, v[s][u], acc[u], &fired);
                    if (summed) count[s][u] = _mm512_mask_add_ps(count[s][u], fired, count[s][u], one);
                    else lanes_fire(fired, in, y + at[s] + u * VW);
                }
                x[s] += n * K;
            }
            if (plus) plus += n * O;
            if (!summed) y += y_ld;
        }
        UNROLL for (int s = 0; s < 2; s++) {
            lanes_store(cols, a->v1 ? a->v1 + at[s] : NULL, v[s]);
            if (summed) lanes_count(cols, a->sum + at[s], count[s], a->scale);
        }
    }
}

LANES void table_of(const int charge, const int soft, const int summed, const cpu_lanes *a, const lanes *p) {
    if (a->K == 32 && a->wide == VW) {
        table_of_outputs(charge, soft, summed, 1, 32, VW, a, p, 0);
    } else if (a->K == 32 && a->wide == 2 * VW) {
        table_of_outputs(charge, soft, summed, 2, 32, 2 * VW, a, p, 0);
    } else {
        for (int64_t o = 0; o < a->O; o += VW) table_of_outputs(charge, soft, summed, 1, a->K, a->wide, a, p, o);
    }
}

#define OF_CHARGE(charge, soft)                                                                                                                                \
    static void columns_##charge##_##soft(const cpu_lanes *a, const lanes *p) { columns_of(charge, soft, a, p); }                                              \
    static void table_##charge##_##soft(const cpu_lanes *a, const lanes *p) { table_of(charge, soft, 0, a, p); }                                               \
    static void summed_##charge##_##soft(const cpu_lanes *a, const lanes *p) { table_of(charge, soft, 1, a, p); }
OF_CHARGE(ADD, 0)
OF_CHARGE(ADD, 1) OF_CHARGE(LEAK_IN, 0) OF_CHARGE(LEAK_IN, 1) OF_CHARGE(LEAK, 0) OF_CHARGE(LEAK, 1)
#define BOTH(kind, charge) { kind##_##charge##_0, kind##_##charge##_1 }
#define WAYS(kind) { BOTH(kind, ADD), BOTH(kind, LEAK_IN), BOTH(kind, LEAK) }

int cpu_lanes_run(const cpu_lanes *a) {
    static void (*const ways[3][3][2])(const cpu_lanes *, const lanes *) = { WAYS(columns), WAYS(table), WAYS(summed) };
    const int leak = a->charge == HK_CHARGE_LEAK;
    const float th = *a->p[0], vr = *a->p[1];
    if (!(fabsf(th) >= 1e-30f && fabsf(th) <= FLT_MAX) || (vr == 0.0f && signbit(vr)) || (a->sum && !a->table)) return 0;
    lanes p = { .th = _mm512_set1_ps(*a->p[0]), .vr = _mm512_set1_ps(*a->p[1]) };
    p.zero_th = _mm512_mul_ps(_mm512_setzero_ps(), p.th), p.zero_vr = _mm512_mul_ps(_mm512_setzero_ps(), p.vr);
    if (leak) p.k = _mm512_set1_ps(*a->p[3]), p.rest = _mm512_set1_ps(*a->p[5]);
    ways[!a->table ? 0 : a->sum ? 2 : 1][!leak ? 0 : *a->p[4] != 0 ? 1 : 2][*a->p[2] != 0](a, &p);
    return 1;
}
#pragma GCC pop_options
int cpu_lanes_fit(const neuron_plan *N) {
    const hk_neuron_type *type = N->type;
    for (int k = 0; k < N->ns; k++)
        if (cpu_has_out(&N->base, 1 + N->ns + k)) return 0; /* every step's state is wanted */
    if (N->base.isa != HK_ISA_AVX512 || !N->bytes || N->shape || !N->p_still || N->strict || N->ns != 1 || N->nf != 1) return 0;
    return (type->charge == HK_CHARGE_ADD && N->np == 3) || (type->charge == HK_CHARGE_LEAK && N->np == 6);
}
#else
int cpu_lanes_fit(const neuron_plan *N) {
    (void)N;
    return 0;
}
int cpu_lanes_run(const cpu_lanes *a) {
    (void)a;
    return 0;
}
#endif
