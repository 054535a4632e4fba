/* linear_table.c - spike_table, and linear of spikes by such a table: the spikes of a row are a word of bits, and every four of them choose a row of the
 * table. Every output has one accumulator that adds them in ascending order, so bits depend on no tile, block or thread. Units: tiles of rows. */
#include "gemm.h"
#include "linear_neuron.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")

enum { TILE = 64, VW = 16 };

typedef float v8 __attribute__((vector_size(32), aligned(4)));

typedef void rows_fn(int64_t m, int64_t K, const uint8_t *x, const float *table, int64_t wide, const float *bias, const float *plus, int64_t O, float *y);
typedef struct table_plan {
    cpu_plan base;
    int64_t K, O, wide; /* wide: numbers in a row of the table */
    rows_fn *rows;
} table_plan;

/* ---- the table ------------------------------------------------------------------------------------------------------------------------ */

static int64_t one_unit(const cpu_plan *p, const hk_bind *b) {
    (void)p, (void)b;
    return 1;
}

static hk_status make_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const table_plan *P = (const table_plan *)p;
    const float *w = b->ptr[0];
    float *column = scratch, *to = b->ptr[1];
    (void)lo, (void)hi;
    for (int64_t q = 0; q < (P->K + 3) / 4; q++, to += 16 * P->wide) {
        memset(to, 0, (size_t)P->wide * 4);
        memset(column, 0, (size_t)P->wide * 4);
        for (int64_t j = 0; j < 4; j++) {
            int64_t k = 4 * q + j;
            for (int64_t o = 0; o < P->O; o++) column[o] = k < P->K ? w[o * P->K + k] : 0.0f;
            for (int64_t m = 0; m < 1 << j; m++) /* the highest bit is j */
                for (int64_t o = 0; o < P->wide; o++) to[((1 << j) + m) * P->wide + o] = to[m * P->wide + o] + column[o];
        }
    }
    return HK_OK;
}

static hk_status make_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(table_plan), out);
    if (s != HK_OK) return s;
    table_plan *P = (table_plan *)*out;
    P->O = o->in[0].shape[0], P->K = o->in[0].shape[1], P->wide = cpu_up(P->O, VW);
    P->base.units = one_unit, P->base.run = make_run;
    P->base.scratch = (size_t)P->wide * 4;
    return HK_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------------------------- */

/* Bit k is spike k: eight bytes of 0 or 1 at a time, by a product that moves bit 8 i to bit 56 + i. */
static inline uint64_t bits_of(const uint8_t *x, int64_t K) {
    uint64_t bits = 0, word;
    for (int64_t k = 0; k < K; k += 8) {
        word = 0;
        memcpy(&word, x + k, K - k < 8 ? (size_t)(K - k) : 8);
        bits |= (word * UINT64_C(0x0102040810204080)) >> 56 << k;
    }
    return bits;
}

CPU_BODY rows_body(int64_t m, int64_t K, const uint8_t *x, const float *table, int64_t wide, const float *bias, const float *plus, int64_t O, float *y) {
    for (int64_t r = 0; r < m; r++, x += K, y += O, plus = plus ? plus + O : NULL) {
        uint64_t bits = bits_of(x, K);
        for (int64_t o = 0; o < O; o += 8) {
            const float *from = table + o;
            uint64_t left = bits;
            v8 acc = *(const v8 *)(from + (int64_t)(left & 15) * wide);
            for (int64_t k = 4; k < K; k += 4) {
                left >>= 4, from += 16 * wide;
                acc += *(const v8 *)(from + (int64_t)(left & 15) * wide);
            }
            if (O - o >= 8) {
                if (bias) acc += *(const v8 *)(bias + o);
                if (plus) acc += *(const v8 *)(plus + o);
                *(v8 *)(y + o) = acc;
            } else {
                for (int64_t i = 0; i < O - o; i++) {
                    float sum = bias ? acc[i] + bias[o + i] : acc[i];
                    y[o + i] = plus ? sum + plus[o + i] : sum;
                }
            }
        }
    }
}
static void rows_baseline(int64_t m, int64_t K, const uint8_t *x, const float *table, int64_t wide, const float *bias, const float *plus, int64_t O, float *y) {
    rows_body(m, K, x, table, wide, bias, plus, O, y);
}

#if defined(__x86_64__)
CPU_AVX2 static void rows_avx2(
    int64_t m, int64_t K, const uint8_t *x, const float *table, int64_t wide, const float *bias, const float *plus, int64_t O, float *y) {
    if (K == 32) rows_body(m, 32, x, table, wide, bias, plus, O, y);
    else rows_body(m, K, x, table, wide, bias, plus, O, y);
}

