/* bf16.h - products of numbers rounded to bf16, with sums in f32 (option bf16=on, on processors with AVX512_BF16).
 *
 * A word is two bf16 numbers of neighbouring places p of the summed index, the even one low; the instruction adds both products to one f32
 * number. Numbers are rounded to nearest, ties to even; subnormals count as 0. One accumulator for each output, words ascending: so bits depend on
 * no tile, block or thread. They are other bits than f32's. */
#ifndef HILLOCK_CPU_BF16_H
#define HILLOCK_CPU_BF16_H

#include "gemm.h"

enum { SPIKE_ROW_BF16 = 15, SPIKE_DW_BF16 = 40 }; /* per cent of spikes from which the product is faster: linear, of a row; linear_dw, of all */
enum { BF16_MR = 6, BF16_NV = 4, BF16_VW = 16, BF16_NR = BF16_NV * BF16_VW /* rows and columns of a tile */ };

/* c[to[i] + j] (+)= sum over words w of a[i * a_row + w * a_step] . b[w * nv * 16 + j] (+ bias[j]), j < cols <= nv * 16; add: to what is there. */
typedef void cpu_bf16_product(
    int64_t words, const uint32_t *a, int64_t a_row, int64_t a_step, const uint32_t *b, const float *bias, float *c, const int64_t *to, int64_t cols, int add);

typedef struct cpu_bf16 {
    cpu_bf16_product *product[BF16_MR + 1][BF16_NV + 1]; /* [rows][vectors of columns] */
    /* to[w] = x[2 w], x[2 w + 1] of n numbers; one that is missing is 0. of_spikes: of bytes 0 and 1. */
    void (*of_row)(int64_t n, const float *x, uint32_t *to);
    void (*of_spikes)(int64_t n, const uint8_t *x, uint32_t *to);
    /* to[j] = even[j], odd[j] for j < n, then 0 up to `width`, a multiple of 16; odd NULL: 0 */
    void (*pair)(int64_t n, const float *even, const float *odd, int64_t width, uint32_t *to);
    void (*pair_spikes)(int64_t n, const uint8_t *even, const uint8_t *odd, int64_t width, uint32_t *to);
} cpu_bf16;

/* The kernels, or NULL where the processor has no AVX512_BF16 (or the level is below AVX-512). */
const cpu_bf16 *cpu_bf16_kernels(uint32_t isa);

static inline int64_t cpu_bf16_words(int64_t n) { return (n + 1) / 2; }

/* Plans; EUNSUPPORTED without a message: not for this one, or bf16 is off. */
hk_status cpu_bf16_linear_new(hk_device *, const hk_opdesc *, cpu_plan **);    /* linear; bf16_linear.c */
hk_status cpu_bf16_linear_dx_new(hk_device *, const hk_opdesc *, cpu_plan **); /* linear_dx; bf16_linear.c */
hk_status cpu_bf16_direct_new(hk_device *, const hk_opdesc *, cpu_plan **);    /* linear_dw with direct = 1; bf16_direct.c */

#endif
