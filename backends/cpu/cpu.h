/* cpu.h - what the files of the cpu backend share: the device, the operation plan, and how operands are read.
 *
 * One file per subject; each exports a table of {operation, plan_new} that tables.h lists. A plan is: how many independent units
 * of work a call has (`units`), and a function that does units [lo, hi) with its own scratch (`run`). In BLOCK scope one call does
 * all units; in TEAM scope cpu_run() deals them out to the threads. So no operation knows about threads. */
#ifndef HILLOCK_CPU_H
#define HILLOCK_CPU_H

#include "hillock/plugin.h"
#include <string.h>

typedef enum cpu_conv { CPU_CONV_AUTO, CPU_CONV_DIRECT, CPU_CONV_WINOGRAD } cpu_conv;

typedef enum cpu_steps_way { CPU_STEPS_AUTO, CPU_STEPS_SINGLE, CPU_STEPS_PATTERNS } cpu_steps_way;

struct hk_device {
    const hk_host *host;
    uint32_t isa; /* hk_isa cap */
    int threads;
    cpu_conv conv;   /* option conv: how dense convolutions that could go either way are done */
    cpu_steps_way steps; /* option steps: do sums of spikes go step by step, or by patterns of steps? (spikes.h) */
    const struct cpu_bf16 *bf16; /* option bf16: products of bf16, or NULL */
    int bf16_points; /* those of Winograd's filtering too */
    size_t l2, l3; /* bytes */
};

typedef struct hk_op_plan cpu_plan;
typedef hk_status cpu_units_fn(const cpu_plan *, const hk_bind *, int64_t lo, int64_t hi, void *scratch);

struct hk_op_plan {
    hk_device *dev;
    const char *impl;
    int64_t (*units)(const cpu_plan *, const hk_bind *);
    cpu_units_fn *run;
    int64_t grain;  /* fewest units worth a thread */
    size_t scratch; /* bytes per thread */
    size_t kept;    /* bytes that `prepare` fills, for all threads */
    hk_status (*prepare)(const cpu_plan *, const hk_bind *);
    uint32_t scope, isa, traits; /* traits: hk_trait's bits */
    int n_in, n_out;
    int64_t T, N, nb;
    uint64_t stream;
    hk_desc d[HK_MAX_OPERANDS]; /* inputs, then outputs */
    void (*begin)(const cpu_plan *, const hk_bind *, void *scratch);                                       /* what `part` finds in scratch; NULL: nothing */
    void (*part)(const cpu_plan *, const hk_bind *, int64_t i0, int64_t m, float *y, void *scratch);       /* linear, or NULL: rows of m samples at all steps: [T][m][O] */
    struct hk_op_plan *inner[3]; /* plans of its parts, or NULL; freed with it */
    hk_way ways[3]; /* ways.c: out of which measuring may choose, first what is taken unasked */
    int n_ways;
};

typedef hk_status cpu_new_fn(hk_device *, const hk_opdesc *, cpu_plan **);
typedef struct cpu_op {
    const char *name; /* NULL ends a table */
    cpu_new_fn *plan_new;
} cpu_op;

/* ---- ways.c ---- */
typedef struct cpu_way {
    cpu_conv conv; /* the device's, or what is asked for */
    int64_t most;  /* per cent of spikes that go by lists; -1: nothing is asked */
} cpu_way;
cpu_way cpu_way_of(const hk_device *, const hk_opdesc *);
void cpu_way_add(cpu_plan *, const char *name, uint32_t flags);
int cpu_way_fits(const cpu_plan *, const char *way); /* is it one of the plan's? */
int cpu_ways(hk_device *, const hk_opdesc *, int max, hk_way *);
hk_status cpu_op_new(hk_device *, const hk_opdesc *, cpu_plan **); /* cpu.c */
void cpu_op_free(cpu_plan *);

/* Allocates a plan of `size` bytes that begins with cpu_plan, and copies the description. */
hk_status cpu_plan_new(hk_device *, const hk_opdesc *, size_t size, cpu_plan **);
hk_status cpu_run(const cpu_plan *, hk_stream *, const hk_bind *);
const hk_attr *cpu_attr(const hk_opdesc *, const char *name); /* a zero attribute when absent */
#define cpu_fail(dev, ...) (dev)->host->fail((dev)->host->ctx, __VA_ARGS__)

