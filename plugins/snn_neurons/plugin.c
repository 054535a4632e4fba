/* plugins/snn_neurons/plugin.c - snnTorch's neurons, and its cells that are built from operations alone. A new neuron is one file and one word in common.h. */
#include "common.h"

static hk_status init(const hk_host *host) {
#define REGISTER(prefix) prefix##_register,
    hk_status (*const all[])(const hk_host *) = { SNN_NEURONS(REGISTER) };
    static const struct {
        const char *id;
        const hk_module_type *type;
    } cells[] = { { "snn.LeakyParallel", &snn_leaky_parallel_type }, { "snn.SLSTM", &snn_slstm_type }, { "snn.SConv2dLSTM", &snn_sconv2d_lstm_type } };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++) st = all[i](host);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0] && !st; i++) st = host->add(host->ctx, "hk.module/1", cells[i].id, cells[i].type);
    return st;
}

HK_PLUGIN("hillock.snn_neurons", "0.1.0", "Apache-2.0", init);
