/* neuron.h - what the forward and the backward driver of neurons share. Both see a call as n * E neurons side by side (flat position
 * j = i * E + e, in storage order) times T steps, and hand the neuron's row kernels tiles of at most TILE neurons. */
#ifndef HILLOCK_CPU_NEURON_H
#define HILLOCK_CPU_NEURON_H

#include "noise.h"

enum { CPU_NEURON_TILE = 512, CPU_NEURON_UNIT = 64 };

/* What stands around the neuron in a fused_neuron. Channels' constants are repeated up to `lanes` numbers (a multiple of C); number j of
 * the flat positions has lane j % lanes. */
typedef struct neuron_fused {
    int norm, pool;              /* operand numbers of mean (then rstd, w, b) and of pooled (backward: gpooled), then where; 0: none */
    int sums;                    /* backward: output number of the normalisation's sums; 0: not wanted */
    int64_t C, lanes, kh, kw, W; /* of the input; kernel = stride, windows without rest */
    int64_t part;                /* of a row, in whole windows, that fits a tile: x is the same at all steps, so a part goes through them all; 0: whole blocks */
} neuron_fused;

typedef struct neuron_plan {
    cpu_plan base;
    const hk_neuron_type *type;
    const hk_neuron_kernel *k;
    void (*grad)(int64_t, const float *, const float *, float *);
    void (*shape)(int64_t, const float *, const float *, float *); /* forward or primitive in place of the step, or NULL */
    void (*add)(int64_t, const float *, float *);
    void (*stream)(int64_t, const float *, float *); /* copies whole vectors past the caches, or NULL */
    float sp[HK_MAX_P];
    cpu_noise noise;
    int ns, nf, np, bytes; /* bytes: emits spike bytes */
    uint32_t p_row;        /* bit k: parameter k is not a scalar */
    int p_steps;           /* some non-scalar one is STEP */
    int p_still;           /* all are numbers, the same at all steps */
    int want_gp;
    uint32_t strict, detach;
    neuron_fused fused;
    int64_t E, unit, outer; /* neurons of a unit of work; of a block, all steps of which are run before the next block */
    cpu_src x, s0[HK_MAX_STATE], p[HK_MAX_P], gy, gseq[HK_MAX_STATE], gs1[HK_MAX_STATE];
} neuron_plan;

/* Scratch rows: of a tile, or of a block where said. */
typedef struct neuron_work {
    float *x, *y, *gx, *zero, *z[HK_MAX_FIRE], *f[HK_MAX_FIRE], *d[HK_MAX_FIRE], *in[HK_MAX_STATE], *p[HK_MAX_P];
    uint8_t *spike;
    float *state[HK_MAX_STATE]; /* block. Forward: the state; backward: its gradient */
    float *gp[HK_MAX_P];        /* block */
    float *saved;               /* backward: [T - 1][ns][block], states before steps 1 ... T - 1 */
    int64_t p_at;               /* the tile that p holds */
    float *xn, *k[3];           /* normalised x; mean, scale, shift by lane */
    int64_t xn_at;              /* the tile that xn holds, where x is the same at all steps; else -1 */
    const float *raw;           /* x as it was before that */
    uint8_t *spikes;            /* block: what is pooled */
    int64_t y_all, seq_all;     /* forward: numbers from one step of y, of the states' sequences, to the next */
    float *gy, *acc[2];         /* backward: the pooling's gradient; sums by lane */
} neuron_work;

hk_status neuron_plan_new(hk_device *, const hk_opdesc *, int backward, cpu_plan **);
hk_status neuron_new(hk_device *, const hk_opdesc *, cpu_plan **); /* forward */
/* Lays out the rows in scratch; returns the bytes. scratch and bind may be NULL to learn the size. */
size_t neuron_work_init(const neuron_plan *, int backward, int64_t T, const hk_bind *, void *scratch, neuron_work *);
/* Fills in the arguments of a tile at step t: n, flags, x, p; the rest is the caller's. */
void neuron_args_init(const neuron_plan *, const hk_bind *, neuron_work *, int64_t t, int64_t j, int64_t m, hk_neuron_args *);
/* x, s, p -> y or spike, s1 */
void neuron_forward_step(const neuron_plan *, const neuron_work *, hk_neuron_args *);
/* All steps of the neurons [jb, je) of a call. */
void neuron_forward_block(const neuron_plan *, const hk_bind *, neuron_work *, int64_t jb, int64_t je);
void neuron_stream_end(void); /* after the last P->stream, before others read */
hk_status neuron_bwd_new(hk_device *, const hk_opdesc *, cpu_plan **);
hk_status neuron_z_new(hk_device *, const hk_opdesc *, cpu_plan **); /* neuron_z.c */

/* ---- neuron_fused.c ---- */
hk_status neuron_fused_init(neuron_plan *, hk_device *, const hk_opdesc *, int backward);
/* Rows of scratch after the neuron's own; fills in the constants when there is scratch and b. */
void neuron_fused_work(const neuron_plan *, int backward, const hk_bind *, float *(*take)(uintptr_t *, int64_t), uintptr_t *at, neuron_work *);
void neuron_fused_norm(const neuron_plan *, const neuron_work *, int64_t j, int64_t m, const float *x); /* into w->xn */
void neuron_fused_pool(const neuron_plan *, const neuron_work *, const hk_bind *, int64_t t, int64_t jb, int64_t je);
/* Of the windows at j, kh rows of `part` numbers side by side in w->spikes. */
void neuron_fused_pool_part(const neuron_plan *, const neuron_work *, const hk_bind *, int64_t t, int64_t j, int64_t part);
void neuron_fused_unpool(const neuron_plan *, const neuron_work *, const hk_bind *, int64_t t, int64_t j, int64_t m); /* into w->gy */
void neuron_fused_add_sums(const neuron_plan *, const neuron_work *, int64_t j, int64_t m, const float *g, const float *x);
void neuron_fused_end_sums(const neuron_plan *, const neuron_work *, const hk_bind *, int64_t group);

#endif
