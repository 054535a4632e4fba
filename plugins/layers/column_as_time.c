/* column_as_time.c - a picture read from left to right: step t sees column t. */
#include "layers.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)self, (void)n_in, (void)n_out;
    out[0] = hk_column_as_time(b, in[0]);
    return HK_OK;
}

const hk_module_type column_as_time_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[t,h] = x[h,t]: a picture [1,H,W] or [H,W] becomes W steps of H numbers",
    .source = "spikingjelly, tutorial on recurrent connections (sequential Fashion-MNIST)",
    .build = build,
};
