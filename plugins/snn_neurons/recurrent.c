/* plugins/snn_neurons/recurrent.c - spikes fed back to the neurons that sent them: through a fully connected layer, a convolution that
 * keeps the size, or each to its own neuron, times V. The gradient flows back through the spikes.
 * Source: snnTorch 1.0, _neurons.rleaky.RLeaky: _init_recurrent_net. */
#include "common.h"
#include <math.h>

enum { LINEAR, CONV, OWN };

static int kind_of(const hk_module *self) { return !hk_get_bool(self, "all_to_all") ? OWN : !hk_is_none(self, "linear_features") ? LINEAR : CONV; }

static void kernel_of(const hk_module *self, int64_t k[2]) {
    if (hk_get_ints(self, "kernel_size", k, 2) == 1) k[1] = k[0];
}

static hk_status add_layer(hk_module *self, int rank, const int64_t *shape, double fan_in) {
    const double bound = 1.0 / sqrt(fan_in);
    const int learn = hk_get_bool(self, "learn_recurrent");
    hk_status st = self->api->add_param(self, "recurrent.weight", rank, shape, HK_INIT_UNIFORM, -bound, bound, learn);
    return st ? st : self->api->add_param(self, "recurrent.bias", 1, shape, HK_INIT_UNIFORM, -bound, bound, learn);
}

hk_status snn_recurrent_init(hk_module *self) {
    const int linear = !hk_is_none(self, "linear_features"), channels = !hk_is_none(self, "conv2d_channels"), kernel = !hk_is_none(self, "kernel_size");
    int64_t k[2] = { 0, 0 };
    if (!hk_get_bool(self, "all_to_all")) {
        if (linear || channels || kernel)
            return self->api->fail(
                self, HK_ECONFIG, "all_to_all=false feeds each spike back by V: linear_features, conv2d_channels and kernel_size must be none");
        return snn_param(self, "V", "learn_recurrent");
    }
    if (linear == (channels || kernel) || channels != kernel)
        return self->api->fail(self, HK_ECONFIG, "all_to_all=true needs either linear_features, or conv2d_channels and kernel_size");
    if (linear) {
        const int64_t n = hk_get_int(self, "linear_features"), shape[2] = { n, n };
        return add_layer(self, 2, shape, (double)n);
    }
    if (hk_get_ints(self, "kernel_size", k, 2) > 2) return self->api->fail(self, HK_ECONFIG, "kernel_size must be an integer or two of them (height, width)");
    kernel_of(self, k);
    if (k[0] % 2 == 0 || k[1] % 2 == 0)
        return self->api->fail(
            self, HK_ECONFIG, "kernel_size must be odd, so that what is fed back has the neurons' shape; got %lld and %lld", (long long)k[0], (long long)k[1]);
    const int64_t c = hk_get_int(self, "conv2d_channels"), shape[4] = { c, c, k[0], k[1] };
    return add_layer(self, 4, shape, (double)(c * k[0] * k[1]));
}

static hk_value feedback(hk_builder *b, const hk_module *self, hk_value y) {
    hk_window w = { { 1, 1 }, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    switch (kind_of(self)) {
    case OWN: return hk_mul(b, y, hk_param(b, self, "V"));
    case LINEAR: return hk_linear(b, y, hk_param(b, self, "recurrent.weight"), hk_param(b, self, "recurrent.bias"));
    default:
        kernel_of(self, w.kernel);
        for (int a = 0; a < 2; a++) w.pad[a] = w.pad_end[a] = w.kernel[a] / 2;
        return hk_conv2d(b, y, hk_param(b, self, "recurrent.weight"), hk_param(b, self, "recurrent.bias"), &w, 1);
    }
}

hk_value snn_recurrent_build(hk_builder *b, const hk_module *self, hk_value x, int coupled) {
    const hk_desc d = hk_value_desc(b, x);
    const int kind = kind_of(self);
    const int64_t want = kind == LINEAR ? hk_get_int(self, "linear_features") : kind == CONV ? hk_get_int(self, "conv2d_channels") : 0;
    if (d.dtype != HK_ABSENT && kind != OWN && (d.rank != (kind == LINEAR ? 1 : 3) || d.shape[0] != want))
        return b->api->fail(b, HK_ESHAPE, "the input of one step has %d axes, the first of %lld; expected %s=%lld in the first of %d", (int)d.rank,
                   (long long)(d.rank ? d.shape[0] : 1), kind == LINEAR ? "linear_features" : "conv2d_channels", (long long)want, kind == LINEAR ? 1 : 3),
               HK_NONE;
    hk_loop loop = hk_loop_begin(b);
    hk_value y1 = hk_loop_carry(b, loop, "spk");
    hk_value y = snn_step(b, self, hk_add(b, hk_loop_at(b, loop, x), feedback(b, self, y1)), coupled);
    hk_loop_next(b, loop, y1, y);
    y = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return y;
}
