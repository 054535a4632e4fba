/* dropout.c - Dropout and Dropout2d: in training, numbers (or whole channels) become 0 with probability p, the others 1 / (1 - p) times
 * themselves. One mask for all steps of a sequence: it is sequence state, -1 where nothing is drawn yet; or, of Dropout, a draw at each step. */
#include "layers.h"

#define P_FIELD { "p", HK_REAL, 0, "0.5", 0, 1, NULL, "probability of 0" }
static const hk_field channel_fields[] = { P_FIELD, STEP_MODE_FIELD };
static const hk_field fields[] = {
    P_FIELD,
    { "each_step", HK_BOOL, 0, "false", 0, 0, NULL, "draw at each step, and keep no mask: torch.nn.Dropout on every step" },
    STEP_MODE_FIELD,
};

/* Numbers drawn anew at each step. */
static hk_value each_step(hk_builder *b, hk_value x, double p) {
    hk_value chance = hk_affine(b, x, 0.0, 1.0 - p);
    if (p == 1.0) return hk_affine(b, x, 0.0, 0.0);
    return hk_mul(b, x, hk_affine(b, hk_bernoulli(b, chance), 1.0 / (1.0 - p), 0.0));
}

static hk_status dropout(hk_builder *b, const hk_module *self, hk_value x, int channel, hk_value *y) {
    const double p = hk_get_real(self, "p");
    *y = x;
    if (!b->api->training(b) || p == 0.0) return HK_OK;
    if (!channel && hk_get_bool(self, "each_step")) {
        *y = each_step(b, x, p);
        return HK_OK;
    }
    hk_value mask = hk_dropout_mask(b, x, b->api->state(b, self, "mask", x, -1.0), p, channel);
    b->api->state_next(b, self, "mask", mask);
    *y = hk_mul(b, x, mask);
    return HK_OK;
}

static hk_status build_element(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    return dropout(b, self, in[0], 0, out);
}
static hk_status build_channel(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    return dropout(b, self, in[0], 1, out);
}

const hk_module_type dropout_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "training: y = x mask, mask 0 with probability p, else 1 / (1 - p), one for all steps; evaluation: y = x",
    .source = "spikingjelly.activation_based.layer.Dropout",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build_element,
};
const hk_module_type dropout2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "Dropout with one draw for each sample and channel",
    .source = "spikingjelly.activation_based.layer.Dropout2d",
    .fields = channel_fields,
    .n_fields = sizeof channel_fields / sizeof channel_fields[0],
    .build = build_channel,
};
