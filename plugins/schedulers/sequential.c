/* sequential.c - SequentialLR: one scheduler after the other, each from its own epoch 0. */
#include "schedulers.h"

enum { PARTS = 6 };
static const char *const names[PARTS] = { "first", "second", "third", "fourth", "fifth", "sixth" };
#define PART(name, def, flags, doc)                                                                                                                            \
    { name, HK_OBJECT, flags, def, 0, 0, "hk.scheduler/1", doc }
static const hk_field fields[] = {
    PART("first", NULL, 0, "from epoch 0 on"),
    PART("second", NULL, 0, "from the first milestone on"),
    PART("third", "none", HK_NULLABLE, "from the second milestone on"),
    PART("fourth", "none", HK_NULLABLE, "and so on"),
    PART("fifth", "none", HK_NULLABLE, "and so on"),
    PART("sixth", "none", HK_NULLABLE, "and so on"),
    { "milestones", HK_INTS, 0, NULL, 1, 1e9, NULL, "epochs at which the next one begins, ascending" },
};

static int parts(const hk_module *self) {
    int n = 0;
    while (n < PARTS && hk_get_object(self, names[n])) n++;
    return n;
}

static hk_status init(hk_module *self) {
    int64_t at[PARTS + 1] = { 0 };
    int n = hk_get_ints(self, "milestones", at, PARTS + 1), k = parts(self);
    if (n != k - 1) return self->api->fail(self, HK_ECONFIG, "%d schedulers need %d milestones, got %d", k, k - 1, n);
    for (int i = 1; i < n; i++)
        if (at[i] <= at[i - 1]) return self->api->fail(self, HK_ECONFIG, "milestones must ascend, got %lld after %lld", (long long)at[i], (long long)at[i - 1]);
    return HK_OK;
}

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    int64_t at[PARTS] = { 0 }, start = 0;
    int n = hk_get_ints(self, "milestones", at, PARTS), k = 0;
    while (k < n && epoch >= at[k]) start = at[k++];
    const hk_module *part = hk_get_object(self, names[k]);
    return ((const hk_scheduler_type *)part->api->type(part))->lr(part, base, epoch - start, epochs > start ? epochs - start : 1);
}

const hk_scheduler_type sequential_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .init = init,
    .doc = "the part whose milestone was passed last, asked for the epochs since then",
    .source = "torch.optim.lr_scheduler.SequentialLR",
};
