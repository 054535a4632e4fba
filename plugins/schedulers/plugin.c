/* plugin.c - the entry of the scheduler family. */
#include "schedulers.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_scheduler_type *type;
    } all[] = { { "CosineAnnealingLR", &cosine_type }, { "StepLR", &step_type }, { "MultiStepLR", &multistep_type }, { "LinearLR", &linear_type },
        { "ExponentialLR", &exponential_type }, { "OneCycleLR", &one_cycle_type }, { "SequentialLR", &sequential_type }, { "LambdaLR", &lambda_type } };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !st; i++) st = host->add(host->ctx, "hk.scheduler/1", all[i].id, all[i].type);
    return st;
}

HK_PLUGIN("hillock.schedulers", "0.1.0", "Apache-2.0", init);
