/* attention_spiking.c - SpikingSelfAttention, TokenQKAttention, ChannelQKAttention: attention between tokens [C,L] at each step, of spikes, without softmax.
 *
 * Children: one neuron, which stands in all three places with a state for each, or three of them (after the first projection, the attention, the last
 * projection), or none: LIF(tau=2.0, detach_reset=true), the second one with v_threshold=0.5. The projections are convolutions of width 1 and BatchNorm. */
#include "axes.h"
#include "ones.h"
#include <math.h>
#include <stdio.h>

#define QK_FIELDS                                                                                                                                              \
    { "dim", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of a token" }, {                                                                                    \
        "num_heads", HK_INT, 0, "8", 1, INFINITY, NULL, "parts of the channels, each with an attention of its own"                                             \
    }

static const hk_field self_fields[] = { QK_FIELDS, { "scale", HK_REAL, 0, "0.125", 0, 0, NULL, "factor of the attention" } };
static const hk_field qk_fields[] = { QK_FIELDS };
static const char *const self_children[] = { "qkv_lif", "attn_lif", "proj_lif" }, *const qk_children[] = { "qk_lif", "attn_lif", "proj_lif" };

/* Neurons that are not given, then the first projection to `parts` times the channels, and the last one. */
static hk_status init(hk_module *self, const char *const *neuron, const char *first, int parts) {
    const int64_t dim = hk_get_int(self, "dim"), heads = hk_get_int(self, "num_heads");
    const int given = hk_n_child(self);
    char text[160];
    hk_status st = HK_OK;
    if (dim % heads) return self->api->fail(self, HK_ECONFIG, "num_heads=%lld does not divide dim=%lld", (long long)heads, (long long)dim);
    if (given == 2) return self->api->fail(self, HK_ECONFIG, "expected no neuron, one for all three places, or three of them, got two");
    for (int k = 0; k < 3 && !given && !st; k++)
        st = hk_add_child(self, neuron[k], k == 1 ? "LIF(tau=2.0, v_threshold=0.5, detach_reset=true)" : "LIF(tau=2.0, detach_reset=true)");
    snprintf(text, sizeof text, "Sequential(Conv1d(%lld, %lld, 1, bias=false), BatchNorm1d(%lld))", (long long)dim, (long long)(dim * parts),
        (long long)(dim * parts));
    if (!st) st = hk_add_child(self, first, text);
    snprintf(text, sizeof text, "Sequential(Conv1d(%lld, %lld, 1, bias=false), BatchNorm1d(%lld))", (long long)dim, (long long)dim, (long long)dim);
    return st ? st : hk_add_child(self, "proj_conv_bn", text);
}
static hk_status self_init(hk_module *self) { return init(self, self_children, "qkv_conv_bn", 3); }
static hk_status qk_init(hk_module *self) { return init(self, qk_children, "qk_conv_bn", 2); }

static hk_value through(hk_builder *b, const hk_module *child, hk_value x) {
    hk_value y = HK_NONE;
    hk_module_build(b, child, 1, &x, 1, &y);
    return y;
}
static hk_value neuron(hk_builder *b, const hk_module *self, int place, hk_value x) { return through(b, hk_child(self, hk_n_child(self) == 5 ? place : 0), x); }
static hk_value project(hk_builder *b, const hk_module *self, int last, hk_value x) { return through(b, hk_child(self, hk_n_child(self) - 2 + last), x); }

static hk_status self_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t C = hk_get_int(self, "dim"), heads = hk_get_int(self, "num_heads");
    if (check_places(b, in[0], 1, C, "dim") < 0) return HK_ESHAPE;
    hk_value qkv = neuron(b, self, 0, project(b, self, 0, in[0])), part[3];
    for (int k = 0; k < 3; k++) part[k] = hk_slice_axis(b, qkv, 0, k * C, C);
    hk_value z = hk_matmul(b, hk_matmul(b, part[2], part[1], heads, 0, 1), part[0], heads, 0, 0);
    z = neuron(b, self, 1, hk_affine(b, z, hk_get_real(self, "scale"), 0.0));
    out[0] = neuron(b, self, 2, project(b, self, 1, z));
    return HK_OK;
}

