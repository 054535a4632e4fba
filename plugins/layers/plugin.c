/* plugin.c - the family of layers. A new layer is one file, one line in layers.h and one here. */
#include "layers.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } types[] = {
        { "Linear", &linear_type },
        { "Flatten", &flatten_type },
        { "Fire", &fire_type },
        { "ColumnAsTime", &column_as_time_type },
        { "MeanT", &mean_t_type },
        { "Conv2d", &conv2d_type },
        { "BatchNorm2d", &batch_norm2d_type },
        { "MaxPool2d", &max_pool2d_type },
        { "AvgPool2d", &avg_pool2d_type },
        { "AdaptiveAvgPool2d", &adaptive_avg_pool2d_type },
        { "Dropout", &dropout_type },
        { "Dropout2d", &dropout2d_type },
        { "VotingLayer", &voting_type },
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !st; i++) st = host->add(host->ctx, "hk.module/1", types[i].id, types[i].type);
    return st;
}

HK_PLUGIN("hillock.layers", "0.1.0", "Apache-2.0", init);
