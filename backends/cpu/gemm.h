/* gemm.h - register-tiled kernels for matrix products.
 *
 * They keep one accumulator per output number and add in ascending order of the summed index, whatever the tile: so the bits
 * of an output depend on its inputs and the ISA level only. */
#ifndef HILLOCK_CPU_GEMM_H
#define HILLOCK_CPU_GEMM_H

#include "cpu.h"

enum { CPU_MR = 6, CPU_MR_CROSS = 14, CPU_MAX_NR = 32 };

/* c[i, j] = sum_p a[i * lda + p] b[p * ldb + j] (+ bias[j]); i < MR, j < cols <= NV * vw; reads b up to NV * vw. */
typedef void cpu_micro(int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, const float *bias, float *c, int64_t ldc, int64_t cols);
/* c[i, j] = sum_r a[r * lda + i] b[r * ldb + j], r over T runs of `run` rows, a and b skipping their jumps after each run.
 * add 1: the sum goes on from c[i, j]; add 2: it is added to c[i, j] when it is done. */
typedef void cpu_micro_t(int64_t T, int64_t run, const float *a, int64_t lda, int64_t a_jump, const float *b, int64_t ldb, int64_t b_jump, float *c,
    int64_t ldc, int64_t cols, int add);
/* c[to[i] + j] = sum_s sum_(p < run) a[at[i] + seg[s] + p] b[(s * run + p) * NV * vw + j] (+ bias[j]). */
typedef void cpu_micro_segs(int64_t segs, const int64_t *seg, int64_t run, const float *a, const int64_t *at, const float *b, const float *bias, float *c,
    const int64_t *to, int64_t cols);

/* c[i * ldc + j] = sum_r a[r * a_step + i * a_row] b[r * ldb + j] (+ bias[j]), r over T runs of `run`, a and b skipping their jumps after each run: a is
 * read number by number, so it may lie in any order. Reads b and bias up to cols. */
typedef void cpu_micro_cross(int64_t T, int64_t run, const float *a, int64_t a_row, int64_t a_step, int64_t a_jump, const float *b, int64_t ldb, int64_t b_jump,
    const float *bias, float *c, int64_t ldc, int64_t cols);

/* The same of one run whose a_row is 1 and ldb is NV * vw: c[i, j] = sum_p a[p * a_step + i] b[p * NV * vw + j] (+ bias[j]). Reads b to the end. */
typedef void cpu_micro_cols(int64_t run, const float *a, int64_t a_step, const float *b, const float *bias, float *c, int64_t ldc, int64_t cols);

typedef struct cpu_gemm {
    int vw, nv;                     /* numbers in a vector; vectors in a panel, at most */
    cpu_micro *rows[CPU_MR + 1][5]; /* [MR][NV] */
    cpu_micro_t *outer[CPU_MR + 1][5];
    cpu_micro_segs *segs[CPU_MR + 1][5];
    cpu_micro_cross *cross[CPU_MR_CROSS + 1][3]; /* up to CPU_MR, with 32 registers 7 and 14 too */
    cpu_micro_cols *cols[CPU_MR_CROSS + 1][3];
} cpu_gemm;
extern const cpu_gemm *const cpu_gemm_isa[3];

/* How many rows to take next: 6, but never leaving 1 or 2. */
static inline int64_t cpu_gemm_rows(int64_t left) { return left == 7 || left == 8 ? 4 : left < CPU_MR ? left : CPU_MR; }

static inline int64_t cpu_gemm_cross_rows(const cpu_gemm *g, int64_t left) {
    if (!g->cross[CPU_MR_CROSS][2]) return cpu_gemm_rows(left);
    return left >= 14 ? 14 : left == 8 ? 4 : left >= 7 ? 7 : left;
}

/* linear_small.c: linear with columns = 1; linear_dw of small matrices (EUNSUPPORTED without a message: not for this one) */
hk_status cpu_linear_columns_new(hk_device *, const hk_opdesc *, cpu_plan **);
hk_status cpu_linear_dw_small_new(hk_device *, const hk_opdesc *, cpu_plan **);
/* linear of spikes to few outputs, at many steps (EUNSUPPORTED without a message: not for this one): linear_masks.c */
hk_status cpu_linear_masks_new(hk_device *, const hk_opdesc *, cpu_plan **);
/* linear with a spike_table: linear_table.c */
hk_status cpu_linear_table_new(hk_device *, const hk_opdesc *, cpu_plan **);
/* linear_dx with a large weight: linear_dx.c */
int cpu_linear_dx_fits(const hk_opdesc *);
hk_status cpu_linear_dx_new(hk_device *, const hk_opdesc *, cpu_plan **);
/* linear_dw with direct = 1: linear_direct.c */
hk_status cpu_linear_direct_new(hk_device *, const hk_opdesc *, cpu_plan **);

#endif
