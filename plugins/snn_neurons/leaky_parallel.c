/* plugins/snn_neurons/leaky_parallel.c - snn.LeakyParallel: a layer and its leaky neurons as a recurrent network that knows no reset.
 *     h[t] = relu(W x[t] + b_ih + d h[t-1] + b_hh), h[-1] = 0;   y = (h > threshold) graded_spikes_factor
 * d is the diagonal of weight_hh_l0, or with weight_hh_enable that matrix. The state is called h.
 * Source: snnTorch 1.0, _neurons.leakyparallel.LeakyParallel; torch.nn.RNN. */
#include "common.h"
#include <math.h>

static const hk_field fields[] = {
    { "input_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x[t]" },
    { "hidden_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "neurons" },
    { "beta", HK_REAL, HK_NULLABLE, "none", 0, 0, NULL, "decay per step at the start, kept within 0 and 1; none: drawn as torch.nn.RNN's weights are" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b_ih and b_hh are there" },
    SNN_THRESHOLD_FIELD,
    { "dropout", HK_REAL, 0, "0.0", 0, 1, NULL, "accepted for compatibility, without effect, as in torch.nn.RNN of one layer" },
    SNN_SURROGATE_FIELDS,
    { "learn_beta", HK_BOOL, 0, "false", 0, 0, NULL, "whether weight_hh_l0 is learned" },
    SNN_LEARN_FIELD("threshold"),
    SNN_GRADED_FIELDS,
    { "weight_hh_enable", HK_BOOL, 0, "false", 0, 0, NULL, "use all of weight_hh_l0, not its diagonal alone" },
};

static hk_status init(hk_module *self) {
    const int64_t in = hk_get_int(self, "input_size"), H = hk_get_int(self, "hidden_size"), ih[2] = { H, in }, hh[2] = { H, H }, one[1] = { 1 };
    const double bound = 1.0 / sqrt((double)H), beta = fmin(fmax(hk_get_real(self, "beta"), 0.0), 1.0);
    const uint32_t diagonal = hk_get_bool(self, "weight_hh_enable") ? 0 : HK_INIT_DIAGONAL;
    const int given = !hk_is_none(self, "beta"), learn = hk_get_bool(self, "learn_beta");
    hk_status st = snn_refuse(self, "surrogate_disable", 1, "training needs a surrogate, and evaluation does not use it");
    if (!st) st = snn_param(self, "threshold", "learn_threshold");
    if (!st) st = snn_param(self, "graded_spikes_factor", "learn_graded_spikes_factor");
    if (!st && given) st = hk_add_param_values(self, "beta", 1, one, &beta, 0);
    if (!st) st = hk_add_param(self, "rnn.weight_ih_l0", 2, ih, HK_INIT_UNIFORM, -bound, bound);
    if (!st)
        st = self->api->add_param(self, "rnn.weight_hh_l0", 2, hh, diagonal | (given ? HK_INIT_CONST : HK_INIT_UNIFORM), given ? beta : -bound, bound, learn);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "rnn.bias_ih_l0", 1, hh, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "rnn.bias_hh_l0", 1, hh, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int bias = hk_get_bool(self, "bias"), whole = hk_get_bool(self, "weight_hh_enable");
    hk_value w = hk_param(b, self, "rnn.weight_hh_l0"), b_hh = bias ? hk_param(b, self, "rnn.bias_hh_l0") : HK_NONE;
    hk_value d = whole ? HK_NONE : hk_diagonal(b, w);
    hk_value u = hk_linear(b, in[0], hk_param(b, self, "rnn.weight_ih_l0"), bias ? hk_param(b, self, "rnn.bias_ih_l0") : HK_NONE);
    if (bias && !whole) u = hk_add(b, u, b_hh);
    hk_loop loop = hk_loop_begin(b);
    hk_value before = hk_loop_carry(b, loop, "h");
    hk_value h = hk_relu(b, hk_add(b, hk_loop_at(b, loop, u), whole ? hk_linear(b, before, w, b_hh) : hk_mul(b, before, d)));
    hk_loop_next(b, loop, before, h);
    b->api->name_output(b, self, "h", h);
    h = hk_loop_stack(b, loop, h);
    hk_loop_end(b, loop);
    out[0] = snn_fire(b, self, h);
    return HK_OK;
}

const hk_module_type snn_leaky_parallel_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "h[t] = relu(W x[t] + b_ih + d h[t-1] + b_hh), spike if h > threshold, no reset",
    .source = "snnTorch 1.0, LeakyParallel",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
