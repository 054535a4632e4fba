/* plugins/snn_encoders/delta.c - snn.delta: a spike where x has risen by threshold since the step before; with off_spike -1 where it has fallen by as much.
 * Before the first step x is 0, or with padding what it is at the first. No gradient flows to the input.
 * Source: snnTorch 1.0, spikegen.delta. */
#include "snn_encoders.h"
#include <math.h>

static const hk_field fields[] = {
    { "threshold", HK_REAL, 0, "0.1", 0, 0, NULL, "change of x that gives a spike" },
    { "padding", HK_BOOL, 0, "false", 0, 0, NULL, "no change at the first step" },
    { "off_spike", HK_BOOL, 0, "false", 0, 0, NULL, "give -1 where x falls" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const double threshold = hk_get_real(self, "threshold");
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_affine(b, hk_loop_at(b, loop, in[0]), 1.0, 0.0), before = hk_loop_carry(b, loop, "x");
    hk_value change = hk_sub(b, x, before);
    if (hk_get_bool(self, "padding")) change = hk_mul(b, change, hk_positive(b, hk_since(b, hk_const(b, 0.0))));
    hk_value y = hk_within(b, change, threshold, INFINITY);
    if (hk_get_bool(self, "off_spike")) y = hk_sub(b, y, hk_within(b, change, -INFINITY, -threshold));
    hk_loop_next(b, loop, before, x);
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

const hk_module_type snn_delta_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 where x[t] - x[t-1] >= threshold; with off_spike -1 where it is <= -threshold; else 0",
    .source = "snnTorch 1.0, spikegen.delta",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
