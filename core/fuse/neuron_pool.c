/* neuron_pool.c - the rule neuron+pool: a neuron and the max pooling that alone reads its spikes: what is left for inference, where the normalisation is part of the convolution. */
#include "fuse/fuse.h"

static bool apply(hk__builder *b, const hk__rule *rule, int32_t node) { return hk__fuse_neuron(b, rule, node, false, true); }

const hk__rule hk__rule_neuron_pool = { "neuron+pool", apply, false, false };
