/* tet.c - temporal efficient training: the mean of the cross entropies of the steps, in place of the cross entropy of their mean.
 * Source: Deng et al. 2022, "Temporal efficient training of spiking neural network via gradient re-weighting";
 * SpikingJelly 2.0, activation_based.functional.temporal_efficient_training_cross_entropy. */
#include "losses.h"

static const hk_field fields[] = { SMOOTHING_FIELD };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_value loss, weight, length, scores = hk_value_desc(b, in[0]).dtype == HK_F32 ? in[0] : hk_affine(b, in[0], 1.0, 0.0); /* spikes as numbers */
    int64_t places;
    if (!classes_of_places(b, in[0], &places)) return HK_ESHAPE;
    const int over_t = (hk_value_desc(b, in[0]).flags & HK_T) != 0;
    hk_cross_entropy(b, scores, in[1], HK_NONE, hk_get_real(self, "label_smoothing"), &loss, &weight);
    if (over_t && hk_mask(b, &length)) out[0] = total(b, hk_mean_steps(b, loss), 1.0 / ((double)hk_batch(b) * (double)places));
    else out[0] = total(b, loss, 1.0 / ((double)hk_batch(b) * (double)(over_t ? hk_steps(b) : 1) * (double)places));
    return HK_OK;
}

const hk_module_type tet_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "-log softmax(y[t])[target], mean over steps, samples and the places of an output [C,...]",
    .source = "Deng et al. 2022, Temporal efficient training; SpikingJelly 2.0, activation_based.functional.temporal_efficient_training_cross_entropy",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
    .target = class_of_each_place,
};
