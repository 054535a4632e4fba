/* graph.h - the graph over time: values, operations, loops. Private to core/.
 *
 * A graph is two growing tables, values and nodes (operations), and a list of node numbers in order for the top region; a loop is one
 * node with a list of its own for its body. Numbers, not pointers, are kept, since tables move. Everything a graph owns lives in
 * its pool and goes with it. Nested loops do not exist: a loop begun inside a loop is built in place (its T is 1). */
#ifndef HK_GRAPH_H
#define HK_GRAPH_H

#include "core.h"

#define HK__MAX_CARRY 64  /* carries of one loop */
#define HK_UNKNOWN 0xffu /* rank of a carry whose shape is not settled yet */

/* A list of numbers that grows. */
typedef struct hk__list {
    int32_t *at;
    int n, cap;
} hk__list;

typedef enum hk__source {
    HK_SRC_NODE = 0, /* an operation's output */
    HK_SRC_INPUT,    /* x; ref 0 */
    HK_SRC_TARGET,   /* labels */
    HK_SRC_UPSTREAM, /* upstream gradient of an output; ref: number of the output */
    HK_SRC_REWARD,   /* what learners are told of the network's success */
    HK_SRC_PARAM,    /* ref: parameter number of the network */
    HK_SRC_CONST,    /* number `constant` */
    HK_SRC_STATE,    /* state before the run; ref: slot */
    HK_SRC_AT,       /* inside a loop: slice at t of the outer value `ref` */
    HK_SRC_CARRY,    /* inside a loop: ref: carry number of its loop */
    HK_SRC_BORDER    /* state where a chunk of steps begins; ref: number of the line (core/exec/chunk.h) */
} hk__source;

typedef struct hk__val {
    hk_desc desc;
    int32_t source, ref;
    int32_t node, out;  /* producer, and which output */
    int32_t loop;       /* node number of the loop whose body it lives in; 0: top */
    int32_t grad_slot;  /* 1 + parameter whose gradient region it is written to; 0: none */
    int32_t param_slot; /* 1 + buffer of the store whose next value it is; 0: none */
    int32_t live;       /* somebody reads it */
    int32_t part;       /* only the steps of one chunk exist at a time */
    int32_t line;       /* 1 + line that it is the state of, at one end of a chunk; 0: none */
    double constant;
    const double *constants; /* a constant row: its numbers, else NULL */
} hk__val;

typedef struct hk__carry {
    hk_value in, next;  /* inside */
    int32_t slot;       /* 1 + state slot; 0: starts from zeros and ends with the loop */
    int32_t dead;
    int32_t line;       /* 1 + line: it goes from chunk to chunk; 0: none */
} hk__carry;

typedef struct hk__pair {
    hk_value inner, outer;
} hk__pair;

typedef struct hk__loop {
    int32_t reverse;
    hk__list body;
    hk__carry *carry;
    hk__pair *at, *stack, *sum;
    int32_t n_carry, n_at, n_stack, n_sum;
} hk__loop;

struct hk__op;
typedef enum hk__phase { HK_FORWARD = 0, HK_BACKWARD = 1, HK_UPDATE = 2, HK_GATHER = 3 /* between backward and update: gradients are added up */ } hk__phase;

typedef struct hk__node {
    const struct hk__op *op;
    const char *path; /* module that emitted it */
    uint64_t stream;
    int32_t n_in, n_out, n_attr, loop; /* loop: node number of the loop it is in; 0: top */
    int32_t phase, live;
    int32_t late;     /* 1 + level of the segment that it runs in, not earlier (core/exec/replay.c); 0: as early as it can */
    int32_t again;    /* the node that it does again; 0: none */
    int32_t stage;    /* hk__stage: of the two sweeps over chunks of steps, where it runs; 0 where there are none */
    hk_value *in, *out;
    hk_attr *attr;
    hk__loop *body;   /* of a loop node */
} hk__node;

