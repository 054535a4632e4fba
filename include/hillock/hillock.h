/* hillock/hillock.h - the whole API, for programs, model packs and trainer extensions that link libhillock.
 *
 * The order of use: a context (plugins), a module tree (the network as the user names it), a network (parameters on a backend), an
 * executor (a plan, its state), then write, run, read. Every function returns HK_OK or a negative status; hk_error(ctx) says what,
 * where, expected, got. Objects are used by one thread at a time; runs use the backend's threads inside.
 * Ownership: whoever gets an object from a *_new function frees it with *_free; freeing NULL is allowed. */
#ifndef HILLOCK_HILLOCK_H
#define HILLOCK_HILLOCK_H

#include "hillock/arrays.h"
#include "hillock/containers.h"
#include "hillock/plugin.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HK_API __attribute__((visibility("default")))

/* ---- status ------------------------------------------------------------------------------------------------------- */
HK_API const char *hk_status_name(hk_status);      /* "EINVAL" */
HK_API const char *hk_status_text(hk_status);      /* "invalid argument" */
HK_API int hk_status_exit_code(hk_status);         /* of the command */
HK_API const char *hk_version(void);               /* "0.1.0" */

/* ---- context: registry, plugins, errors --------------------------------------------------------------------------- */
typedef struct hk_context_config {
    uint32_t struct_size;
    uint32_t max_isa;          /* hk_isa cap for all kernels; default HK_ISA_AVX512: no cap */
    const char *plugin_path;   /* extra folders or files, ':' between; searched first; NULL: none */
    int no_default_plugins;    /* 1: load nothing by itself */
    int log_level;             /* 0 error, 1 warning (default), 2 info, 3 debug; messages go to stderr */
} hk_context_config;
#define HK_CONTEXT_CONFIG_DEFAULT { (uint32_t)sizeof(hk_context_config), HK_ISA_AVX512, NULL, 0, 1 }

/* Loads all plugins found in config->plugin_path, $HILLOCK_PLUGIN_PATH and the folder hillock/plugins beside libhillock, in this order.
 * A folder's refused files are kept with their reason (hk_plugin_each). config NULL: the default. *out is set even on failure when
 * there was memory for it, so that hk_error can be read. */
HK_API hk_status hk_context_new(const hk_context_config *config, hk_context **out);
HK_API void hk_context_free(hk_context *);
/* The text of the last error, "" when there was none: context added by each layer, outermost first. Valid until the next call. */
HK_API const char *hk_error(const hk_context *);
HK_API uint32_t hk_context_isa(const hk_context *); /* hk_isa level in use */
HK_API hk_status hk_plugin_load(hk_context *, const char *file);            /* a named file: every failure is an error */
HK_API hk_status hk_plugin_add(hk_context *, const hk_plugin_entry *entry); /* an entry linked into the program */
/* Calls cb for each plugin found. refused: NULL, or the reason; then id is NULL, unless the reason is that its id was found before. */
HK_API void hk_plugin_each(const hk_context *, void (*cb)(void *arg, const char *file, const char *id, const char *version, const char *refused), void *arg);
/* Calls cb for each folder or file in which plugins were looked for, in this order, with who named it ("$HILLOCK_PLUGIN_PATH"). */
HK_API void hk_plugin_each_place(const hk_context *, void (*cb)(void *arg, const char *place, const char *named_by), void *arg);
/* Calls cb for each registered type of an interface ("hk.module/1", ...; NULL: all), in order of interface, then id. */
HK_API void hk_type_each(const hk_context *, const char *iface, void (*cb)(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable), void *arg);
HK_API const void *hk_type_get(const hk_context *, const char *iface, const char *id); /* NULL when unknown */

/* ---- modules ------------------------------------------------------------------------------------------------------ */
/* Builds a module tree from constructor text: Name(args, key=value, Child(...)). `iface` is what the outermost name must be
 * ("hk.module/1" also finds neurons). ENOTFOUND names what is there. */
HK_API hk_status hk_module_new_from_text(hk_context *, const char *iface, const char *text, hk_module **out);
/* A sequential network with a state_dict name for each layer, as in the ini's [layers]. */
HK_API hk_status hk_module_new_sequential(hk_context *, int n, const char *const *names, const char *const *texts, hk_module **out);
HK_API void hk_module_free(hk_module *);
/* Writes the constructor text of a module, all fields given; like snprintf. */
HK_API int hk_module_to_text(const hk_module *, char *buf, size_t size);
/* Hands a C program's pointer to the module at `path` (ElementWiseRecurrent's user function: hk_ewr_user of hillock/containers.h). */
HK_API hk_status hk_module_set_user(hk_module *root, const char *path, void *user);

