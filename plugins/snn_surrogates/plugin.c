/* plugins/snn_surrogates/plugin.c - snnTorch's surrogates. A new one is one file and one line in snn_surrogates.h. */
#include "snn_surrogates.h"

static hk_status init(const hk_host *host) {
#define REGISTER(prefix) prefix##_register,
    hk_status (*const all[])(const hk_host *) = { SNN_SURROGATES(REGISTER) };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++) st = all[i](host);
    return st;
}

HK_PLUGIN("hillock.snn_surrogates", "0.1.0", "Apache-2.0", init);
