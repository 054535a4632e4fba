/* hillock/backend.h - what a backend implements. Included by hillock/plugin.h.
 *
 * A backend takes *named coarse operations* (hillock/ops.h says what each computes). The core asks plan_new for each operation of
 * a plan; the backend may decline with HK_EUNSUPPORTED, without a message, and then the backend it extends is asked. */
#ifndef HILLOCK_PLUGIN_H
#include "hillock/plugin.h"
#endif
#ifndef HILLOCK_BACKEND_H
#define HILLOCK_BACKEND_H

#ifdef __cplusplus
extern "C" {
#endif

/* How an operation plan will be run. BLOCK: by many threads at once, each with its own bindings and scratch; starts no threads.
 * TEAM: called once, by one thread; splits its work with hk_parallel_for. */
typedef enum hk_scope { HK_SCOPE_BLOCK = 1, HK_SCOPE_TEAM = 2 } hk_scope;

/* An operation as a backend sees it. Valid only during plan_new (the backend copies what it keeps); strings, and what attr[].p points
 * to, live as long as the plan. */
typedef struct hk_opdesc {
    uint32_t struct_size, scope;
    const char *op;        /* "linear" */
    const char *path;      /* module that emitted it, for messages */
    uint32_t n_in, n_out, n_attr, isa;
    const hk_desc *in;     /* dtype HK_ABSENT: no such operand (bind.ptr is NULL) */
    const hk_desc *out;    /* dtype HK_ABSENT: nobody reads it (bind.ptr is NULL) */
    const hk_attr *attr;
    int64_t T, N;          /* steps and samples of the plan; T = 1 inside a loop */
    int64_t nb;            /* samples per block, at most */
    uint64_t stream;       /* random stream of the module that emitted it */
    const struct hk_op_type *type; /* an operation type from a plugin (hillock/operation.h), else NULL: its functions are what cpu runs when it has no kernel */
    uint32_t adjoint;      /* with type: 1: its backward */
    uint32_t constant;     /* bit i: in[i] is made of parameters and constants alone, and there is memory to keep what is made of it (hk_query.kept) */
    const char *way;       /* (optional) what was chosen for it by measuring: a name out of `ways`, and "spikes=P" behind it where they have HK_WAY_SPIKES; NULL: the backend's own choice */
} hk_opdesc;

/* A way in which a backend can do an operation ([run] tune). */
typedef enum hk_way_flag {
    HK_WAY_SPIKES = 1 /* by lists of the spikes: no way alone, but what the others turn to where there are at most P per cent of them, which the operation sees while it runs */
} hk_way_flag;
typedef struct hk_way {
    const char *name;      /* a word, "winograd"; static */
    uint32_t flags, pad;   /* hk_way_flag's bits */
} hk_way;

/* What changes per training step: written once per step, read by kernels, never kept by a plan. */
typedef struct hk_step {
    uint64_t seed;
    int64_t step;                              /* training steps (runs) so far: the first index of every random draw */
    double opt[HK_MAX_OPT_CONST];              /* the constants of an operation of the update: the optimizer's, as its type says; else [0] (hillock/ops.h) */
} hk_step;

/* One call. Operands that vary with n are bound for one block: n samples, the first of which is global sample `sample0`.
 * ptr: inputs, then outputs, in the order of the operation. ptr and scratch are device memory: in a buffer of buf_new, at any offset
 * (scratch: a multiple of 64); step is the host's. */
typedef struct hk_bind {
    uint32_t struct_size, n_ptr;
    int64_t T, n;       /* steps and samples of this call; rows of a SEQ operand = T * n, row (t, i) at t * n + i */
    int64_t t0;         /* time index of step 0 (inside a loop: t) */
    int64_t sample0;
    int64_t groups;     /* groups in this call's HK_G operands: ceil(n / HK_GROUP); for whole-batch operations of all samples */
    void *const *ptr;
    void *scratch;      /* plan_query's bytes, 64-byte aligned, contents undefined */
    const hk_step *step;
    void *kept;         /* plan_query's bytes, 64-byte aligned: in plan_prepare to be filled, in plan_run as it left them; NULL when it asked for none */
} hk_bind;

/* How an implementation works, where a backend that extends this one asks before it takes an operation itself. */
typedef enum hk_trait {
    HK_TRANSFORMS = 1, /* multiplies transformed data, with fewer products than the sum has (Winograd's filtering) */
    HK_SKIPS_ZEROS = 2, /* leaves out products with zeros (lists of spikes, of a gradient's numbers) */
    HK_ROUNDS = 4 /* multiplies numbers of fewer bits than they are stored with, as the user asked for (bf16) */
} hk_trait;

typedef struct hk_query {
    uint32_t struct_size;
    uint32_t traits;    /* hk_trait's bits */
    size_t scratch;     /* bytes per call (per thread in BLOCK scope) */
    const char *impl;   /* name of the implementation; lives as long as the plan */
    size_t kept;        /* bytes that plan_prepare fills from the operands in hk_opdesc.constant (packed weights), and that last from run to run */
} hk_query;

/* The visible head of a stream. */
struct hk_stream {
    /* Runs body(arg, lo, hi) over [0, n) on the host's threads in pieces of at least `grain`; returns when all are done. */
    void (*parallel_for)(hk_stream *, int64_t n, int64_t grain, void (*body)(void *arg, int64_t lo, int64_t hi), void *arg);
    int threads;
};
static inline void hk_parallel_for(hk_stream *st, int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *arg) {
    st->parallel_for(st, n, grain, body, arg);
}

typedef struct hk_backend_config {
    uint32_t struct_size, isa; /* isa: cap */
    int32_t threads, pad;
    const char *options;        /* (optional) "key=value, key=value": the user's wishes, which the backend checks; valid during open */
} hk_backend_config;

/* "hk.backend/1". What each operation computes is in hillock/ops.h. A slot that fails says what by host->fail (the host of `open`), except
 * plan_new's HK_EUNSUPPORTED. What buf_new and plan_new give belongs to the backend and goes back with buf_free and plan_free before close. */
typedef struct hk_backend {
    uint32_t struct_size, real_bytes;          /* bytes of a stored f32 number: 4; ref stores doubles: 8 */
    const char *doc;
    const char *extends;                       /* (optional) id of the backend, sharing its memory, that is asked when this one declines; needs `base` */
    int (*probe)(char *why, size_t size);      /* [main] 0: not usable here, and why; else a score, and in `why` what it works with ("oneDNN 3.2.0") or "". MUST load without a driver */
    hk_status (*open)(const hk_host *, const hk_backend_config *, hk_device **); /* [main] */
    void (*close)(hk_device *);                                                  /* [main] NULL is allowed */
    hk_status (*buf_new)(hk_device *, size_t bytes, void **);                    /* [main] 64-byte aligned, zeroed; device memory: nobody else touches it (fence) */
    void (*buf_free)(hk_device *, void *);                                       /* [main] NULL is allowed */
    hk_status (*upload)(hk_device *, void *dst, const void *src, size_t bytes);   /* [main] host to device */
    hk_status (*download)(hk_device *, void *dst, const void *src, size_t bytes); /* [main] device to host */
    int64_t (*block)(hk_device *, int64_t N, int64_t T, int64_t row_bytes);      /* [main] samples per block: N, or a multiple of HK_GROUP */
    hk_status (*plan_new)(hk_device *, const hk_opdesc *, hk_op_plan **);        /* [main] */
    void (*plan_query)(const hk_op_plan *, hk_query *);                          /* [main] */
    hk_status (*plan_run)(const hk_op_plan *, hk_stream *, const hk_bind *);     /* [run] st is NULL in BLOCK scope */
    void (*plan_free)(hk_op_plan *);                                             /* [main] NULL is allowed */
    hk_device *(*base)(hk_device *);                                             /* [main] with `extends`: the device that its plan_new is given, made by its open; else NULL */
    /* [run] before the runs of a plan that asked for `kept`, and again when a parameter was written; st as for TEAM. It has scratch; of ptr, only operands in
     * hk_opdesc.constant hold numbers. NULL is allowed: then nobody asks for `kept`. */
    hk_status (*plan_prepare)(const hk_op_plan *, hk_stream *, const hk_bind *);
    /* [main] (optional) the ways out of which measuring may choose one for an operation, first the one that is taken unasked; at most `max`. Returns how many; 0: it takes
     * its own way, or declines. plan_new with a way that it does not have here: HK_EUNSUPPORTED. MUST NOT depend on anything but the description and the device's options. */
    int (*ways)(hk_device *, const hk_opdesc *, int max, hk_way *);
} hk_backend;

#ifdef __cplusplus
}
#endif
#endif