/* ---- network: parameters and plans on a backend ------------------------------------------------------------------- */
enum { HK_PASS_FOLD_TIME = 1u, HK_PASS_HOIST = 2u, HK_PASS_FOLD_NORM = 4u, HK_PASS_FUSE = 8u }; /* passes that can be switched off */
/* What a plan keeps and what it makes again. The three give each other's bits on a backend whose bits do not depend on the block size, but for parameters' gradients
 * where one of them goes through time in chunks (hk_network_config.chunk), which adds them up in another order. */
typedef enum hk_memory {
    HK_MEMORY_BALANCED = 0, /* little is computed again: what costs next to nothing, and what keeps a block in cache */
    HK_MEMORY_FAST = 1,     /* nothing is */
    HK_MEMORY_SMALL = 2     /* more is, in chunks of steps, and blocks have HK_GROUP samples */
} hk_memory;
typedef struct hk_network hk_network;
/* Operations of the caller's around the network, in every plan: the gradient flows through them. Each slot may be NULL, is called once for a
 * plan ([main]), and gives a value of what it got; hk_training(b) tells training from inference. An error is the builder's (b->api->fail). */
typedef struct hk_network_hooks {
    uint32_t struct_size, pad;
    void *arg;
    hk_value (*input)(void *arg, hk_builder *b, hk_value x);  /* what the network gets in place of x */
    hk_value (*output)(void *arg, hk_builder *b, hk_value y); /* what loss, "correct" and "y" see in place of the network's output */
    hk_value (*loss)(void *arg, hk_builder *b, hk_value y, hk_value target, const hk_module *loss); /* one number, to be trained on; the default: what `loss` builds */
} hk_network_hooks;
typedef struct hk_network_config {
    uint32_t struct_size;
    int32_t threads;          /* 0: one per CPU available */
    const char *backend;      /* "cpu" */
    uint64_t seed;            /* of parameter values and of every random draw */
    const hk_module *loss;      /* (optional) role LOSS; kept by pointer */
    const hk_module *optimizer; /* (optional) "hk.optimizer/1"; kept by pointer */
    int64_t nb;               /* samples per block: a multiple of HK_GROUP; 0: the backend's choice; -1: all */
    uint32_t passes_off;      /* HK_PASS_* */
    int32_t spiking;          /* 0: surrogates' primitives instead of steps, for gradient checks */
    int64_t memory_limit;     /* bytes that parameters, the largest plan and memory_used may take; 0: memory and swap of the machine */
    int64_t memory_used;      /* bytes that the program holds beside: data, batches */
    const char *options;      /* (optional) the backend's own, "key=value, key=value"; read during hk_network_new */
    uint32_t memory;          /* hk_memory */
    /* What is done between the backward pass and the optimizer, on the backend, and behind it. */
    int32_t accumulate;       /* batches of one optimizer step, which gets the mean of their gradients; 0, 1: one */
    double clip_norm;         /* gradients times min(1, clip_norm / (norm + 1e-6)), norm: of all that learn together (torch.nn.utils.clip_grad_norm_); 0: off */
    double clip_value;        /* each number of a gradient is kept between -clip_value and clip_value (clip_grad_value_), before clip_norm; 0: off */
    double ema;               /* decay of an average of all parameters and buffers, a = ema a + (1 - ema) w behind each step, a = w behind the first; 0: none */
    const hk_network_hooks *hooks; /* (optional) kept by pointer, must outlive the network */
    int64_t chunk;            /* steps that training goes through at a time, forward, and again before it goes back: less memory, another order of sums over t; 0: as `memory` has it; T and more: all */
    int32_t tune, pad;        /* 1: where backends can do an operation in several ways, it is measured which is fastest here, when the first plan with it is made (seconds at most) */
} hk_network_config;
#define HK_NETWORK_CONFIG_DEFAULT { (uint32_t)sizeof(hk_network_config), 0, "cpu", 0, NULL, NULL, 0, 0, 1, 0, 0, NULL, HK_MEMORY_BALANCED, 0, 0, 0, 0, NULL, 0, 0, 0 }

