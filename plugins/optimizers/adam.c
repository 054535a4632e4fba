/* plugins/optimizers/adam.c - Adam: g += wd w; m = m + (1 - b1)(g - m); v = b2 v + (1 - b2) g^2; with amsgrad v^ = max of all v, else v;
 *     w -= lr / (1 - b1^t) m / (sqrt(v^) / sqrt(1 - b2^t) + eps)
 * The corrections are computed in double, once per step. Source: Kingma and Ba 2015; torch.optim.Adam. */
#include "optimizers.h"

HK_TEXT(torch_adam,
enum { STEP_SIZE, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, INV_SQRT_CORRECTION2, EPS, WEIGHT_DECAY, AMSGRAD };
enum { EXP_AVG, EXP_AVG_SQ, MAX_EXP_AVG_SQ };
hk_fn void torch_adam_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) {
    g = c[WEIGHT_DECAY] != 0 ? g + c[WEIGHT_DECAY] * w[0] : g;
    s[EXP_AVG] += c[ONE_MINUS_BETA1] * (g - s[EXP_AVG]);
    s[EXP_AVG_SQ] = c[BETA2] * s[EXP_AVG_SQ] + c[ONE_MINUS_BETA2] * g * g;
    s[MAX_EXP_AVG_SQ] = c[AMSGRAD] != 0 ? hk_max(s[MAX_EXP_AVG_SQ], s[EXP_AVG_SQ]) : s[MAX_EXP_AVG_SQ];
    hk_real v = c[AMSGRAD] != 0 ? s[MAX_EXP_AVG_SQ] : s[EXP_AVG_SQ];
    w[0] -= c[STEP_SIZE] * s[EXP_AVG] / (hk_sqrt(v) * c[INV_SQRT_CORRECTION2] + c[EPS]);
})
HK_OPTIMIZER_KERNELS(torch_adam, 3, 8)

static const hk_field fields[] = {
    { "lr", HK_REAL, 0, "0.001", 0, INFINITY, NULL, "learning rate" },
    { "betas", HK_REALS, 0, "(0.9, 0.999)", 0, 1, NULL, "decay of the averages of gradient and squared gradient, below 1" },
    { "eps", HK_REAL, 0, "1e-8", 0, INFINITY, NULL, "added to the denominator" },
    { "weight_decay", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "added to the gradient, times the weight" },
    { "amsgrad", HK_BOOL, 0, "false", 0, 0, NULL, "divide by the largest average so far" },
};
static const char *const states[] = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" };

static void constants(const hk_module *self, double lr, int64_t step, double *c) {
    double beta[2] = { 0 };
    hk_get_reals(self, "betas", beta, 2);
    c[0] = lr / (1 - pow(beta[0], (double)step));
    c[1] = 1 - beta[0];
    c[2] = beta[1];
    c[3] = 1 - beta[1];
    c[4] = 1 / sqrt(1 - pow(beta[1], (double)step));
    c[5] = hk_get_real(self, "eps");
    c[6] = hk_get_real(self, "weight_decay");
    c[7] = hk_get_bool(self, "amsgrad");
}

static const hk_optimizer_type type = {
    .struct_size = sizeof(hk_optimizer_type),
    .doc = "gradient descent by averages of gradient and squared gradient",
    .source = "Kingma and Ba 2015; torch.optim.Adam",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 3,
    .n_const = 8,
    .state_names = states,
    .init = torch_betas_check,
    .constants = constants,
    .text = torch_adam_text,
    .prefix = "torch_adam",
    .kernels = torch_adam_kernels,
    .n_kernel = HK_N_KERNEL,
};

hk_status torch_adam_register(const hk_host *host) { return host->add(host->ctx, "hk.optimizer/1", "Adam", &type); }
