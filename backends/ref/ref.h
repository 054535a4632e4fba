/* ref.h - what the files of the ref backend share: the plan of an operation, and how one number of an operand is read and written.
 *
 * ref exists to be compared with: plain loops in double over border positions (the order PyTorch has), one number at a time, nothing
 * kept between calls. TEAM and BLOCK scope are alike: one thread does all. */
#ifndef HILLOCK_REF_H
#define HILLOCK_REF_H

#include "hillock/plugin.h"
#include <string.h>

struct hk_device {
    const hk_host *host;
};

typedef struct hk_op_plan ref_plan;
typedef struct ref_code ref_code;

typedef struct ref_op {
    const char *name;
    uint32_t n_in, n_out; /* fewest operands; absent ones count */
    hk_status (*run)(const ref_plan *, const hk_bind *);
    hk_status (*prepare)(ref_plan *, const hk_opdesc *); /* (optional) */
} ref_op;

/* A sliding window; axis 0 is H, 1 is W. */
typedef struct ref_window {
    int64_t kernel[2], stride[2], pad[2] /* before */, pad_end[2], dil[2];
} ref_window;

#define REF_MAX_ATTR 40
struct hk_op_plan {
    hk_device *dev;
    const ref_op *op;
    int n_in, n_out;
    hk_desc d[HK_MAX_OPERANDS]; /* inputs, then outputs */
    int64_t E[HK_MAX_OPERANDS]; /* numbers in a row */
    uint64_t stream;
    int64_t i[2]; /* numbers from attributes; each operation says which */
    double f[2];
    ref_window window;
    int64_t nb; /* operands are [block of nb samples][T][n][row]; 0: one block */
    const hk_neuron *neuron;
    const hk_surrogate *surrogate;
    const hk_optimizer_type *optimizer;
    const int64_t *index, *cols; /* of gather and scatter; rows and columns of nearest2d; live as long as the core's plan */
    const ref_code *code, *surrogate_code;
    size_t scratch;
    hk_opdesc o; /* of an operation type from a plugin */
    hk_attr attr[REF_MAX_ATTR];
};

#define ref_fail(dev, ...) (dev)->host->fail((dev)->host->ctx, __VA_ARGS__)
const hk_attr *ref_attr(const hk_opdesc *, const char *name); /* a zero attribute when absent */
void ref_read_window(ref_window *, const hk_opdesc *);        /* conv.c */

/* ---- texts compiled in double (text.c) ---- */
typedef double ref_fn(double x, const double *p);
struct ref_code {
    void (*pre)(const double *x, const double *s, const double *p, double *h, double *z);
    void (*post)(const double *h, const double *f, const double *r, const double *s, const double *p, double *y, double *s1);
    void (*pre_bwd)(const double *x, const double *s, const double *p, const double *gh, const double *gz, double *gx, double *gs, double *gp);
    void (*post_bwd)(const double *h, const double *f, const double *r, const double *s, const double *p, const double *gy, const double *gs1, double *gh,
        double *gf, double *gr, double *gs, double *gp);
    ref_fn *grad, *primitive, *forward;
    void (*update)(double *w, double g, double *s, const double *c);
};
hk_status ref_code_neuron(hk_device *, const hk_neuron_type *, const ref_code **);
hk_status ref_code_surrogate(hk_device *, const hk_surrogate_type *, const ref_code **);
hk_status ref_code_optimizer(hk_device *, const hk_optimizer_type *, const ref_code **);

const ref_op *ref_plugin_op(const hk_opdesc *); /* plugin_op.c: NULL: it has no functions in double */

/* fire.c: the spike of z, and its derivative */
double ref_fire(const ref_code *, const hk_surrogate *, double z, int strict, int spiking);

/* fire.c: s'(z) with what is drawn of it; which: 0, 1, ... of several variables with position e of E */
double ref_slope(const ref_plan *, const hk_bind *, const hk_surrogate *, int spiking, int which, int64_t t, int64_t i, int64_t e, int64_t E, double z);

/* ---- numbers of operands: k counts inputs, then outputs; i counts samples, or groups; e is the position in border order ---- */
static inline int ref_has(const ref_plan *p, int k) { return k < p->n_in + p->n_out && p->d[k].dtype != HK_ABSENT; }
static inline int64_t ref_count(const hk_desc *d, const hk_bind *b) { return d->flags & HK_N ? b->n : d->flags & HK_G ? b->groups : 1; }
static inline int64_t ref_steps(const hk_desc *d, const hk_bind *b) { return d->flags & HK_T ? b->T : 1; }

