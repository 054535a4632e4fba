/* plugins/snn_encoders/targets_convert.c - snn.targets_convert: from a class, a number for each sample, to what is wanted of each output.
 *     rate: on_target at the class; elsewhere off_target, but max(0, off_target) where that is below on_target
 *     latency: a spike at the step of x = 1 at the class, of x = 0 elsewhere: tau ln(x / (x - threshold)) with x at least threshold + epsilon, or linear
 *     tau (1 - x), at most tau (1 - threshold); normalize: so that the later of the two is the last step. y = max(spike on_target, off_target)
 * Source: snnTorch 1.0, spikegen.targets_convert. */
#include "snn_encoders.h"
#include <math.h>

enum { MAX_CLASSES = 4096 };

static const hk_field fields[] = {
    { "num_classes", HK_INT, 0, NULL, 1, MAX_CLASSES, NULL, "outputs" },
    { "code", HK_ENUM, 0, "rate", 0, 0, "rate|latency", "one row for all steps, or spikes" },
    { "num_steps", HK_INT, 0, "0", 0, INFINITY, NULL, "steps of latency; 0: T" },
    { "first_spike_time", HK_INT, 0, "0", 0, INFINITY, NULL, "latency: no spike before this step" },
    { "on_target", HK_REAL, 0, "1", 0, 0, NULL, "wanted of the class, or the size of a spike" },
    { "off_target", HK_REAL, 0, "0", 0, 0, NULL, "wanted of the others, or what there is without a spike" },
    { "epsilon", HK_REAL, 0, "1e-7", 0, 1, NULL, "latency: how far x stays above threshold" },
    { "threshold", HK_REAL, 0, "0.01", 0, 1, NULL, "latency: below it all x are alike" },
    { "tau", HK_REAL, 0, "1", 0, INFINITY, NULL, "latency: time constant, in steps" },
    { "clip", HK_BOOL, 0, "false", 0, 0, NULL, "latency: no spikes but the class's" },
    { "normalize", HK_BOOL, 0, "false", 0, 0, NULL, "latency: the later spike at the last step" },
    { "linear", HK_BOOL, 0, "false", 0, 0, NULL, "latency: time linear in x" },
};

/* Time of the spike of x = 1 or 0. */
static double time_of(const hk_module *self, double x, double last) {
    const double first = (double)hk_get_int(self, "first_spike_time"), threshold = hk_get_real(self, "threshold");
    const double tau = hk_get_real(self, "tau"), low = threshold + hk_get_real(self, "epsilon");
    if (hk_get_bool(self, "linear")) return fmin(1 - x, 1 - threshold) * (hk_get_bool(self, "normalize") ? last - first : tau) + first;
    const double time = tau * log(fmax(x, low) / (fmax(x, low) - threshold)), latest = tau * log(low / (low - threshold));
    return (hk_get_bool(self, "normalize") ? time * (last - first) / latest : time) + first;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t classes = hk_get_int(self, "num_classes");
    const double on = hk_get_real(self, "on_target"), off = hk_get_real(self, "off_target"), last = (double)hk_steps(b) - 1;
    const hk_desc d = hk_value_desc(b, in[0]);
    double row[MAX_CLASSES];
    if (d.rank) return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, expected one number: its class", (int)d.rank);
    for (int64_t i = 0; i < classes; i++) row[i] = (double)i;
    hk_value hot = hk_within(b, hk_sub(b, hk_constants(b, classes, row), in[0]), -0.5, 0.5);
    if (hk_get_int(self, "code") == 0) {
        const double elsewhere = on <= off || off > 0 ? off : 0;
        out[0] = hk_affine(b, hot, on - elsewhere, elsewhere);
        return HK_OK;
    }
    if (!snn_steps_fit(b, self)) return HK_ECONFIG;
    if (!(hk_get_real(self, "threshold") > 0 && hk_get_real(self, "threshold") < 1 && hk_get_real(self, "tau") > 0 && hk_get_real(self, "epsilon") > 0))
        return b->api->fail(b, HK_ECONFIG, "expected threshold between 0 and 1, tau and epsilon above 0");
    if ((double)hk_get_int(self, "first_spike_time") > last)
        return b->api->fail(
            b, HK_ECONFIG, "first_spike_time is %lld, expected less than T=%lld", (long long)hk_get_int(self, "first_spike_time"), (long long)hk_steps(b));
    const double here = rint(time_of(self, 1, last)), there = rint(time_of(self, 0, last));
    hk_value spike = hk_within(b, hk_since(b, hk_affine(b, hot, here - there, there)), -0.5, 0.5);
    if (hk_get_bool(self, "clip")) spike = hk_mul(b, spike, hot);
    out[0] = hk_clamp(b, hk_affine(b, spike, on, 0.0), off, INFINITY);
    return HK_OK;
}

const hk_module_type snn_targets_convert_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "class to wanted output: on_target at the class, off_target elsewhere; or spikes, that of the class first",
    .source = "snnTorch 1.0, spikegen.targets_convert",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
