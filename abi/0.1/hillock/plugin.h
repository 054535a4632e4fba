/* hillock/plugin.h - the one header of kernel and module plugins.
 *
 * A plugin is a shared object with one exported data symbol, `hk_plugin`. It links to nothing of Hillock's: what it needs
 * from the host comes in function tables (hk_host, hk_builder_api, hk_module_api), wrapped inline below. The same source
 * also builds statically. Programs and trainer extensions use hillock/hillock.h instead, which includes this file.
 *
 * Thread tags on slots and functions: [init] inside the entry's init only; [main] one thread at a time, never during a run;
 * [run] many threads at once, never two on the same block; [any] no restriction.
 * Strings and tables that a plugin hands over are static data of the plugin and are kept by pointer; vtables are copied.
 * Everything here is append-only: `struct_size` comes first and is filled with sizeof by the plugin. */
#ifndef HILLOCK_PLUGIN_H
#define HILLOCK_PLUGIN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HK_ABI_MAJOR 0u
#define HK_ABI_MINOR 1u
#define HK_PLUGIN_MAGIC 0x4b4c4c48u /* "HLLK" */
#define HK_MAX_RANK 6               /* axes of one sample at one time step */
#define HK_MAX_OPERANDS 40          /* inputs and outputs of one operation together */
#define HK_GROUP 16                 /* samples per partial sum: the unit of every reduction over samples */

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* name, value, exit code of the command, text */
#define HK_STATUS_MAP(X)                                                                                                                                       \
    X(OK, 0, 0, "ok")                                                                                                                                          \
    X(ENOMEM, -1, 1, "out of memory")                                                                                                                          \
    X(EINVAL, -2, 2, "invalid argument")                                                                                                                       \
    X(ECONFIG, -3, 2, "bad configuration")                                                                                                                     \
    X(ESHAPE, -4, 2, "shapes do not fit")                                                                                                                      \
    X(EDATA, -5, 3, "bad data")                                                                                                                                \
    X(EPLUGIN, -6, 4, "bad plugin")                                                                                                                            \
    X(ECHECKPOINT, -7, 5, "bad checkpoint")                                                                                                                    \
    X(EIO, -8, 1, "input or output failed")                                                                                                                    \
    X(EUNSUPPORTED, -9, 1, "not supported")                                                                                                                    \
    X(ESTATE, -10, 1, "called in the wrong state")                                                                                                             \
    X(ENOTFOUND, -11, 2, "not found")                                                                                                                          \
    X(EINTERNAL, -12, 1, "internal error")                                                                                                                     \
    X(EINTERRUPTED, -13, 75, "interrupted, resumable")

typedef enum hk_status {
#define HK_STATUS_ENUM(name, value, code, text) HK_##name = (value),
    HK_STATUS_MAP(HK_STATUS_ENUM)
#undef HK_STATUS_ENUM
} hk_status;

typedef struct hk_context hk_context; /* the host's registry, error text and log */
typedef struct hk_module hk_module;   /* a configured instance of a registered type: layer, neuron, surrogate, optimizer, ... */
typedef struct hk_builder hk_builder; /* builds the graph over time */
typedef struct hk_stream hk_stream;   /* where a backend's work runs; its head is visible, see below */
typedef struct hk_device hk_device;   /* a backend's own */
typedef struct hk_op_plan hk_op_plan; /* a backend's own: one operation, ready to run; immutable */

typedef int32_t hk_value; /* a value of the graph; 0 is none */
typedef int32_t hk_loop;  /* a loop under construction */
#define HK_NONE 0

/* ---- values ------------------------------------------------------------------------------------------------------ */

typedef enum hk_dtype { HK_ABSENT = 0, HK_F32, HK_SPIKE /* u8, 0 or 1 */, HK_COUNT /* u8 */, HK_I64, HK_F64 /* border only */ } hk_dtype;

/* What a value varies with. Inside, a value with HK_T and HK_N is stored [block][T][n][row]; HK_N: [block][n][row];
 * HK_T: [T][row]; none: [row]; HK_G (partial sums): [group of HK_GROUP samples][row]. */
enum { HK_T = 1u, HK_N = 2u, HK_G = 4u };
#define HK_STATIC 0u
#define HK_STEP HK_T
#define HK_HELD HK_N
#define HK_SEQ (HK_T | HK_N)

/* One value: shape of one row (one sample at one step) in border order, e.g. {C,H,W}. A row that varies with n and has rank >= 2
 * is stored channels-last (axis 0 moved to the end: H,W,C); everything else is stored as written. */
