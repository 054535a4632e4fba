/* runner.h - what the files of the golden runner share.
 *
 * The runner reads reference files (tests/golden/README.md), builds each case from its spec through the public API, and compares every
 * out.*, grad.* and step*.* tensor. It knows how names are mapped, and no mathematics. One file for each kind, one line in main.c. */
#ifndef GOLDEN_RUNNER_H
#define GOLDEN_RUNNER_H

#include "hillock/hillock.h"
#include <jansson.h>
#include <stdbool.h>

typedef struct gr_options {
    const char *dir, *only, *backend, *options;
    int64_t nb;
    uint32_t memory;
    int64_t chunk;
    int threads, verbose;
    uint32_t max_isa;
} gr_options;

#define GR_MAX_MISSING 16
typedef struct gr_case {
    hk_context *ctx;
    const gr_options *opt;
    const char *file;
    const char *kind, *source;
    hk_file *data;
    json_t *spec;
    double rtol, atol;
    bool *done; /* for each tensor of the file: compared */
    int compared;
    bool failed;
    char missing[GR_MAX_MISSING][64]; /* types the registry lacks: the case is skipped */
    int n_missing;
} gr_case;

/* ---- compare.c ---- */
void gr_fail(gr_case *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool gr_ok(gr_case *, hk_status, const char *what); /* false after a failure, which is printed with hk_error */
const hk_tensor *gr_find(const gr_case *, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* NULL: none */
int64_t gr_elems(const hk_tensor *);
double *gr_doubles(const hk_tensor *); /* malloc */
void gr_compare(gr_case *, const hk_tensor *want, const double *got);
void gr_mark(gr_case *, const hk_tensor *);                           /* compared by other means */
void gr_check_complete(gr_case *);                                    /* every out, grad and step tensor was compared */
bool gr_prefix(const char *s, const char *prefix, const char **rest); /* rest may be NULL */

/* ---- spec.c: constructor text from specs ---- */
typedef struct gr_text {
    char *s;
    size_t n;
} gr_text;
void gr_put(gr_text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Is a type there? Notes it as missing when not. iface "hk.module/1" finds neurons too. */
bool gr_need(gr_case *, const char *iface, const char *id);
void gr_put_value(gr_text *, const json_t *);
/* `, key=value` for each member of an object but those in skip (NULL-terminated, or NULL); `first`: nothing stands before. Returns the new `first`. */
bool gr_put_args(gr_text *, const json_t *args, const char *const *skip, bool drop_null, bool first);
void gr_put_surrogate(gr_case *, gr_text *, const json_t *surrogate);
/* A neuron, layer or container: Name(children..., key=value...). */
void gr_put_object(gr_case *, gr_text *, const json_t *object, const json_t *default_surrogate, bool drop_null);
char *gr_module_id(const gr_case *, const char *class_name, char buf[96]);
const char *gr_spec_str(const gr_case *, const char *key); /* "" when absent */
/* The text that stands for an English string in a spec, from pairs ended by NULL; an unknown one is a failure. "" when absent. */
const char *gr_phrase(gr_case *, const char *key, const char *const *pairs);

/* ---- net.c: networks ---- */
typedef struct gr_net {
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
} gr_net;
/* n->root is there already (then text is NULL) or is made from text. Loads param.*; what has no grad.* learns not. All return false after a failure. */
bool gr_net_open(gr_case *, gr_net *, const char *text, const char *loss, const char *optimizer, int spiking);
bool gr_net_params(gr_case *, gr_net *);
bool gr_net_executor(gr_case *, gr_net *, uint32_t mode, uint32_t flags, int n_output, const hk_output *outputs);
bool gr_net_write(gr_case *, gr_net *, const char *name, const hk_tensor *);
bool gr_net_read(gr_case *, gr_net *, const char *name, const hk_tensor *want);
bool gr_net_read_param(gr_case *, gr_net *, const char *name, const hk_tensor *want);
void gr_net_close(gr_net *);

/* ---- plain.c: one module, x in, named outputs, upstream gradients ---- */
typedef struct gr_shape {
    int64_t T, N;
    int seq, rank;
    int64_t shape[8];
} gr_shape;
gr_shape gr_shape_seq(const hk_tensor *x); /* [T,N,*]; [T]: one sample of one number */
uint32_t gr_eval_flag(const gr_case *);       /* HK_EVAL when the case is in evaluation mode */
void gr_run_plain(gr_case *, const char *text, const gr_shape *, bool infer_too);

/* ---- kinds ---- */
void gr_surrogate(gr_case *);
void gr_surrogate_snn(gr_case *);
void gr_neuron(gr_case *);
void gr_neuron_snn(gr_case *);
void gr_container(gr_case *);
void gr_layer(gr_case *);
void gr_loss(gr_case *);
void gr_loss_snn(gr_case *);
void gr_encoder(gr_case *);
void gr_optimizer(gr_case *);
void gr_scheduler(gr_case *);
void gr_frames(gr_case *);
void gr_network(gr_case *);

#endif
