/* step.c - StepLR. */
#include "schedulers.h"
#include <math.h>

static const hk_field fields[] = {
    { "step_size", HK_INT, 0, NULL, 1, 1e9, NULL, "epochs between two drops" },
    { "gamma", HK_REAL, 0, "0.1", 0, 1e9, NULL, "factor of one drop" },
};

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    (void)epochs;
    return base * pow(hk_get_real(self, "gamma"), (double)(epoch / hk_get_int(self, "step_size")));
}

const hk_scheduler_type step_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "lr = base gamma^floor(epoch / step_size)",
    .source = "torch.optim.lr_scheduler.StepLR",
};