typedef struct hk_param_info {
    const char *name;         /* state_dict name, "0.weight" */
    int32_t rank, learnable;
    int64_t shape[HK_MAX_RANK], elems;
} hk_param_info;

/* `root` is kept by pointer and must outlive the network. Parameters are drawn from their types' initial laws. */
HK_API hk_status hk_network_new(hk_context *, hk_module *root, const hk_network_config *, hk_network **out);
HK_API void hk_network_free(hk_network *);
HK_API int hk_network_n_param(const hk_network *);
HK_API const hk_param_info *hk_network_param(const hk_network *, int i);
HK_API int hk_network_find_param(const hk_network *, const char *name);                         /* -1: none */
HK_API hk_status hk_network_write_param(hk_network *, int i, const float *values);
HK_API hk_status hk_network_read_param(hk_network *, int i, float *values);
HK_API hk_status hk_network_write_param64(hk_network *, int i, const double *values);           /* the same, in double */
HK_API hk_status hk_network_read_param64(hk_network *, int i, double *values);
HK_API hk_status hk_network_set_learnable(hk_network *, int i, int learnable);                  /* before the first executor; 0 freezes */
/* A rule ("hk.learner/1") that gives parameter i's gradient in place of backpropagation; NULL: none. Before the first executor; kept by
 * pointer, must outlive the network. "grad:PARAM" reads what it gives, "state:PARAM.FIELD" its state. */
HK_API hk_status hk_network_set_learner(hk_network *, int i, const hk_module *learner);
/* Parameters with an optimizer of their own (torch's parameter groups): a module of the type of the network's, kept by pointer. Group 0 is the
 * network's. Before the first executor. */
HK_API hk_status hk_network_add_group(hk_network *, const hk_module *optimizer, int *group);
HK_API hk_status hk_network_set_group(hk_network *, int i, int group);                          /* parameter i's; 0 at the beginning */
HK_API void hk_network_set_lr(hk_network *, int group, double lr);                              /* of the steps that follow; NaN: its optimizer's own */
/* What was chosen by measuring, as text of one line for each operation, "train conv_fc.4 conv2d = cpu winograd spikes=27"; times: what was measured behind a '#'.
 * Writes at most size bytes, 0 included; returns the length of the whole text, 0: nothing was chosen. */
HK_API int hk_network_tuned(const hk_network *, int times, char *buf, size_t size);
/* Takes such a text's choices, and measures nothing more. Before the first hk_executor_shape; `name` is what errors call it. HK_ECONFIG: a line is none, with its number;
 * HK_EPLUGIN: a backend is named that the network's is not and does not extend. A way that a backend does not have fails hk_executor_shape. */
HK_API hk_status hk_network_tune(hk_network *, const char *text, const char *name);
/* The first of them that no plan has used, "train MODULE OPERATION"; NULL: none. */
HK_API const char *hk_network_tune_unused(const hk_network *);
/* The average of parameter or buffer i, of a network made with ema above 0; like read_param. Writing a parameter before the first step writes it too. */
HK_API hk_status hk_network_read_ema(hk_network *, int i, float *values);
HK_API hk_status hk_network_write_ema(hk_network *, int i, const float *values);
HK_API hk_status hk_network_read_ema64(hk_network *, int i, double *values);                    /* the same, in double */
HK_API hk_status hk_network_write_ema64(hk_network *, int i, const double *values);
/* Optimizer state k of parameter i, named by the optimizer ("exp_avg"); like read_param. */
HK_API int hk_network_n_opt_state(const hk_network *);
HK_API const char *hk_network_opt_state_name(const hk_network *, int k);
HK_API hk_status hk_network_read_opt_state(hk_network *, int k, int i, float *values);
HK_API hk_status hk_network_write_opt_state(hk_network *, int k, int i, const float *values);
HK_API hk_status hk_network_read_opt_state64(hk_network *, int k, int i, double *values);       /* the same, in double */
HK_API hk_status hk_network_write_opt_state64(hk_network *, int k, int i, const double *values);
HK_API hk_dtype hk_network_dtype(const hk_network *);                                           /* in which the backend keeps them exactly: F32 or F64 */
/* The program holds so many more bytes, which plans made from here on count as they do memory_used. */
HK_API void hk_network_hold(hk_network *, int64_t bytes);
HK_API int64_t hk_network_step(const hk_network *);                                             /* optimizer steps done */
HK_API void hk_network_set_step(hk_network *, int64_t step);                                    /* drops what accumulate has gathered since the last step */
HK_API int64_t hk_network_skipped(const hk_network *);                                          /* of these steps, those that HK_GUARD left out: the optimizer does not count them */
HK_API void hk_network_set_skipped(hk_network *, int64_t n);

