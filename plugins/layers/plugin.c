/* plugin.c - the family of layers. A new layer is one file, one line in layers.h and one here. */
#include "layers.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } types[] = {
        { "Linear", &linear_type }, { "Flatten", &flatten_type }, { "Fire", &fire_type }, { "ColumnAsTime", &column_as_time_type }, { "MeanT", &mean_t_type },
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !st; i++) st = host->add(host->ctx, "hk.module/1", types[i].id, types[i].type);
    return st;
}

HK_PLUGIN("hillock.layers", "0.1.0", "Apache-2.0", init);
