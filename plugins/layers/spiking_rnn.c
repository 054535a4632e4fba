/* spiking_rnn.c - SpikingLSTM, SpikingGRU, SpikingVanillaRNN: recurrent layers, stacked and in both directions, whose nonlinearities are spikes.
 *
 * A layer is one loop; the product with its input is made for all steps before it. The other direction runs over reversed steps: a product over time
 * by a matrix of 0 and 1, which moves numbers and changes none. */
#include "layers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { VANILLA = 1, GRU = 3, LSTM = 4 }; /* gates */

#define SIZE_FIELDS                                                                                                                                            \
    { "input_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x" },                                                                                      \
        { "hidden_size", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in the state of a layer" },                                                              \
        { "num_layers", HK_INT, 0, NULL, 1, 64, NULL, "layers, one above the other" },                                                                         \
        { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether the biases are there" },                                                                            \
        { "dropout_p", HK_REAL, 0, "0", 0, 1, NULL, "training: probability of 0 behind each layer but the last" },                                             \
        { "invariant_dropout_mask", HK_BOOL, 0, "false", 0, 0, NULL, "one mask for all steps; false: a draw at each step" }, {                                 \
        "bidirectional", HK_BOOL, 0, "false", 0, 0, NULL, "a second row of layers reads the steps from the last to the first; y is both, one after the other"  \
    }

static const hk_field vanilla_fields[] = { SIZE_FIELDS, { "surrogate_function", HK_OBJECT, 0, "Erf()", 0, 0, "hk.surrogate/1", "of the spikes" } };
static const hk_field gate_fields[] = {
    SIZE_FIELDS,
    { "surrogate_function1", HK_OBJECT, 0, "Erf()", 0, 0, "hk.surrogate/1", "of the gates" },
    { "surrogate_function2", HK_OBJECT, HK_NULLABLE, "none", 0, 0, "hk.surrogate/1", "of the candidate; none: surrogate_function1" },
};

static const char *entry(char buf[64], int reverse, int layer, const char *name) {
    snprintf(buf, 64, "%s.%d.%s", reverse ? "cells_reverse" : "cells", layer, name);
    return buf;
}

static hk_status init(hk_module *self, int gates) {
    const int64_t H = hk_get_int(self, "hidden_size"), both = hk_get_bool(self, "bidirectional"), rows = gates * H;
    const double bound = 1.0 / sqrt((double)H);
    char name[64], text[96];
    hk_status st = HK_OK;
    for (int l = 0; l + 1 < hk_get_int(self, "num_layers") && hk_get_real(self, "dropout_p") > 0 && !st; l++) { /* each with a path, and so draws, of its own */
        snprintf(name, sizeof name, "dropout%d", l);
        snprintf(text, sizeof text, "Dropout(%.17g, each_step=%s)", hk_get_real(self, "dropout_p"), hk_get_bool(self, "invariant_dropout_mask") ? "false" : "true");
        st = hk_add_child(self, name, text);
    }
    for (int64_t reverse = 0; reverse <= both; reverse++)
        for (int l = 0; l < hk_get_int(self, "num_layers") && !st; l++) {
            const int64_t ih[2] = { rows, l ? H * (1 + both) : hk_get_int(self, "input_size") }, hh[2] = { rows, H };
            st = hk_add_param(self, entry(name, (int)reverse, l, "linear_ih.weight"), 2, ih, HK_INIT_UNIFORM, -bound, bound);
            if (!st && hk_get_bool(self, "bias"))
                st = hk_add_param(self, entry(name, (int)reverse, l, "linear_ih.bias"), 1, ih, HK_INIT_UNIFORM, -bound, bound);
            if (!st) st = hk_add_param(self, entry(name, (int)reverse, l, "linear_hh.weight"), 2, hh, HK_INIT_UNIFORM, -bound, bound);
            if (!st && hk_get_bool(self, "bias"))
                st = hk_add_param(self, entry(name, (int)reverse, l, "linear_hh.bias"), 1, hh, HK_INIT_UNIFORM, -bound, bound);
        }
    return st;
}

static hk_value spikes(hk_builder *b, const hk_module *surrogate, hk_value z) {
    const hk_surrogate s = hk_surrogate_of(surrogate);
    const hk_surrogate *kept = hk_keep(b, &s, sizeof s);
    return kept ? hk_fire(b, z, kept, 0, b->api->spiking(b)) : HK_NONE;
}

static hk_value linear(hk_builder *b, const hk_module *self, int reverse, int layer, const char *which, hk_value x) {
    char weight[64], bias[64], name[32];
    snprintf(name, sizeof name, "linear_%s.weight", which), entry(weight, reverse, layer, name);
    snprintf(name, sizeof name, "linear_%s.bias", which), entry(bias, reverse, layer, name);
    return hk_linear(b, x, hk_param(b, self, weight), hk_get_bool(self, "bias") ? hk_param(b, self, bias) : HK_NONE);
}

/* c = c f + i g, at most 1, h = c o; the bound has no gradient of its own, in the package too */
static hk_value lstm(hk_builder *b, const hk_module *self, hk_value c1, hk_value z, hk_value *c) {
    const int64_t H = hk_get_int(self, "hidden_size");
    const hk_module *s1 = hk_get_object(self, "surrogate_function1"), *s2 = hk_get_object(self, "surrogate_function2");
    hk_value gate[4];
    if (!s2) z = spikes(b, s1, z);
    for (int k = 0; k < 4; k++) {
        gate[k] = hk_slice(b, z, k * H, H);
        if (s2) gate[k] = spikes(b, k == 2 ? s2 : s1, gate[k]);
    }
    hk_value sum = hk_add(b, hk_mul(b, c1, gate[1]), hk_mul(b, gate[0], gate[2]));
    *c = hk_sub(b, sum, hk_detach(b, hk_relu(b, hk_affine(b, sum, 1.0, -1.0))));
    return hk_mul(b, *c, gate[3]);
}

