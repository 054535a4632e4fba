/* plugins/snn_encoders/rate.c - snn.rate: a spike at each step with probability gain x + offset, kept within 0 and 1; none before first_spike_time.
 * With time_var_input x is one for each step, and gain and offset are not used. No gradient flows to the input.
 * Source: snnTorch 1.0, spikegen.rate. */
#include "snn_encoders.h"
#include <math.h>

static const hk_field fields[] = {
    { "num_steps", HK_INT, 0, "0", 0, INFINITY, NULL, "steps; 0: T" },
    { "gain", HK_REAL, 0, "1", 0, 0, NULL, "scales x" },
    { "offset", HK_REAL, 0, "0", 0, 0, NULL, "added to x, scaled" },
    { "first_spike_time", HK_INT, 0, "0", 0, INFINITY, NULL, "no spike before this step" },
    { "time_var_input", HK_BOOL, 0, "false", 0, 0, NULL, "x varies with the step: its numbers are the probabilities" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t first = hk_get_int(self, "first_spike_time");
    const int varies = hk_get_bool(self, "time_var_input");
    if (!snn_steps_fit(b, self)) return HK_ECONFIG;
    if (varies && first) return b->api->fail(b, HK_EUNSUPPORTED, "first_spike_time must be 0 with time_var_input=true: it would need more steps than x has");
    if (first >= hk_steps(b))
        return b->api->fail(b, HK_ECONFIG, "first_spike_time is %lld, expected less than T=%lld", (long long)first, (long long)hk_steps(b));
    hk_value p = varies ? in[0] : hk_affine(b, in[0], hk_get_real(self, "gain"), hk_get_real(self, "offset"));
    out[0] = hk_bernoulli(b, hk_clamp(b, p, 0.0, 1.0));
    if (first) out[0] = hk_mul(b, out[0], hk_within(b, hk_since(b, hk_const(b, (double)first)), 0.0, INFINITY));
    return HK_OK;
}

const hk_module_type snn_rate_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 with probability gain x + offset, kept within 0 and 1; 0 before first_spike_time",
    .source = "snnTorch 1.0, spikegen.rate",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
