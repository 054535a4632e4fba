/* plugins/snn_encoders/plugin.c - snnTorch's encoders. A new one is one file, one line in snn_encoders.h and one here. */
#include "snn_encoders.h"

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.module/1", "snn.rate", &snn_rate_type);
    if (!st) st = host->add(host->ctx, "hk.module/1", "snn.delta", &snn_delta_type);
    if (!st) st = host->add(host->ctx, "hk.module/1", "snn.latency", &snn_latency_type);
    return st ? st : host->add(host->ctx, "hk.module/1", "snn.targets_convert", &snn_targets_convert_type);
}

HK_PLUGIN("hillock.snn_encoders", "0.1.0", "Apache-2.0", init);
