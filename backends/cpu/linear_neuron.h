/* linear_neuron.h - what linear_neuron.c gives to linear_neuron_lanes.c: samples [i0, i1) of a call. */
#ifndef HILLOCK_CPU_LINEAR_NEURON_H
#define HILLOCK_CPU_LINEAR_NEURON_H

#include "neuron.h"

typedef struct cpu_lanes {
    uint32_t charge;          /* hk_charge */
    int64_t T, n, i0, i1, K, O;
    const float *bias, *plus; /* or NULL */
    /* pictures: number k of step t of sample i is at i * x_i + k * x_k + t; w: [panel][k][width] as linear_small.c packs it */
    const float *x_f32, *w;
    int64_t x_i, x_k;
    /* spikes [T][n][K], and their table (else NULL) with rows of `wide` */
    const uint8_t *x_spike;
    const float *table;
    int64_t wide;
    const float *p[HK_MAX_P];
    float *v1, *sum;            /* state after; scale times spikes; each may be NULL */
    uint8_t *y;                 /* or NULL */
    int64_t y_ld;
    float scale;
    const neuron_plan *neuron;
    const hk_bind *bind;        /* of the neuron's operands */
} cpu_lanes;

/* The state before the first step, of m neurons from flat position j on, in tmp. */
static inline const float *cpu_lanes_state(const cpu_lanes *a, int64_t j, int64_t m, float *tmp) {
    return cpu_src_get(&a->neuron->s0[0], a->bind->ptr[1], a->bind, 0, j, m, tmp);
}
int cpu_lanes_fit(const neuron_plan *); /* whether the neuron's step is one that they have */
int cpu_lanes_run(const cpu_lanes *);   /* 0: its numbers are not ones that they have; nothing was done */
/* What a linear's plan knows of x and w, `begin` done; 0: it does not fit. linear_small.c, linear_table.c */
int cpu_columns_lanes(const cpu_plan *, const hk_bind *, const void *scratch, cpu_lanes *);
int cpu_table_lanes(const cpu_plan *, const hk_bind *, cpu_lanes *);

#endif