typedef struct hk__slot { /* sequence state */
    char *name;     /* "conv_fc.2.v" */
    hk_desc desc;   /* one sample */
    double def;
    hk_value in, next; /* outside loops: before and after; carried by a loop: `next` is NONE */
    int32_t loop, carry;
    bool forgotten; /* no memory: it starts from its default and ends with the run */
} hk__slot;

typedef struct hk__named {
    char *name;     /* "path:out" */
    hk_value value;
} hk__named;

typedef struct hk__block_mem {
    struct hk__block_mem *next;
    size_t used, size;
} hk__block_mem;

typedef struct hk__graph {
    hk__block_mem *pool;
    hk__val *val;     /* [0] unused */
    hk__node *node;   /* [0] unused */
    int32_t n_val, cap_val, n_node, cap_node;
    hk__list top;     /* nodes of the top region, in order */
    struct hk__foreign *foreign; /* operation types from plugins that are used here */
    hk__slot *slot;
    hk__named *named;
    int32_t n_slot, cap_slot, n_named, cap_named;
    int64_t T, N;
    bool training, spiking, oom;
    char **note;      /* what passes have to say about the plan: "conv_fc.2: not fused by ..." */
    int32_t n_note;
} hk__graph;

/* ---- core/graph/graph.c ---- */
void *hk__pool(hk__graph *, size_t bytes);              /* zeroed; NULL and g->oom when there is none */
char *hk__pool_str(hk__graph *, const char *s);
bool hk__push(hk__list *, int32_t v);                    /* false: out of memory */
hk_value hk__val_new(hk__graph *, const hk_desc *, hk__source, int32_t ref, int32_t loop); /* 0: out of memory */
int32_t hk__node_new(hk__graph *, const struct hk__op *, const char *path, int n_in, const hk_value *in, int n_out, int n_attr, const hk_attr *attr, int32_t loop);
hk__list *hk__body(hk__graph *, int32_t loop);           /* the list of a region */
bool hk__insert(hk__list *, int at, int32_t v);
void hk__remove(hk__list *, int at);
int hk__index_of(const hk__list *, int32_t v);           /* -1: not in it */
void hk__note(hk__graph *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void hk__graph_free(hk__graph *);
bool hk__pair_add(hk__graph *, hk__pair **, int32_t *n, hk_value inner, hk_value outer);
static inline bool hk__known(const hk_desc *d) { return d->rank != HK_UNKNOWN; }
static inline hk_desc hk__desc(uint32_t dtype, uint32_t flags, int rank, const int64_t *shape) {
    hk_desc d = { .dtype = (uint8_t)dtype, .flags = (uint8_t)flags, .rank = (uint8_t)rank };
    for (int i = 0; i < rank && i < HK_MAX_RANK; i++) d.shape[i] = shape[i];
    return d;
}
bool hk__same_shape(const hk_desc *, const hk_desc *);
bool hk__same_desc(const hk_desc *, const hk_desc *);

/* ---- operation types: core/op/ ---- */
enum {
    HK_OP_WHOLE_BATCH = 1, /* a TEAM operation over all samples: merge, optimizer */
    HK_OP_REDUCES = 2,     /* sums rows into HK_G: over T rows outside a loop equals summing over t inside */
    HK_OP_LINEAR_G = 4,    /* linear in an HK_G operand: may be moved past a sum over t */
    HK_OP_FIXED = 8,       /* never moved out of a loop */
    HK_OP_DEFAULT_STATE = 16, /* takes one STATIC number in place of a state operand */
    HK_OP_PLUGIN = 32,     /* from a plugin: core/op/plugin.c */
    HK_OP_ADJOINT = 64,    /* calls its CPU function `backward` */
    HK_OP_PRODUCT = 128,   /* a product with a weight, at each place of the result; core/op/flop.c */
    HK_OP_PRODUCT_ADJOINT = 256, /* one of its adjoints: at each place of operand 0, a gradient */
    HK_OP_ENTIRE = 512,    /* needs the sequence from its first step on: hk_executor_continue is refused */
    HK_OP_STEPS = 1024,    /* gives the same for some steps of a sequence as for all of it, told which they are (t0) and the state before them */
    HK_OP_BACK = 2048,     /* with DEFAULT_STATE: an adjoint, which hands gradients of states to the steps before */
    HK_OP_SUMS = 4096,     /* a result that does not vary with t, and is no state, is a sum over t */
    HK_OP_SHAPE = 8192     /* reads the shape of operand 0, not its numbers */
};

typedef struct hk__grad_call { /* one grad call; all values are usable where the backward operations are emitted */
    hk_builder *b;
    const hk__node *node;
    struct hk__tape *ad;
    const hk_value *gout; /* NONE where no gradient arrives */
    hk_value *gin;        /* to be filled; NONE: no gradient */
    const bool *need;     /* which inputs want one */
    uint64_t summed;      /* to be set: bit i: gin[i] is what one value of input i gets, summed over the rows that it was used for */
} hk__grad_call;
hk_value hk__saved_in(hk__grad_call *, int i);
hk_value hk__saved_out(hk__grad_call *, int i);
const hk_attr *hk__attr(const hk__node *, const char *name); /* NULL: none */

typedef struct hk__op {
    const char *name;
    uint32_t time, flags;
    /* out[].dtype/flags/rank/shape from in[] (dtype HK_ABSENT where none; rank HK_UNKNOWN allowed) and attributes. Sets the error by hk__op_fail. */
    void (*infer)(hk_builder *, const hk__node *, const hk_desc *in, hk_desc *out);
    void (*grad)(hk__grad_call *); /* NULL: not differentiable: gradients stop here */
    const char *doc;
} hk__op;
const hk__op *hk__op_find(const char *name); /* of the core */
/* Of the core, or of a plugin; NULL sets the error. */
const hk__op *hk__op_resolve(hk_builder *, const char *name);
const hk_op_type *hk__op_type(const hk__op *); /* NULL: of the core */
extern const hk__op hk__ops_loop[]; /* the loop alone */
double hk__op_flop(const hk__graph *, const hk__node *); /* of one row; 0: no product */

/* ---- core/graph/builder.c ---- */
struct hk__builder {
    hk_builder base;
    hk_context *ctx;
    hk__graph *g;
    struct hk_network *net;
    hk_status status;
    int32_t loop;              /* node number of the loop being built; 0: top */
    int32_t inlined;           /* depth of loops begun inside it */
    int32_t stateless;         /* > 0: each row by itself: no state, no loop, nothing over time */
    int32_t phase;
    uint32_t isa;
    bool phase_train;          /* there will be a backward pass */
    const hk__module *at;      /* module being built, or NULL */
    const char *path;          /* where operations come from when `at` is NULL */
    hk_value *param_value;     /* [n_param] */
    hk_value reward;           /* made when a learner first asks for it */
    bool soft;                 /* targets are shares of classes */
    hk_value length, mask;     /* of each sample: its steps, and 1 at each of them (made when first asked for) */
    const hk_output *asked;    /* outputs that will be read by name: some are only made for that */
    int n_asked;
    hk_value held, repeated;   /* fold_time off: the picture, and the same at each t (made when first used) */
};
typedef struct hk__builder hk__builder;
static inline hk__builder *hk__b(hk_builder *b) { return (hk__builder *)b; }
extern const hk_builder_api hk__builder_table;
hk_status hk__builder_fail(hk_builder *, hk_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
hk_value hk__emit1(hk_builder *, const char *op, int n_in, const hk_value *in, int n_attr, const hk_attr *attr);
void hk__infer_node(hk__builder *, int32_t node); /* again, after inputs changed */
void hk__module_build(hk_builder *, const hk_module *, int n_in, const hk_value *in, int n_out, hk_value *out);
bool hk__asked(const hk__builder *, const hk__module *, const char *name); /* whether "path:name" will be read */
/* ---- core/graph/loop.c ---- */
hk_loop hk__loop_begin(hk_builder *);
hk_value hk__loop_at(hk_builder *, hk_loop, hk_value);
hk_value hk__loop_carry(hk_builder *, hk_loop, const char *name);
void hk__loop_next(hk_builder *, hk_loop, hk_value carry, hk_value next);
hk_value hk__loop_stack(hk_builder *, hk_loop, hk_value);
hk_value hk__loop_sum(hk_builder *, hk_loop, hk_value);
void hk__loop_end(hk_builder *, hk_loop);
hk_value hk__state(hk_builder *, const hk_module *, const char *field, hk_value like, double def);
void hk__state_next(hk_builder *, const hk_module *, const char *field, hk_value v);
/* A carry without a slot, of a settled shape. */
hk_value hk__loop_carry_plain(hk__builder *, int32_t loop, const hk_desc *);
/* ---- core/graph/neuron.c ---- */
void hk__neuron_build(hk_builder *, const hk_module *, int n_in, const hk_value *in, int n_out, hk_value *out);
hk_value hk__neuron_op(hk_builder *, const hk_module *, hk_value x, hk_value *state);
/* ---- core/graph/shape.c: rules shared by operation types ---- */
uint32_t hk__join_flags(const hk_desc *in, int n);
/* Sums a gradient down to what `like` varies with (HK_G for STATIC). The gradient belongs to rows that vary with `rows`; where it does
 * not vary itself, it is the same for each of them. */
hk_value hk__grad_fit(hk_builder *, hk_value g, uint32_t rows, const hk_desc *like);
/* A gradient of a narrower shape spread to the row shape of `like`. */
hk_value hk__grad_spread(hk_builder *, hk_value g, const hk_desc *like);
/* A gradient that is the same for several rows of `like`, at each of them; where an adjoint reads it beside them. */
hk_value hk__grad_each(hk_builder *, hk_value g, hk_value like);
/* Whether a weight gradient of so many numbers is summed at once over the whole batch, since its partial sums would take too much memory. */
bool hk__sum_direct(hk_builder *, int64_t elems);
/* STATIC value of a shape, all elements v. */
hk_value hk__full(hk_builder *, double v, const hk_desc *like);

/* ---- passes ---- */
typedef struct hk__seed {
    hk_value value, grad;
} hk__seed;
/* core/pass/autodiff.c: emits the backward operations; a parameter's gradient (STATIC) is written to its region. want: `grad` of these values is
 * filled in, as they vary; NONE: nothing that wants a gradient is before them. The first one wants one itself (it may be NONE: the input). */
void hk__autodiff(hk__builder *, int n_seed, const hk__seed *, const bool *param_learns, int n_want, hk__seed *want);
/* core/pass/fold_time.c: what an operation reads in place of v when the pass is off */
hk_value hk__unfold(hk__builder *, const struct hk__op *, hk_value v);
/* core/pass/fold_norm.c */
void hk__fold_norm(hk__builder *);
/* core/fuse/fuse.c: groups of operations become one, where a named rule matches and the backend takes it */
void hk__fuse(hk__builder *, bool gradients);
/* core/pass/readers.c: how many operands, loops and names that the plan keeps (taps) read v; *who: the last of them, for messages ("" when none) */
int hk__readers(const hk__graph *, hk_value v, const char **who);
/* core/pass/hoist.c */
void hk__hoist(hk__builder *);  /* before autodiff and after it: moves operations out of loops */
/* Uses of `old` become uses of `new` everywhere in the graph. */
void hk__replace(hk__graph *, hk_value old, hk_value new_);
/* core/pass/forget.c: sequence state that ends with the run */
void hk__forget(hk__builder *);
/* core/pass/live.c: marks what the roots need; prunes loops */
void hk__live(hk__builder *, int n_root, const hk_value *root);

#endif
