/* hillock/operation.h - an operation type from a plugin, and the view of a backward pass that it gets. Included by hillock/plugin.h.
 *
 * Registered as "hk.op/1" under its own name, it is emitted like the core's: hk_emit(b, "softplus", 1, &x, 1, &y, 0, NULL). Its gradient
 * comes from `grad`, which emits operations; or, where that is NULL, from `backward`, which the core calls as an operation "NAME_bwd";
 * with neither, gradients stop at it. */
#ifndef HILLOCK_PLUGIN_H
#include "hillock/plugin.h"
#endif
#ifndef HILLOCK_OPERATION_H
#define HILLOCK_OPERATION_H

#ifdef __cplusplus
extern "C" {
#endif

/* Use of time. POINT: each row (one sample at one step) by itself; outputs vary with what the inputs together vary with. SCAN: causal, with
 * its state as an operand: may run step by step. WHOLE: needs all T at once: an error by name inside a loop. */
typedef enum hk_time { HK_TIME_POINT = 0, HK_TIME_SCAN = 1, HK_TIME_WHOLE = 2 } hk_time;

/* An emitted operation, as infer sees it. Valid during the call. */
typedef struct hk_op_view {
    uint32_t struct_size, in_loop;    /* in_loop: it runs at one step, T = 1, and no operand varies with t */
    const char *op, *path;            /* its name, and the module that emitted it */
    uint32_t n_in, n_out, n_attr, pad;
    const hk_attr *attr;
} hk_op_view;

/* One backward pass through one operation, as grad sees it. Valid during the call; values are for hk_emit and its wrappers. */
typedef struct hk_grad_call hk_grad_call;
struct hk_grad_call {
    uint32_t struct_size, n_in, n_out, n_attr;
    const hk_attr *attr;
    const hk_value *gout;             /* [n_out] gradient of each output, NONE where none arrives; it may vary with less than the output does */
    const uint8_t *need;              /* [n_in] 1 where a gradient is wanted */
    hk_value *gin;                    /* [n_in] to be filled; NONE: zero. It may vary with more than the input does: the core sums */
    hk_value (*input)(hk_grad_call *, int i);  /* input i again (kept by the forward pass because it is asked for); NONE where there is none */
    hk_value (*output)(hk_grad_call *, int i); /* the same for output i */
};

enum {
    HK_BWD_INPUTS = 1u, /* backward reads the inputs */
    HK_BWD_OUTPUTS = 2u /* backward reads the outputs */
};

/* "hk.op/1". Ids of the core's operations are refused, and ids that end in "_bwd".
 *
 * forward and backward work on the rows of one block with the bindings that backends get (hk_opdesc, hk_bind: rows, storage order, absent
 * operands). They are called [run], by many threads at once on different blocks, and keep nothing between calls; where a plan has fewer
 * blocks than threads, by one thread. They write every number of every output that is present, and only those. An operand with dtype
 * HK_F32 is stored as float; in the 64 versions as double. What they return other than HK_OK ends the run with that status.
 *
 * backward's operands: the inputs, then the outputs (absent as `reads` says), then a gradient for each output (absent: none arrives);
 * then, as outputs, a gradient for each input (absent: not wanted), all HK_F32, with the rows of the operation:
 *   - of an input that varies with samples: one row for each row of the operation (of a WHOLE one: for each row of the input); where the
 *     input does not vary with t, the core sums them over t;
 *   - of a STATIC input: partial sums, HK_G: a row for each HK_GROUP samples, zeroed before the call; ADD (+=) the part of row (t, i) to
 *     hk_bind_row's row, t outermost, then i: then bits depend on neither block size nor thread count.
 * The adjoint's hk_opdesc has the forward's attributes. A gradient of an operand that varies with t alone is not supported. */
typedef struct hk_op_type {
    uint32_t struct_size, time;       /* hk_time */
    const char *doc, *source;
    uint32_t min_in, max_in, n_out, reads; /* how many operands it takes (absent ones count) and gives; reads: HK_BWD_* */
    /* [main] Sets out[].rank, .shape (and .dtype, .flags where what they come with is wrong: HK_F32; what the inputs together vary with, for
     * SCAN with each step and sample). in[].dtype is HK_ABSENT where there is none, or its shape is not known yet (a carry of a loop that is
     * being built: it is asked again when it is known; not before input 0 is). Fails by b->api->fail. */
    hk_status (*infer)(hk_builder *b, const hk_op_view *, const hk_desc *in, hk_desc *out);
    void (*grad)(hk_builder *b, hk_grad_call *);                    /* [main] (optional) emits the backward operations */
    hk_status (*forward)(const hk_opdesc *, const hk_bind *);       /* [run] (optional) NULL: some backend has an implementation of its own */
    hk_status (*backward)(const hk_opdesc *, const hk_bind *);      /* [run] (optional) */
    hk_status (*forward64)(const hk_opdesc *, const hk_bind *);     /* [run] (optional) in double, for backends that store doubles (ref) */
    hk_status (*backward64)(const hk_opdesc *, const hk_bind *);    /* [run] (optional) */
    size_t (*scratch)(const hk_opdesc *);                           /* [main] (optional) bytes of hk_bind.scratch, of forward (o->adjoint = 0) or backward */
} hk_op_type;

/* An attribute by name; NULL: there is none. [any] */
static inline const hk_attr *hk_attr_find(const hk_attr *attr, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++) {
        const char *a = attr[i].name, *b = name;
        while (*a && *a == *b) a++, b++;
        if (*a == *b) return &attr[i];
    }
    return NULL;
}
/* The row of an operand that goes with step t and sample i of a call. [any] */
static inline int64_t hk_bind_row(const hk_desc *d, const hk_bind *b, int64_t t, int64_t i) {
    if (d->flags & HK_G) return i / HK_GROUP;
    return (d->flags & HK_T ? t : 0) * (d->flags & HK_N ? b->n : 1) + (d->flags & HK_N ? i : 0);
}
/* What the operands of an operation together vary with: HK_T, HK_N. An operand may vary with less than the others do. [any] */
static inline uint32_t hk_op_rows(const hk_opdesc *o) {
    uint32_t flags = 0;
    for (uint32_t i = 0; i < o->n_in; i++) flags |= o->in[i].dtype == HK_ABSENT ? 0u : o->in[i].flags;
    for (uint32_t i = 0; i < o->n_out; i++) flags |= o->out[i].dtype == HK_ABSENT ? 0u : o->out[i].flags;
    return flags & HK_SEQ;
}
/* Steps and samples of a call, for a loop over hk_op_rows. [any] */
static inline int64_t hk_bind_steps(uint32_t flags, const hk_bind *b) { return flags & HK_T ? b->T : 1; }
static inline int64_t hk_bind_samples(uint32_t flags, const hk_bind *b) { return flags & HK_N ? b->n : 1; }
/* Row `row` of operand k (inputs, then outputs) of dtype HK_F32. NULL: absent. [any] */
static inline float *hk_bind_f32(const hk_desc *d, const hk_bind *b, uint32_t k, int64_t row) {
    return d->dtype == HK_ABSENT ? NULL : (float *)b->ptr[k] + row * hk_desc_elems(d);
}
static inline double *hk_bind_f64(const hk_desc *d, const hk_bind *b, uint32_t k, int64_t row) {
    return d->dtype == HK_ABSENT ? NULL : (double *)b->ptr[k] + row * hk_desc_elems(d);
}

#ifdef __cplusplus
}
#endif
#endif
