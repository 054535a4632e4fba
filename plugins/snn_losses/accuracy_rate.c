/* plugins/snn_losses/accuracy_rate.c - snn.accuracy_rate: share of samples whose target spikes most often; the first of several. It has no gradient.
 * Source: snnTorch 1.0, functional.acc.accuracy_rate. */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = { SNN_POPULATION_FIELDS };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes, each;
    hk_value count;
    if (!snn_count(b, self, in[0], &classes, &each, &count)) return HK_ESHAPE;
    out[0] = hk_merge(b, hk_reduce(b, hk_correct(b, count, in[1]), 2), 1.0 / (double)hk_batch(b));
    return HK_OK;
}

SNN_LOSS(accuracy_rate, "share of samples whose target spikes most often", "accuracy_rate");