static inline int64_t ref_at(const ref_plan *p, const hk_bind *b, int k, int64_t t, int64_t i, int64_t e) {
    const hk_desc *d = &p->d[k];
    int64_t row = 0;
    if (d->flags & HK_G) row = d->flags & HK_T ? i * b->T + t : i;
    else if (d->flags & HK_N && d->flags & HK_T && p->nb) {
        int64_t first = i / p->nb * p->nb, n = b->n - first < p->nb ? b->n - first : p->nb;
        row = first * b->T + t * n + i - first;
    } else if (d->flags & HK_N) row = (d->flags & HK_T ? t * b->n : 0) + i;
    else if (d->flags & HK_T) row = t;
    if (d->flags & HK_N && d->rank >= 2) { /* axis 0 is stored last */
        int64_t P = p->E[k] / d->shape[0];
        e = e % P * d->shape[0] + e / P;
    }
    return row * p->E[k] + e;
}
static inline double ref_get(const ref_plan *p, const hk_bind *b, int k, int64_t t, int64_t i, int64_t e) {
    int64_t at = ref_at(p, b, k, t, i, e);
    if (p->d[k].dtype == HK_F32) return ((const double *)b->ptr[k])[at];
    if (p->d[k].dtype == HK_I64) return (double)((const int64_t *)b->ptr[k])[at];
    return ((const uint8_t *)b->ptr[k])[at];
}
static inline void ref_put(const ref_plan *p, const hk_bind *b, int k, int64_t t, int64_t i, int64_t e, double v) {
    int64_t at = ref_at(p, b, k, t, i, e);
    if (p->d[k].dtype == HK_F32) ((double *)b->ptr[k])[at] = v;
    else if (p->d[k].dtype == HK_I64) ((int64_t *)b->ptr[k])[at] = (int64_t)v;
    else ((uint8_t *)b->ptr[k])[at] = (uint8_t)v;
}
static inline void ref_add(const ref_plan *p, const hk_bind *b, int k, int64_t t, int64_t i, int64_t e, double v) {
    ref_put(p, b, k, t, i, e, ref_get(p, b, k, t, i, e) + v);
}
static inline void ref_zero(const ref_plan *p, const hk_bind *b, int k) {
    for (int64_t t = 0; t < ref_steps(&p->d[k], b); t++)
        for (int64_t i = 0; i < ref_count(&p->d[k], b); i++)
            for (int64_t e = 0; e < p->E[k]; e++) ref_put(p, b, k, t, i, e, 0.0);
}
/* Position in operand k that goes with position e of operand `ref`: the same, the channel, or the scalar. */
static inline int64_t ref_pick(const ref_plan *p, int k, int ref, int64_t e) {
    if (p->E[k] == 1) return 0;
    if (p->d[k].rank == 1 && p->d[ref].rank > 1) return e / (p->E[ref] / p->d[ref].shape[0]);
    return e;
}
static inline double ref_spread(const ref_plan *p, const hk_bind *b, int k, int ref, int64_t t, int64_t i, int64_t e) {
    return ref_get(p, b, k, t, i, ref_pick(p, k, ref, e));
}
/* Loops over all numbers (t, i, e) of operand k. */
#define REF_EACH(p, b, k, t, i, e)                                                                                                                             \
    for (int64_t t = 0; t < ref_steps(&(p)->d[k], b); t++)                                                                                                     \
        for (int64_t i = 0; i < ref_count(&(p)->d[k], b); i++)                                                                                                 \
            for (int64_t e = 0; e < (p)->E[k]; e++)

/* The only output is a sum over rows: row_sum's, in the order t, then sample, for each group of samples; one sum over the groups, in order,
 * when the output is STATIC. */
typedef double ref_row_sum(const ref_plan *, const hk_bind *, int64_t t, int64_t i, int64_t e);
void ref_sum_rows(const ref_plan *, const hk_bind *, ref_row_sum *row_sum); /* reduce.c */
hk_status ref_sum_prepare(ref_plan *, const hk_opdesc *);                   /* the attribute `direct` */

/* One line for each file of operations. */
#define REF_TABLES(X)                                                                                                                                          \
    X(ref_ops_linear) X(ref_ops_conv) X(ref_ops_pool) X(ref_ops_norm)                                                                                          \
    X(ref_ops_reduce) X(ref_ops_pointwise) X(ref_ops_shape) X(ref_ops_time) X(ref_ops_bits) X(ref_ops_fire) X(ref_ops_neuron) X(ref_ops_random) X(ref_ops_moment) X(ref_ops_loss) X(ref_ops_pairs) X(ref_ops_optimizer) X(ref_ops_guard) X(ref_ops_update)
#define REF_TABLE_DECLARE(name) extern const ref_op name[];
REF_TABLES(REF_TABLE_DECLARE)

#endif