/* ---- executor ----------------------------------------------------------------------------------------------------- */
typedef struct hk_executor hk_executor;
typedef enum hk_mode { HK_INFER = 0, HK_TRAIN = 1 } hk_mode;
enum {
    HK_SEPARATE = 1u,     /* TRAIN: run, backward and step are three calls; else run does all three in one pass over memory */
    HK_INPUT_GRAD = 2u,   /* TRAIN: "grad:x" can be read */
    HK_EVAL = 4u,         /* TRAIN: gradients of the network as it infers: running statistics, no dropout */
    HK_FORGET = 8u,       /* sequence state ends with the run and takes no memory: no continue, no "state:PATH.FIELD" */
    HK_GUARD = 32u,       /* TRAIN: where the loss or a gradient is not finite, the step is not done: parameters, optimizer state and running statistics stay as
                             they were behind the last step that was done, and the optimizer does not count it. Decided on the device; hk_executor_skipped tells */
    HK_AVERAGED = 64u,    /* INFER: with the averages in place of parameters and buffers; the network must have ema above 0 */
    HK_UNFUSED = 2048u,   /* operations one by one, each under its own layer, as with HK_PASS_FUSE off: for who counts what layers cost */
    HK_TOP5 = 1024u,      /* "correct5" can be read where the output has five classes or more: how many labels are among the five largest scores */
    HK_NO_LOSS = 16u      /* INFER: neither loss nor "correct"; "y" is kept only when named among the outputs, or when none is */
};
enum { /* flags that say more of a batch */
    HK_SOFT = 256u,       /* "target" is f32 [N,C], a share of each class for each sample (mixup), where the loss takes one class for each */
    HK_LENGTHS = 512u     /* "lengths", i64 [N], is written with each batch: of sample n only steps t < lengths[n] count for loss, "rate" and "correct" */
};
typedef struct hk_output {
    const char *name;         /* "y": the network's output; "rate": its mean over T; "path:v" or ":v": a named output of a module: y; a neuron's states;
                                 z: what its spike is a step of (h - v_threshold), also of a layer of operations that fires */
    int32_t upstream;         /* TRAIN: takes an upstream gradient, written as "grad_out:NAME" before backward */
    int32_t gradient;         /* TRAIN: 1: its gradient by the loss is kept, and read as "grad_of:NAME" (of a value inside a loop: by what reads it outside) */
} hk_output;
typedef struct hk_executor_config {
    uint32_t struct_size;
    uint32_t mode, flags;
    int32_t n_output;
    const hk_output *outputs; /* what will be read beside "y", or takes upstream gradients */
} hk_executor_config;

HK_API hk_status hk_executor_new(hk_network *, const hk_executor_config *, hk_executor **out);
HK_API void hk_executor_free(hk_executor *);
/* Chooses the plan for a batch: T steps, N samples, one row of `shape`; seq = 1: x is [T,N,*], else one picture [N,*] for all T.
 * Builds the plan when it is new (all allocation happens here), else takes it from the cache. */
HK_API hk_status hk_executor_shape(hk_executor *, int64_t T, int64_t N, int seq, int rank, const int64_t *shape);
/* The only ways across the device border. Border order is PyTorch's. dtype of data: HK_F32, HK_F64, HK_I64 or u8 (HK_SPIKE); it is
 * converted. `count`: numbers in data, checked. Names: "x"; "target" (i64 [N], or what the loss says; HK_SOFT); "lengths" (i64 [N], 1 to T; HK_LENGTHS); "reward" ([T,N], where a learner takes one: before each run); "grad_out:NAME"; "state:PATH.FIELD" [N,*];
 * read also: "y", "loss", "correct" (number right), "correct5", "rate" and "PATH:OUT" (named among the outputs), "grad:x", "grad_of:NAME", "grad:PARAM" (as the last step had
 * it, or the last batch), "grad_norm" (with clip_norm: of all gradients at the last step, before it). */
