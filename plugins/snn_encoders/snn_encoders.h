/* plugins/snn_encoders/snn_encoders.h - the types of this family, each in a file of its own. Source: snnTorch 1.0, spikegen. */
#ifndef SNN_ENCODERS_H
#define SNN_ENCODERS_H

#include "hillock/plugin.h"

extern const hk_module_type snn_rate_type, snn_delta_type, snn_targets_convert_type, snn_latency_type;

/* For build: the field num_steps is 0 or T. False after a failure, which is kept. */
static inline int snn_steps_fit(hk_builder *b, const hk_module *self) {
    const int64_t n = hk_get_int(self, "num_steps");
    if (!n || n == hk_steps(b)) return 1;
    b->api->fail(b, HK_ECONFIG, "num_steps is %lld and T is %lld; expected the same, or num_steps=0", (long long)n, (long long)hk_steps(b));
    return 0;
}

#endif
