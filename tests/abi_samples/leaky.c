/* leaky.c - a sample plugin of somebody else: a neuron h = decay v + x with its own surrogate, a triangle. */
#include "hillock/plugin.h"

HK_TEXT(bump,
hk_fn hk_real bump_grad(hk_real x, const hk_real *p) {
    hk_real a = x < 0 ? -x : x;
    return a < p[0] ? (p[0] - a) / (p[0] * p[0]) : 0;
})
HK_SURROGATE_KERNELS(bump, 1, 0, 0)

static const hk_field bump_fields[] = { { "width", HK_REAL, 0, "1.0", 0.01, 100, NULL, "half of its foot" } };
static const hk_surrogate_type bump = {
    .struct_size = sizeof bump,
    .doc = "s'(x) = max(0, width - |x|) / width^2",
    .fields = bump_fields,
    .n_fields = 1,
    .text = bump_text,
    .prefix = "bump",
    .kernels = bump_kernels,
    .n_kernel = HK_N_KERNEL,
};

HK_CHARGE_TEXT(leaky,
hk_fn hk_real leaky_charge(hk_real x, hk_real v, const hk_real *p) {
    return p[3] * v + x;
}
hk_fn void leaky_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    (void)x;
    gx[0] += g;
    gv[0] += g * p[3];
    gp[3] += g * v;
})
HK_NEURON_KERNELS(leaky, 1, 1, 1, 4, HK_NEURON_SPIKES)

static const hk_field leaky_fields[] = {
    { "decay", HK_REAL, 0, "0.9", 0, 1, NULL, "what is left of v after a step" },
    { "surrogate", HK_OBJECT, 0, "abi.Bump()", 0, 0, "hk.surrogate/1", "derivative of the step" },
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" },
};
static const hk_state_field leaky_states[] = { { "v", "membrane potential", "0" } };
static const char *const leaky_params[] = { "v_threshold", "v_reset", "soft_reset", "decay" };
static void leaky_operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, 1);
    p[1] = hk_const(b, 0);
    p[2] = hk_const(b, 1);
    p[3] = hk_const(b, hk_get_real(self, "decay"));
}
static const hk_neuron_type leaky = {
    .struct_size = sizeof leaky,
    .flags = HK_NEURON_SPIKES,
    .doc = "h = decay v + x; spike if h >= 1; then v = h - 1",
    .fields = leaky_fields,
    .n_fields = 3,
    .n_state = 1,
    .n_fire = 1,
    .n_param = 4,
    .states = leaky_states,
    .param_names = leaky_params,
    .operands = leaky_operands,
    .text = leaky_text,
    .prefix = "leaky",
    .kernels = leaky_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
};

static hk_status init(const hk_host *h) {
    hk_status st = h->add(h->ctx, "hk.surrogate/1", "abi.Bump", &bump);
    return st ? st : h->add(h->ctx, "hk.neuron/1", "abi.Leaky", &leaky);
}

HK_PLUGIN("abi.leaky", "1.0", "Apache-2.0", init);
