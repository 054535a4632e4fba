/* plugins/snn_neurons/common.c - parameters and output of snnTorch's neurons.
 * Source: snnTorch 1.0, _neurons.neurons.SpikingNeuron: fire, fire_inhibition, mem_reset. */
#include "common.h"
#include <math.h>
#include <string.h>

enum { MAX_VALUES = 4096 };

hk_status snn_param(hk_module *self, const char *name, const char *learn) {
    double v[MAX_VALUES];
    const int n = hk_get_reals(self, name, v, MAX_VALUES);
    const int64_t shape[1] = { n };
    if (n < 1 || n > MAX_VALUES) return self->api->fail(self, HK_ECONFIG, "%s: expected 1 to %d numbers, got %d", name, (int)MAX_VALUES, n);
    return hk_add_param_values(self, name, n > 1, shape, v, learn && hk_get_bool(self, learn));
}

hk_status snn_init(hk_module *self) {
    static const char *const only_false[] = { "surrogate_disable", "state_quant" };
    static const char *const instead[] = { "evaluation needs no surrogate, and training needs one", "states are numbers of full precision" };
    const double mode = (double)hk_get_int(self, "reset_mechanism");
    for (int i = 0; i < 2; i++)
        if (hk_get_bool(self, only_false[i])) return self->api->fail(self, HK_EUNSUPPORTED, "%s must be false, got true: %s", only_false[i], instead[i]);
    hk_status st = snn_param(self, "threshold", "learn_threshold");
    if (!st) st = snn_param(self, "graded_spikes_factor", "learn_graded_spikes_factor");
    return st ? st : hk_add_param_values(self, "reset_mechanism_val", 0, NULL, &mode, 0);
}

hk_value snn_rate(hk_builder *b, const hk_module *self, const char *name) { return hk_clamp(b, hk_param(b, self, name), 0.0, 1.0); }
hk_value snn_mode(hk_builder *b, const hk_module *self) { return hk_const(b, (double)hk_get_int(self, "reset_mechanism")); }
hk_value snn_late(hk_builder *b, const hk_module *self) { return hk_const(b, (double)hk_get_bool(self, "reset_delay")); }

hk_value snn_output(hk_builder *b, const hk_module *self, hk_value spikes, hk_value mem) {
    double factor;
    if (hk_get_bool(self, "inhibition")) {
        const hk_desc d = hk_value_desc(b, mem);
        if (d.dtype != HK_ABSENT && d.rank != 1)
            return b->api->fail(
                       b, HK_ESHAPE, "inhibition needs an input of one axis for each sample and step, got %d axes; put Flatten before it", (int)d.rank),
                   HK_NONE;
        return hk_mul(b, spikes, hk_first_max(b, hk_sub(b, mem, hk_param(b, self, "threshold"))));
    }
    /* A factor that is 1 and stays so costs nothing: spikes remain bytes. */
    if (hk_get_reals(self, "graded_spikes_factor", &factor, 1) == 1 && factor == 1.0 && !hk_get_bool(self, "learn_graded_spikes_factor")) return spikes;
    return hk_mul(b, spikes, hk_param(b, self, "graded_spikes_factor"));
}

hk_status snn_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    const hk_neuron_type *type = self->api->type(self);
    hk_value seq[HK_MAX_STATE];
    hk_value spikes = hk_neuron_op(b, self, x, seq);
    *y = snn_output(b, self, spikes, seq[type->n_state - 1]);
    return HK_OK;
}
