/* poisson.c - a spike at each step with the input as its probability. No gradient flows to the input.
 *
 * An input of 0 never fires, where SpikingJelly's rand_like(x) <= x fires when the draw is 0: once in 2^24 draws. So a picture's black needs no draws. */
#include "encoders.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)self, (void)n_in, (void)n_out;
    out[0] = hk_bernoulli(b, in[0]);
    return HK_OK;
}

const hk_module_type poisson_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 where x > 0 and u <= x, u uniform in [0, 1), drawn anew for each step and number; x in [0, 1]: 0 never fires (SpikingJelly: once in 2^24 draws), 1 always",
    .source = "spikingjelly.activation_based.encoding.PoissonEncoder",
    .build = build,
};
