/* batch_norm.h - what the batch normalisations share. */
#ifndef LAYERS_BATCH_NORM_H
#define LAYERS_BATCH_NORM_H

#include "axes.h"
#include <math.h>

#define BATCH_NORM_FIELDS                                                                                                                                      \
    { "num_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" }, { "eps", HK_REAL, 0, "1e-5", 0, INFINITY, NULL, "added to the variance" },        \
        { "momentum", HK_REAL, 0, "0.1", 0, 1, NULL, "weight of the new batch in the running statistics" },                                                    \
        { "affine", HK_BOOL, 0, "true", 0, 0, NULL, "whether w and b are there" }, {                                                                           \
        "track_running_stats", HK_BOOL, 0, "true", 0, 0, NULL, "keep running statistics, used in evaluation; false: the batch's, always"                       \
    }

/* Declares weight (from `weight` on), bias and running statistics, as the fields say. */
hk_status batch_norm_init(hk_module *self, double weight);
/* That the input is [num_features, places]; axes 1: or [num_features]. */
hk_status batch_norm_check(hk_builder *, const hk_module *self, int axes, hk_value in);
hk_status batch_norm_build(hk_builder *, const hk_module *self, int axes, hk_value in, hk_value *out);

#endif
