/* plugins/snn_losses/ce_temporal_loss.c - snn.ce_temporal_loss: cross entropy of first-spike times, the earlier the better. The time of an output that never
 * spikes is T - 1; the derivative of a time is -1 at that step. Here `mean` with weights is torch's: divided by the sum of the targets' weights.
 * Source: snnTorch 1.0, functional.loss.ce_temporal_loss. */
#include "snn_losses.h"

static const hk_field fields[] = {
    { "inverse", HK_ENUM, 0, "negate", 0, 0, "negate|reciprocal", "scores: -time, or 1 / (time + 1)" },
    SNN_REDUCTION_FIELD,
    { "weight", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL, "one number for each class: that of the target counts" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes;
    hk_value weight, nll, picked;
    if (!snn_all_steps(b)) return HK_EUNSUPPORTED;
    if (!snn_outputs(b, in[0], &classes) || !snn_weight(b, self, classes, &weight)) return HK_ESHAPE;
    hk_value time = hk_first_spike(b, snn_sequence(b, in[0]));
    hk_value scores = hk_get_int(self, "inverse") ? hk_div(b, hk_const(b, 1.0), hk_affine(b, time, 1.0, 1.0)) : hk_affine(b, time, -1.0, 0.0);
    hk_cross_entropy(b, scores, in[1], weight, 0.0, &nll, &picked);
    if (hk_get_int(self, "reduction") == REDUCE_MEAN && weight)
        out[0] = hk_div(b, hk_merge(b, hk_reduce(b, nll, 2), 1.0), hk_merge(b, hk_reduce(b, picked, 2), 1.0));
    else out[0] = snn_reduce(b, self, nll, 1.0, 1);
    return HK_OK;
}

SNN_LOSS(ce_temporal_loss, "mean over samples of -log softmax(-time of the first spike)[target]", "ce_temporal_loss");
