/* plugin.c - the family of encoders. A new encoder is one file, one line in encoders.h and one here. */
#include "encoders.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } types[] = {
        { "Poisson", &poisson_type },
        { "Latency", &latency_type },
        { "WeightedPhase", &weighted_phase_type },
        { "Periodic", &periodic_type },
        { "PopSpikeEncoderDeterministic", &pop_deterministic_type },
        { "PopSpikeEncoderRandom", &pop_random_type },
        { "PopEncoder", &pop_type },
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof types / sizeof *types && !st; i++) st = host->add(host->ctx, "hk.module/1", types[i].id, types[i].type);
    return st;
}

HK_PLUGIN("hillock.encoders", "0.1.0", "Apache-2.0", init);
