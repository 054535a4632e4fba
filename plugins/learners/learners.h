/* learners.h - the types of this family; each has its own file. */
#ifndef LEARNERS_H
#define LEARNERS_H

#include "hillock/plugin.h"

extern const hk_learner_type stdp_type;

#endif
