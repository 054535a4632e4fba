/* containers.h - the types of this family; each has its own file. */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include "hillock/containers.h"
#include "hillock/plugin.h"

extern const hk_module_type sequential_type, step_mode_type, multi_step_type, element_wise_recurrent_type, linear_recurrent_type, seq_to_ann_type, t_last_type;
hk_status hk_synapse_filter_register(const hk_host *host); /* a neuron type, so it registers itself */

/* These two go step by step by their nature, so that "s" changes nothing. */
#define STEP_MODE_FIELD { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m or s, with equal results" }

#endif