typedef struct hk_desc {
    uint8_t dtype, flags, rank, pad;
    uint32_t pad2;
    int64_t shape[HK_MAX_RANK];
} hk_desc;

static inline int64_t hk_desc_elems(const hk_desc *d) { /* [any] numbers in one row */
    int64_t e = 1;
    for (int i = 0; i < d->rank; i++) e *= d->shape[i];
    return e;
}

/* ---- configuration: fields and modules --------------------------------------------------------------------------- */

typedef enum hk_kind { HK_BOOL = 1, HK_INT, HK_REAL, HK_STR, HK_ENUM, HK_INTS, HK_OBJECT, HK_REALS } hk_kind;
enum { HK_NULLABLE = 1u /* accepts none */ };

/* A hyper-parameter of a type. Positional arguments fill fields in table order. */
typedef struct hk_field {
    const char *name;
    uint32_t kind, flags;
    const char *def;     /* default, in constructor syntax ("2.0", "true", "none", "Sigmoid()"); NULL: required */
    double lo, hi;       /* inclusive range for INT and REAL (each number of INTS and REALS); lo == hi == 0: unchecked */
    const char *choices; /* ENUM: "add|sub|mul"; OBJECT: the interface, e.g. "hk.surrogate/1"; INTS, REALS (optional): words in place of numbers, "same|valid" */
    const char *doc;     /* meaning, with unit */
} hk_field;

typedef enum hk_init_law { HK_INIT_CONST = 1, HK_INIT_UNIFORM /* in [a, b) */, HK_INIT_NORMAL /* mean a, sd b */ } hk_init_law;
enum { HK_INIT_DIAGONAL = 0x100u }; /* with a law, of a square matrix: 0 off the diagonal */

/* Function table of a module; the first member of every hk_module. */
typedef struct hk_module_api {
    uint32_t struct_size;
    int64_t (*get_int)(const hk_module *, const char *field);                                    /* [any] BOOL and ENUM (index) too */
    double (*get_real)(const hk_module *, const char *field);                                    /* [any] NaN when none */
    const char *(*get_str)(const hk_module *, const char *field);                                /* [any] NULL when none, or when INTS and REALS are numbers */
    int (*get_ints)(const hk_module *, const char *field, int64_t *v, int max);                  /* [any] returns the count */
    int (*is_none)(const hk_module *, const char *field);                                        /* [any] */
    const hk_module *(*get_object)(const hk_module *, const char *field);                        /* [any] NULL when none */
    int (*n_child)(const hk_module *);                                                           /* [any] */
    const hk_module *(*child)(const hk_module *, int i);                                         /* [any] */
    const char *(*path)(const hk_module *);                                                      /* [any] "conv_fc.2"; "" for the root */
    const void *(*type)(const hk_module *);                                                      /* [any] the type's vtable */
    hk_status (*add_param)(hk_module *, const char *name, int rank, const int64_t *shape, uint32_t law, double a, double b, int learnable); /* [main] in init */
    hk_status (*fail)(const hk_module *, hk_status, const char *fmt, ...);                       /* [any] keeps the text, returns the code */
    void *(*user)(const hk_module *);                                                            /* [any] pointer given by a C program, or NULL */
    int (*get_reals)(const hk_module *, const char *field, double *v, int max);                  /* [any] returns the count; 0 when none */
    hk_status (*add_child)(hk_module *, const char *name, const char *text);                     /* [main] in init: a child from constructor text */
    hk_status (*add_param_values)(hk_module *, const char *name, int rank, const int64_t *shape, const double *v, int learnable); /* [main] in init; v is copied */
} hk_module_api;
struct hk_module {
    const hk_module_api *api;
};

