/* plugins/snn_neurons/slstm.c - snn.SLSTM: a long short-term memory cell whose hidden state fires.
 *     i, f, g, o = W_ih x + b_ih + W_hh mem + b_hh, in four parts;   syn = sigm(f) syn + sigm(i) tanh(g);   m = sigm(o) tanh(syn)
 *     R = mem > threshold, of the step before, without gradient
 *     none (default): mem = m;   subtract: mem = m - R threshold;   zero: mem = (1 - R) m;   y = (mem > threshold) graded_spikes_factor
 * Where input_size and hidden_size differ, the package sets both states to 0 before every step; so does this one.
 * Source: snnTorch 1.0, _neurons.slstm.SLSTM; torch.nn.LSTMCell. */
#include "common.h"
#include <math.h>

static const hk_field fields[] = {
    { "input_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x[t]" },
    { "hidden_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "neurons" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b_ih and b_hh are there" },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("none"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
};

static hk_status init(hk_module *self) {
    const int64_t in = hk_get_int(self, "input_size"), H = hk_get_int(self, "hidden_size"), ih[2] = { 4 * H, in }, hh[2] = { 4 * H, H };
    const double bound = 1.0 / sqrt((double)H);
    hk_status st = snn_refuse(self, "inhibition", 1, "it has no effect in snnTorch");
    if (!st) st = snn_init(self);
    if (!st) st = hk_add_param(self, "lstm_cell.weight_ih", 2, ih, HK_INIT_UNIFORM, -bound, bound);
    if (!st) st = hk_add_param(self, "lstm_cell.weight_hh", 2, hh, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "lstm_cell.bias_ih", 1, ih, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "lstm_cell.bias_hh", 1, ih, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

/* syn and mem of the gates; without state before (0): syn = i g */
static void cell(hk_builder *b, int64_t H, hk_value gates, hk_value before, hk_value *syn, hk_value *mem) {
    hk_value i = hk_sigmoid(b, hk_slice(b, gates, 0, H)), g = hk_op_tanh(b, hk_slice(b, gates, 2 * H, H));
    *syn = hk_mul(b, i, g);
    if (before) *syn = hk_add(b, hk_mul(b, hk_sigmoid(b, hk_slice(b, gates, H, H)), before), *syn);
    *mem = hk_mul(b, hk_sigmoid(b, hk_slice(b, gates, 3 * H, H)), hk_op_tanh(b, *syn));
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t H = hk_get_int(self, "hidden_size");
    const int bias = hk_get_bool(self, "bias");
    hk_value syn, mem, b_hh = bias ? hk_param(b, self, "lstm_cell.bias_hh") : HK_NONE;
    hk_value u = hk_linear(b, in[0], hk_param(b, self, "lstm_cell.weight_ih"), bias ? hk_param(b, self, "lstm_cell.bias_ih") : HK_NONE);
    if (hk_get_int(self, "input_size") != H) {
        cell(b, H, bias ? hk_add(b, u, b_hh) : u, HK_NONE, &syn, &mem);
        mem = snn_reset(b, self, mem, hk_const(b, 0.0));
    } else {
        hk_loop loop = hk_loop_begin(b);
        hk_value syn0 = hk_loop_carry(b, loop, "syn"), mem0 = hk_loop_carry(b, loop, "mem");
        hk_value gates = hk_add(b, hk_loop_at(b, loop, u), hk_linear(b, mem0, hk_param(b, self, "lstm_cell.weight_hh"), b_hh));
        cell(b, H, gates, syn0, &syn, &mem);
        mem = snn_reset(b, self, mem, mem0);
        hk_loop_next(b, loop, syn0, syn), hk_loop_next(b, loop, mem0, mem);
        syn = hk_loop_stack(b, loop, syn), mem = hk_loop_stack(b, loop, mem);
        hk_loop_end(b, loop);
    }
    b->api->name_output(b, self, "syn", syn);
    b->api->name_output(b, self, "mem", mem);
    out[0] = snn_fire(b, self, mem);
    return HK_OK;
}

const hk_module_type snn_slstm_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "LSTM cell: syn = sigm(f) syn + sigm(i) tanh(g), mem = sigm(o) tanh(syn), spike if mem > threshold",
    .source = "snnTorch 1.0, SLSTM",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
