/* schedulers.h - the types of this family. Each gives the learning rate of an epoch in closed form. */
#ifndef SCHEDULERS_H
#define SCHEDULERS_H

#include "hillock/plugin.h"

extern const hk_scheduler_type cosine_type, step_type, multistep_type, linear_type, exponential_type, one_cycle_type, sequential_type, lambda_type;

#endif
