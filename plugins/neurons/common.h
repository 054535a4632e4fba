/* plugins/neurons/common.h - what SpikingJelly's neurons have in common: fields, reset, the first parameters of the short form.
 * Private to the family. Source: SpikingJelly 2.0, activation_based.neuron.BaseNode. */
#ifndef HILLOCK_NEURONS_COMMON_H
#define HILLOCK_NEURONS_COMMON_H

#include "hillock/plugin.h"
#include <math.h>

/* Fields after a type's own; SJ_FIELDS takes defaults. v_reset none: soft reset. */
#define SJ_COMMON_FIELDS SJ_FIELDS("1.0", "0.0", "Sigmoid()")
#define SJ_FIELDS(v_threshold, v_reset, surrogate)                                                                                                             \
    SJ_THRESHOLD_FIELD(v_threshold),                                                                                                                           \
        { "v_reset", HK_REAL, HK_NULLABLE, v_reset, 0, 0, NULL, "potential after a spike; none: the threshold is subtracted instead" }, SJ_FIRE_FIELDS(surrogate)
#define SJ_THRESHOLD_FIELD(v_threshold) { "v_threshold", HK_REAL, 0, v_threshold, 0, 0, NULL, "firing threshold of the potential" }
#define SJ_FIRE_FIELDS(surrogate)                                                                                                                              \
    SJ_SURROGATE_FIELD(surrogate), { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" }, SJ_RUN_FIELDS, {                  \
        "store_v_seq", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: v after each step can always be read"                                     \
    }
#define SJ_SURROGATE_FIELD(surrogate) { "surrogate", HK_OBJECT, 0, surrogate, 0, 0, "hk.surrogate/1", "derivative of the step" }
#define SJ_RUN_FIELDS                                                                                                                                          \
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all steps at once; s: step by step" }, {                                                                  \
        "backend", HK_STR, 0, "torch", 0, 0, NULL, "accepted for compatibility, without effect"                                                                \
    }
#define SJ_TAU_FIELD { "tau", HK_REAL, 0, "2.0", 1, INFINITY, NULL, "membrane time constant, in steps" }
#define SJ_DECAY_FIELD { "decay_input", HK_BOOL, 0, "true", 0, 0, NULL, "divide the input by tau too" }

#define SJ_N_COMMON 3
#define SJ_COMMON_PARAMS "v_threshold", "v_reset", "soft_reset"

/* SJ_TEXT(prefix, code): HK_TEXT for neurons with those first parameters whose charge is more than one state or whose output is not the spike:
 * hk_real sj_reset(h, r, p) is the potential after the hard or soft reset, sj_reset_bwd its adjoint. The code's own parameters begin at N_COMMON. */
#define SJ_TEXT_HEAD_(fn)                                                                                                                                      \
    enum { V_THRESHOLD, V_RESET, SOFT, N_COMMON };                                                                                                             \
    fn hk_real sj_reset(hk_real h, hk_real r, const hk_real *p) {                                                                                              \
        return p[SOFT] != 0 ? h - r * p[V_THRESHOLD] : r * p[V_RESET] + (1 - r) * h;                                                                           \
    }                                                                                                                                                          \
    fn void sj_reset_bwd(hk_real h, hk_real r, const hk_real *p, hk_real g, hk_real *gh, hk_real *gr, hk_real *gp) {                                           \
        hk_real soft = p[SOFT] != 0 ? (hk_real)1 : (hk_real)0;                                                                                                 \
        gh[0] += p[SOFT] != 0 ? g : (1 - r) * g;                                                                                                               \
        gr[0] += p[SOFT] != 0 ? -p[V_THRESHOLD] * g : (p[V_RESET] - h) * g;                                                                                    \
        gp[V_THRESHOLD] -= soft * r * g;                                                                                                                       \
        gp[V_RESET] += (1 - soft) * r * g;                                                                                                                     \
    }
#define SJ_TEXT(prefix, ...) SJ_TEXT_HEAD_(hk_fn) __VA_ARGS__ static const char prefix##_text[] = HK_STRING_(SJ_TEXT_HEAD_(hk_text_fn)) " " #__VA_ARGS__;

/* The state v of most of them: begins at v_reset, or at 0 if it is none. */
#define SJ_STATE_V { "v", "membrane potential after the reset", "v_reset" }
static const hk_state_field sj_state_v[1] __attribute__((unused)) = { SJ_STATE_V };

/* 1 for a soft reset. */
static inline int sj_soft(const hk_module *self) { return hk_is_none(self, "v_reset"); }
/* The potential that leaks lead to: v_reset, or 0 if it is none. */
static inline double sj_rest(const hk_module *self) { return sj_soft(self) ? 0.0 : hk_get_real(self, "v_reset"); }

/* Fills p[0..SJ_N_COMMON). */
static inline void sj_common_operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, sj_rest(self));
    p[2] = hk_const(b, sj_soft(self));
}

