/* plugin.c - the family of losses. A new loss is one file, one line in losses.h and one here. */
#include "losses.h"

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.module/1", "MSE", &mse_type);
    if (!st) st = host->add(host->ctx, "hk.module/1", "CrossEntropy", &cross_entropy_type);
    if (!st) st = host->add(host->ctx, "hk.module/1", "SpikeSimilar", &spike_similar_type);
    return st ? st : host->add(host->ctx, "hk.module/1", "TET", &tet_type);
}

HK_PLUGIN("hillock.losses", "0.1.0", "Apache-2.0", init);
