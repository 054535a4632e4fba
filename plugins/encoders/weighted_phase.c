/* weighted_phase.c - x as a binary fraction: its first K bits, the most significant first; then the same again. No gradient flows to the input.
 *     r = x at the first step of a period;   y = [r >= 1/2];   r = 2 r - y      each exact in float
 * Source: Kim et al. 2018, "Deep neural networks with weighted spikes"; SpikingJelly 2.0, activation_based.encoding.WeightedPhaseEncoder, which refuses
 * x above 1 - 2^-K; here it counts as that. */
#include "encoders.h"
#include <math.h>

static const hk_field fields[] = {
    { "K", HK_INT, 0, NULL, 1, 64, NULL, "bits, one for each step of a period" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t K = hk_get_int(self, "K");
    if (!one_picture(b, in[0])) return HK_ESHAPE;
    hk_value x = hk_clamp(b, in[0], 0.0, 1.0 - ldexp(1.0, -(int)K));
    hk_loop loop = hk_loop_begin(b);
    hk_value rest = hk_loop_carry(b, loop, "rest"), begin = at_period(b, hk_since(b, hk_const(b, 0.0)), K);
    hk_value r = hk_add(b, hk_mul(b, hk_loop_at(b, loop, x), begin), hk_mul(b, rest, hk_affine(b, begin, -1.0, 1.0)));
    hk_value y = hk_within(b, r, 0.5, INFINITY);
    hk_loop_next(b, loop, rest, hk_sub(b, hk_affine(b, r, 2.0, 0.0), y));
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

const hk_module_type weighted_phase_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = bit 1 + t mod K of x behind the binary point; x is kept within [0, 1 - 2^-K]",
    .source = "Kim et al. 2018, Deep neural networks with weighted spikes; SpikingJelly 2.0, activation_based.encoding.WeightedPhaseEncoder",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
