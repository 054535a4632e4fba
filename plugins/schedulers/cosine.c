/* cosine.c - CosineAnnealingLR. */
#include "schedulers.h"
#include <math.h>

static const hk_field fields[] = {
    { "T_max", HK_INT, HK_NULLABLE, "none", 1, 1e9, NULL, "epochs from the first learning rate to eta_min; none: all epochs of the training" },
    { "eta_min", HK_REAL, 0, "0", 0, 1e9, NULL, "lowest learning rate" },
};

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    double eta_min = hk_get_real(self, "eta_min");
    int64_t T_max = hk_is_none(self, "T_max") ? epochs : hk_get_int(self, "T_max");
    if (T_max < 1) return base;
    return eta_min + (base - eta_min) * (1.0 + cos(3.14159265358979323846 * (double)epoch / (double)T_max)) / 2.0;
}

const hk_scheduler_type cosine_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "lr = eta_min + (base - eta_min) (1 + cos(pi epoch / T_max)) / 2, also beyond T_max",
    .source = "torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov, Hutter 2017, SGDR",
};
