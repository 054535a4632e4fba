/* plugins/neurons/if.c - IF, the integrate-and-fire neuron: h = v + x.
 * Source: SpikingJelly 2.0, activation_based.neuron.IFNode. */
#include "common.h"

HK_CHARGE_TEXT(sj_if,
hk_fn hk_real sj_if_charge(hk_real x, hk_real v, const hk_real *p) {
    (void)p;
    return v + x;
}
hk_fn void sj_if_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    (void)x; (void)v; (void)p; (void)gp;
    gx[0] += g;
    gv[0] += g;
})
HK_NEURON_KERNELS(sj_if, 1, 1, 1, SJ_N_COMMON, HK_NEURON_SPIKES)

static const hk_field fields[] = { SJ_COMMON_FIELDS };
static const char *const params[] = { SJ_COMMON_PARAMS };
static const hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES,
    .doc = "integrate-and-fire: h = v + x; spike if h >= v_threshold; then v = v_reset, or h - v_threshold if v_reset is none",
    .source = "SpikingJelly 2.0, activation_based.neuron.IFNode",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 1,
    .n_fire = 1,
    .n_param = SJ_N_COMMON,
    .states = sj_state_v,
    .param_names = params,
    .operands = sj_common_operands,
    .text = sj_if_text,
    .prefix = "sj_if",
    .kernels = sj_if_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
    .charge = HK_CHARGE_ADD,
};

const hk_neuron_type *sj_if_type(void) { return &type; }
hk_status sj_if_register(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "IF", &type); }
