/* charge.c - a neuron that declares another charge than its text has.
 * expect: fail kernels: declares charge = HK_CHARGE_ADD */
#include <hillock/plugin.h>

HK_CHARGE_TEXT(bad,
hk_fn hk_real bad_charge(hk_real x, hk_real v, const hk_real *p) {
    (void)p;
    return 0.5f * v + x;
}
hk_fn void bad_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    (void)x;
    gx[0] += g;
    (void)v; (void)p; (void)gp;
    gv[0] += g * 0.5f;
})
enum { N_PARAM = 3 }; /* v_threshold, v_reset and soft_reset of every short form */
HK_NEURON_KERNELS(bad, 1, 1, 1, N_PARAM, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "v_threshold", HK_REAL, 0, "1.0", 0, 0, NULL, "firing threshold of the potential" },
    { "surrogate", HK_OBJECT, 0, "ATan()", 0, 0, "hk.surrogate/1", "derivative of the step" },
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" },
};
static const hk_state_field states[] = { { "v", "potential after the reset", "0" } };
static const char *const params[] = { "v_threshold", "v_reset", "soft_reset" };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, 0.0);
    p[2] = hk_const(b, 0.0);
}

static const hk_neuron_type type = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES,
    .doc = "h = v / 2 + x; spike if h >= v_threshold; then v = 0",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .n_state = 1,
    .n_fire = 1,
    .n_param = N_PARAM,
    .states = states,
    .param_names = params,
    .operands = operands,
    .text = bad_text,
    .prefix = "bad",
    .kernels = bad_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
    .charge = HK_CHARGE_ADD,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
