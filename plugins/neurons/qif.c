/* plugins/neurons/qif.c - QIF, the quadratic integrate-and-fire neuron:
 *     h = v + (x + a0 (v - v_rest) (v - v_c)) / tau
 * Source: Gerstner et al., "Neuronal Dynamics", chapter 5.3; SpikingJelly 2.0, activation_based.neuron.QIFNode. */
#include "common.h"

HK_CHARGE_TEXT(sj_qif,
enum { INV_TAU = N_COMMON, A0, V_REST, V_C };
hk_fn hk_real sj_qif_charge(hk_real x, hk_real v, const hk_real *p) {
    return v + (x + p[A0] * (v - p[V_REST]) * (v - p[V_C])) * p[INV_TAU];
}
hk_fn void sj_qif_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real rest = v - p[V_REST];
    hk_real crit = v - p[V_C];
    hk_real gk = g * p[INV_TAU];
    gx[0] += gk;
    gv[0] += g + gk * p[A0] * (rest + crit);
    gp[INV_TAU] += g * (x + p[A0] * rest * crit);
    gp[A0] += gk * rest * crit;
    gp[V_REST] -= gk * p[A0] * crit;
    gp[V_C] -= gk * p[A0] * rest;
})
HK_NEURON_KERNELS(sj_qif, 1, 1, 1, SJ_N_COMMON + 4, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    SJ_TAU_FIELD,
    { "v_c", HK_REAL, 0, "0.8", 0, 0, NULL, "critical potential: above it the neuron runs away to a spike by itself" },
    { "a0", HK_REAL, 0, "1.0", 0, 0, NULL, "curvature; more than 0" },
    SJ_THRESHOLD_FIELD("1.0"),
    { "v_rest", HK_REAL, 0, "0.0", 0, 0, NULL, "resting potential" },
    { "v_reset", HK_REAL, HK_NULLABLE, "-0.1", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_FIRE_FIELDS("Sigmoid()"),
};
static const char *const params[] = { SJ_COMMON_PARAMS, "1/tau", "a0", "v_rest", "v_c" };

static hk_status init(hk_module *self) {
    hk_status st = sj_check_positive(self, "a0");
    return st ? st : sj_check_rest(self);
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
    p[SJ_N_COMMON + 1] = hk_const(b, hk_get_real(self, "a0"));
    p[SJ_N_COMMON + 2] = hk_const(b, hk_get_real(self, "v_rest"));
    p[SJ_N_COMMON + 3] = hk_const(b, hk_get_real(self, "v_c"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_qif, 1, 1, 1, SJ_N_COMMON + 4),
    .flags = HK_NEURON_SPIKES,
    .doc = "quadratic integrate-and-fire: h = v + (x + a0 (v - v_rest) (v - v_c)) / tau; fires and resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.QIFNode",
    .states = sj_state_v,
    .init = init,
};

hk_status sj_qif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "QIF", &type); }
