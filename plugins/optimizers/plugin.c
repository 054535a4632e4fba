/* plugins/optimizers/plugin.c - optimizers with PyTorch's meaning. A new one is one file, one line in optimizers.h and one here. */
#include "optimizers.h"

static hk_status init(const hk_host *host) {
    hk_status (*const all[])(const hk_host *) = { torch_sgd_register, torch_adam_register, torch_adamw_register, torch_adamax_register, torch_rmsprop_register };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++) st = all[i](host);
    return st;
}

HK_PLUGIN("hillock.optimizers", "0.1.0", "Apache-2.0", init);