/* v_threshold > v_reset, unless the reset is soft. */
static inline hk_status sj_check_reset(const hk_module *self) {
    double th = hk_get_real(self, "v_threshold"), vr = hk_get_real(self, "v_reset");
    if (sj_soft(self) || th > vr) return HK_OK;
    return self->api->fail(self, HK_ECONFIG, "v_threshold must be above v_reset, got %g and %g", th, vr);
}
/* ... and v_rest at least v_reset. */
static inline hk_status sj_check_rest(const hk_module *self) {
    double rest = hk_get_real(self, "v_rest"), vr = hk_get_real(self, "v_reset");
    if (!sj_soft(self) && !(rest >= vr)) return self->api->fail(self, HK_ECONFIG, "v_rest must be at least v_reset, got %g and %g", rest, vr);
    return sj_check_reset(self);
}
/* A field that must be more than 0. */
static inline hk_status sj_check_positive(const hk_module *self, const char *field) {
    double v = hk_get_real(self, field);
    return v > 0 ? HK_OK : self->api->fail(self, HK_ECONFIG, "%s must be more than 0, got %g", field, v);
}

/* Members of a hk_neuron_type that follow from the text's prefix and its numbers; `fields`, `params` and `operands` are the file's. */
#define SJ_TYPE(prefix_, n_state_, n_fire_, n_h_, n_param_)                                                                                                    \
    .struct_size = sizeof(hk_neuron_type), .fields = fields, .n_fields = sizeof fields / sizeof *fields, .n_state = n_state_, .n_fire = n_fire_,               \
    .n_h = n_h_, .n_param = n_param_, .param_names = params, .operands = operands, .text = prefix_##_text, .prefix = #prefix_, .kernels = prefix_##_kernels,   \
    .n_kernel = HK_N_KERNEL

/* Types whose text others borrow. */
const hk_neuron_type *sj_if_type(void);
const hk_neuron_type *sj_lif_type(void);
const hk_neuron_type *sj_ternary_lif_type(void);
const hk_neuron_type *sj_cubalif_type(void);
/* LIF's parameters after the common ones: 1 / tau, decay_input, v_rest. */
#define SJ_N_LIF (SJ_N_COMMON + 3)
#define SJ_LIF_PARAMS SJ_COMMON_PARAMS, "1/tau", "decay_input", "v_rest"
void sj_lif_operands(hk_builder *b, const hk_module *self, hk_value *p, hk_value inv_tau);


/* NonSpikingIF and NonSpikingLIF: h = v + (x - leak v) gain, decoded as the field `decode` says. */
#define SJ_DECODE_FIELD                                                                                                                                        \
    {                                                                                                                                                          \
        "decode", HK_ENUM, HK_NULLABLE, "none", 0, 0, "last_mem|max-mem|mean-mem|max-abs-mem",                                                                 \
            "what of v over all steps is given: the last, the largest, the mean, the one of largest magnitude; none: v at each step"                           \
    }
hk_neuron_type sj_non_spiking_type(void); /* but doc, source, fields and operands */
/* Inter-layer-connection neurons: `type` with a learned feedback of its spikes within each action's population around it. */
#define SJ_ILC_FIELDS                                                                                                                                          \
    { "act_dim", HK_INT, 0, NULL, 1, INFINITY, NULL, "actions, each with a population of its own" },                                                           \
        { "dec_pop_dim", HK_INT, 0, NULL, 1, INFINITY, NULL, "neurons of an action's population" }
hk_status sj_ilc_init(hk_module *self);
hk_status sj_ilc_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y);
/* Parallel spiking neurons: weight [T,T] and bias [T,1]; the spike of the product over time of x by w, and the bias. */
hk_status sj_psn_params(hk_module *self);
hk_status sj_psn_fire(hk_builder *b, const hk_module *self, hk_value x, hk_value w, hk_value *y);

/* One line for each neuron: the function that registers it. */
#define SJ_NEURONS(X)                                                                                                                                          \
    X(sj_if)                                                                                                                                                   \
    X(sj_lif)                                                                                                                                                  \
    X(sj_plif)                                                                                                                                                 \
    X(sj_qif)                                                                                                                                                  \
    X(sj_eif)                                                                                                                                                  \
    X(sj_izhikevich)                                                                                                                                           \
    X(sj_klif)                                                                                                                                                 \
    X(sj_liaf)                                                                                                                                                 \
    X(sj_cubalif)                                                                                                                                              \
    X(sj_clif)                                                                                                                                                 \
    X(sj_raf)                                                                                                                                                  \
    X(sj_ternary_lif)                                                                                                                                          \
    X(sj_ternary_if)                                                                                                                                           \
    X(sj_ilif)                                                                                                                                                 \
    X(sj_half_threshold_if)                                                                                                                                    \
    X(sj_activation_aware_if)                                                                                                                                  \
    X(sj_gated_lif)                                                                                                                                            \
    X(sj_non_spiking_if)                                                                                                                                       \
    X(sj_non_spiking_lif)                                                                                                                                      \
    X(sj_ilc_if)                                                                                                                                               \
    X(sj_ilc_lif)                                                                                                                                              \
    X(sj_ilc_cubalif)                                                                                                                                          \
    X(sj_psn)                                                                                                                                                  \
    X(sj_masked_psn)                                                                                                                                           \
    X(sj_sliding_psn)
#define SJ_DECLARE(name) hk_status name##_register(const hk_host *host);
SJ_NEURONS(SJ_DECLARE)

#endif
