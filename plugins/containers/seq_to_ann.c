/* seq_to_ann.c - SeqToANN: steps and samples as one batch through layers that keep nothing between steps. Everything here runs that way where it can; the
 * container makes sure of it: a layer that keeps state or depends on the step is an error with its name. */
#include "containers.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_value v = in[0];
    b->api->stateless(b, 1);
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next = HK_NONE;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    b->api->stateless(b, 0);
    out[0] = v;
    return HK_OK;
}

const hk_module_type seq_to_ann_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[t] = child[n-1](... child[0](x[t])), over T N rows at once; a child that keeps state, or depends on the step, is an error",
    .source = "spikingjelly.activation_based.layer.SeqToANNContainer",
    .min_child = 1,
    .max_child = UINT32_MAX,
    .build = build,
};
