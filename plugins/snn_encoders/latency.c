/* plugins/snn_encoders/latency.c - snn.latency: one spike for each number x of 0 .. 1, the sooner the larger x is.
 *     time = tau ln(z / (z - threshold)) + f, z = max(x, threshold + epsilon), f = first_spike_time; normalize: (time - f) (T - 1 - f) / largest (time - f) + f
 *     linear: time = min(tau (1 - x), tau (1 - threshold)) + f; normalize: tau = T - 1 - f
 *     y[t] = max(on_target [t = round(time)], off_target); a spike later than the last step is left out; clip: none where x < threshold
 *     interpolate: y[t] = off_target + (on_target - off_target) t / time up to the spike, off_target after it
 * Output "spike_time": time, before rounding. The largest time is that of the whole batch, as in the package. No gradient flows to the input.
 * Source: snnTorch 1.0, spikegen.latency. */
#include "snn_encoders.h"
#include <math.h>

static const hk_field fields[] = {
    { "num_steps", HK_INT, 0, "0", 0, INFINITY, NULL, "steps; 0: T" },
    { "threshold", HK_REAL, 0, "0.01", 0, 1, NULL, "below it all x are alike; between 0 and 1" },
    { "tau", HK_REAL, 0, "1", 0, INFINITY, NULL, "time constant, in steps; above 0" },
    { "first_spike_time", HK_INT, 0, "0", 0, INFINITY, NULL, "no spike before this step" },
    { "on_target", HK_REAL, 0, "1", 0, 0, NULL, "size of a spike" },
    { "off_target", HK_REAL, 0, "0", 0, 0, NULL, "what there is without a spike" },
    { "clip", HK_BOOL, 0, "false", 0, 0, NULL, "no spike where x < threshold" },
    { "normalize", HK_BOOL, 0, "false", 0, 0, NULL, "the last spike of the batch at the last step" },
    { "linear", HK_BOOL, 0, "false", 0, 0, NULL, "time linear in x" },
    { "interpolate", HK_BOOL, 0, "false", 0, 0, NULL, "y rises up to the spike" },
    { "bypass", HK_BOOL, 0, "false", 0, 0, NULL, "allow times beyond the last step: their spikes are left out" },
    { "epsilon", HK_REAL, 0, "1e-7", 0, 1, NULL, "how far x stays above threshold, not linear" },
};

/* Time of x = 0, the latest there is, counted from first_spike_time. */
static double latest(const hk_module *self) {
    const double threshold = hk_get_real(self, "threshold"), tau = hk_get_real(self, "tau"), epsilon = hk_get_real(self, "epsilon");
    return hk_get_bool(self, "linear") ? tau * (1 - threshold) : tau * log((threshold + epsilon) / epsilon);
}

static hk_value spike_time(hk_builder *b, const hk_module *self, hk_value x, double first, double last) {
    const double threshold = hk_get_real(self, "threshold"), tau = hk_get_real(self, "tau");
    const int normalize = hk_get_bool(self, "normalize");
    if (hk_get_bool(self, "linear")) {
        const double slope = normalize ? last - first : tau;
        return hk_affine(b, hk_clamp(b, hk_affine(b, hk_affine(b, x, 1.0, -1.0), -slope, 0.0), -INFINITY, -slope * (threshold - 1)), 1.0, first);
    }
    hk_value z = hk_clamp(b, x, threshold + hk_get_real(self, "epsilon"), INFINITY);
    hk_value time = hk_affine(b, hk_op_log(b, hk_div(b, z, hk_affine(b, z, 1.0, -threshold))), tau, first);
    if (!normalize) return time;
    hk_value after = hk_affine(b, time, 1.0, -first);
    return hk_affine(b, hk_div(b, hk_affine(b, after, last - first, 0.0), hk_max_all(b, after)), 1.0, first);
}

/* From off_target at step 0 to on_target at the spike; a spike at step 0 is on_target there. */
static hk_value rising(hk_builder *b, hk_value time, double steps, double on, double off) {
    hk_value now = hk_since(b, hk_const(b, 0.0));
    hk_value in_time = hk_within(b, time, -INFINITY, steps), at_once = hk_mul(b, hk_within(b, time, -0.5, 0.5), hk_within(b, now, -0.5, 0.5));
    hk_value ratio = hk_div(b, now, hk_clamp(b, time, 0.5, INFINITY));
    ratio = hk_mul(b, hk_mul(b, ratio, hk_within(b, ratio, 0.0, 1.0)), in_time);
    return hk_affine(b, hk_add(b, ratio, at_once), on - off, off);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const double last = (double)hk_steps(b) - 1, first = (double)hk_get_int(self, "first_spike_time");
    const double threshold = hk_get_real(self, "threshold"), on = hk_get_real(self, "on_target"), off = hk_get_real(self, "off_target");
    if (!snn_steps_fit(b, self)) return HK_ECONFIG;
    if (hk_value_desc(b, in[0]).flags & HK_T)
        return b->api->fail(b, HK_ESHAPE, "x varies with the step; expected one number for all steps, which gives its spike's step");
    if (first > last) return b->api->fail(b, HK_ECONFIG, "first_spike_time is %lld, expected less than T=%lld", (long long)first, (long long)last + 1);
    if (!hk_get_bool(self, "normalize") && !hk_get_bool(self, "bypass") && rint(latest(self) + first) > last)
        return b->api->fail(b, HK_ECONFIG,
            "the spike of x = 0 comes at step %.0f, the last step is %.0f; expected normalize=true, a smaller tau, a larger T, or bypass=true, which leaves "
            "such spikes out",
            rint(latest(self) + first), last);
    hk_value time = spike_time(b, self, in[0], first, last), when = hk_round(b, time);
    b->api->name_output(b, self, "spike_time", time);
    if (hk_get_bool(self, "interpolate")) {
        out[0] = rising(b, when, last + 1, on, off);
        return HK_OK;
    }
    hk_value spike = hk_within(b, hk_since(b, when), -0.5, 0.5);
    if (hk_get_bool(self, "clip")) spike = hk_mul(b, spike, hk_within(b, in[0], threshold, INFINITY));
    out[0] = hk_clamp(b, hk_affine(b, spike, on, 0.0), off, INFINITY);
    return HK_OK;
}

static hk_status init(hk_module *self) {
    const double threshold = hk_get_real(self, "threshold"), tau = hk_get_real(self, "tau"), epsilon = hk_get_real(self, "epsilon");
    if (!(threshold > 0 && threshold < 1)) return self->api->fail(self, HK_ECONFIG, "threshold is %g, expected a number between 0 and 1", threshold);
    if (!(tau > 0)) return self->api->fail(self, HK_ECONFIG, "tau is %g, expected a number above 0", tau);
    if (!hk_get_bool(self, "linear") && !(epsilon > 0)) return self->api->fail(self, HK_ECONFIG, "epsilon is %g, expected a number above 0", epsilon);
    if (hk_get_bool(self, "interpolate") && hk_get_real(self, "on_target") < hk_get_real(self, "off_target"))
        return self->api->fail(self, HK_ECONFIG, "on_target is %g, below off_target %g; interpolate rises from the one to the other",
            hk_get_real(self, "on_target"), hk_get_real(self, "off_target"));
    return HK_OK;
}

const hk_module_type snn_latency_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "one spike at round(tau ln(x / (x - threshold))), or linear round(tau (1 - x)): the larger x, the sooner",
    .source = "snnTorch 1.0, spikegen.latency",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
