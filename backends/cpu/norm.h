/* norm.h - loops over rows whose channel lies last, as normalisations need them; batchnorm.c has them for each level.
 *
 * Constants of a channel are repeated up to `lanes` numbers (cpu_norm_lanes); sums keep one accumulator per lane, number e of a row going to lane e % lanes. */
#ifndef HILLOCK_CPU_NORM_H
#define HILLOCK_CPU_NORM_H

#include "cpu.h"

typedef struct norm_fns {
    void (*sum)(int64_t n, int64_t lanes, const void *x, float *acc);
    void (*spread)(int64_t n, int64_t lanes, const void *x, const float *mean, float *acc);
    void (*norm)(int64_t n, int64_t lanes, const void *x, const float *mean, const float *scale, const float *shift, float *y);
    void (*sums)(int64_t n, int64_t lanes, const float *g, const void *x, const float *mean, float *acc0, float *acc1);
    void (*dx)(int64_t n, int64_t lanes, const float *g, const void *x, const float *mean, const float *const *k, float *y);
} norm_fns;

norm_fns cpu_norm_fns(uint32_t isa, int u8);

/* The multiple of C, at least 64 where C > 0. */
static inline int64_t cpu_norm_lanes(int64_t C) { return C * ((64 + C - 1) / cpu_max(C, 1)); }

#endif
