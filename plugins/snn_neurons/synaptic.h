/* plugins/snn_neurons/synaptic.h - what snn.RSynaptic borrows of snn.Synaptic. */
#ifndef HILLOCK_SNN_NEURONS_SYNAPTIC_H
#define HILLOCK_SNN_NEURONS_SYNAPTIC_H

#include "hillock/plugin.h"

hk_status snn_synaptic_init(hk_module *self); /* parameters alpha, beta and the common ones */
const hk_neuron_type *snn_synaptic_type(void);

#endif
