/* onednn.h - what the files of the onednn backend share: the device, the plan, how a plan's work is dealt out.
 *
 * It takes dense f32 convolutions, and input gradients of products, where oneDNN is faster than cpu's own kernels, and declines the rest, which goes to cpu
 * (the backend it extends). Every primitive is made for one thread and 16 samples of one step: rows t * n + 16 g ... of the storage [T][n][row],
 * which lie side by side. So activations are neither copied nor reordered, threads share out such pieces, and as on cpu bits depend on neither
 * the number of threads nor the size of blocks. */
#ifndef HILLOCK_ONEDNN_H
#define HILLOCK_ONEDNN_H

#include "hillock/plugin.h"
#include "version.h"

struct hk_device {
    const hk_host *host;
    const hk_backend *cpu;
    hk_device *base; /* cpu's */
    dnnl_engine_t engine;
    int threads;
    uint32_t isa; /* the level that oneDNN is held to; operations for another go to cpu */
};

/* A piece of work is one unit or more: [lo, hi) by one thread with its own stream and scratch. */
typedef struct od_piece {
    const hk_bind *b;
    dnnl_stream_t stream;
    char *shared, *own; /* scratch: the call's, written by `begin` and `merge`, and the thread's */
} od_piece;

struct hk_op_plan {
    hk_device *dev;
    uint32_t scope;
    int64_t (*units)(const hk_op_plan *, const hk_bind *);
    hk_status (*begin)(const hk_op_plan *, od_piece *); /* (optional) once per call, before the units */
    hk_status (*run)(const hk_op_plan *, od_piece *, int64_t lo, int64_t hi);
    /* (optional) after each unit of each thread, which then do one unit at a time: adds n threads' results, in order, to the call's; and after all */
    void (*merge)(const hk_op_plan *, char *shared, const char *own, int64_t n);
    hk_status (*end)(const hk_op_plan *, od_piece *);
    void (*free)(hk_op_plan *);
    size_t shared, own; /* bytes of scratch: per call, per thread */
    char impl[64], path[64];
};

typedef hk_status od_new_fn(hk_device *, const hk_opdesc *, hk_op_plan **);

/* ---- every operation the backend knows: a new one is a line here ---- */
#define OD_OPS(X)                                                                                                                                              \
    X(conv2d)                                                                                                                                                  \
    X(conv2d_dx)                                                                                                                                               \
    X(conv2d_dw)                                                                                                                                               \
    X(linear_dx)
#define OD_DECLARE(op) hk_status od_##op##_new(hk_device *, const hk_opdesc *, hk_op_plan **);
OD_OPS(OD_DECLARE)
#undef OD_DECLARE

/* A plan of `size` bytes that begins with hk_op_plan, zeroed. */
hk_status od_plan_new(hk_device *, const hk_opdesc *, size_t size, hk_op_plan **);
const hk_attr *od_attr(const hk_opdesc *, const char *name); /* a zero attribute when absent */
/* Names the implementation in the plan; 0: it is oneDNN's plain one for any shape, which is slow. */
int od_name_impl(hk_op_plan *, const od_prim *);
/* hk_trait's bits of how cpu would do it; all of them where it makes no plan, and says why. */
uint32_t od_cpu_traits(hk_device *, const hk_opdesc *);
/* Runs a primitive on n arguments {DNNL_ARG_..., memory}; HK_EINTERNAL with oneDNN's status in the message. */
hk_status od_execute(const hk_op_plan *, const od_prim *, dnnl_stream_t, int n, const dnnl_exec_arg_t *);
hk_status od_failed(const hk_op_plan *, const char *what, dnnl_status_t);
/* Says in the log which other OpenMP runtimes are loaded. runtime.c */
void od_check_runtimes(const hk_host *);
#define od_fail(dev, ...) (dev)->host->fail((dev)->host->ctx, __VA_ARGS__)

static inline int64_t od_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t od_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline size_t od_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

#endif
