/* plugins/optimizers/optimizers.h - the types of this family; each has its own file. */
#ifndef HILLOCK_OPTIMIZERS_H
#define HILLOCK_OPTIMIZERS_H

#include "hillock/plugin.h"
#include <math.h>

hk_status torch_sgd_register(const hk_host *host);
hk_status torch_adam_register(const hk_host *host);

#endif