/* r, u = spikes of their sums; n = spike(x_n + r h_n); h = (1 - u) n + u h */
static hk_value gru(hk_builder *b, const hk_module *self, hk_value x, hk_value y, hk_value h1) {
    const int64_t H = hk_get_int(self, "hidden_size");
    const hk_module *s1 = hk_get_object(self, "surrogate_function1"), *s2 = hk_get_object(self, "surrogate_function2");
    hk_value both = spikes(b, s1, hk_add(b, hk_slice(b, x, 0, 2 * H), hk_slice(b, y, 0, 2 * H)));
    hk_value r = hk_slice(b, both, 0, H), u = hk_slice(b, both, H, H);
    hk_value n = spikes(b, s2 ? s2 : s1, hk_add(b, hk_slice(b, x, 2 * H, H), hk_mul(b, r, hk_slice(b, y, 2 * H, H))));
    return hk_add(b, hk_mul(b, hk_affine(b, u, -1.0, 1.0), n), hk_mul(b, u, h1));
}

static hk_value layer(hk_builder *b, const hk_module *self, int gates, int reverse, int l, hk_value in) {
    char h_name[64], c_name[64];
    hk_value all = linear(b, self, reverse, l, "ih", in), c = HK_NONE, h;
    entry(h_name, reverse, l, "h"), entry(c_name, reverse, l, "c");
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, all), h1 = b->api->state(b, self, h_name, x, 0.0), y = linear(b, self, reverse, l, "hh", h1);
    if (gates == LSTM) h = lstm(b, self, b->api->state(b, self, c_name, x, 0.0), hk_add(b, x, y), &c);
    else if (gates == GRU) h = gru(b, self, x, y, h1);
    else h = spikes(b, hk_get_object(self, "surrogate_function"), hk_add(b, x, y));
    b->api->state_next(b, self, h_name, h);
    if (c) b->api->state_next(b, self, c_name, c);
    hk_value out = hk_loop_stack(b, loop, h);
    hk_loop_end(b, loop);
    return out;
}

/* The steps from the last to the first. */
static hk_value reversed(hk_builder *b, hk_value x) {
    const int64_t T = hk_steps(b);
    double *w = calloc((size_t)(T * T), sizeof *w);
    if (!w) return b->api->fail(b, HK_ENOMEM, "out of memory for a matrix over time"), HK_NONE;
    for (int64_t t = 0; t < T; t++) w[t * T + T - 1 - t] = 1.0;
    hk_value y = hk_time_mix(b, x, hk_constants(b, T * T, w), HK_NONE);
    free(w);
    return y;
}

static hk_status build(hk_builder *b, const hk_module *self, int gates, hk_value x, hk_value *out) {
    const int64_t want = hk_get_int(self, "input_size");
    const hk_desc d = hk_value_desc(b, x);
    if (d.dtype != HK_ABSENT && (d.rank != 1 || d.shape[0] != want))
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes and %lld numbers, expected one axis of input_size=%lld", (int)d.rank,
            (long long)hk_desc_elems(&d), (long long)want);
    for (int l = 0; l < hk_get_int(self, "num_layers"); l++) {
        hk_value y = layer(b, self, gates, 0, l, x);
        x = hk_get_bool(self, "bidirectional") ? hk_concat(b, y, reversed(b, layer(b, self, gates, 1, l, reversed(b, x)))) : y;
        if (l < hk_n_child(self)) {
            hk_value dropped = HK_NONE;
            hk_module_build(b, hk_child(self, l), 1, &x, 1, &dropped);
            x = dropped;
        }
    }
    *out = x;
    return HK_OK;
}

#define RNN(name, gates, doc_, class_, fields_)                                                                                                                \
    static hk_status name##_init(hk_module *self) { return init(self, gates); }                                                                                \
    static hk_status name##_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                              \
        (void)n_in, (void)n_out;                                                                                                                               \
        return build(b, self, gates, in[0], out);                                                                                                              \
    }                                                                                                                                                          \
    const hk_module_type name##_type = {                                                                                                                       \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = doc_,                                                                                                                                           \
        .source = "spikingjelly.activation_based.rnn." class_,                                                                                                 \
        .fields = fields_,                                                                                                                                     \
        .n_fields = sizeof fields_ / sizeof fields_[0],                                                                                                        \
        .init = name##_init,                                                                                                                                   \
        .build = name##_build,                                                                                                                                 \
    };
RNN(spiking_lstm, LSTM, "i, f, g, o = spike(W x + U h + b); c = min(c f + i g, 1); h = c o; y = h of the last layer", "SpikingLSTM", gate_fields)
RNN(spiking_gru, GRU, "r, z = spike(W x + U h + b); n = spike(W x + b + r (U h + b)); h = (1 - z) n + z h; y = h of the last layer", "SpikingGRU", gate_fields)
RNN(spiking_vanilla_rnn, VANILLA, "h = spike(W x + U h + b); y = h of the last layer", "SpikingVanillaRNN", vanilla_fields)
