/* plugins/snn_losses/accuracy_temporal.c - snn.accuracy_temporal: share of samples whose target spikes first; the first of several. It has no gradient.
 * Source: snnTorch 1.0, functional.acc.accuracy_temporal. */
#include "snn_losses.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out, (void)self;
    int64_t outputs;
    if (!snn_all_steps(b)) return HK_EUNSUPPORTED;
    if (!snn_outputs(b, in[0], &outputs)) return HK_ESHAPE;
    hk_value early = hk_affine(b, hk_first_spike(b, snn_sequence(b, in[0])), -1.0, 0.0);
    out[0] = hk_merge(b, hk_reduce(b, hk_correct(b, early, in[1]), 2), 1.0 / (double)hk_batch(b));
    return HK_OK;
}

const hk_module_type snn_accuracy_temporal_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "share of samples whose target spikes first",
    .source = "snnTorch 1.0, functional.accuracy_temporal",
    .build = build,
};
