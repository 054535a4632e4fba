/* plugins/snn_losses/ce_count_loss.c - snn.ce_count_loss: cross entropy of the number of spikes.
 * Source: snnTorch 1.0, functional.loss.ce_count_loss. */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = { SNN_POPULATION_FIELDS, SNN_REDUCTION_FIELD, SNN_WEIGHT_FIELD };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes, each;
    hk_value count;
    if (!snn_count(b, self, in[0], &classes, &each, &count)) return HK_ESHAPE;
    return snn_cross_entropy(b, self, count, in[1], classes, &out[0]);
}

SNN_LOSS(ce_count_loss, "mean over samples of -log softmax(sum over t of x[t])[target]", "ce_count_loss");
