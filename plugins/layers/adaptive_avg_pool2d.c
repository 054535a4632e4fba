/* adaptive_avg_pool2d.c - averages of as many parts as the output has places. */
#include "pair.h"

static const hk_field fields[] = {
    { "output_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of y" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    static const char *const pairs[] = { "output_size", NULL };
    return check_pairs(self, pairs);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t size[2];
    get_pair(self, "output_size", size);
    if (!check_picture(b, in[0], 0, NULL)) return HK_ESHAPE;
    out[0] = hk_adaptive_avgpool2d(b, in[0], size[0], size[1]);
    return HK_OK;
}

const hk_module_type adaptive_avg_pool2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[i] = the average of x[floor(i n/o)] ... x[ceil((i+1) n/o) - 1], on both axes",
    .source = "torch.nn.AdaptiveAvgPool2d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