static inline int64_t hk_get_int(const hk_module *m, const char *f) { return m->api->get_int(m, f); }
static inline int hk_get_bool(const hk_module *m, const char *f) { return m->api->get_int(m, f) != 0; }
static inline double hk_get_real(const hk_module *m, const char *f) { return m->api->get_real(m, f); }
static inline const char *hk_get_str(const hk_module *m, const char *f) { return m->api->get_str(m, f); }
static inline int hk_get_ints(const hk_module *m, const char *f, int64_t *v, int max) { return m->api->get_ints(m, f, v, max); }
static inline int hk_get_reals(const hk_module *m, const char *f, double *v, int max) { return m->api->get_reals(m, f, v, max); }
static inline int hk_is_none(const hk_module *m, const char *f) { return m->api->is_none(m, f); }
static inline const hk_module *hk_get_object(const hk_module *m, const char *f) { return m->api->get_object(m, f); }
static inline int hk_n_child(const hk_module *m) { return m->api->n_child(m); }
static inline const hk_module *hk_child(const hk_module *m, int i) { return m->api->child(m, i); }
static inline const char *hk_path(const hk_module *m) { return m->api->path(m); }
static inline void *hk_user(const hk_module *m) { return m->api->user(m); }
/* Builds a child "path.name" from constructor text, for types that are whole networks (model packs). [main] in a type's init. */
static inline hk_status hk_add_child(hk_module *m, const char *name, const char *text) { return m->api->add_child(m, name, text); }
/* Declares a learnable parameter (or with learnable = 0 a buffer) `path.name` of the state_dict. [main] in a type's init. */
static inline hk_status hk_add_param(hk_module *m, const char *name, int rank, const int64_t *shape, uint32_t law, double a, double b) {
    return m->api->add_param(m, name, rank, shape, law, a, b, 1);
}
/* Declares a parameter whose initial values are given, one for each element, or with learnable = 0 a buffer. [main] in a type's init. */
static inline hk_status hk_add_param_values(hk_module *m, const char *name, int rank, const int64_t *shape, const double *v, int learnable) {
    return m->api->add_param_values(m, name, rank, shape, v, learnable);
}

/* ---- the builder ------------------------------------------------------------------------------------------------- */

/* An attribute of an operation. Unused members are 0. */
typedef struct hk_attr {
    const char *name;
    int64_t i;
    double f;
    const void *p;
} hk_attr;

/* Function table of the builder; the first member of every hk_builder. The builder's first error sticks with its module path:
 * later calls return HK_NONE, so build functions need no checks. All [main]. */
typedef struct hk_builder_api {
    uint32_t struct_size;
    void (*emit)(hk_builder *, const char *op, int n_in, const hk_value *in, int n_out, hk_value *out, int n_attr, const hk_attr *attr);
    hk_value (*param)(hk_builder *, const hk_module *, const char *name);              /* STATIC; the same value each time it is asked for */
    hk_value (*constant)(hk_builder *, double v);                                      /* STATIC scalar */
    hk_value (*state)(hk_builder *, const hk_module *, const char *field, hk_value like, double def); /* HELD state before the run, or a carry inside a loop */
    void (*state_next)(hk_builder *, const hk_module *, const char *field, hk_value v); /* the state after the run, or the next carry */
    void (*module_build)(hk_builder *, const hk_module *, int n_in, const hk_value *in, int n_out, hk_value *out);
    void (*name_output)(hk_builder *, const hk_module *, const char *name, hk_value v); /* makes v readable as "path:name" */
    hk_desc (*desc)(hk_builder *, hk_value);
    int64_t (*steps)(hk_builder *);   /* T of this plan */
    int64_t (*batch)(hk_builder *);   /* N of this plan */
    int (*training)(hk_builder *);    /* 1 when building for training */
    int (*spiking)(hk_builder *);     /* 0: fire by the surrogate's primitive (gradient checks) */
    hk_loop (*loop_begin)(hk_builder *);
    hk_value (*loop_at)(hk_builder *, hk_loop, hk_value);                    /* SEQ: its slice at t; HELD, STATIC: itself */
    hk_value (*loop_carry)(hk_builder *, hk_loop, const char *name);         /* zeros or the last run's; shape settled at loop_end */
    void (*loop_next)(hk_builder *, hk_loop, hk_value carry, hk_value next);
    hk_value (*loop_stack)(hk_builder *, hk_loop, hk_value);                 /* a value of the body, at all t: SEQ outside */
    void (*loop_end)(hk_builder *, hk_loop);
    hk_status (*fail)(hk_builder *, hk_status, const char *fmt, ...);        /* "path 'Type': text"; returns the code */
    const void *(*keep)(hk_builder *, const void *data, size_t bytes);       /* a copy that lives as long as the plan, for hk_attr.p; NULL after an error */
    hk_value (*constants)(hk_builder *, int64_t n, const double *v);         /* STATIC row [n] of fixed numbers */
    void (*buffer_next)(hk_builder *, const hk_module *, const char *name, hk_value v); /* a buffer's value after this run; outside loops */
    hk_value (*named)(hk_builder *, const char *name); /* for learners: what name_output called "path:name", for all t */
    /* For the `build` of a neuron type: one neuron operation, its states bound and named. state[2 n_state], or NULL: the states after each step, then
     * those before the first one (in a loop: before this one). */
    hk_value (*neuron)(hk_builder *, const hk_module *, hk_value x, hk_value *state);
    /* on = 1: from here on, to the call with on = 0, what keeps state or depends on the step is an error with the module's name; draws at random stay allowed,
     * and step_mode is without effect. Calls may be nested. */
    void (*stateless)(hk_builder *, int on);
    hk_value (*loop_sum)(hk_builder *, hk_loop, hk_value); /* a value of the body, summed over t; no gradient comes back */
    hk_value (*reward)(hk_builder *); /* for learners: what the program writes as "reward": one number for each step and sample, SEQ; a run without it is an error */
    /* Where samples have lengths (HK_LENGTHS): *length, HELD, steps of each sample; the mask, SEQ, 1 at t < length, else 0. NONE, both, where all have T. Outside loops. */
    hk_value (*mask)(hk_builder *, hk_value *length);
} hk_builder_api;
struct hk_builder {
    const hk_builder_api *api;
};

