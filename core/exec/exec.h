/* exec.h - from graph to running plan: the parameter store, the plan, the executor. Private to core/. */
#ifndef HK_EXEC_H
#define HK_EXEC_H

#include "graph/graph.h"

typedef struct hk__group { /* parameters with an optimizer module of their own, of the network's type */
    const hk_module *optimizer;
    double lr;             /* NaN: the optimizer's own */
} hk__group;

/* ---- the network: parameters, their gradients and optimizer state, outside the arena, shared by all plans ---- */
struct hk_network {
    hk_context *ctx;
    hk__module *root;
    hk_network_config cfg;
    const hk_backend *be;
    hk_device *dev;
    int threads;
    int64_t real;          /* bytes of a stored f32 number */
    hk_param_info *param;
    char **name;
    int64_t *offset;       /* of each parameter in a region, in numbers */
    const hk_module **learner; /* [n_param] what gives a parameter's gradient; NULL: autodiff. NULL: there are none */
    int n_param, cap_param;
    int64_t region;        /* numbers in a region, padding included */
    int64_t version;       /* raised when a parameter was written: what plans keep of parameters is made again */
    char *value, *grad;    /* device regions */
    char *opt[HK_MAX_STATE];
    int n_opt;
    const hk_optimizer_type *opt_type;
    double lr;             /* NaN: the optimizer's own */
    char *sum;             /* device region: gradients added up since the last step; NULL: accumulate is off */
    char *ema;             /* device region: averages of parameters and buffers; NULL: none */
    char *norm;            /* device: for clip_norm: coefficient and norm, then partial sums of squares (update.c); else NULL */
    int64_t pending;       /* batches in sum */
    uint8_t *group;        /* [n_param] each parameter's group; NULL: all are in group 0 */
    hk__group *groups;     /* groups 1 and on */
    int n_group;
    int64_t step;
    int64_t skipped;       /* of these, not done by the optimizer (HK_GUARD) */
    char *guard;           /* device: core/exec/guard.c; NULL: no executor has HK_GUARD */
    int64_t guard_version; /* of the parameters, when the copies in it were made or when the last guarded run was over */
    bool warned_padding;   /* of batch normalisation that counts padded steps */
    bool laid_out;         /* an executor exists: what learns is settled */
    char *arena;           /* shared by all plans */
    size_t arena_bytes;
    int64_t machine;       /* its memory and swap; 0: not asked yet */
    struct hk__tune *tune; /* choices by measuring (tune.h); NULL: backends choose */
};

/* ---- core/exec/memory.c: sizes that saturate, and what is too large refused by name ---- */
#define HK__HUGE (INT64_C(1) << 60) /* more than any machine has; sums of a few of it are still numbers */
int64_t hk__sat_mul(int64_t a, int64_t b); /* a, b >= 0; at most HUGE */
int64_t hk__sat_add(int64_t a, int64_t b);
int64_t hk__sat_elems(int rank, const int64_t *shape);
int64_t hk__machine_memory(void);                   /* memory and swap that this process may have, in bytes */
hk_status hk__memory_params(hk_network *);          /* before they are allocated */
hk_status hk__memory_input(hk_network *, int64_t T, int64_t N, int rank, const int64_t *shape);
void hk__memory_value(hk__builder *, const hk_desc *); /* of one operation's result */


/* ---- core/exec/pack.c: places intervals in one buffer ---- */
typedef struct hk__item {
    int64_t bytes, offset;
    int32_t first, last; /* inclusive; in units of time of the caller's choice */
} hk__item;
/* Sets offsets (64-byte aligned); returns the bytes needed, -1: out of memory. *live: the largest sum of bytes alive at once. */
int64_t hk__pack(hk__item *, int n, int64_t *live);

/* ---- the plan ---- */
typedef enum hk__space { HK_SP_NONE = 0, HK_SP_ARENA, HK_SP_LOCAL, HK_SP_PARAM, HK_SP_GRAD, HK_SP_OPT, HK_SP_SUM, HK_SP_EMA, HK_SP_NORM, HK_SP_CONST, HK_SP_KEPT, HK_SP_GUARD, HK_SP_CUR, HK_SP_NEXT, HK_SP_CARRY_IN, HK_SP_CARRY_OUT } hk__space;

/* Where a value lies. A row that varies with T in storage but is read at one t has `slice` set; one of which a chunk's steps alone exist, `part`. */
typedef struct hk__ref {
    uint8_t space, flags, slice, part;
    int32_t index;        /* slot, optimizer state, or carry of the running loop */
    int64_t off, row;     /* bytes */
    int64_t pitch;        /* bytes from one sample to the next, over all T; 0: as many as it takes */
    int64_t border;       /* of a line (chunk.h): bytes from one border of chunks to the next; 0: no line */
    int32_t turns, end;   /* of a line: borders in memory, which take turns; 1: the border where the chunk ends */
} hk__ref;

