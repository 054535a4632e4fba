/* one_cycle.c - OneCycleLR: up from max_lr / div_factor to max_lr, then down to the first rate / final_div_factor. torch takes a step for each batch; here, as everywhere,
 * a step is an epoch. */
#include "schedulers.h"
#include <math.h>

static const hk_field fields[] = {
    { "max_lr", HK_REAL, HK_NULLABLE, "none", 0, 1e9, NULL, "highest learning rate; none: the trainer's" },
    { "total_steps", HK_INT, HK_NULLABLE, "none", 2, 1e9, NULL, "epochs of the cycle; none: all epochs of the training" },
    { "pct_start", HK_REAL, 0, "0.3", 0, 1, NULL, "share of the cycle that goes up" },
    { "anneal_strategy", HK_ENUM, 0, "cos", 0, 0, "cos|linear", "along a cosine, or along a line" },
    { "div_factor", HK_REAL, 0, "25", 1e-9, 1e9, NULL, "max_lr / the first rate" },
    { "final_div_factor", HK_REAL, 0, "1e4", 1e-9, 1e12, NULL, "the first rate / the last one" },
    { "three_phase", HK_BOOL, 0, "false", 0, 0, NULL, "down to the first rate in as many epochs as it went up, then to the last" },
};

static double between(const hk_module *self, double from, double to, double share) {
    return hk_get_int(self, "anneal_strategy") ? from + (to - from) * share : to + (from - to) / 2 * (cos(3.14159265358979323846 * share) + 1);
}

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    const double max = hk_is_none(self, "max_lr") ? base : hk_get_real(self, "max_lr"), first = max / hk_get_real(self, "div_factor"),
                 last = first / hk_get_real(self, "final_div_factor");
    const double total = hk_is_none(self, "total_steps") ? (double)epochs : (double)hk_get_int(self, "total_steps"),
                 up = hk_get_real(self, "pct_start") * total - 1;
    const double e = (double)epoch, down = 2 * up;
    if (total < 2) return max;
    if (e <= up && up > 0) return between(self, first, max, e / up);
    if (!hk_get_bool(self, "three_phase")) return between(self, max, last, fmin(1, (e - up) / (total - 1 - up)));
    if (e <= down && up > 0) return between(self, max, first, (e - up) / up);
    return between(self, first, last, fmin(1, (e - down) / (total - 1 - down)));
}

const hk_scheduler_type one_cycle_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "from max_lr / div_factor up to max_lr within pct_start of the epochs, then down to max_lr / div_factor / final_div_factor",
    .source = "Smith and Topin 2018, \"Super-convergence\"; torch.optim.lr_scheduler.OneCycleLR",
};
