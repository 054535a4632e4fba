/* plugins/optimizers/rmsprop.c - RMSprop: g += wd w; v = a v + (1 - a) g^2; centered: a mean gradient m = m + (1 - a)(g - m), and v - m^2 in place of v;
 *     d = g / (sqrt(v) + eps); with momentum b = mu b + d, d = b; w -= lr d
 * Source: Tieleman and Hinton 2012, lecture 6.5; Graves 2013 (centered); torch.optim.RMSprop. */
#include "optimizers.h"

HK_TEXT(torch_rmsprop,
enum { LR, ALPHA, ONE_MINUS_ALPHA, EPS, WEIGHT_DECAY, MOMENTUM, CENTERED };
enum { SQUARE_AVG, MOMENTUM_BUFFER, GRAD_AVG };
hk_fn void torch_rmsprop_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) {
    g = c[WEIGHT_DECAY] != 0 ? g + c[WEIGHT_DECAY] * w[0] : g;
    s[SQUARE_AVG] = c[ALPHA] * s[SQUARE_AVG] + c[ONE_MINUS_ALPHA] * g * g;
    s[GRAD_AVG] = c[CENTERED] != 0 ? s[GRAD_AVG] + c[ONE_MINUS_ALPHA] * (g - s[GRAD_AVG]) : s[GRAD_AVG];
    hk_real v = c[CENTERED] != 0 ? s[SQUARE_AVG] - s[GRAD_AVG] * s[GRAD_AVG] : s[SQUARE_AVG];
    hk_real d = g / (hk_sqrt(v) + c[EPS]);
    s[MOMENTUM_BUFFER] = c[MOMENTUM] != 0 ? c[MOMENTUM] * s[MOMENTUM_BUFFER] + d : s[MOMENTUM_BUFFER];
    w[0] -= c[LR] * (c[MOMENTUM] != 0 ? s[MOMENTUM_BUFFER] : d);
})
HK_OPTIMIZER_KERNELS(torch_rmsprop, 3, 7)

static const hk_field fields[] = {
    { "lr", HK_REAL, 0, "0.01", 0, INFINITY, NULL, "learning rate" },
    { "alpha", HK_REAL, 0, "0.99", 0, 1, NULL, "decay of the mean squared gradient" },
    { "eps", HK_REAL, 0, "1e-8", 0, INFINITY, NULL, "added to the denominator" },
    { "weight_decay", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "added to the gradient, times the weight" },
    { "momentum", HK_REAL, 0, "0.0", 0, INFINITY, NULL, "share of the last update" },
    { "centered", HK_BOOL, 0, "false", 0, 0, NULL, "divide by the gradient's deviation, not by its size" },
};
static const char *const states[] = { "square_avg", "momentum_buffer", "grad_avg" };

static void constants(const hk_module *self, double lr, int64_t step, double *c) {
    (void)step;
    c[0] = lr;
    c[1] = hk_get_real(self, "alpha");
    c[2] = 1 - hk_get_real(self, "alpha");
    c[3] = hk_get_real(self, "eps");
    c[4] = hk_get_real(self, "weight_decay");
    c[5] = hk_get_real(self, "momentum");
    c[6] = hk_get_bool(self, "centered");
}

static const hk_optimizer_type type = {
    .struct_size = sizeof(hk_optimizer_type),
    .doc = "v = a v + (1 - a) g^2; w -= lr g / (sqrt(v) + eps); centered and with momentum where asked",
    .source = "Tieleman and Hinton 2012; Graves 2013; torch.optim.RMSprop",
    .fields = fields,
    .n_fields = sizeof fields / sizeof *fields,
    .n_state = 3,
    .n_const = 7,
    .state_names = states,
    .constants = constants,
    .text = torch_rmsprop_text,
    .prefix = "torch_rmsprop",
    .kernels = torch_rmsprop_kernels,
    .n_kernel = HK_N_KERNEL,
};

hk_status torch_rmsprop_register(const hk_host *host) { return host->add(host->ctx, "hk.optimizer/1", "RMSprop", &type); }
