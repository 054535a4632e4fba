/* plugins/snn_losses/plugin.c - snnTorch's losses and accuracies. A new one is one file and one line in snn_losses.h. */
#include "snn_losses.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } all[] = {
#define ENTRY(name) { "snn." #name, &snn_##name##_type },
        SNN_LOSSES(ENTRY)
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !st; i++) st = host->add(host->ctx, "hk.module/1", all[i].id, all[i].type);
    return st;
}

HK_PLUGIN("hillock.snn_losses", "0.1.0", "Apache-2.0", init);
