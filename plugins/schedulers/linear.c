/* linear.c - LinearLR, a linear warm-up. */
#include "schedulers.h"

static const hk_field fields[] = {
    { "start_factor", HK_REAL, 0, "0.3333333333333333", 0, 1, NULL, "factor of the first epoch" },
    { "end_factor", HK_REAL, 0, "1", 0, 1, NULL, "factor from epoch total_iters on" },
    { "total_iters", HK_INT, 0, "5", 1, 1e9, NULL, "epochs of the change" },
};

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    double start = hk_get_real(self, "start_factor"), end = hk_get_real(self, "end_factor");
    int64_t n = hk_get_int(self, "total_iters");
    (void)epochs;
    return base * (start + (end - start) * (double)(epoch < n ? epoch : n) / (double)n);
}

const hk_scheduler_type linear_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .doc = "lr = base (start_factor + (end_factor - start_factor) min(epoch, total_iters) / total_iters)",
    .source = "torch.optim.lr_scheduler.LinearLR",
};
