/* multistep.c - MultiStepLR. */
#include "schedulers.h"
#include <math.h>

#define MAX_MILESTONES 1024

static const hk_field fields[] = {
    { "milestones", HK_INTS, 0, NULL, 0, 1e9, NULL, "epochs at which the learning rate drops, in any order" },
    { "gamma", HK_REAL, 0, "0.1", 0, 1e9, NULL, "factor of one drop" },
};

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    int64_t at[MAX_MILESTONES];
    int n = hk_get_ints(self, "milestones", at, MAX_MILESTONES), passed = 0;
    for (int i = 0; i < n && i < MAX_MILESTONES; i++) passed += at[i] <= epoch;
    (void)epochs;
    return base * pow(hk_get_real(self, "gamma"), passed);
}

const hk_scheduler_type multistep_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "lr = base gamma^(number of milestones at or before the epoch)",
    .source = "torch.optim.lr_scheduler.MultiStepLR",
};
