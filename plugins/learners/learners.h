/* learners.h - the types of this family, each with its own file, and what they share. */
#ifndef LEARNERS_H
#define LEARNERS_H

#include "hillock/plugin.h"

extern const hk_learner_type stdp_type, mstdp_type, mstdpet_type;

#define PLASTICITY_SN_FIELD { "sn", HK_STR, 0, NULL, 0, 0, NULL, "path of the spiking layer behind, whose output is s" }
#define PLASTICITY_F_FIELDS                                                                                                                                    \
    { "f_pre", HK_ENUM, 0, "weight", 0, 0, "weight|constant", "what the change at an input spike is proportional to" },                                        \
        { "f_post", HK_ENUM, 0, "weight", 0, 0, "weight|constant", "what the change at an output spike is proportional to" },                                  \
        { "a_pre", HK_REAL, 0, "1.0", 0, 0, NULL, "factor of f_pre" }, { "a_post", HK_REAL, 0, "1.0", 0, 0, NULL, "factor of f_post" }, {                      \
        "clamp", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL, "[lo, hi] of w in f_pre and f_post"                                                                \
    }

/* What a layer's weight is multiplied with: all inputs, or with rank 4 those that a window covers. */
typedef struct connection {
    int64_t shape[4]; /* of the weight */
    int rank;
    hk_window window;
} connection;

hk_status plasticity_init(hk_module *self); /* checks `clamp` */
/* The layer's connection, and the spikes of `sn`. Fails by the builder. */
hk_status plasticity_connection(hk_builder *, const hk_module *self, const hk_learner_view *, connection *, hk_value *spikes);
/* Sum over rows of g x^T, and with a window over its places. */
hk_value plasticity_outer(hk_builder *, const connection *, hk_value g, hk_value x);
/* f(w) dw, by the fields f ("f_pre") and a ("a_pre"). */
hk_value plasticity_scaled(hk_builder *, const hk_module *self, const char *f, const char *a, hk_value w, hk_value dw);

#endif
