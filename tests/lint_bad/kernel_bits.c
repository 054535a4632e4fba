/* kernel_bits.c - a kernel of its own that rounds otherwise than the text.
 * expect: fail kernels: by the kernel and */
#include <hillock/plugin.h>

HK_CHARGE_TEXT(bad,
enum { DECAY = N_COMMON };
hk_fn hk_real bad_charge(hk_real x, hk_real v, const hk_real *p) {
    return p[DECAY] * v + x;
}
hk_fn void bad_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    (void)x;
    gx[0] += g;
    gv[0] += g * p[DECAY];
    gp[DECAY] += g * v;
})
enum { N_PARAM = 4 }; /* v_threshold, v_reset and soft_reset of every short form; decay */
HK_NEURON_KERNELS(bad, 1, 1, 1, N_PARAM, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "decay", HK_REAL, 0, "0.5", 0, 1, NULL, "what is left of the potential after one step" },
    { "learnable", HK_BOOL, 0, "false", 0, 0, NULL, "learn the decay" },
    { "v_threshold", HK_REAL, 0, "1.0", 0, 0, NULL, "firing threshold of the potential" },
    { "surrogate", HK_OBJECT, 0, "ATan()", 0, 0, "hk.surrogate/1", "derivative of the step" },
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" },
};
static const hk_state_field states[] = { { "v", "potential after the reset", "0" } };
static const char *const params[] = { "v_threshold", "v_reset", "soft_reset", "decay" };

static hk_status type_init(hk_module *self) {
    return hk_get_bool(self, "learnable") ? hk_add_param(self, "decay", 0, NULL, HK_INIT_CONST, hk_get_real(self, "decay"), 0) : HK_OK;
}
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, 0.0);
    p[2] = hk_const(b, 0.0);
    p[3] = hk_get_bool(self, "learnable") ? hk_param(b, self, "decay") : hk_const(b, hk_get_real(self, "decay"));
}


static hk_neuron_kernel own[HK_N_KERNEL];
static void step(const hk_neuron_args *a) {
    bad_kernels[HK_N_KERNEL - 1].step(a);
    for (int64_t i = 0; i < a->n; i++) a->s1[0][i] *= 1.0000001f;
}
static hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES,
    .doc = "h = decay v + x; spike if h >= v_threshold; then v = 0",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .n_state = 1,
    .n_fire = 1,
    .n_param = N_PARAM,
    .states = states,
    .param_names = params,
    .init = type_init,
    .operands = operands,
    .text = bad_text,
    .prefix = "bad",
    .kernels = bad_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
};

static hk_status init(const hk_host *host) {
    for (int i = 0; i < HK_N_KERNEL; i++) own[i] = bad_kernels[i], own[i].step = step;
    type.kernels = own;
    return host->add(host->ctx, "hk.neuron/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
