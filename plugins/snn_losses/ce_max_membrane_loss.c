/* plugins/snn_losses/ce_max_membrane_loss.c - snn.ce_max_membrane_loss: cross entropy of each output's largest membrane potential. The gradient goes to
 * the first maximum. Source: snnTorch 1.0, functional.loss.ce_max_membrane_loss; SpyTorch (Zenke). */
#include "snn_losses.h"

static const hk_field fields[] = { SNN_REDUCTION_FIELD, SNN_WEIGHT_FIELD };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes;
    if (!snn_outputs(b, in[0], &classes)) return HK_ESHAPE;
    hk_value length, x = snn_sequence(b, in[0]), mask = hk_mask(b, &length);
    if (mask) x = hk_add(b, hk_mul(b, x, mask), hk_affine(b, mask, 1e30, -1e30)); /* far below at the steps beyond a sample's length */
    return snn_cross_entropy(b, self, hk_max_t(b, x), in[1], classes, &out[0]);
}

SNN_LOSS(ce_max_membrane_loss, "mean over samples of -log softmax(max over t of x[t])[target]", "ce_max_membrane_loss");