static inline hk_value hk_param(hk_builder *b, const hk_module *m, const char *name) { return b->api->param(b, m, name); }
static inline hk_value hk_const(hk_builder *b, double v) { return b->api->constant(b, v); }
static inline void hk_buffer_next(hk_builder *b, const hk_module *m, const char *name, hk_value v) { b->api->buffer_next(b, m, name, v); }
static inline hk_value hk_named(hk_builder *b, const char *name) { return b->api->named(b, name); }
static inline hk_value hk_constants(hk_builder *b, int64_t n, const double *v) { return b->api->constants(b, n, v); }
static inline hk_value hk_neuron_op(hk_builder *b, const hk_module *m, hk_value x, hk_value *state) { return b->api->neuron(b, m, x, state); }
static inline const void *hk_keep(hk_builder *b, const void *data, size_t bytes) { return b->api->keep(b, data, bytes); }
static inline hk_value hk_mask(hk_builder *b, hk_value *length) { return b->api->mask(b, length); }
static inline hk_desc hk_value_desc(hk_builder *b, hk_value v) { return b->api->desc(b, v); }
static inline int64_t hk_steps(hk_builder *b) { return b->api->steps(b); }
static inline int hk_training(hk_builder *b) { return b->api->training(b); }
static inline int64_t hk_batch(hk_builder *b) { return b->api->batch(b); }
static inline hk_loop hk_loop_begin(hk_builder *b) { return b->api->loop_begin(b); }
static inline hk_value hk_loop_at(hk_builder *b, hk_loop l, hk_value v) { return b->api->loop_at(b, l, v); }
static inline hk_value hk_loop_carry(hk_builder *b, hk_loop l, const char *name) { return b->api->loop_carry(b, l, name); }
static inline void hk_loop_next(hk_builder *b, hk_loop l, hk_value c, hk_value n) { b->api->loop_next(b, l, c, n); }
static inline hk_value hk_loop_stack(hk_builder *b, hk_loop l, hk_value v) { return b->api->loop_stack(b, l, v); }
static inline hk_value hk_loop_sum(hk_builder *b, hk_loop l, hk_value v) { return b->api->loop_sum(b, l, v); }
static inline hk_value hk_reward(hk_builder *b) { return b->api->reward(b); }
static inline void hk_loop_end(hk_builder *b, hk_loop l) { b->api->loop_end(b, l); }
static inline void hk_module_build(hk_builder *b, const hk_module *m, int n_in, const hk_value *in, int n_out, hk_value *out) {
    b->api->module_build(b, m, n_in, in, n_out, out);
}
/* Emits one operation (hillock/ops.h lists them and wraps each). */
static inline void hk_emit(hk_builder *b, const char *op, int n_in, const hk_value *in, int n_out, hk_value *out, int n_attr, const hk_attr *attr) {
    b->api->emit(b, op, n_in, in, n_out, out, n_attr, attr);
}

/* ---- interfaces: module types ------------------------------------------------------------------------------------ */

/* "hk.module/1": layers, containers, encoders, losses, and neurons that are made of operations alone. What it computes is what `build` emits; there is no other forward or backward.
 * An encoder is a layer that turns numbers into spikes. A loss takes (y, target): y is the network's output f32, SEQ or HELD, [classes];
 * target is HK_I64, HELD, one class in [0, classes) for each sample, unless the type says otherwise (`target`); it gives a STATIC scalar (anything else
 * cannot be trained on). */
