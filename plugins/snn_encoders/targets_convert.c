/* plugins/snn_encoders/targets_convert.c - snn.targets_convert: from a class, a number for each sample, to what is wanted of each output.
 *     rate: on_target at the class; elsewhere off_target, but max(0, off_target) where that is below on_target; with first_spike_time off_target before it
 *     rate with correct_rate, incorrect_rate: spikes at the steps floor(first_spike_time + k / rate), or (poisson) at each with probability rate, drawn for
 *     each sample and output; y = max(spike on_target, off_target); interpolate: y rises from off_target behind a spike to on_target at the next
 *     latency: a spike at the step of x = 1 at the class, of x = 0 elsewhere: tau ln(x / (x - threshold)) with x at least threshold + epsilon, or linear
 *     tau (1 - x), at most tau (1 - threshold); normalize: so that the later of the two is the last step. y = max(spike on_target, off_target)
 * Source: snnTorch 1.0, spikegen.targets_convert; the package's poisson draws one train for all samples. */
#include "snn_encoders.h"
#include <math.h>
#include <stdlib.h>

enum { MAX_CLASSES = 4096 };

static const hk_field fields[] = {
    { "num_classes", HK_INT, 0, NULL, 1, MAX_CLASSES, NULL, "outputs" },
    { "code", HK_ENUM, 0, "rate", 0, 0, "rate|latency", "one row for all steps, or spikes" },
    { "num_steps", HK_INT, 0, "0", 0, INFINITY, NULL, "steps; 0: T" },
    { "first_spike_time", HK_INT, 0, "0", 0, INFINITY, NULL, "no spike before this step" },
    { "correct_rate", HK_REAL, 0, "1", 0, 1, NULL, "rate: spikes of the class, for each step" },
    { "incorrect_rate", HK_REAL, 0, "0", 0, 1, NULL, "rate: spikes of the others, for each step" },
    { "on_target", HK_REAL, 0, "1", 0, 0, NULL, "wanted of the class, or the size of a spike" },
    { "off_target", HK_REAL, 0, "0", 0, 0, NULL, "wanted of the others, or what there is without a spike" },
    { "firing_pattern", HK_ENUM, 0, "regular", 0, 0, "regular|uniform|poisson", "rate: when spikes come; uniform is not supported" },
    { "interpolate", HK_BOOL, 0, "false", 0, 0, NULL, "rate, regular: y rises up to each spike" },
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

enum { REGULAR, UNIFORM, POISSON };

/* A train of regular spikes, or with rise what rises up to each: one number for each of T steps, as a STEP value. */
static hk_value train(hk_builder *b, double rate, double first, int rise, double on, double off) {
    const int64_t T = hk_steps(b);
    double *v = malloc((size_t)T * sizeof *v);
    if (!v) return b->api->fail(b, HK_ENOMEM, "out of memory for a train of spikes"), HK_NONE;
    for (int64_t t = 0; t < T; t++) v[t] = rise ? off : 0;
    for (int64_t k = 0, last = -1; rate > 0 && first + (double)k / rate < (double)T; k++) {
        const int64_t at = (int64_t)(float)(first + (double)k * (1 / rate)); /* as the package rounds */
        if (at >= T) break;
        v[at] = rise ? on : 1;
        for (int64_t t = last + 1; rise && t < at; t++) v[t] = off + (on - off) * (double)(t - last - 1) / (double)(at - last - 1);
        last = at;
    }
    hk_value y = hk_axis_as_time(b, hk_constants(b, T, v));
    free(v);
    return y;
}

static hk_status rates(hk_builder *b, const hk_module *self, hk_value hot, hk_value *out) {
    const double on = hk_get_real(self, "on_target"), off = hk_get_real(self, "off_target"), first = (double)hk_get_int(self, "first_spike_time");
    const double correct = hk_get_real(self, "correct_rate"), incorrect = hk_get_real(self, "incorrect_rate");
    const int rise = hk_get_bool(self, "interpolate"), poisson = hk_get_int(self, "firing_pattern") == POISSON;
    hk_value other = hk_affine(b, hot, -1.0, 1.0), spike;
    if (correct == 1 && incorrect == 0) { /* on from the first step that may be */
        hk_value late = hk_within(b, hk_since(b, hk_const(b, first)), 0.0, INFINITY), full = hk_clamp(b, hk_affine(b, hot, on, 0.0), off, INFINITY);
        *out = hk_affine(b, hk_mul(b, hk_affine(b, full, 1.0, -off), late), 1.0, off);
        return HK_OK;
    }
    if (poisson) {
        hk_value p = hk_affine(b, hot, correct - incorrect, incorrect);
        spike = hk_mul(b, hk_bernoulli(b, p), hk_within(b, hk_since(b, hk_const(b, first)), 0.0, INFINITY));
    } else {
        spike = hk_add(b, hk_mul(b, hot, train(b, correct, first, rise, on, off)), hk_mul(b, other, train(b, incorrect, first, rise, on, off)));
    }
    *out = rise ? spike : hk_clamp(b, hk_affine(b, spike, on, 0.0), off, INFINITY);
    return HK_OK;
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
    if (hk_get_int(self, "code") == 0 && (hk_get_int(self, "first_spike_time") || hk_get_real(self, "correct_rate") != 1 || hk_get_real(self, "incorrect_rate") != 0)) {
        if (!snn_steps_fit(b, self)) return HK_ECONFIG;
        if ((double)hk_get_int(self, "first_spike_time") > last)
            return b->api->fail(
                b, HK_ECONFIG, "first_spike_time is %lld, expected less than T=%lld", (long long)hk_get_int(self, "first_spike_time"), (long long)hk_steps(b));
        return rates(b, self, hot, &out[0]);
    }
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

static hk_status init(hk_module *self) {
    if (hk_get_int(self, "firing_pattern") == UNIFORM)
        return self->api->fail(self, HK_EUNSUPPORTED, "firing_pattern=uniform is not supported: expected regular, or poisson for spikes at random");
    if (hk_get_real(self, "incorrect_rate") > hk_get_real(self, "correct_rate"))
        return self->api->fail(self, HK_ECONFIG, "incorrect_rate is %g, expected at most correct_rate=%g", hk_get_real(self, "incorrect_rate"), hk_get_real(self, "correct_rate"));
    if (hk_get_bool(self, "interpolate") && (hk_get_int(self, "firing_pattern") != REGULAR || hk_get_int(self, "code")))
        return self->api->fail(self, HK_EUNSUPPORTED, "interpolate needs to know the next spike: expected code=rate and firing_pattern=regular");
    if (hk_get_bool(self, "interpolate") && hk_get_real(self, "correct_rate") == 1 && hk_get_real(self, "incorrect_rate") == 0)
        return self->api->fail(self, HK_ECONFIG, "interpolate rises between spikes, of which there is one at each step: expected correct_rate below 1");
    return HK_OK;
}

const hk_module_type snn_targets_convert_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "class to wanted output: on_target at the class, off_target elsewhere; or spikes, that of the class first",
    .source = "snnTorch 1.0, spikegen.targets_convert",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
