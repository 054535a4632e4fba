/* multi_step.c - builds its child inside a loop over time, whatever the child's step_mode says. */
#include "containers.h"

static const char *const child_names[] = { "" }; /* the child keeps this module's place in the state_dict */

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in[0]), y = HK_NONE;
    hk_module_build(b, hk_child(self, 0), 1, &x, 1, &y);
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

const hk_module_type multi_step_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[t] = child(x[t]), one step after the other",
    .source = "spikingjelly.activation_based.layer.MultiStepContainer",
    .min_child = 1,
    .max_child = 1,
    .child_names = child_names,
    .build = build,
};