HK_API hk_status hk_executor_write(hk_executor *, const char *name, hk_dtype, const void *data, int64_t count);
HK_API hk_status hk_executor_read(hk_executor *, const char *name, hk_dtype, void *data, int64_t count);
/* The shape at the border of what `name` reads: rank, and dims[0..rank). */
HK_API hk_status hk_executor_dims(hk_executor *, const char *name, int *rank, int64_t dims[HK_MAX_RANK + 2]);
HK_API hk_status hk_executor_run(hk_executor *);      /* every sequence starts from the default state, or the one written */
HK_API hk_status hk_executor_continue(hk_executor *); /* goes on from the last state, cut off from its gradient; not with HK_FORGET */
/* Inference on a sequence of T steps in parts of `chunk` (the last may be shorter), each going on from the last: the numbers of one run over T, with the memory
 * of a part. x [T,N,*shape]; y (may be NULL) [T,N,*]: the network's output, y_count numbers. part (may be NULL) is called after each with its first step and
 * number of steps, for what else is to be read; what it returns other than HK_OK ends the call. ESTATE: the executor trains, or forgets (HK_FORGET), or a layer
 * needs the whole sequence at once. ESHAPE. Source: SpikingJelly 2.0, functional.chunk_multi_step_forward. */
HK_API hk_status hk_executor_chunks(hk_executor *, int64_t T, int64_t chunk, int64_t N, int rank, const int64_t *shape, const float *x, float *y, int64_t y_count,
                                    hk_status (*part)(void *arg, hk_executor *, int64_t t0, int64_t steps), void *arg);
HK_API hk_status hk_executor_backward(hk_executor *); /* HK_SEPARATE only */
/* The optimizer. HK_SEPARATE; or accumulate above 1: a step from the batches that are there, where fewer are left than it takes. */
HK_API hk_status hk_executor_step(hk_executor *);
HK_API int64_t hk_executor_pending(const hk_executor *); /* accumulate: batches since the last step */
HK_API int hk_executor_skipped(const hk_executor *);  /* HK_GUARD: whether the last call was a step that was not done */
HK_API void hk_executor_set_lr(hk_executor *, double lr); /* of group 0 */

typedef struct hk_plan_stats {
    int64_t arena, live_max, params, state, nb, blocks, lines;
    int64_t kept; /* bytes of what a plan for inference keeps from run to run: packed weights, folded batch normalisations */
} hk_plan_stats;
HK_API hk_status hk_executor_stats(const hk_executor *, hk_plan_stats *);
/* Prints every operation of the current plan: rows, implementation, bytes; then the peak and the largest live sum. */
HK_API hk_status hk_executor_print(const hk_executor *, FILE *);

/* ---- profile ---- */
typedef struct hk_op_time {
    const char *op, *path, *impl; /* operation, module ("." the root's), implementation; live as long as the executor */
    int32_t phase, pad;           /* 0 forward, 1 backward, 2 update, 3 gradients added up over batches */
    int64_t calls;                /* one for each block, and in a loop for each step */
    double seconds;               /* by the clock: where several threads run blocks, their sum divided by their number; a loop without its body */
    double flop, bytes;           /* of all calls: floating point operations of a product, as if all inputs were dense (0: no product); each operand once */
} hk_op_time;
typedef struct hk_op_event {
    hk_op_time op;                /* calls is 1; op "run" and phase -1: the whole run */
    int32_t thread, t, block, piece; /* t: step inside a loop; piece: a part of an operation that is split among threads */
    int64_t run;                  /* from 0 */
    double start;                 /* seconds of CLOCK_MONOTONIC */
} hk_op_event;
/* on = 1: from here on, run, continue, backward and step measure the time of each operation; for the first trace_runs of them each call is
 * kept too. Starts anew when it was on. on = 0: stops and forgets. While off it costs one branch for each call. ENOMEM, EINVAL. */
HK_API hk_status hk_executor_profile(hk_executor *, int on, int64_t trace_runs);
/* Calls cb for each operation of each plan that ran, in order; *runs, *seconds: how many calls of run, continue, backward and step there were, and
 * what they took. The operations' seconds add up to that, but for waiting and dispatch. ESTATE: profiling is off. */
HK_API hk_status hk_executor_profile_each(const hk_executor *, void (*cb)(void *arg, const hk_op_time *), void *arg, int64_t *runs, double *seconds);
/* Calls cb for each call that was kept, by thread, in the order in which they ended; *lost: how many there was no room for. */
HK_API hk_status hk_executor_profile_events(const hk_executor *, void (*cb)(void *arg, const hk_op_event *), void *arg, int64_t *lost);

