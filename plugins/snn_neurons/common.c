/* plugins/snn_neurons/common.c - parameters of snnTorch's neurons, and what surrounds their text.
 * Source: snnTorch 1.0, _neurons.neurons.SpikingNeuron: fire, fire_inhibition, mem_reset. */
#include "common.h"
#include <math.h>

enum { MAX_VALUES = 4096 };

hk_status snn_param(hk_module *self, const char *name, const char *learn) {
    double v[MAX_VALUES];
    const int n = hk_get_reals(self, name, v, MAX_VALUES);
    const int64_t shape[1] = { n };
    if (n < 1 || n > MAX_VALUES) return self->api->fail(self, HK_ECONFIG, "%s: expected 1 to %d numbers, got %d", name, (int)MAX_VALUES, n);
    return hk_add_param_values(self, name, n > 1, shape, v, learn && hk_get_bool(self, learn));
}

hk_status snn_refuse(hk_module *self, const char *field, int refused, const char *why) {
    if (hk_get_bool(self, field) != refused) return HK_OK;
    return self->api->fail(self, HK_EUNSUPPORTED, "%s must be %s, got %s: %s", field, refused ? "false" : "true", refused ? "true" : "false", why);
}

hk_status snn_init(hk_module *self) {
    const double mode = (double)hk_get_int(self, "reset_mechanism");
    hk_status st = snn_refuse(self, "surrogate_disable", 1, "training needs a surrogate, and evaluation does not use it");
    if (!st) st = snn_refuse(self, "state_quant", 1, "states are not quantized");
    if (!st) st = snn_param(self, "threshold", "learn_threshold");
    if (!st) st = snn_param(self, "graded_spikes_factor", "learn_graded_spikes_factor");
    return st ? st : hk_add_param_values(self, "reset_mechanism_val", 0, NULL, &mode, 0);
}

hk_value snn_rate(hk_builder *b, const hk_module *self, const char *name) { return hk_clamp(b, hk_param(b, self, name), 0.0, 1.0); }

void snn_operands(hk_builder *b, const hk_module *self, hk_value *p, int delay) {
    p[0] = hk_param(b, self, "threshold");
    p[1] = hk_const(b, (double)hk_get_int(self, "reset_mechanism"));
    p[2] = hk_const(b, !delay || hk_get_bool(self, "reset_delay") || snn_coupled(self));
}

int snn_coupled(const hk_module *self) {
    return hk_get_bool(self, "inhibition") && !hk_get_bool(self, "reset_delay") && hk_get_int(self, "reset_mechanism") != SNN_NONE;
}

static hk_value graded(hk_builder *b, const hk_module *self, hk_value spikes) {
    double factor;
    /* A factor that is 1 and stays so costs nothing: spikes remain bytes. */
    if (hk_get_reals(self, "graded_spikes_factor", &factor, 1) == 1 && factor == 1.0 && !hk_get_bool(self, "learn_graded_spikes_factor")) return spikes;
    return hk_mul(b, spikes, hk_param(b, self, "graded_spikes_factor"));
}

hk_value snn_output(hk_builder *b, const hk_module *self, hk_value spikes, hk_value mem) {
    if (hk_get_bool(self, "inhibition")) {
        const hk_desc d = hk_value_desc(b, mem);
        if (d.dtype != HK_ABSENT && d.rank != 1)
            return b->api->fail(
                       b, HK_ESHAPE, "inhibition needs an input of one axis for each sample and step, got %d axes; put Flatten before it", (int)d.rank),
                   HK_NONE;
        return hk_mul(b, spikes, hk_first_max(b, hk_sub(b, mem, hk_param(b, self, "threshold"))));
    }
    return graded(b, self, spikes);
}

/* Coupled neurons fire by the text, which leaves their reset out: D = y - R; mem = mem - D threshold, or mem - D mem. */
static void reset_now(hk_builder *b, const hk_module *self, hk_value y, hk_value mem, hk_value before) {
    hk_value threshold = hk_param(b, self, "threshold");
    hk_value d = hk_sub(b, y, hk_positive(b, hk_sub(b, before, threshold)));
    mem = hk_sub(b, mem, hk_mul(b, d, hk_get_int(self, "reset_mechanism") == SNN_ZERO ? mem : threshold));
    b->api->state_next(b, self, "mem", mem);
    b->api->name_output(b, self, "mem", mem);
}

hk_value snn_step(hk_builder *b, const hk_module *self, hk_value x, int coupled) {
    const hk_neuron_type *type = self->api->type(self);
    const uint32_t n = type->n_state;
    hk_value state[2 * HK_MAX_STATE];
    hk_value spikes = hk_neuron_op(b, self, x, state);
    hk_value y = snn_output(b, self, spikes, state[n - 1]);
    if (coupled) reset_now(b, self, y, state[n - 1], state[2 * n - 1]);
    return y;
}

hk_status snn_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    *y = snn_step(b, self, x, 0);
    return HK_OK;
}

hk_status snn_build_delay(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    if (!snn_coupled(self)) return snn_build(b, self, x, y);
    hk_loop loop = hk_loop_begin(b);
    *y = hk_loop_stack(b, loop, snn_step(b, self, hk_loop_at(b, loop, x), 1));
    hk_loop_end(b, loop);
    return HK_OK;
}

hk_value snn_fire(hk_builder *b, const hk_module *self, hk_value mem) {
    const hk_surrogate s = hk_surrogate_of(hk_get_object(self, "surrogate"));
    const hk_surrogate *kept = hk_keep(b, &s, sizeof s);
    return kept ? graded(b, self, hk_fire(b, hk_sub(b, mem, hk_param(b, self, "threshold")), kept, 1, b->api->spiking(b))) : HK_NONE;
}

hk_value snn_reset(hk_builder *b, const hk_module *self, hk_value mem, hk_value before) {
    const int64_t mode = hk_get_int(self, "reset_mechanism");
    if (mode == SNN_NONE) return mem;
    hk_value threshold = hk_param(b, self, "threshold"), r = hk_positive(b, hk_sub(b, before, threshold));
    return mode == SNN_SUBTRACT ? hk_sub(b, mem, hk_mul(b, r, threshold)) : hk_mul(b, mem, hk_affine(b, r, -1.0, 1.0));
}
