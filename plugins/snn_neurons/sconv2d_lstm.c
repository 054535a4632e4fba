/* plugins/snn_neurons/sconv2d_lstm.c - snn.SConv2dLSTM: snn.SLSTM with a convolution in place of the matrices.
 *     i, f, o, g = W * [x, mem] + b, in four parts of the channels (the order differs from snn.SLSTM's); padding keeps height and width
 *     syn = sigm(f) syn + sigm(i) tanh(g);   m = sigm(o) tanh(syn);   the reset as snn.SLSTM
 *     y = (pool(mem) > threshold) graded_spikes_factor; the state is not pooled
 * Source: snnTorch 1.0, _neurons.sconv2dlstm.SConv2dLSTM. */
#include "common.h"
#include <math.h>

static const hk_field fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "out_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of the states and of y" },
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of a kernel, odd" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "max_pool", HK_INTS, 0, "0", 0, 65535, NULL, "height and width of the largest-of windows before firing; 0: none" },
    { "avg_pool", HK_INTS, 0, "0", 0, 65535, NULL, "height and width of the mean-of windows before firing; 0: none" },
    SNN_THRESHOLD_FIELD,
    SNN_RUN_FIELDS,
    SNN_LEARN_FIELD("threshold"),
    SNN_RESET_FIELD("none"),
    SNN_OUTPUT_FIELDS,
    SNN_GRADED_FIELDS,
};

/* One integer, or two: height and width. */
static int pair(const hk_module *self, const char *name, int64_t v[2]) {
    const int n = hk_get_ints(self, name, v, 2);
    if (n == 1) v[1] = v[0];
    return n == 1 || n == 2;
}

static hk_status init(hk_module *self) {
    static const char *const pairs[] = { "kernel_size", "max_pool", "avg_pool" };
    int64_t k[3][2];
    for (int i = 0; i < 3; i++) {
        if (!pair(self, pairs[i], k[i])) return self->api->fail(self, HK_ECONFIG, "%s must be an integer or two of them (height, width)", pairs[i]);
        if (i && !k[i][0] != !k[i][1])
            return self->api->fail(
                self, HK_ECONFIG, "%s: expected two sizes above 0, or 0; got %lld and %lld", pairs[i], (long long)k[i][0], (long long)k[i][1]);
    }
    if (k[1][0] && k[2][0]) return self->api->fail(self, HK_ECONFIG, "only one of max_pool and avg_pool can be given");
    if (k[0][0] % 2 == 0 || k[0][1] % 2 == 0)
        return self->api->fail(
            self, HK_ECONFIG, "kernel_size must be odd, so that height and width stay; got %lld and %lld", (long long)k[0][0], (long long)k[0][1]);
    const int64_t C = hk_get_int(self, "in_channels"), O = hk_get_int(self, "out_channels"), shape[4] = { 4 * O, C + O, k[0][0], k[0][1] };
    const double bound = 1.0 / sqrt((double)(C + O) * (double)k[0][0] * (double)k[0][1]);
    hk_status st = snn_refuse(self, "inhibition", 1, "it has no effect in snnTorch");
    if (!st) st = snn_init(self);
    if (!st) st = hk_add_param(self, "conv.weight", 4, shape, HK_INIT_UNIFORM, -bound, bound);
    return !st && hk_get_bool(self, "bias") ? hk_add_param(self, "conv.bias", 1, shape, HK_INIT_UNIFORM, -bound, bound) : st;
}

static hk_value pooled(hk_builder *b, const hk_module *self, hk_value mem) {
    hk_window w = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    if (pair(self, "max_pool", w.kernel) && w.kernel[0]) return w.stride[0] = w.kernel[0], w.stride[1] = w.kernel[1], hk_maxpool2d(b, mem, &w, 0);
    if (pair(self, "avg_pool", w.kernel) && w.kernel[0]) return w.stride[0] = w.kernel[0], w.stride[1] = w.kernel[1], hk_avgpool2d(b, mem, &w, 0, 1, 0);
    return mem;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t C = hk_get_int(self, "in_channels"), O = hk_get_int(self, "out_channels");
    const hk_desc d = hk_value_desc(b, in[0]);
    hk_window w = { { 0, 0 }, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    if (d.dtype != HK_ABSENT && (d.rank != 3 || d.shape[0] != C))
        return b->api->fail(b, HK_ESHAPE, "the input of one step has %d axes, the first of %lld; expected three: [in_channels=%lld, height, width]",
            (int)d.rank, (long long)(d.rank ? d.shape[0] : 1), (long long)C);
    pair(self, "kernel_size", w.kernel);
    for (int a = 0; a < 2; a++) w.pad[a] = w.pad_end[a] = w.kernel[a] / 2;
    /* The convolution of x is that of all steps at once; only mem's is in the loop. */
    hk_value kernel = hk_param(b, self, "conv.weight"), of_x = hk_slice_axis(b, kernel, 1, 0, C), of_mem = hk_slice_axis(b, kernel, 1, C, O);
    hk_value u = hk_conv2d(b, in[0], of_x, hk_get_bool(self, "bias") ? hk_param(b, self, "conv.bias") : HK_NONE, &w, 1);
    hk_loop loop = hk_loop_begin(b);
    hk_value syn0 = hk_loop_carry(b, loop, "syn"), mem0 = hk_loop_carry(b, loop, "mem"), part[4];
    hk_value gates = hk_add(b, hk_loop_at(b, loop, u), hk_conv2d(b, mem0, of_mem, HK_NONE, &w, 1));
    for (int k = 0; k < 4; k++) {
        part[k] = hk_slice_axis(b, gates, 0, k * O, O);
        part[k] = k < 3 ? hk_sigmoid(b, part[k]) : hk_op_tanh(b, part[k]);
    }
    hk_value syn = hk_add(b, hk_mul(b, part[1], syn0), hk_mul(b, part[0], part[3]));
    hk_value mem = snn_reset(b, self, hk_mul(b, part[2], hk_op_tanh(b, syn)), mem0);
    hk_loop_next(b, loop, syn0, syn), hk_loop_next(b, loop, mem0, mem);
    syn = hk_loop_stack(b, loop, syn), mem = hk_loop_stack(b, loop, mem);
    hk_loop_end(b, loop);
    b->api->name_output(b, self, "syn", syn);
    b->api->name_output(b, self, "mem", mem);
    out[0] = snn_fire(b, self, pooled(b, self, mem));
    return HK_OK;
}

const hk_module_type snn_sconv2d_lstm_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_NEURON,
    .doc = "convolutional LSTM cell: syn = sigm(f) syn + sigm(i) tanh(g), mem = sigm(o) tanh(syn), spike if pool(mem) > threshold",
    .source = "snnTorch 1.0, SConv2dLSTM",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
