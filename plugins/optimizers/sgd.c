/* plugins/optimizers/sgd.c - SGD with momentum: g += wd w; b = g at the first step, else mu b + (1 - dampening) g; d = b, or with nesterov g + mu b;
 * without momentum d = g; w -= lr d.   Source: torch.optim.SGD. */
#include "optimizers.h"

HK_TEXT(torch_sgd,
enum { LR, MOMENTUM, ONE_MINUS_DAMPENING, WEIGHT_DECAY, NESTEROV, FIRST };
hk_fn void torch_sgd_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) {
    g = c[WEIGHT_DECAY] != 0 ? g + c[WEIGHT_DECAY] * w[0] : g;
    hk_real b = c[FIRST] != 0 ? g : c[MOMENTUM] * s[0] + c[ONE_MINUS_DAMPENING] * g;
    hk_real d = c[NESTEROV] != 0 ? g + c[MOMENTUM] * b : b;
    s[0] = c[MOMENTUM] != 0 ? b : s[0];
    w[0] -= c[LR] * (c[MOMENTUM] != 0 ? d : g);
})
HK_OPTIMIZER_KERNELS(torch_sgd, 1, 6)

static const hk_field fields[] = {
    { "lr", HK_REAL, 0, "0.001", 0, INFINITY, NULL, "learning rate" },
    { "momentum", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "share of the last update" },
    { "dampening", HK_REAL, 0, "0.0", 0, 0, NULL, "weakens the gradient in the momentum" },
    { "weight_decay", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "added to the gradient, times the weight" },
    { "nesterov", HK_BOOL, 0, "false", 0, 0, NULL, "look ahead; needs momentum and no dampening" },
};
static const char *const states[] = { "momentum_buffer" };

static hk_status init(hk_module *self) {
    if (hk_get_bool(self, "nesterov") && (hk_get_real(self, "momentum") <= 0 || hk_get_real(self, "dampening") != 0))
        return self->api->fail(self, HK_ECONFIG, "nesterov needs momentum above 0 and dampening 0");
    return HK_OK;
}
static void constants(const hk_module *self, double lr, int64_t step, double *c) {
    c[0] = lr;
    c[1] = hk_get_real(self, "momentum");
    c[2] = 1 - hk_get_real(self, "dampening");
    c[3] = hk_get_real(self, "weight_decay");
    c[4] = hk_get_bool(self, "nesterov");
    c[5] = step == 1;
}

static const hk_optimizer_type type = {
    .struct_size = sizeof(hk_optimizer_type),
    .doc = "stochastic gradient descent, with momentum where asked",
    .source = "torch.optim.SGD",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 1,
    .n_const = 6,
    .state_names = states,
    .init = init,
    .constants = constants,
    .text = torch_sgd_text,
    .prefix = "torch_sgd",
    .kernels = torch_sgd_kernels,
    .n_kernel = HK_N_KERNEL,
};

hk_status torch_sgd_register(const hk_host *host) { return host->add(host->ctx, "hk.optimizer/1", "SGD", &type); }
