/* mean_t.c - the mean over time: the firing rate. */
#include "layers.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)self, (void)n_in, (void)n_out;
    out[0] = hk_value_desc(b, in[0]).flags & HK_T ? hk_mean_steps(b, in[0]) : in[0]; /* what does not vary with t is its own mean */
    return HK_OK;
}

const hk_module_type mean_t_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = 1/T sum_t x[t]; T of each sample, where samples have lengths",
    .source = "spikingjelly's training loops: out_fr = net(x_seq).mean(0)",
    .build = build,
};