typedef struct hk__call { /* one operation, ready to run */
    const hk_backend *be;
    hk_op_plan *plan;
    const char *impl, *op; /* op: its operation, when it is of no node */
    hk__ref *ref;
    int32_t n_ref, node;
    int32_t id;            /* profile.c: its number in the plan */
    int32_t block;         /* whose constants it reads: 0: the executor's step, else block[it - 1] */
    size_t scratch;
    int64_t kept, kept_off; /* bytes that its plan_prepare fills; where they lie in the plan's kept memory */
    struct hk__loop_call *loop;
    int32_t sum, n_sum;    /* run once for each chunk: its results that are sums over t: hk__plan.chunks->sum */
} hk__call;

typedef struct hk__carry_call {
    hk__ref init, next;    /* init: slot or zeros; next: where the body writes it when it is stacked (space NONE: two buffers in turn) */
    hk__ref buffer[2];     /* LOCAL */
    hk__ref final;         /* slot after the loop, or NONE */
    hk__call copy;         /* stacked and kept in a slot: copies the last row */
} hk__carry_call;

typedef struct hk__loop_call {
    int32_t reverse, n_body, n_carry, n_sum;
    hk__call *body;
    hk__carry_call *carry;
    hk__call *sum_first, *sum_next; /* copy, add */
} hk__loop_call;

typedef struct hk__unit { /* a segment, run block by block, or one whole-batch operation */
    int32_t team, phase, n_call;
    int32_t level;         /* whole-batch operations before it that it waits for; -1: it waits for none, and depends on no sample */
    bool kept;             /* made of parameters and constants alone, and run only when one of them was written (ADR 0012) */
    hk__call *call;
    int64_t local;         /* bytes of one thread's local region in this segment, scratch at its end */
    int64_t local_live, scratch;
    int64_t local_off;     /* of thread 0's region in the arena */
    struct { int32_t begin, end; } sweep[2]; /* calls that are run once for each chunk of steps: forward, then backward from the last chunk on */
} hk__unit;

typedef struct hk__plan {
    struct hk_network *net;
    hk__graph *g;
    int64_t T, N, nb, blocks;
    uint32_t scope;
    hk__unit *unit;
    int n_unit;
    int64_t arena, live_max;
    char *constants;       /* device */
    char *kept;            /* device: what is made of parameters alone, from run to run */
    int64_t kept_bytes, version; /* of the parameters that it was made of; 0: not made yet */
    bool writes_params;    /* running statistics */
    hk_value x, target, length, reward, y, loss, correct, correct5, rate, grad_x;
    hk_value *output, *upstream, *gradient; /* by number in the executor's config */
    bool upstream_any;           /* some output takes an upstream gradient; then the loss does not start the backward pass */
    hk__ref *place;        /* [g->n_val] */
    int64_t rank, shape[HK_MAX_RANK];
    int seq_in;            /* x is [T,N,*] */
    bool guard;            /* its steps are only done when they are finite */
    int guard_unit;        /* the one that looks */
    int64_t guard_flag;    /* number of the flag that says so */
    bool keep_y;           /* y is read after a run though nobody asked for it */
    struct hk__timed *timed; /* [threads][n_timed] while the executor is profiled, else NULL */
    int64_t n_timed;
    int64_t chunk;         /* steps of a chunk; T: there are no chunks */
    struct hk__chunks *chunks; /* NULL: there are no chunks */
    bool whole;            /* chunks are not wanted */
    int64_t nb_most;       /* samples of a block, at most; 0: as many as the backend has it */
} hk__plan;

/* ---- core/exec/profile.c: what is measured while plans run ---- */
typedef struct hk__timed { /* of one call, by one thread */
    int64_t calls, ns;
} hk__timed;
typedef struct hk__event {
    const hk__plan *plan;
    const hk__call *call;  /* NULL: the run */
    int64_t start, ns, run;
    int32_t t, block, piece, pad;
} hk__event;
typedef struct hk__track { /* events of one thread */
    hk__event *event;
    int64_t n, cap, lost, pad[4]; /* a cache line */
} hk__track;
typedef struct hk__profile {
    int64_t runs, trace_runs, ns;
    hk__track track[];     /* [threads] */
} hk__profile;
int64_t hk__ns(void);
hk_status hk__profile_plan(struct hk_executor *, hk__plan *); /* room for a plan's numbers, when the executor is profiled */
void hk__profile_free(struct hk_executor *);

typedef struct hk__slot_memory { /* one slot's memory in an executor */
    char *name;
    hk_desc desc;
    int64_t N, bytes;
    bool given;            /* written for the next run */
    char *def, *buf[2];    /* device: the default; the two that take turns */
    int last;              /* which of buf holds the last state; -1: none yet */
    const char *cur;
    char *next;
} hk__slot_memory;

