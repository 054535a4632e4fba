/* plugins/snn_neurons/lapicque.c - snn.Lapicque, the neuron as a circuit of a resistor and a capacitor, integrated by Euler's method.
 *     m = x dt / C + (1 - dt / (R C)) mem;   the reset as in membrane.c
 * Given beta and one of R, C: the other by beta = exp(-dt / (R C)); beta alone: R = 1. The step itself does not use beta.
 * Source: Lapicque 1907; snnTorch 1.0, _neurons.lapicque.Lapicque. */
#include "common.h"
#include <math.h>

static const hk_field fields[] = {
    { "beta", HK_REAL, HK_NULLABLE, "none", 0, 1, NULL, "decay of the membrane potential per step, from which a missing R or C is computed" },
    { "R", HK_REAL, HK_NULLABLE, "none", 0, INFINITY, NULL, "resistance" },
    { "C", HK_REAL, HK_NULLABLE, "none", 0, INFINITY, NULL, "capacitance" },
    { "time_step", HK_REAL, 0, "1", 0, INFINITY, NULL, "dt: length of a step, in units of R C" },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    { "learn_beta", HK_BOOL, 0, "false", 0, 0, NULL, "whether beta is learned; its gradient is 0" },
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("subtract"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
};

/* The state_dict of the package: a computed beta is a row of one number; R where it is not the integer 1 that beta alone makes it. */
static hk_status init(hk_module *self) {
    const int64_t one[1] = { 1 };
    double beta = hk_get_real(self, "beta"), R = hk_get_real(self, "R"), C = hk_get_real(self, "C"), dt = hk_get_real(self, "time_step");
    const int has_beta = !isnan(beta), has_R = !isnan(R), has_C = !isnan(C);
    hk_status st = snn_init(self);
    if (st) return st;
    if (!has_beta && !(has_R && has_C)) return self->api->fail(self, HK_ECONFIG, "expected beta, or R and C; got %s", has_R ? "R alone" : has_C ? "C alone" : "none of them");
    if (has_beta && has_R && has_C) return self->api->fail(self, HK_ECONFIG, "expected beta and at most one of R and C, or R and C; got all three");
    if (!(dt > 0) || (has_R && !(R > 0)) || (has_C && !(C > 0)) || (has_beta && !(beta > 0 && beta < 1)))
        return self->api->fail(self, HK_ECONFIG, "expected time_step, R and C above 0, and beta between 0 and 1; got %g, %g, %g and %g", dt, R, C, beta);
    if (!has_beta) beta = exp(-dt / (R * C));
    else if (has_C) R = dt / (C * log(1 / beta));
    else C = dt / ((has_R ? R : 1) * log(1 / beta));
    st = hk_add_param_values(self, "beta", !has_beta, one, &beta, hk_get_bool(self, "learn_beta"));
    if (!st && (has_R || has_C)) st = hk_add_param_values(self, "R", 0, NULL, &R, 0);
    return st ? st : hk_add_param_values(self, "C", 0, NULL, &C, 0);
}

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    const int has_R = !hk_is_none(self, "R") || !hk_is_none(self, "C");
    hk_value C = hk_param(b, self, "C"), dt = hk_const(b, hk_get_real(self, "time_step"));
    hk_value RC = has_R ? hk_mul(b, hk_param(b, self, "R"), C) : C;
    snn_operands(b, self, p, 0);
    p[SNN_N_COMMON] = hk_div(b, dt, C);
    p[SNN_N_COMMON + 1] = hk_affine(b, hk_div(b, dt, RC), -1.0, 1.0);
}

hk_status snn_lapicque_register(const hk_host *host) {
    hk_neuron_type type = *snn_membrane_type();
    type.doc = "RC circuit: mem = x dt / C + (1 - dt / (R C)) mem - Reset threshold; fires as snn.Leaky";
    type.source = "snnTorch 1.0, Lapicque";
    type.fields = fields;
    type.n_fields = sizeof fields / sizeof *fields;
    type.init = init;
    type.operands = operands;
    type.build = snn_build;
    return host->add(host->ctx, "hk.neuron/1", "snn.Lapicque", &type);
}
