/* random_rows.h - draws of many steps from the same probabilities, with AVX-512 only; random.c has the same for every level, one step at a time. */
#ifndef HILLOCK_CPU_RANDOM_ROWS_H
#define HILLOCK_CPU_RANDOM_ROWS_H

#include "cpu.h"

enum { CPU_RANDOM_PART = 1024 /* positions: the tables stay in L1 */ };
typedef struct cpu_random_part {
    uint64_t a[CPU_RANDOM_PART / 4], d[CPU_RANDOM_PART / 4], e[CPU_RANDOM_PART / 4]; /* the counter's words after three rounds, without what depends on t */
    uint32_t most01[CPU_RANDOM_PART / 2], most23[CPU_RANDOM_PART / 2];               /* largest word that fires: positions 0, 1 and 2, 3 of each quad */
    uint32_t allow[CPU_RANDOM_PART / 32];                                            /* bit: fires at all */
    int64_t drawn;                       /* quads that are drawn: the tables above are theirs, one after the other */
    uint16_t quad[CPU_RANDOM_PART / 4];  /* which these are */
    uint16_t live[CPU_RANDOM_PART / 64]; /* the same as bits */
    uint8_t always[CPU_RANDOM_PART];     /* what the others give at every step */
    uint8_t row[CPU_RANDOM_PART];        /* a step's draws, side by side */
} cpu_random_part;

/* n positions, at most CPU_RANDOM_PART. skip: quads without a probability between 0 and 1 are not drawn; else all are. */
void cpu_random_probabilities(cpu_random_part *, int64_t n, const float *p, int skip);
/* After it. c: the counter of the first position, as in hk_random4, whose t only cpu_random_draw reads. */
void cpu_random_counters(cpu_random_part *, const uint32_t *c, uint32_t k0, uint32_t k1);
/* y[i] = p[i] > 0 and u[i] <= p[i] */
void cpu_random_draw(cpu_random_part *, int64_t n, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y);

#endif
