/* plugins/neurons/ilc.c - what the inter-layer-connection neurons share: spikes of an action's population feed back into it, one step late.
 *     s[t] = neuron(x[t] + c[t]);   c[t+1] = b + W s[t] within each population, c[0] = 0
 * The connection `conn` is a Conv1d with a group for each action, whose kernel spans its population.
 * Source: SpikingJelly 2.0, activation_based.neuron.ILCBaseNode. */
#include "common.h"

hk_status sj_ilc_init(hk_module *self) {
    const int64_t pop = hk_get_int(self, "dec_pop_dim"), n = hk_get_int(self, "act_dim") * pop, shape[3] = { n, 1, pop };
    const double bound = 1.0 / sqrt((double)pop); /* torch.nn.Conv1d.reset_parameters */
    hk_status st = sj_check_reset(self);
    if (!st) st = hk_add_param(self, "conn.weight", 3, shape, HK_INIT_UNIFORM, -bound, bound);
    return st ? st : hk_add_param(self, "conn.bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
}

hk_status sj_ilc_build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    const int64_t act = hk_get_int(self, "act_dim"), pop = hk_get_int(self, "dec_pop_dim");
    const int64_t row[3] = { act, 1, pop }, kernel[4] = { act * pop, 1, 1, pop };
    const hk_window window = { .kernel = { 1, pop }, .stride = { 1, 1 }, .dil = { 1, 1 } };
    const hk_desc d = hk_value_desc(b, x);
    if (d.dtype != HK_ABSENT && (d.rank != 1 || d.shape[0] != act * pop))
        return b->api->fail(b, HK_ESHAPE, "the input of one step has %d axes and %lld numbers, expected one axis of act_dim x dec_pop_dim = %lld", (int)d.rank,
            (long long)hk_desc_elems(&d), (long long)(act * pop));
    hk_value w = hk_unflatten(b, hk_param(b, self, "conn.weight"), 4, kernel), bias = hk_param(b, self, "conn.bias");
    hk_loop loop = hk_loop_begin(b);
    hk_value fed = hk_loop_carry(b, loop, "conn");
    hk_value s = hk_neuron_op(b, self, hk_add(b, hk_loop_at(b, loop, x), fed), NULL);
    hk_loop_next(b, loop, fed, hk_flatten(b, hk_conv2d(b, hk_unflatten(b, s, 3, row), w, bias, &window, act)));
    *y = hk_loop_stack(b, loop, s);
    hk_loop_end(b, loop);
    return HK_OK;
}
