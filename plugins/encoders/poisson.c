/* poisson.c - a spike at each step with the input as its probability. No gradient flows to the input. */
#include "encoders.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)self, (void)n_in, (void)n_out;
    out[0] = hk_bernoulli(b, in[0]);
    return HK_OK;
}

const hk_module_type poisson_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 where u <= x, u uniform in [0, 1), drawn anew for each step and number; x in [0, 1]",
    .source = "spikingjelly.activation_based.encoding.PoissonEncoder",
    .build = build,
};
