/* plugins/neurons/plugin.c - SpikingJelly's neurons. A new neuron is one file and one line in common.h. */
#include "common.h"

static hk_status init(const hk_host *host) {
#define SJ_ADDRESS(name) name##_register,
    hk_status (*const all[])(const hk_host *) = { SJ_NEURONS(SJ_ADDRESS) };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++) st = all[i](host);
    return st;
}

HK_PLUGIN("hillock.neurons", "0.1.0", "Apache-2.0", init);
