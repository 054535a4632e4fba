/* sequential.c - one module after the other; StepMode says for all of them how they run over time. */
#include "containers.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_value v = in[0];
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next = HK_NONE;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    out[0] = v;
    return HK_OK;
}

static const hk_field step_mode_fields[] = { { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other, with equal results" } };

/* The core builds a module whose step_mode is s inside a loop. */
const hk_module_type step_mode_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y = child[n-1](... child[0](x)), with step_mode = s all of them step by step",
    .source = "spikingjelly.activation_based.layer.StepModeContainer",
    .fields = step_mode_fields,
    .n_fields = 1,
    .max_child = UINT32_MAX,
    .build = build,
};

const hk_module_type sequential_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y = child[n-1](... child[0](x))",
    .source = "torch.nn.Sequential",
    .max_child = UINT32_MAX,
    .build = build,
};
