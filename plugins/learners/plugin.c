/* plugin.c - the family of learners. A new learner is one file, one line in learners.h and one here. */
#include "learners.h"

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.learner/1", "STDP", &stdp_type);
    if (!st) st = host->add(host->ctx, "hk.learner/1", "MSTDP", &mstdp_type);
    return st ? st : host->add(host->ctx, "hk.learner/1", "MSTDPET", &mstdpet_type);
}

HK_PLUGIN("hillock.learners", "0.1.0", "Apache-2.0", init);
