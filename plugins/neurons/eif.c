/* plugins/neurons/eif.c - EIF, the exponential integrate-and-fire neuron:
 *     h = v + (x - (v - v_rest) + delta_T exp((v - theta_rh) / delta_T)) / tau
 * Source: Gerstner et al., "Neuronal Dynamics", chapter 5.2; SpikingJelly 2.0, activation_based.neuron.EIFNode. */
#include "common.h"

HK_CHARGE_TEXT(sj_eif,
enum { INV_TAU = N_COMMON, V_REST, THETA_RH, DELTA_T, INV_DELTA_T };
hk_fn hk_real sj_eif_charge(hk_real x, hk_real v, const hk_real *p) {
    return v + (x - (v - p[V_REST]) + p[DELTA_T] * hk_exp((v - p[THETA_RH]) * p[INV_DELTA_T])) * p[INV_TAU];
}
hk_fn void sj_eif_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real e = hk_exp((v - p[THETA_RH]) * p[INV_DELTA_T]);
    hk_real gk = g * p[INV_TAU];
    hk_real ge = gk * p[DELTA_T] * e;
    gx[0] += gk;
    gv[0] += g - gk + ge * p[INV_DELTA_T];
    gp[INV_TAU] += g * (x - (v - p[V_REST]) + p[DELTA_T] * e);
    gp[V_REST] += gk;
    gp[THETA_RH] -= ge * p[INV_DELTA_T];
    gp[DELTA_T] += gk * e;
    gp[INV_DELTA_T] += ge * (v - p[THETA_RH]);
})
HK_NEURON_KERNELS(sj_eif, 1, 1, 1, SJ_N_COMMON + 5, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    SJ_TAU_FIELD,
    { "delta_T", HK_REAL, 0, "1.0", 0, 0, NULL, "sharpness of the exponential, in units of the potential; more than 0" },
    { "theta_rh", HK_REAL, 0, "0.8", 0, 0, NULL, "rheobase threshold: above it the neuron runs away to a spike by itself" },
    SJ_THRESHOLD_FIELD("1.0"),
    { "v_rest", HK_REAL, 0, "0.0", 0, 0, NULL, "resting potential" },
    { "v_reset", HK_REAL, HK_NULLABLE, "-0.1", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },
    SJ_FIRE_FIELDS("Sigmoid()"),
};
static const char *const params[] = { SJ_COMMON_PARAMS, "1/tau", "v_rest", "theta_rh", "delta_T", "1/delta_T" };

static hk_status init(hk_module *self) {
    hk_status st = sj_check_positive(self, "delta_T");
    return st ? st : sj_check_rest(self);
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
    p[SJ_N_COMMON + 1] = hk_const(b, hk_get_real(self, "v_rest"));
    p[SJ_N_COMMON + 2] = hk_const(b, hk_get_real(self, "theta_rh"));
    p[SJ_N_COMMON + 3] = hk_const(b, hk_get_real(self, "delta_T"));
    p[SJ_N_COMMON + 4] = hk_const(b, 1.0 / hk_get_real(self, "delta_T"));
}

static const hk_neuron_type type = {
    SJ_TYPE(sj_eif, 1, 1, 1, SJ_N_COMMON + 5),
    .flags = HK_NEURON_SPIKES,
    .doc = "exponential integrate-and-fire: h = v + (x - (v - v_rest) + delta_T exp((v - theta_rh) / delta_T)) / tau; fires and resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.EIFNode",
    .states = sj_state_v,
    .init = init,
};

hk_status sj_eif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "EIF", &type); }
