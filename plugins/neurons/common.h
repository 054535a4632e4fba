/* plugins/neurons/common.h - what SpikingJelly's neurons have in common: fields, reset, the first parameters of the short form.
 * Private to the family. Source: SpikingJelly 2.0, activation_based.neuron.BaseNode. */
#ifndef HILLOCK_NEURONS_COMMON_H
#define HILLOCK_NEURONS_COMMON_H

#include "hillock/plugin.h"

/* Fields after a type's own. v_reset none: soft reset. */
#define SJ_COMMON_FIELDS                                                                                                                                       \
    { "v_threshold", HK_REAL, 0, "1.0", 0, 0, NULL, "firing threshold of the potential" },                                                                     \
        { "v_reset", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" },                          \
        { "surrogate", HK_OBJECT, 0, "Sigmoid()", 0, 0, "hk.surrogate/1", "derivative of the step" },                                                          \
        { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" }, SJ_RUN_FIELDS, {                                             \
        "store_v_seq", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: v after each step can always be read"                                     \
    }
#define SJ_RUN_FIELDS                                                                                                                                          \
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all steps at once; s: step by step" }, {                                                                  \
        "backend", HK_STR, 0, "torch", 0, 0, NULL, "accepted for compatibility, without effect"                                                                \
    }

#define SJ_N_COMMON 3
#define SJ_COMMON_PARAMS "v_threshold", "v_reset", "soft_reset"

/* The state v of all of them: begins at v_reset, or at 0 if it is none. */
static const hk_state_field sj_state_v[1] = { { "v", "membrane potential after the reset", "v_reset" } };

/* The potential that leaks lead to: v_reset, or 0 if it is none. */
static inline double sj_rest(const hk_module *self) { return hk_is_none(self, "v_reset") ? 0.0 : hk_get_real(self, "v_reset"); }

/* Fills p[0..SJ_N_COMMON). */
static inline void sj_common_operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, sj_rest(self));
    p[2] = hk_const(b, hk_is_none(self, "v_reset"));
}

/* LIF, for those that differ from it only in where 1 / tau comes from. */
const hk_neuron_type *sj_lif_type(void);
void sj_lif_operands(hk_builder *b, const hk_module *self, hk_value *p, hk_value inv_tau);

hk_status sj_if_register(const hk_host *host);
hk_status sj_lif_register(const hk_host *host);
hk_status sj_plif_register(const hk_host *host);

#endif
