/* plugins/snn_losses/plugin.c - snnTorch's losses. A new loss is one file, one line in snn_losses.h and one here. */
#include "snn_losses.h"

static const struct {
    const char *id;
    const hk_module_type *type;
} all[] = {
    { "snn.ce_rate_loss", &snn_ce_rate_type },
};

static hk_status init(const hk_host *host) {
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !st; i++) st = host->add(host->ctx, "hk.module/1", all[i].id, all[i].type);
    return st;
}

HK_PLUGIN("hillock.snn_losses", "0.1.0", "Apache-2.0", init);