typedef enum hk_role { HK_LAYER = 1, HK_CONTAINER, HK_ENCODER, HK_LOSS, HK_NEURON } hk_role;
typedef struct hk_module_type {
    uint32_t struct_size, role;
    const char *doc, *source;      /* equation and meaning; paper, or package and class */
    const hk_field *fields;        /* NULL when n_fields is 0 */
    uint32_t n_fields;
    uint32_t min_child, max_child; /* how many child modules the constructor takes */
    const char *const *child_names; /* (optional) state_dict name of each child: "sub_module"; "": the parent's own path; NULL: 0, 1, ... */
    hk_status (*init)(hk_module *self); /* [main] (optional) checks the fields together, declares parameters; fails by self->api->fail */
    /* [main] Emits operations, once for each plan and each use of the module. in[]: n_in values, never NONE, of any shape and flags: check
     * them by hk_value_desc, whose dtype is HK_ABSENT while a loop's carry has no shape yet. out[]: n_out values to be filled, NONE before; the
     * first is what containers pass on. Keeps nothing. Fails by b->api->fail, and returns its code. */
    hk_status (*build)(hk_builder *, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out);
    /* [main] (optional) A loss's target, where it is not one class for each sample: dtype HK_I64 or HK_F32, flags and shape, given those of the network's output. */
    hk_desc (*target)(const hk_module *self, const hk_desc *y);
} hk_module_type;

/* "hk.scheduler/1": learning rate of an epoch, one scheduler step per epoch, in closed form: a resumed run asks for its epoch at once. */
typedef struct hk_scheduler_type {
    uint32_t struct_size, n_fields;
    const char *doc, *source;      /* the rule as an equation; package and class */
    const hk_field *fields;
    double (*lr)(const hk_module *self, double base_lr, int64_t epoch, int64_t epochs); /* [any] epoch counts from 0; of `epochs` in all; cannot fail */
    hk_status (*init)(hk_module *self); /* [main] (optional) checks the fields together */
} hk_scheduler_type;

/* "hk.learner/1": a rule that gives the gradient of one parameter, in place of backpropagation; the optimizer then steps the parameter as
 * any other; of a rule that is told of success by a reward, hk_reward(b) is that. It emits operations in training plans, behind the network and its loss; its state (hk_loop_carry, state) lies under the
 * parameter's name and goes on with hk_executor_continue. What it emits runs with the forward pass. */
typedef struct hk_learner_view {
    uint32_t struct_size, pad;
    const hk_module *layer; /* whose parameter it is */
    const char *param;      /* its own name there: "weight" */
    hk_value w, in, out;    /* the parameter; the layer's first input and output, for all t (HELD where they do not vary with t) */
} hk_learner_view;
typedef struct hk_learner_type {
    uint32_t struct_size, n_fields;
    const char *doc, *source;      /* the rule as an equation; paper, or package and class */
    const hk_field *fields;        /* NULL when n_fields is 0 */
    hk_status (*init)(hk_module *self); /* [main] (optional) checks the fields together; declares no parameters */
    /* [main] *grad: STATIC, or partial sums (HK_G), of the parameter's shape: what the optimizer subtracts, as it does a loss's gradient. */
    hk_status (*build)(hk_builder *, const hk_module *self, const hk_learner_view *, hk_value *grad);
} hk_learner_type;

/* "hk.dataset/1": labelled samples, all the same shape; pictures, which are shown for all T, or with `steps` sequences. */
typedef struct hk_dataset_type {
    uint32_t struct_size, n_fields;
    const char *doc, *source;
    const hk_field *fields;
    hk_status (*open)(const hk_module *self, int train, void **ds);  /* [main] reads or maps the split (train: 1, test: 0); *ds is the plugin's, freed with close. HK_EDATA by self->api->fail */
    void (*close)(void *ds);                                          /* [main] NULL is allowed */
    int64_t (*size)(const void *ds);                                  /* [any] number of samples */
    int (*shape)(const void *ds, int64_t *shape);                     /* [any] returns the rank; shape[HK_MAX_RANK] gets that of one sample in border order */
    int64_t (*classes)(const void *ds);                               /* [any] labels are 0 .. classes - 1 */
    hk_status (*read)(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y); /* [any] samples index[0..n): x[n][shape] border order, pictures in 0 .. 1; y[n]. The caller's memory; many threads at once. HK_EDATA, HK_EIO */
    const char *(*class_name)(const void *ds, int64_t c);             /* [any] (optional) of class c, 0 <= c < classes: short, ASCII, lives as long as ds; NULL: the number is shown */
    int64_t (*bytes)(const void *ds);                                 /* [any] (optional) memory that it holds */
    int64_t (*steps)(const void *ds);                                 /* [any] (optional) T of a set of sequences: shape is that of one step, and read gives x[n][T][shape]; 0: pictures */
    hk_status (*lengths)(const void *ds, int64_t n, const int64_t *index, int64_t *len); /* [any] (optional) of sequences index[0..n): 1 to T; HK_ENOTFOUND, also of n = 0: this set has none */
} hk_dataset_type;

