/* fuse.h - what the rules of this folder share. A rule looks at the neighbourhood of one operation and, where it fits, puts one operation
 * in place of the group. It declines, and leaves a note in the plan, when somebody outside the group reads what would no longer exist (a
 * tap), or when the backend does not take the new operation. */
#ifndef HK_FUSE_H
#define HK_FUSE_H

#include "exec/exec.h"

typedef struct hk__rule {
    const char *name; /* "batchnorm+neuron+pool" */
    bool (*apply)(hk__builder *, const struct hk__rule *, int32_t node); /* true: the group of operation `node` is one operation now */
    bool in_loops;     /* tried in the bodies of loops too */
    bool no_gradients; /* for inference: its operation has no gradient */
} hk__rule;

/* In the order in which they are tried: the largest group first. A new rule is a file and a name here. */
#define HK_RULES(X) X(linear_linear) X(batchnorm_neuron_pool) X(batchnorm_neuron) X(neuron_pool) X(conv_pool) X(columns_linear) X(flatten_draw) X(spike_table) X(table_add) X(linear_neuron) X(neuron_mean)

#define HK_RULE_EXTERN(name) extern const hk__rule hk__rule_##name;
HK_RULES(HK_RULE_EXTERN)
#undef HK_RULE_EXTERN

/* The top operation of that name that makes v; 0: another one does. */
int32_t hk__made_by(const hk__graph *, hk_value v, const char *op);
/* Whether `reader` alone reads v; else notes that `rule` declined at its path, and why. */
bool hk__only_reader(hk__graph *, const hk__rule *, hk_value v, int32_t reader, const char *what);
/* Emits a top operation in the place of `at`, whose path it gets, if the backend takes it; false, and a note: it does not. */
bool hk__fuse_emit(hk__builder *, const hk__rule *, int32_t at, const char *op, int n_in, const hk_value *in, int n_out, hk_value *out, int n_attr, const hk_attr *attr);
/* Takes an operation whose results were replaced out of the graph. */
void hk__drop_node(hk__graph *, int32_t node);

/* core/fuse/neuron_group.c: [batchnorm] neuron [maxpool2d] as one fused_neuron */
bool hk__fuse_neuron(hk__builder *, const hk__rule *, int32_t neuron, bool norm, bool pool);

#endif
