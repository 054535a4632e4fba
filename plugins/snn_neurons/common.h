/* plugins/snn_neurons/common.h - what snnTorch's neurons have in common: fields, the reset and its text, parameters, what surrounds the text.
 * Private to the family. Source: snnTorch 1.0, _neurons.neurons.SpikingNeuron and LIF.
 *
 * All fire at mem > threshold, strictly. The reset signal R is computed anew from the membrane of the step before and carries no gradient, so
 * that by default (reset_delay) a neuron resets one step after its spike. */
#ifndef HILLOCK_SNN_NEURONS_COMMON_H
#define HILLOCK_SNN_NEURONS_COMMON_H

#include "hillock/plugin.h"

/* ---- fields, in the order of the package's arguments; what stands between them is each type's own ---- */

#define SNN_THRESHOLD_FIELD { "threshold", HK_REALS, 0, "1.0", 0, 0, NULL, "firing threshold of the membrane potential: a number, or one for each channel" }
#define SNN_SURROGATE_FIELDS                                                                                                                                   \
    { "surrogate", HK_OBJECT, 0, "snn.atan()", 0, 0, "hk.surrogate/1", "derivative of the step (spike_grad in snnTorch)" }, {                                  \
        "surrogate_disable", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: only false"                                                         \
    }
#define SNN_RUN_FIELDS                                                                                                                                         \
    SNN_SURROGATE_FIELDS, { "init_hidden", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility, without effect: the executor always keeps the state" }, \
        { "inhibition", HK_BOOL, 0, "false", 0, 0, NULL, "of all spikes of a sample and step keep that of the highest membrane potential alone" }
#define SNN_BETA_DOC "decay of the membrane potential per step, kept within 0 and 1 at use: a number, or one for each channel"
#define SNN_ALPHA_DOC "decay of the synaptic current per step, kept within 0 and 1 at use: a number, or one for each channel"
#define SNN_LEARN_FIELD(what) { "learn_" what, HK_BOOL, 0, "false", 0, 0, NULL, "whether " what " is learned" }
#define SNN_RESET_FIELD(def)                                                                                                                                   \
    { "reset_mechanism", HK_ENUM, 0, def, 0, 0, "subtract|zero|none", "what R does to mem: subtract the threshold, set to zero, nothing" }
#define SNN_OUTPUT_FIELDS                                                                                                                                      \
    { "state_quant", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: only false" }, {                                                            \
        "output", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility, without effect: the states after each step can always be read"                 \
    }
#define SNN_GRADED_FIELDS                                                                                                                                      \
    { "graded_spikes_factor", HK_REALS, 0, "1.0", 0, 0, NULL, "spikes are multiplied by this: a number, or one for each channel" },                            \
        SNN_LEARN_FIELD("graded_spikes_factor")
#define SNN_DELAY_FIELD { "reset_delay", HK_BOOL, 0, "true", 0, 0, NULL, "true: reset in the step after the spike; false: in the same step" }

/* ---- texts ---- */

/* SNN_TEXT(prefix, mem, code): a text for `mem` states and then the membrane, s[mem]; one firing variable and n_h = mem + 1. Its first parameters are
 * THRESHOLD, MODE (reset_mechanism: 0 subtract, 1 zero, 2 none) and LATE (1: reset_delay); its own begin at N_COMMON. The code gives P_pre and
 * P_pre_bwd, with h[0] the membrane by which the neuron fires, the reset of the step before done; h[1 + k] is state k after the step. For them:
 * P_r: R; P_down and P_zero: 1 if R subtracts, or sets to zero. Filled in is P_post: y = f, and where the reset is not late, D = r - R (r the spike):
 *     subtract: mem = mem - D threshold;   zero: mem = mem - D mem
 * Source: snnTorch 1.0, Leaky.forward. */
#define SNN_HEAD_(fn, prefix, mem)                                                                                                                             \
    enum { THRESHOLD, MODE, LATE, N_COMMON };                                                                                                                  \
    fn hk_real prefix##_r(const hk_real *s, const hk_real *p) { return hk_heaviside(s[mem] - p[THRESHOLD], 1); }                                               \
    fn hk_real prefix##_down(const hk_real *p) { return p[MODE] < (hk_real)0.5 ? (hk_real)1 : (hk_real)0; }                                                    \
    fn hk_real prefix##_zero(const hk_real *p) { return hk_abs(p[MODE] - 1) < (hk_real)0.5 ? (hk_real)1 : (hk_real)0; }
#define SNN_TAIL_(fn, prefix, mem)                                                                                                                             \
    fn void prefix##_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {                 \
        hk_real now = p[LATE] != 0 ? (hk_real)0 : (hk_real)1;                                                                                                  \
        hk_real d = now * (r[0] - prefix##_r(s, p));                                                                                                           \
        y[0] = f[0];                                                                                                                                           \
        s1[mem] = h[0] - d * (prefix##_down(p) * p[THRESHOLD] + prefix##_zero(p) * h[0]);                                                                      \
        for (int k = 0; k < mem; k++) s1[k] = h[1 + k];                                                                                                        \
    }                                                                                                                                                          \
    fn void prefix##_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1, \
        hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {                                                                                     \
        hk_real now = p[LATE] != 0 ? (hk_real)0 : (hk_real)1;                                                                                                  \
        hk_real d = now * (r[0] - prefix##_r(s, p));                                                                                                           \
        (void)f;                                                                                                                                               \
        (void)gs;                                                                                                                                              \
        gf[0] += gy[0];                                                                                                                                        \
        gh[0] += gs1[mem] * (1 - d * prefix##_zero(p));                                                                                                        \
        gr[0] -= gs1[mem] * now * (prefix##_down(p) * p[THRESHOLD] + prefix##_zero(p) * h[0]);                                                                 \
        gp[THRESHOLD] -= gs1[mem] * d * prefix##_down(p);                                                                                                      \
        for (int k = 0; k < mem; k++) gh[1 + k] += gs1[k];                                                                                                     \
    }
#define SNN_TEXT(prefix, mem, ...)                                                                                                                             \
    SNN_HEAD_(hk_fn, prefix, mem) __VA_ARGS__ SNN_TAIL_(hk_fn, prefix, mem) static const char prefix##_text[] =                                                \
        HK_STRING_(SNN_HEAD_(hk_text_fn, prefix, mem)) " " #__VA_ARGS__ " " HK_STRING_(SNN_TAIL_(hk_text_fn, prefix, mem));
#define SNN_N_COMMON 3
#define SNN_COMMON_PARAMS "threshold", "reset_mechanism", "reset_delay"

/* Members of a type that every SNN_TEXT fills in alike. */
#define SNN_TYPE(prefix_, mem, n_own)                                                                                                                          \
    .struct_size = sizeof(hk_neuron_type), .flags = HK_NEURON_SPIKES | HK_NEURON_STRICT, .n_state = (mem) + 1, .n_fire = 1, .n_param = SNN_N_COMMON + (n_own), \
    .text = prefix_##_text, .prefix = #prefix_, .kernels = prefix_##_kernels, .n_kernel = HK_N_KERNEL, .n_h = (mem) + 1
#define SNN_KERNELS(prefix, mem, n_own) HK_NEURON_KERNELS(prefix, (mem) + 1, 1, (mem) + 1, SNN_N_COMMON + (n_own), HK_NEURON_SPIKES | HK_NEURON_STRICT)

/* ---- parameters ---- */

enum { SNN_SUBTRACT, SNN_ZERO, SNN_NONE }; /* reset_mechanism */

/* For init. The parameters threshold, graded_spikes_factor and reset_mechanism_val of the state_dict; refuses what is accepted in one way only. */
hk_status snn_init(hk_module *self);
/* For init. The parameter of a REALS field of the same name: a scalar, or [C]; learned when the BOOL field `learn` says so; NULL: never. */
hk_status snn_param(hk_module *self, const char *name, const char *learn);
/* For init: a field that has an effect in one way only. */
hk_status snn_refuse(hk_module *self, const char *field, int refused, const char *why);

/* Parameter `name` kept within [0, 1], as decay rates are at use; no gradient beyond. */
hk_value snn_rate(hk_builder *b, const hk_module *self, const char *name);
/* p[0..SNN_N_COMMON) of an SNN_TEXT; delay: the type has the field reset_delay, else its reset is late. */
void snn_operands(hk_builder *b, const hk_module *self, hk_value *p, int delay);

/* ---- what surrounds the neuron operation ---- */

/* For types with the field reset_delay: inhibition with reset_delay=false, where a neuron's reset depends on the others' spikes. */
int snn_coupled(const hk_module *self);
/* y of spikes and the membrane potential by which they fired: inhibition, or graded spikes. */
hk_value snn_output(hk_builder *b, const hk_module *self, hk_value spikes, hk_value mem);
/* The neuron operation and its output, over all T or inside a loop; with coupled neurons (inside a loop only) the reset too. */
hk_value snn_step(hk_builder *b, const hk_module *self, hk_value x, int coupled);
/* `build` of a type: snn_step over all T; snn_build_delay: of one with the field reset_delay, in a loop where the neurons are coupled. */
hk_status snn_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y);
hk_status snn_build_delay(hk_builder *b, const hk_module *self, hk_value x, hk_value *y);

/* Feedback of the spikes, recurrent.c: for init, and y of x: snn_step of x + rec(y of the step before), in a loop. */
#define SNN_RECURRENT_FIELDS                                                                                                                                   \
    { "V", HK_REALS, 0, "1.0", 0, 0, NULL, "with all_to_all=false: what a neuron's own spike is fed back by: a number, or one for each channel" },             \
        { "all_to_all", HK_BOOL, 0, "true", 0, 0, NULL, "feed spikes back through a layer, not each to its own neuron" },                                      \
        { "linear_features", HK_INT, HK_NULLABLE, "none", 1, INFINITY, NULL, "neurons, for feedback through a fully connected layer" },                        \
        { "conv2d_channels", HK_INT, HK_NULLABLE, "none", 1, INFINITY, NULL, "channels, for feedback through a convolution" }, {                               \
        "kernel_size", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "height and width of its kernels, odd"                                                    \
    }
hk_status snn_recurrent_init(hk_module *self);
hk_value snn_recurrent_build(hk_builder *b, const hk_module *self, hk_value x, int coupled);

/* ---- for the cells that are built from operations alone ---- */

/* The spikes of mem > threshold by the field `surrogate`, times graded_spikes_factor. */
hk_value snn_fire(hk_builder *b, const hk_module *self, hk_value mem);
/* The late reset of mem, given that of the step before: mem - R threshold, (1 - R) mem, or mem. */
hk_value snn_reset(hk_builder *b, const hk_module *self, hk_value mem, hk_value before);

/* membrane.c: m = gain x + beta mem, a text that several types share. */
const hk_neuron_type *snn_membrane_type(void);

#define SNN_NEURONS(X) X(snn_leaky) X(snn_synaptic) X(snn_lapicque) X(snn_alpha) X(snn_rleaky) X(snn_rsynaptic)
extern const hk_module_type snn_leaky_parallel_type, snn_slstm_type, snn_sconv2d_lstm_type;
#define SNN_NEURON_DECLARE(prefix) hk_status prefix##_register(const hk_host *host);
SNN_NEURONS(SNN_NEURON_DECLARE)

#endif