static inline int64_t cpu_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t cpu_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t cpu_up(int64_t a, int64_t to) { return (a + to - 1) / to * to; }
static inline const hk_desc *cpu_out(const cpu_plan *p, int k) { return &p->d[p->n_in + k]; }
static inline int cpu_has_in(const cpu_plan *p, int k) { return k < p->n_in && p->d[k].dtype != HK_ABSENT; }
static inline int cpu_has_out(const cpu_plan *p, int k) { return k < p->n_out && p->d[p->n_in + k].dtype != HK_ABSENT; }
static inline void *cpu_out_ptr(const cpu_plan *p, const hk_bind *b, int k) { return cpu_has_out(p, k) ? b->ptr[p->n_in + k] : NULL; }
/* May a plan keep what it makes of operand k? */
static inline int cpu_may_keep(const hk_opdesc *o, int k) { return o->constant >> k & 1; }
static inline size_t cpu_size(uint8_t dtype) { return dtype == HK_F32 ? 4 : dtype == HK_I64 || dtype == HK_F64 ? 8 : 1; }

/* ---- rows: (t, i) of an operand; i counts samples, or groups ----------------------------------------------------------- */
static inline int64_t cpu_count(const hk_desc *d, const hk_bind *b) { return d->flags & HK_N ? b->n : d->flags & HK_G ? b->groups : 1; }
static inline int64_t cpu_steps(const hk_desc *d, const hk_bind *b) { return d->flags & HK_T ? b->T : 1; }
static inline int64_t cpu_row(const hk_desc *d, const hk_bind *b, int64_t t, int64_t i) {
    if (d->flags & HK_G) return d->flags & HK_T ? i * b->T + t : i;
    return (d->flags & HK_T ? t : 0) * (d->flags & HK_N ? b->n : 1) + (d->flags & HK_N ? i : 0);
}
/* The same in a whole-batch operation over blocks of nb samples, one after the other, each [T][n][row]. */
static inline int64_t cpu_row_blocks(const hk_desc *d, const hk_bind *b, int64_t nb, int64_t t, int64_t i) {
    if (!(d->flags & HK_N) || !(d->flags & HK_T)) return cpu_row(d, b, t, i);
    int64_t first = i / nb * nb;
    return first * b->T + t * cpu_min(nb, b->n - first) + i - first;
}
/* Stored with axis 0 last? */
static inline int cpu_channels_last(const hk_desc *d) { return (d->flags & HK_N) && d->rank >= 2; }

/* ---- sources: an operand read as f32 along the storage order of a reference row ------------------------------------------ */
typedef enum cpu_map {
    CPU_SAME,     /* the same row, in the same order */
    CPU_PERM,     /* the same shape, stored as written, against channels-last */
    CPU_CHAN,     /* [C] against channels-last [C,...] */
    CPU_CHAN_ROW, /* [C] against [C,...] stored as written */
    CPU_ONE       /* a scalar */
} cpu_map;
typedef struct cpu_src {
    hk_desc d;
    cpu_map map;
    int64_t row;     /* numbers in the operand's row */
    int64_t E, C, P; /* reference row: numbers, channels, numbers per channel */
} cpu_src;
int cpu_src_init(cpu_src *, const hk_desc *d, const hk_desc *ref); /* 0: the shapes do not fit */
const float *cpu_src_fill(const cpu_src *, const void *base, const hk_bind *, int64_t t, int64_t j, int64_t m, float *tmp);

/* m numbers of step t from flat position j = i * E + e on: in place when it can be, else put into tmp. */
static inline const float *cpu_src_get(const cpu_src *s, const void *base, const hk_bind *b, int64_t t, int64_t j, int64_t m, float *tmp) {
    if (s->d.dtype == HK_F32 && s->map == CPU_SAME) {
        const float *f = (const float *)base + cpu_row(&s->d, b, t, 0) * s->row;
        if (s->d.flags & (HK_N | HK_G)) return f + j;
        int64_t e = j % s->E;
        if (e + m <= s->E) return f + e;
    }
    return cpu_src_fill(s, base, b, t, j, m, tmp);
}

/* ---- ISA variants ------------------------------------------------------------------------------------------------------ */
#if defined(__x86_64__)
#define CPU_AVX2 __attribute__((target("avx2,fma,bmi2")))
#define CPU_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")))
#else
#define CPU_AVX2
#define CPU_AVX512
#endif
#define CPU_BODY static inline __attribute__((always_inline)) void
/* Makes `name`[isa] of the body function name_body. */
#define CPU_CLONES(name, params, args)                                                                                                                         \
    static void name##_baseline params { name##_body args; }                                                                                                   \
    CPU_AVX2 static void name##_avx2 params { name##_body args; }                                                                                              \
    CPU_AVX512 static void name##_avx512 params { name##_body args; }                                                                                          \
    static void(*const name[3]) params = { name##_baseline, name##_avx2, name##_avx512 }

/* to[j * ldt + i] = from[i * ldf + j]: a matrix turned round. turn.c */
extern void (*const cpu_turn[3])(int64_t rows, int64_t cols, const float *from, int64_t ldf, float *to, int64_t ldt);

/* y = x; x is u8. */
extern void (*const cpu_from_u8[3])(int64_t n, const uint8_t *x, float *y);

#endif
