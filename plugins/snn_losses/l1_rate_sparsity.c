/* plugins/snn_losses/l1_rate_sparsity.c - snn.l1_rate_sparsity: a number of spikes has its price. The target is not looked at.
 * Source: snnTorch 1.0, functional.reg.l1_rate_sparsity. */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = {
    { "Lambda", HK_REAL, 0, "1e-5", 0, 0, NULL, "price of a spike" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_value x = hk_masked(b, snn_sequence(b, in[0]));
    x = hk_mul(b, x, hk_within(b, x, -INFINITY, INFINITY)); /* times 1: a gradient for each number, where that of a sum is one for all */
    out[0] = hk_merge(b, hk_reduce(b, x, 2), hk_get_real(self, "Lambda"));
    return HK_OK;
}

SNN_LOSS(l1_rate_sparsity, "Lambda times the sum of x over steps, samples and outputs", "l1_rate_sparsity");
