/* plugins/snn_losses/snn_losses.h - the types of this family, and what they share. They are on the sequence itself, [T,N,C]: spikes or membrane
 * potentials, and take a class for each sample. Source: snnTorch 1.0, functional.loss, functional.acc, functional.reg. */
#ifndef SNN_LOSSES_H
#define SNN_LOSSES_H

#include "hillock/plugin.h"

enum { SNN_MAX_CLASSES = 4096 };
enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE };

/* With weights, `mean` is the plain mean of the weighted numbers. none: to be read or given an upstream gradient, not trained on. */
#define SNN_REDUCTION_FIELD { "reduction", HK_ENUM, 0, "mean", 0, 0, "mean|sum|none", "over samples and classes; none: the unreduced numbers" }
#define SNN_WEIGHT_FIELD { "weight", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL, "one number for each class; a sample's loss is multiplied by that of its target" }
#define SNN_POPULATION_FIELDS                                                                                                                                  \
    { "population_code", HK_BOOL, 0, "false", 0, 0, NULL, "several outputs for each class, in groups one after the other; their spikes are added" }, {         \
        "num_classes", HK_INT, 0, "0", 0, INFINITY, NULL, "classes, with population_code; must divide the number of outputs"                                   \
    }

/* An output of one axis for each sample and step; its numbers are counted. 0 after a failure, which is kept. */
int snn_outputs(hk_builder *b, hk_value output, int64_t *outputs);
/* The field `weight` as a row [classes]; HK_NONE when none. 0 after a failure. */
int snn_weight(hk_builder *b, const hk_module *self, int64_t classes, hk_value *weight);
/* scale times the mean over all samples (and classes) of v, its sum, or v itself, by the field `reduction`; elems: numbers of v for each sample. */
hk_value snn_reduce(hk_builder *b, const hk_module *self, hk_value v, double scale, int64_t elems);
/* x for all t, also where it is the same at each. */
hk_value snn_sequence(hk_builder *b, hk_value x);
/* 0, after an error, where samples have lengths. */
int snn_all_steps(hk_builder *b);
/* Spikes of each class over all t: [classes]; with population_code the sum of its outputs. 0 after a failure. */
int snn_count(hk_builder *b, const hk_module *self, hk_value x, int64_t *classes, int64_t *each, hk_value *count);
/* Cross entropy of one row of scores for each sample, with the fields weight and reduction. */
hk_status snn_cross_entropy(hk_builder *b, const hk_module *self, hk_value scores, hk_value target, int64_t classes, hk_value *loss);
/* The package's row of a class: on at the class; elsewhere off if on <= off, else max(0, off). */
double snn_elsewhere(double on, double off);
hk_value snn_on_off(hk_builder *b, hk_value target, int64_t classes, double on, double elsewhere);
/* v [classes] times weight[target], where the field `weight` is given. 0 after a failure. */
int snn_weigh(hk_builder *b, const hk_module *self, hk_value target, int64_t classes, hk_value *v);

#define SNN_LOSSES(X)                                                                                                                                          \
    X(ce_rate_loss)                                                                                                                                            \
    X(ce_count_loss)                                                                                                                                           \
    X(ce_max_membrane_loss)                                                                                                                                    \
    X(ce_temporal_loss)                                                                                                                                        \
    X(mse_count_loss)                                                                                                                                          \
    X(mse_membrane_loss)                                                                                                                                       \
    X(mse_temporal_loss)                                                                                                                                       \
    X(l1_rate_sparsity)                                                                                                                                        \
    X(accuracy_rate)                                                                                                                                           \
    X(accuracy_temporal)
#define SNN_LOSS_DECLARE(name) extern const hk_module_type snn_##name##_type;
SNN_LOSSES(SNN_LOSS_DECLARE)

/* A type of this family; it has `fields` and `build`, and takes one class for each sample, or what target_ says. */
#define SNN_LOSS_OF(name, doc_, source_, target_)                                                                                                              \
    const hk_module_type snn_##name##_type = { .struct_size = sizeof(hk_module_type),                                                                          \
        .role = HK_LOSS,                                                                                                                                       \
        .doc = doc_,                                                                                                                                           \
        .source = "snnTorch 1.0, functional." source_,                                                                                                         \
        .fields = fields,                                                                                                                                      \
        .n_fields = sizeof fields / sizeof fields[0],                                                                                                          \
        .build = build,                                                                                                                                        \
        .target = target_ }
#define SNN_LOSS(name, doc_, source_) SNN_LOSS_OF(name, doc_, source_, NULL)

#endif
