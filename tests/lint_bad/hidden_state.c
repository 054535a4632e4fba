/* hidden_state.c - an optimizer that counts its steps in a variable of its own.
 * expect: fail resume: other bits */
#include <hillock/plugin.h>

HK_TEXT(bad,
enum { LR, BETA };
hk_fn void bad_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) {
    s[0] = c[BETA] * s[0] + (1 - c[BETA]) * g;
    w[0] -= c[LR] * (s[0] > 0 ? (hk_real)1 : s[0] < 0 ? (hk_real)-1 : (hk_real)0);
})
HK_OPTIMIZER_KERNELS(bad, 1, 2) /* one state for each weight; two constants of a step */

static const hk_field fields[] = {
    { "lr", HK_REAL, 0, "0.001", 0, 1e6, NULL, "learning rate" },
    { "beta", HK_REAL, 0, "0.9", 0, 1, NULL, "how much of the mean gradient is kept at each step" },
};
static const char *const states[] = { "momentum" };

static void constants(const hk_module *self, double lr, int64_t step, double *c) {
    static int64_t calls;
    (void)step;
    c[0] = lr / (double)++calls;
    c[1] = hk_get_real(self, "beta");
}

static const hk_optimizer_type type = {
    .struct_size = sizeof(hk_optimizer_type),
    .doc = "m = beta m + (1 - beta) g; w -= lr sign(m)",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .n_state = 1,
    .n_const = 2,
    .state_names = states,
    .constants = constants,
    .text = bad_text,
    .prefix = "bad",
    .kernels = bad_kernels,
    .n_kernel = HK_N_KERNEL,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.optimizer/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
