/* datasets.h - the types of this family that have no header of their own. */
#ifndef DATASETS_H
#define DATASETS_H

#include "hillock/plugin.h"

extern const hk_host *datasets_host;
extern const hk_dataset_type arrays_type, subset_type;

#endif
