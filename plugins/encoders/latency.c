/* latency.c - one spike in T steps, the earlier the larger x is, at step t_f; then the same again. Rounding is half to even. No gradient flows to the input.
 *     linear: t_f = round((T - 1)(1 - x));   log: t_f = round(T - 1 - ln(a x + 1)), a = exp(T - 1) - 1, so that x = 1 spikes at step 0
 * Source: SpikingJelly 2.0, activation_based.encoding.LatencyEncoder. */
#include "encoders.h"
#include <math.h>

enum { LINEAR, LOG, MAX_LOG = 88 }; /* exp(T - 1) is a float up to there */

static const hk_field fields[] = {
    { "T", HK_INT, 0, NULL, 1, 1 << 20, NULL, "steps of a period; the spike of x = 0 is at the last" },
    { "enc_function", HK_ENUM, 0, "linear", 0, 0, "linear|log", "how the step depends on x" },
};

static hk_status init(hk_module *self) {
    const int64_t T = hk_get_int(self, "T");
    if (hk_get_int(self, "enc_function") != LOG || T <= MAX_LOG) return HK_OK;
    return self->api->fail(self, HK_ECONFIG, "T: expected at most %d with enc_function=log, since exp(T - 1) must be a float, got %lld", MAX_LOG, (long long)T);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t T = hk_get_int(self, "T");
    const double last = (double)T - 1.0;
    if (!one_picture(b, in[0])) return HK_ESHAPE;
    hk_value x = hk_clamp(b, in[0], 0.0, 1.0), time;
    if (hk_get_int(self, "enc_function") == LINEAR) time = hk_affine(b, hk_affine(b, x, -1.0, 1.0), last, 0.0);
    else time = hk_affine(b, hk_op_log(b, hk_affine(b, x, exp(last) - 1.0, 1.0)), -1.0, last);
    out[0] = at_period(b, hk_since(b, hk_round(b, time)), T);
    return HK_OK;
}

const hk_module_type latency_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 where t mod T = round((T - 1)(1 - x)), or with log round(T - 1 - ln((exp(T - 1) - 1) x + 1)); x is kept within [0, 1]",
    .source = "SpikingJelly 2.0, activation_based.encoding.LatencyEncoder",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