/* Which tokens of a head (of all its channels), or which channels (of all tokens), let k pass. */
static hk_status qk_build(hk_builder *b, const hk_module *self, int channel, const hk_value *in, hk_value *out) {
    const int64_t C = hk_get_int(self, "dim"), heads = hk_get_int(self, "num_heads");
    const int known = check_places(b, in[0], 1, C, "dim");
    if (known < 0) return HK_ESHAPE;
    if (!known) return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    const int64_t L = hk_value_desc(b, in[0]).shape[1], row[2] = { C, L }, part[2] = { heads, L }, line[2] = { C, 1 };
    const hk_window whole = { { 1, L }, { 1, L }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    hk_value qk = neuron(b, self, 0, project(b, self, 0, in[0]));
    hk_value q = as_shape3(b, hk_slice_axis(b, qk, 0, 0, C), C, 1, L), k = hk_slice_axis(b, qk, 0, C, C), pass;
    if (channel) {
        int64_t *cols = calloc((size_t)L, sizeof *cols);
        static const int64_t rows[1] = { 0 };
        if (!cols) return b->api->fail(b, HK_ENOMEM, "out of memory for %lld tokens", (long long)L);
        pass = neuron(b, self, 1, hk_unflatten(b, hk_avgpool2d(b, q, &whole, 0, 1, 1), 2, line));
        pass = hk_nearest2d(b, as_shape3(b, pass, C, 1, 1), 1, rows, L, cols);
        free(cols);
    } else {
        pass = neuron(b, self, 1, hk_unflatten(b, by_ones(b, q, C, heads, heads), 2, part));
        pass = by_ones(b, as_shape3(b, pass, heads, 1, L), heads, C, heads);
    }
    out[0] = neuron(b, self, 2, project(b, self, 1, hk_mul(b, hk_unflatten(b, pass, 2, row), k)));
    return HK_OK;
}
static hk_status token_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    return qk_build(b, self, 0, in, out);
}
static hk_status channel_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    return qk_build(b, self, 1, in, out);
}

const hk_module_type spiking_self_attention_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "q, k, v = neuron(BN(Conv1d(x))); z = neuron(scale (v k^T) q) of each head; y = neuron(BN(Conv1d(z))); x is [C,L]",
    .source = "Zhou et al. 2023, Spikformer: When Spiking Neural Network Meets Transformer; spikingjelly.activation_based.layer.SpikingSelfAttention",
    .fields = self_fields,
    .n_fields = sizeof self_fields / sizeof self_fields[0],
    .max_child = 3,
    .child_names = self_children,
    .init = self_init,
    .build = self_build,
};
const hk_module_type token_qk_attention_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "q, k = neuron(BN(Conv1d(x))); z = neuron(sum of q over a head's channels) k; y = neuron(BN(Conv1d(z))); x is [C,L]",
    .source = "Zhou et al. 2024, QKFormer: Hierarchical Spiking Transformer using Q-K Attention; spikingjelly.activation_based.layer.TokenQKAttention",
    .fields = qk_fields,
    .n_fields = sizeof qk_fields / sizeof qk_fields[0],
    .max_child = 3,
    .child_names = qk_children,
    .init = qk_init,
    .build = token_build,
};
const hk_module_type channel_qk_attention_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "q, k = neuron(BN(Conv1d(x))); z = neuron(sum of q over the tokens) k; y = neuron(BN(Conv1d(z))); x is [C,L]",
    .source = "Zhou et al. 2024, QKFormer: Hierarchical Spiking Transformer using Q-K Attention; spikingjelly.activation_based.layer.ChannelQKAttention",
    .fields = qk_fields,
    .n_fields = sizeof qk_fields / sizeof qk_fields[0],
    .max_child = 3,
    .child_names = qk_children,
    .init = qk_init,
    .build = channel_build,
};
