/* plugins/neurons/lif.c - LIF, the leaky integrate-and-fire neuron, by 1 / tau.
 *     decay_input: h = v + (x - (v - v_rest)) / tau;   else: h = v - (v - v_rest) / tau + x;   v_rest = v_reset, or 0 if none
 * Source: SpikingJelly 2.0, activation_based.neuron.LIFNode. */
#include "common.h"

HK_CHARGE_TEXT(sj_lif,
enum { INV_TAU = N_COMMON, DECAY_INPUT, V_REST };
hk_fn hk_real sj_lif_charge(hk_real x, hk_real v, const hk_real *p) {
    hk_real away = v - p[V_REST];
    return p[DECAY_INPUT] != 0 ? v + (x - away) * p[INV_TAU] : v - away * p[INV_TAU] + x;
}
hk_fn void sj_lif_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real in = p[DECAY_INPUT] != 0 ? (hk_real)1 : (hk_real)0;
    gx[0] += p[DECAY_INPUT] != 0 ? g * p[INV_TAU] : g;
    gv[0] += g * (1 - p[INV_TAU]);
    gp[INV_TAU] += g * (in * x - (v - p[V_REST]));
    gp[V_REST] += g * p[INV_TAU];
})
HK_NEURON_KERNELS(sj_lif, 1, 1, 1, SJ_N_LIF, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    SJ_TAU_FIELD,
    SJ_DECAY_FIELD,
    SJ_COMMON_FIELDS,
};
static const char *const params[] = { SJ_LIF_PARAMS };

void sj_lif_operands(hk_builder *b, const hk_module *self, hk_value *p, hk_value inv_tau) {
    sj_common_operands(b, self, p);
    p[SJ_N_COMMON] = inv_tau;
    p[SJ_N_COMMON + 1] = hk_const(b, hk_get_bool(self, "decay_input"));
    p[SJ_N_COMMON + 2] = hk_const(b, sj_rest(self));
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    sj_lif_operands(b, self, p, hk_const(b, 1.0 / hk_get_real(self, "tau")));
}

static const hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES,
    .doc = "leaky integrate-and-fire: h = v + (x - (v - v_reset)) / tau, or h = v - (v - v_reset) / tau + x; fires and resets as IF",
    .source = "SpikingJelly 2.0, activation_based.neuron.LIFNode",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 1,
    .n_fire = 1,
    .n_param = SJ_N_LIF,
    .states = sj_state_v,
    .param_names = params,
    .operands = operands,
    .text = sj_lif_text,
    .prefix = "sj_lif",
    .kernels = sj_lif_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
    .charge = HK_CHARGE_LEAK,
};

const hk_neuron_type *sj_lif_type(void) { return &type; }
hk_status sj_lif_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "LIF", &type); }
