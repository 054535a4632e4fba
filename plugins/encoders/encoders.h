/* encoders.h - the types of this family; each has its own file. */
#ifndef ENCODERS_H
#define ENCODERS_H

#include "hillock/plugin.h"

extern const hk_module_type poisson_type;

#endif
