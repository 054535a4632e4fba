/* flatten.c - all axes of one sample become one. Only whole samples: start_dim = 1, end_dim = -1, as networks use it. */
#include "layers.h"

static const hk_field fields[] = {
    { "start_dim", HK_INT, 0, "1", 1, 1, NULL, "first axis to flatten, counted with the samples' axis 0; only 1" },
    { "end_dim", HK_INT, 0, "-1", -1, -1, NULL, "last axis to flatten; only -1, the last" },
    STEP_MODE_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)self, (void)n_in, (void)n_out;
    const hk_desc x = hk_value_desc(b, in[0]);
    out[0] = x.dtype != HK_ABSENT && x.rank == 1 ? in[0] : hk_flatten(b, in[0]);
    return HK_OK;
}

const hk_module_type flatten_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "[C,H,W] -> [C*H*W], W fastest",
    .source = "torch.nn.Flatten",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
