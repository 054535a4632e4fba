/* plugin.c - the family of containers. A new container is one file, one line in containers.h and one here. */
#include "containers.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } types[] = {
        { "Sequential", &sequential_type },
        { "StepMode", &step_mode_type },
        { "MultiStep", &multi_step_type },
        { "SeqToANN", &seq_to_ann_type },
        { "TLast", &t_last_type },
        { "ElementWiseRecurrent", &element_wise_recurrent_type },
        { "LinearRecurrent", &linear_recurrent_type },
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !st; i++) st = host->add(host->ctx, "hk.module/1", types[i].id, types[i].type);
    return st ? st : hk_synapse_filter_register(host);
}

HK_PLUGIN("hillock.containers", "0.1.0", "Apache-2.0", init);
