/* batchnorm_neuron.c - the rule batchnorm+neuron: a batch normalisation and the neuron that alone reads it. */
#include "fuse/fuse.h"

static bool apply(hk__builder *b, const hk__rule *rule, int32_t node) { return hk__fuse_neuron(b, rule, node, true, false); }

const hk__rule hk__rule_batchnorm_neuron = { "batchnorm+neuron", apply, false, false };
