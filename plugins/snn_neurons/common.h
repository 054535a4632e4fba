/* plugins/snn_neurons/common.h - what snnTorch's neurons have in common: fields, parameters, the late reset, what surrounds the text.
 * Private to the family. Source: snnTorch 1.0, _neurons.neurons.SpikingNeuron and LIF.
 *
 * All fire at mem > threshold, strictly. The reset signal R is computed anew from the membrane of the step before and carries no gradient, so
 * that by default (reset_delay) a neuron resets one step after its spike. */
#ifndef HILLOCK_SNN_NEURONS_COMMON_H
#define HILLOCK_SNN_NEURONS_COMMON_H

#include "hillock/plugin.h"

/* Fields in the order of the package's arguments; what stands between them is each type's own. */
#define SNN_THRESHOLD_FIELD                                                                                                                                    \
    { "threshold", HK_REALS, 0, "1.0", 0, 0, NULL, "firing threshold of the membrane potential: a number, or one for each channel" }
#define SNN_RUN_FIELDS                                                                                                                                         \
    { "surrogate", HK_OBJECT, 0, "snn.atan()", 0, 0, "hk.surrogate/1", "derivative of the step (spike_grad in snnTorch)" },                                    \
        { "surrogate_disable", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: only false" },                                                    \
        { "init_hidden", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility, without effect: the state is always kept by the executor" }, {          \
        "inhibition", HK_BOOL, 0, "false", 0, 0, NULL, "of all spikes of a sample and step keep that of the highest membrane potential alone"                  \
    }
#define SNN_OUTPUT_FIELDS                                                                                                                                      \
    { "state_quant", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: only false" }, {                                                            \
        "output", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility, without effect: mem after each step can always be read"                        \
    }
#define SNN_GRADED_FIELDS                                                                                                                                      \
    { "graded_spikes_factor", HK_REALS, 0, "1.0", 0, 0, NULL, "spikes are multiplied by this: a number, or one for each channel" }, {                          \
        "learn_graded_spikes_factor", HK_BOOL, 0, "false", 0, 0, NULL, "whether graded_spikes_factor is learned"                                               \
    }
#define SNN_RESET_FIELD(def)                                                                                                                                   \
    { "reset_mechanism", HK_ENUM, 0, def, 0, 0, "subtract|zero|none", "what R does: subtract the threshold, set to zero, nothing" }
#define SNN_DELAY_FIELD                                                                                                                                        \
    { "reset_delay", HK_BOOL, 0, "true", 0, 0, NULL, "true: reset in the step after the spike; false: in the same step" }
#define SNN_DETACH_FIELD                                                                                                                                       \
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "Hillock's own: with reset_delay=false, let no gradient through the reset" }

enum { SNN_SUBTRACT, SNN_ZERO, SNN_NONE }; /* reset_mechanism */

/* The parameters threshold, graded_spikes_factor and reset_mechanism_val of the state_dict; refuses what is accepted in one way only. For init. */
hk_status snn_init(hk_module *self);
/* The parameter of a REALS field of the same name: a scalar, or [C]; learned when `learn` (a BOOL field) says so. For init. */
hk_status snn_param(hk_module *self, const char *name, const char *learn);

/* Parameter `name` kept within [0, 1], as decay rates are at use; no gradient beyond. */
hk_value snn_rate(hk_builder *b, const hk_module *self, const char *name);
/* The reset as two numbers of a text: mode (SNN_SUBTRACT, ...) and late (1: reset_delay). */
hk_value snn_mode(hk_builder *b, const hk_module *self);
hk_value snn_late(hk_builder *b, const hk_module *self);

/* y of spikes and the membrane potential by which they fired: inhibition, or graded spikes. */
hk_value snn_output(hk_builder *b, const hk_module *self, hk_value spikes, hk_value mem);
/* The neuron operation and snn_output; mem is the state before the reset of this step, the last of the type's states. */
hk_status snn_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y);

#define SNN_NEURONS(X) X(snn_leaky)
#define SNN_NEURON_DECLARE(prefix) hk_status prefix##_register(const hk_host *host);
SNN_NEURONS(SNN_NEURON_DECLARE)

#endif
