/* batchnorm_neuron_pool.c - the rule batchnorm+neuron+pool: a batch normalisation, the neuron that alone reads it, and the max pooling that alone reads the spikes. */
#include "fuse/fuse.h"

static bool apply(hk__builder *b, const hk__rule *rule, int32_t node) { return hk__fuse_neuron(b, rule, node, true, true); }

const hk__rule hk__rule_batchnorm_neuron_pool = { "batchnorm+neuron+pool", apply, false, false };