struct hk_executor {
    hk_network *net;
    hk_executor_config cfg;
    hk_output *outputs;
    hk__plan **plan;
    int n_plan;
    hk__plan *now;
    hk__slot_memory *state;
    int n_state;
    bool ran, skipped;
    bool rewarded;         /* "reward" was written since the last run */
    int64_t runs;          /* since the last optimizer step */
    int64_t runs_step;
    hk_step step;
    hk_step *block;        /* of the update (update.c): the mean of gradients, the average of parameters, then groups 1 and on */
    char *params;          /* what it reads parameters from: the network's, or their averages */
    void *staging;
    size_t staging_bytes;
    int64_t last_N;
    hk__profile *profile;  /* NULL: nothing is measured */
};

/* core/exec/compile.c */
hk_status hk__plan_new(hk_executor *, int64_t T, int64_t N, int seq, int rank, const int64_t *shape, hk__plan **out);
void hk__plan_free(hk__plan *);
void hk__call_free(hk__call *); /* what it holds */
/* core/exec/padding.c: the network looks at no step beyond a sample's length, or says so. Before the loss is built. */
void hk__padding_check(hk__builder *);
/* core/exec/learner.c: the gradients of parameters that have a learner */
bool hk__has_learner(const hk_network *, int param);
void hk__learners_build(hk__builder *);
/* What the learners of a layer's parameters will read of it. */
void hk__learners_note(hk__builder *, const hk__module *, hk_value in, hk_value out);
/* core/exec/schedule.c: units from the graph */
hk_status hk__schedule(hk__plan *, hk__builder *, uint32_t mode, uint32_t flags);
void hk__unschedule(hk__plan *);
/* core/exec/replay.c: what is made again, or kept in fewer bits, by [run] memory; schedules anew. After the first schedule. */
hk_status hk__replay(hk__plan *, hk__builder *, uint32_t mode, uint32_t flags);
/* core/exec/chunk_plan.c: chunks of steps, where they are asked for or [run] memory would have them; the graph is changed, and scheduled anew. *again: they
 * save nothing, and the plan is to be made again with p->whole. root: those of hk__live. */
hk_status hk__chunk_plan(hk__plan *, hk__builder *, uint32_t mode, uint32_t flags, int n_root, const hk_value *root, bool *again);
int64_t hk__work(const hk__plan *, const hk__node *); /* of an operation on the batch: multiplications, and numbers moved as some of them */
/* core/exec/place.c: memory for every value, and operation plans */
hk_status hk__place_all(hk__plan *, hk__builder *, bool train);
int64_t hk__row_bytes(const hk_network *, const hk_desc *);
/* core/exec/calls.c: an operation plan from the network's backend, or from the one it extends; *be: whose it is */
hk_status hk__backend_plan(hk_network *, const hk_opdesc *, const hk_backend **be, hk_op_plan **);
/* Whether it, or one that it extends, takes an operation: in every scope and block size then, and its backward with it. */
bool hk__backend_takes(hk__builder *, const hk__node *);
/* Rows of a value for n samples; and of what of it is in storage at once. */
int64_t hk__rows(const hk__plan *, const hk_desc *, int64_t n);
int64_t hk__stored(const hk__plan *, hk_value, int64_t n);
/* Calls f for each value from outside that a top node reads. */
void hk__each_read(const hk__graph *, int32_t node, void (*f)(void *arg, hk_value v), void *arg);
/* core/exec/executor.c: the arena holds the plan in use, unless memory ran out when another plan wanted more */
hk_status hk__arena_there(const hk_executor *);
/* core/exec/guard.c: around a run of a guarded executor; room for what its plans share */
hk_status hk__guard_begin(hk_executor *);
hk_status hk__guard_end(hk_executor *);
hk_status hk__guard_room(hk_network *);
int64_t hk__guard_bytes(const hk_network *);
/* core/exec/update.c: what lies between the backward pass and the next forward */
int64_t hk__copies(const hk_network *);            /* regions of parameters: values, gradients, states, sums, averages */
int64_t hk__norm_numbers(const hk_network *);      /* that clip_norm takes at most */
hk_status hk__blocks_new(hk_executor *);
void hk__write_batch(hk_executor *);               /* constants of gathering; net->pending counts the batch */
void hk__write_step(hk_executor *);                /* constants of the update that follows */
/* core/exec/border.c: shape of one step and sample of what `name` reads */
hk_status hk__border_row(hk_executor *, const char *name, hk_desc *);
/* core/exec/run.c */
hk_status hk__run(hk_executor *, uint32_t phases); /* bit set of 1 << phase */
/* core/exec/print.c */
int hk__plan_lines(const hk__plan *);
static inline bool hk__is_whole(const hk__graph *g, int32_t node) {
    const hk__node *n = &g->node[node];
    if (n->body) return false;
    if (n->op->flags & HK_OP_WHOLE_BATCH) return true;
    const hk_attr *direct = hk__attr(n, "direct");
    if (direct && direct->i) return true;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && (g->val[n->in[i]].desc.flags & HK_N)) return false;
    for (int i = 0; i < n->n_out; i++)
        if (g->val[n->out[i]].desc.flags & (HK_N | HK_G)) return false;
    return true;
}

#endif