/* ---- the plugin entry -------------------------------------------------------------------------------------------- */

/* Given to init; valid for the life of the process. */
typedef struct hk_host {
    uint32_t struct_size, abi_major, abi_minor, isa; /* isa: best level of this CPU (CPUID and XCR0), capped by [run] max_isa */
    hk_context *ctx;
    hk_status (*add)(hk_context *, const char *iface, const char *id, const void *vtable);  /* [init] id is case-sensitive; vtable is copied */
    const void *(*get)(hk_context *, const char *iface, const char *id);                    /* [any] NULL when unknown */
    hk_status (*fail)(hk_context *, hk_status, const char *fmt, ...);                       /* [any] keeps the text, returns the code */
    void (*log)(hk_context *, int level, const char *fmt, ...);                             /* [any] 0 error, 1 warning, 2 info, 3 debug */
    void *(*alloc)(hk_context *, size_t bytes, size_t align);                               /* [any] NULL when there is none */
    void (*free)(hk_context *, void *);                                                     /* [any] NULL is allowed */
} hk_host;

typedef struct hk_plugin_entry {
    uint32_t magic, struct_size, abi_major, abi_minor;
    uint64_t abi_print;                  /* HK_ABI_PRINT: sizes and offsets of every struct here, so that nobody has to bump a number */
    const char *id, *version, *license;
    const char *const *needs;            /* ids of plugins to load before, NULL-terminated; or NULL */
    hk_status (*init)(const hk_host *);  /* [init] registers types; what it added is taken back when it fails */
    void (*deinit)(void);                /* [main] (optional) */
} hk_plugin_entry;

#define HK_EXPORT __attribute__((visibility("default")))
#ifndef HK_STATIC_PLUGIN
#define HK_PLUGIN_SYMBOL hk_plugin
#else
#define HK_PLUGIN_SYMBOL HK_STATIC_PLUGIN
#endif
#ifdef __cplusplus
#define HK_PLUGIN_LINKAGE extern "C"
#else
#define HK_PLUGIN_LINKAGE
#endif
#define HK_PLUGIN_ENTRY(id_, version_, license_, init_, needs_)                                                                                                \
    HK_PLUGIN_LINKAGE HK_EXPORT extern const hk_plugin_entry HK_PLUGIN_SYMBOL;                                                                                 \
    const hk_plugin_entry HK_PLUGIN_SYMBOL = { HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, id_, version_, license_, needs_, init_, NULL }
/* Once in a plugin: HK_PLUGIN("my.neurons", "1.0", "Apache-2.0", init_function);
 * with the ids of plugins that must be loaded before: HK_PLUGIN_NEEDS("my.nets", "1.0", "Apache-2.0", init_function, "my.neurons", "hillock.layers"); */
#define HK_PLUGIN(id_, version_, license_, init_) HK_PLUGIN_ENTRY(id_, version_, license_, init_, NULL)
#define HK_PLUGIN_NEEDS(id_, version_, license_, init_, ...)                                                                                                   \
    static const char *const hk_plugin_needs[] = { __VA_ARGS__, NULL };                                                                                        \
    HK_PLUGIN_ENTRY(id_, version_, license_, init_, hk_plugin_needs)

#ifdef __cplusplus
}
#endif

#include "hillock/neuron.h"  /* neurons, surrogates, optimizers: texts in the portable dialect, and the kernels made from them */
#include "hillock/ops.h"     /* the operations, and one inline function for each */
#include "hillock/backend.h" /* what a backend implements */
#include "hillock/operation.h" /* an operation type from a plugin */
#include "hillock/print.h"   /* HK_ABI_PRINT */

#endif
