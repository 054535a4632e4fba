/* mse.c - squared difference of firing rate and one-hot target. */
#include "losses.h"

static const hk_field fields[] = { REDUCTION_FIELD, SMOOTHING_FIELD };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t classes = classes_of(b, in[0]), reduction = hk_get_int(self, "reduction");
    if (!classes) return HK_ESHAPE;
    const double e = hk_get_real(self, "label_smoothing");
    hk_value wanted = hk_one_hot(b, in[1], classes);
    if (e > 0) wanted = hk_affine(b, wanted, 1.0 - e, e / (double)classes);
    hk_value difference = hk_sub(b, firing_rate(b, in[0]), wanted);
    hk_value square = hk_mul(b, difference, difference);
    if (reduction == REDUCE_NONE) out[0] = square;
    else out[0] = total(b, square, reduction == REDUCE_MEAN ? 1.0 / ((double)hk_batch(b) * (double)classes) : 1.0);
    return HK_OK;
}

const hk_module_type mse_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "mean over samples and classes of (rate - one_hot(target))^2",
    .source = "torch.nn.functional.mse_loss",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
