/* plugins/optimizers/optimizers.h - the types of this family; each has its own file. */
#ifndef HILLOCK_OPTIMIZERS_H
#define HILLOCK_OPTIMIZERS_H

#include "hillock/plugin.h"
#include <math.h>

hk_status torch_sgd_register(const hk_host *host);
hk_status torch_adam_register(const hk_host *host);
hk_status torch_adamw_register(const hk_host *host);
hk_status torch_adamax_register(const hk_host *host);
hk_status torch_rmsprop_register(const hk_host *host);

/* The check of the field `betas`, for those of Adam's kin. */
static inline hk_status torch_betas_check(hk_module *self) {
    double beta[3] = { 0 };
    int n = hk_get_reals(self, "betas", beta, 3);
    if (n != 2 || beta[0] >= 1 || beta[1] >= 1) return self->api->fail(self, HK_ECONFIG, "betas must be two numbers below 1, got %d: %g, %g", n, beta[0], beta[1]);
    return HK_OK;
}

#endif