/* V vectors of outputs of Q quadruples of spikes; both are constants where this is inlined. */
CPU_AVX512 static inline __attribute__((always_inline)) void rows_of(const int V, const int64_t Q, int64_t m, int64_t K, const uint8_t *x, const float *table,
    int64_t wide, const float *bias, const float *plus, int64_t cols, int64_t O, float *y) {
    __mmask64 some = K == 64 ? ~UINT64_C(0) : (UINT64_C(1) << K) - 1;
    __mmask16 last = (__mmask16)((1u << (cols - VW * (V - 1))) - 1);
    __m512 add[4];
    for (int v = 0; v < V; v++) add[v] = bias ? _mm512_maskz_loadu_ps(v == V - 1 ? last : 0xffff, bias + v * VW) : _mm512_setzero_ps();
    for (int64_t r = 0; r < m; r++, x += K, y += O, plus = plus ? plus + O : NULL) {
        __m512 acc[4];
        uint64_t bits;
        if (K == 32) bits = _mm256_test_epi8_mask(_mm256_loadu_si256((const void *)x), _mm256_set1_epi8(1));
        else bits = _mm512_test_epi8_mask(_mm512_maskz_loadu_epi8(some, x), _mm512_set1_epi8(1));
        const float *from = table;
        for (int v = 0; v < V; v++) acc[v] = _mm512_loadu_ps(from + (int64_t)(bits & 15) * wide + v * VW);
#pragma GCC unroll 8
        for (int64_t q = 1; q < Q; q++) {
            from += 16 * wide;
            const float *row = from + (int64_t)(bits >> (4 * q) & 15) * wide;
            for (int v = 0; v < V; v++) acc[v] = _mm512_add_ps(acc[v], _mm512_loadu_ps(row + v * VW));
        }
        for (int v = 0; v < V; v++) {
            if (bias) acc[v] = _mm512_add_ps(acc[v], add[v]);
            if (plus) acc[v] = _mm512_add_ps(acc[v], _mm512_maskz_loadu_ps(v == V - 1 ? last : 0xffff, plus + v * VW));
            if (v < V - 1) _mm512_storeu_ps(y + v * VW, acc[v]);
            else _mm512_mask_storeu_ps(y + v * VW, last, acc[v]);
        }
    }
}

CPU_AVX512 static void rows_avx512(
    int64_t m, int64_t K, const uint8_t *x, const float *table, int64_t wide, const float *bias, const float *plus, int64_t O, float *y) {
    int64_t Q = (K + 3) / 4;
    if (K == 32 && wide == VW) {
        rows_of(1, 8, m, 32, x, table, VW, bias, plus, O, O, y);
    } else if (K == 32 && wide == 2 * VW) {
        rows_of(2, 8, m, 32, x, table, 2 * VW, bias, plus, O, O, y);
    } else if (wide == VW) {
        rows_of(1, Q, m, K, x, table, VW, bias, plus, O, O, y);
    } else {
        for (int64_t o = 0; o < O; o += 2 * VW) {
            if (O - o > VW) rows_of(2, Q, m, K, x, table + o, wide, bias ? bias + o : NULL, plus ? plus + o : NULL, cpu_min(2 * VW, O - o), O, y + o);
            else rows_of(1, Q, m, K, x, table + o, wide, bias ? bias + o : NULL, plus ? plus + o : NULL, O - o, O, y + o);
        }
    }
}
static rows_fn *const rows[3] = { rows_baseline, rows_avx2, rows_avx512 };
#else
static rows_fn *const rows[3] = { rows_baseline, rows_baseline, rows_baseline };
#endif

static int64_t rows_of_call(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }
static int64_t table_units(const cpu_plan *p, const hk_bind *b) { return (rows_of_call(p, b) + TILE - 1) / TILE; }

static hk_status table_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const table_plan *P = (const table_plan *)p;
    int64_t r0 = lo * TILE, r1 = cpu_min(hi * TILE, rows_of_call(p, b));
    const float *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL, *plus = cpu_has_in(p, 4) ? b->ptr[4] : NULL;
    (void)scratch;
    P->rows(r1 - r0, P->K, (const uint8_t *)b->ptr[0] + r0 * P->K, b->ptr[3], P->wide, bias, plus ? plus + r0 * P->O : NULL, P->O,
        (float *)cpu_out_ptr(p, b, 0) + r0 * P->O);
    return HK_OK;
}

static void table_part(const cpu_plan *p, const hk_bind *b, int64_t i0, int64_t m, float *y, void *scratch) {
    const table_plan *P = (const table_plan *)p;
    const float *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL, *plus = cpu_has_in(p, 4) ? b->ptr[4] : NULL;
    int64_t T = cpu_steps(cpu_out(p, 0), b);
    (void)scratch;
    for (int64_t t = 0; t < T; t++, y += m * P->O) {
        int64_t r = t * b->n + i0;
        P->rows(m, P->K, (const uint8_t *)b->ptr[0] + r * P->K, b->ptr[3], P->wide, bias, plus ? plus + r * P->O : NULL, P->O, y);
    }
}

int cpu_table_lanes(const cpu_plan *p, const hk_bind *b, cpu_lanes *a) {
    const table_plan *P = (const table_plan *)p;
    a->x_spike = b->ptr[0], a->table = b->ptr[3], a->wide = P->wide, a->plus = cpu_has_in(p, 4) ? b->ptr[4] : NULL;
    return p->part != NULL;
}

hk_status cpu_linear_table_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int64_t O = o->in[1].shape[0], K = o->in[1].shape[1], wide = cpu_up(O, VW);
    if (o->in[0].dtype != HK_SPIKE || K > 64 || o->in[3].rank != 2 || o->in[3].shape[0] != (K + 3) / 4 * 16 || o->in[3].shape[1] != wide)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: linear: the table does not fit", o->path);
    hk_status s = cpu_plan_new(dev, o, sizeof(table_plan), out);
    if (s != HK_OK) return s;
    table_plan *P = (table_plan *)*out;
    P->O = O, P->K = K, P->wide = wide;
    P->rows = rows[P->base.isa];
    P->base.units = table_units, P->base.run = table_run;
    if (cpu_out(*out, 0)->flags & HK_N) P->base.part = table_part;
    P->base.grain = cpu_max(1, 800000 / (TILE * K * O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "table, avx512" : P->base.isa == HK_ISA_AVX2 ? "table, avx2" : "table, baseline";
    return HK_OK;
}

const cpu_op cpu_ops_linear_table[] = { { "spike_table", make_new }, { NULL, NULL } };
