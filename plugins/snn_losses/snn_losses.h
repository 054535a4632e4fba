/* plugins/snn_losses/snn_losses.h - the types of this family, and what they share. They are on the sequence itself, [T,N,C]: spikes or membrane
 * potentials, and take a class for each sample. Source: snnTorch 1.0, functional.loss. */
#ifndef SNN_LOSSES_H
#define SNN_LOSSES_H

#include "hillock/plugin.h"

enum { SNN_MAX_CLASSES = 4096 };
enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE };

/* With weights, `mean` is the plain mean of the weighted numbers. none: to be read or given an upstream gradient, not trained on. */
#define SNN_REDUCTION_FIELD                                                                                                                                    \
    { "reduction", HK_ENUM, 0, "mean", 0, 0, "mean|sum|none", "over samples and classes; none: the unreduced numbers" }
#define SNN_WEIGHT_FIELD                                                                                                                                       \
    { "weight", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL, "one number for each class: that of the target counts" }

/* An output of one axis for each sample and step; its classes are set. 0 after a failure, which is kept. */
int snn_classes(hk_builder *b, hk_value output, int64_t *classes);
/* The field `weight` as a row [classes]; HK_NONE when none. 0 after a failure. */
int snn_weight(hk_builder *b, const hk_module *self, int64_t classes, hk_value *weight);
/* scale times the mean over all samples (and classes) of v, its sum, or v itself, by the field `reduction`; elems: numbers of v for each sample. */
hk_value snn_reduce(hk_builder *b, const hk_module *self, hk_value v, double scale, int64_t elems);

extern const hk_module_type snn_ce_rate_type;

#endif
