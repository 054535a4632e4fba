/* losses.h - the types of this family, and what they share. A loss takes (output, target): the output may be a sequence, then the
 * loss is on its firing rate; the target is a class index for each sample (cross entropies of
 * outputs [C,...]: for each of its places). */
#ifndef LOSSES_H
#define LOSSES_H

#include "hillock/plugin.h"

extern const hk_module_type mse_type, cross_entropy_type, tet_type, spike_similar_type;

enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE };
/* none: to be read or given an upstream gradient, not trained on */
#define REDUCTION_FIELD { "reduction", HK_ENUM, 0, "mean", 0, 0, "mean|sum|none", "over samples and classes; none: the unreduced numbers" }

#define SMOOTHING_FIELD { "label_smoothing", HK_REAL, 0, "0", 0, 1, NULL, "e: the target is (1-e) one_hot + e/C, as in torch.nn.CrossEntropyLoss" }

/* [T,N,C] -> its mean over T (over each sample's own steps, where there are lengths); [N,C] stays. */
static inline hk_value firing_rate(hk_builder *b, hk_value output) { return hk_value_desc(b, output).flags & HK_T ? hk_mean_steps(b, output) : output; }

/* Classes of an output row; 0 after a failure, which is kept. */
static inline int64_t classes_of(hk_builder *b, hk_value output) {
    const hk_desc d = hk_value_desc(b, output);
    if (d.rank == 1) return d.shape[0];
    b->api->fail(b, HK_ESHAPE, "the output of one sample has %d axes, expected one: a number for each class", (int)d.rank);
    return 0;
}

/* Classes of an output row [C], or [C,...] with a class for each place; *places: how many. 0 after a failure, which is kept. */
static inline int64_t classes_of_places(hk_builder *b, hk_value output, int64_t *places) {
    const hk_desc d = hk_value_desc(b, output);
    if (d.rank < 2) return *places = 1, classes_of(b, output);
    if (d.shape[0] > 0) return *places = hk_desc_elems(&d) / d.shape[0], d.shape[0];
    b->api->fail(b, HK_ESHAPE, "the output of one sample has no classes");
    return 0;
}

/* Target of a loss on such an output: one class for each sample, or for each of its places, in border order. */
static inline hk_desc class_of_each_place(const hk_module *self, const hk_desc *y) {
    (void)self;
    hk_desc d = { .dtype = HK_I64, .flags = HK_HELD };
    if (y->rank > 1) d.rank = 1, d.shape[0] = y->shape[0] > 0 ? hk_desc_elems(y) / y->shape[0] : 0;
    return d;
}

/* scale * sum over all samples, as a STATIC scalar. */
static inline hk_value total(hk_builder *b, hk_value v, double scale) { return hk_merge(b, hk_reduce(b, v, 2), scale); }

#endif
