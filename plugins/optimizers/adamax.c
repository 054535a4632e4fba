/* plugins/optimizers/adamax.c - Adamax, Adam with the largest gradient in place of the mean square: g += wd w; m = m + (1 - b1)(g - m);
 *     u = max(b2 u, |g| + eps); w -= lr / (1 - b1^t) m / u
 * Source: Kingma and Ba 2015, section 7.1; torch.optim.Adamax. */
#include "optimizers.h"

HK_TEXT(torch_adamax,
enum { STEP_SIZE, ONE_MINUS_BETA1, BETA2, EPS, WEIGHT_DECAY };
enum { EXP_AVG, EXP_INF };
hk_fn void torch_adamax_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) {
    g = c[WEIGHT_DECAY] != 0 ? g + c[WEIGHT_DECAY] * w[0] : g;
    s[EXP_AVG] += c[ONE_MINUS_BETA1] * (g - s[EXP_AVG]);
    s[EXP_INF] = hk_max(c[BETA2] * s[EXP_INF], hk_abs(g) + c[EPS]);
    w[0] -= c[STEP_SIZE] * s[EXP_AVG] / s[EXP_INF];
})
HK_OPTIMIZER_KERNELS(torch_adamax, 2, 5)

static const hk_field fields[] = {
    { "lr", HK_REAL, 0, "0.002", 0, INFINITY, NULL, "learning rate" },
    { "betas", HK_REALS, 0, "(0.9, 0.999)", 0, 1, NULL, "decay of the mean gradient, and of the largest one; below 1" },
    { "eps", HK_REAL, 0, "1e-8", 0, INFINITY, NULL, "added to the gradient's size" },
    { "weight_decay", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "added to the gradient, times the weight" },
};
static const char *const states[] = { "exp_avg", "exp_inf" };

static void constants(const hk_module *self, double lr, int64_t step, double *c) {
    double beta[2] = { 0 };
    hk_get_reals(self, "betas", beta, 2);
    c[0] = lr / (1 - pow(beta[0], (double)step));
    c[1] = 1 - beta[0];
    c[2] = beta[1];
    c[3] = hk_get_real(self, "eps");
    c[4] = hk_get_real(self, "weight_decay");
}

static const hk_optimizer_type type = {
    .struct_size = sizeof(hk_optimizer_type),
    .doc = "m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); w -= lr / (1 - b1^t) m / u",
    .source = "Kingma and Ba 2015; torch.optim.Adamax",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 2,
    .n_const = 5,
    .state_names = states,
    .init = torch_betas_check,
    .constants = constants,
    .text = torch_adamax_text,
    .prefix = "torch_adamax",
    .kernels = torch_adamax_kernels,
    .n_kernel = HK_N_KERNEL,
};

hk_status torch_adamax_register(const hk_host *host) { return host->add(host->ctx, "hk.optimizer/1", "Adamax", &type); }
