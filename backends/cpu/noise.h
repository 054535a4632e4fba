/* noise.h - derivatives that are drawn in part: hk_surrogate_type.noise. */
#ifndef HILLOCK_CPU_NOISE_H
#define HILLOCK_CPU_NOISE_H

#include "cpu.h"

typedef struct cpu_noise {
    float scale; /* 0: there is none */
    uint64_t stream;
    int64_t E, C; /* numbers of a row; its channels, when they are stored last, else 1 */
} cpu_noise;

void cpu_noise_init(cpu_noise *, const hk_opdesc *, const hk_surrogate *, const hk_desc *row);
/* Adds to d what is drawn for m numbers z from flat position j on, of step t; which: 0, 1, ... of several variables with one position. */
void cpu_noise_add(const cpu_noise *, const hk_bind *, int which, int64_t t, int64_t j, int64_t m, const float *z, float *d);

#endif