/* ---- files -------------------------------------------------------------------------------------------------------- */
/* safetensors: a table of named tensors. */
typedef struct hk_tensor {
    const char *name;
    hk_dtype dtype;           /* F32, F64, I64, SPIKE (U8) */
    int32_t rank;
    int64_t shape[8];
    void *data;               /* row-major; owned by the file object when read */
} hk_tensor;
typedef struct hk_file hk_file;
HK_API hk_status hk_file_read(hk_context *, const char *path, hk_file **out);   /* the whole file; ECHECKPOINT on anything wrong with it */
HK_API void hk_file_free(hk_file *);
HK_API int hk_file_n(const hk_file *);
HK_API const hk_tensor *hk_file_at(const hk_file *, int i);                     /* in file order */
HK_API const hk_tensor *hk_file_find(const hk_file *, const char *name);        /* NULL: none */
HK_API const char *hk_file_meta(const hk_file *, const char *key);              /* __metadata__; NULL: none */
/* Writes atomically: temporary file, fsync, rename, fsync of the folder. meta: n_meta pairs key, value. */
HK_API hk_status hk_file_write(hk_context *, const char *path, int n, const hk_tensor *tensors, int n_meta, const char *const *meta);

/* Writes the weights of `net`, made of `root`, as they are without its batch normalisations: where a Conv1d, Conv2d or Conv3d stands right before a BatchNorm of
 * as many axes in a sequence, w' = w s and b' = (b - mean) s + beta, s = gamma / sqrt(var + eps), by the running statistics; entries of the
 * normalisation are left out, the convolution has a `bias`. Others stay as they are. f32 under state_dict names, atomically. each (may be NULL) is called for
 * each pair, with the paths of both. EINVAL: there is no such pair. Source: SpikingJelly 2.0, functional.fuse_conv_bn_eval_modules. */
HK_API hk_status hk_fuse_conv_bn(hk_context *, const hk_module *root, hk_network *net, const char *path, void (*each)(void *arg, const char *conv, const char *norm), void *arg);

/* ---- data ---------------------------------------------------------------------------------------------------------- */
/* A data set ("hk.dataset/1") of the program's own arrays (hillock/arrays.h), kept by pointer. text: constructor of the type, as
 * "Arrays(order=NT, classes=10)"; NULL: "Arrays()". What is wrong with the arrays is said when it is opened. */
HK_API hk_status hk_dataset_new_from_arrays(hk_context *, const char *text, const hk_arrays_pair *, hk_module **out);

/* ---- monitors: named values of an executor over many runs ---------------------------------------------------------- */
typedef struct hk_monitor hk_monitor;
typedef enum hk_monitor_mode {
    HK_MONITOR_MEAN = 0, /* mean over steps, samples and runs of each number of a row, in memory that does not grow: firing rates of "PATH:y" */
    HK_MONITOR_FULL = 1  /* every run's numbers, [T,N,*] */
} hk_monitor_mode;
/* names: as hk_executor_read has them ("0:y", "0:v", "grad_of:0:y", "grad:0.weight"); outputs are named when the executor is made. Behind
 * hk_executor_shape. The executor must outlive the monitor. As spikingjelly.activation_based.monitor. */
HK_API hk_status hk_monitor_new(hk_executor *, hk_monitor_mode, int n, const char *const *names, hk_monitor **out);
HK_API void hk_monitor_free(hk_monitor *);
HK_API hk_status hk_monitor_take(hk_monitor *);  /* behind a run: looks at what it left */
HK_API void hk_monitor_clear(hk_monitor *);      /* as when it was new */
/* What it has, for hk_file_write: MEAN: a tensor for each name; FULL: for each name and run, that of run k > 0 called NAME.k. Its own, until the next call. */
HK_API hk_status hk_monitor_tensors(hk_monitor *, int *n, const hk_tensor **tensors);

/* ---- randomness --------------------------------------------------------------------------------------------------- */
/* Philox4x32-10: a number of [0, 1) with 24 bits, from stream (hash of a module path, mixed with the seed) and four indices. */
HK_API float hk_random(uint64_t seed, uint64_t stream, int64_t step, int64_t t, int64_t sample, int64_t position);
HK_API uint64_t hk_random_stream(const char *path);

/* ---- the trainer -------------------------------------------------------------------------------------------------- */
/* The `hillock` command. Returns the exit code. */
HK_API int hk_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
