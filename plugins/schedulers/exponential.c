/* exponential.c - ExponentialLR. */
#include "schedulers.h"
#include <math.h>

static const hk_field fields[] = {
    { "gamma", HK_REAL, 0, NULL, 0, 1e9, NULL, "factor of one epoch" },
};

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    (void)epochs;
    return base * pow(hk_get_real(self, "gamma"), (double)epoch);
}

const hk_scheduler_type exponential_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "lr = base gamma^epoch",
    .source = "torch.optim.lr_scheduler.ExponentialLR",
};
