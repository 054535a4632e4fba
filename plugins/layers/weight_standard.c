/* weight_standard.c - WSConv2d and WSLinear: each output's weights with mean 0 and variance 1 / fan_in, times a gain that is learned.
 *
 * gain (w - mean) / sqrt(var fan_in + eps) with the unbiased var = v K / (K - 1) of K weights is groupnorm, whose var is v:
 * with a = fan_in K / (K - 1), it is gain groupnorm(w, eps / a) / sqrt(a). */
#include "pair.h"
#include <math.h>

#define WS_FIELDS                                                                                                                                              \
    { "gain", HK_BOOL, 0, "true", 0, 0, NULL, "whether the gain of each output is there" }, {                                                                  \
        "eps", HK_REAL, 0, "1e-4", 0, INFINITY, NULL, "added to the variance times fan_in"                                                                     \
    }

static const hk_field conv_fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "out_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of y: kernels" },
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of a kernel" },
    { "stride", HK_INTS, 0, "1", 1, 65535, NULL, "from one place to the next" },
    { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "zeros around x, on each side" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one tap of a kernel to the next" },
    { "groups", HK_INT, 0, "1", 1, INFINITY, NULL, "parts of the channels, each with kernels of its own" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "padding_mode", HK_ENUM, 0, "zeros", 0, 0, "zeros", "what padding consists of" },
    STEP_MODE_FIELD,
    WS_FIELDS,
};
static const hk_field linear_fields[] = {
    { "in_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x" },
    { "out_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in y" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    STEP_MODE_FIELD,
    WS_FIELDS,
};

/* The laws are those of the layers without standardisation. */
static hk_status add_params(hk_module *self, int rank, const int64_t *shape) {
    const int64_t gain[4] = { shape[0], 1, 1, 1 };
    int64_t fan_in = 1;
    for (int i = 1; i < rank; i++) fan_in *= shape[i];
    if (fan_in < 2) return self->api->fail(self, HK_ECONFIG, "an output has one weight, which has no variance");
    const double bound = 1.0 / sqrt((double)fan_in);
    hk_status st = hk_add_param(self, "weight", rank, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "gain")) st = hk_add_param(self, "gain", rank, gain, HK_INIT_CONST, 1, 0);
    return st;
}

static hk_value standard(hk_builder *b, const hk_module *self) {
    hk_value w = hk_param(b, self, "weight");
    const hk_desc d = hk_value_desc(b, w);
    const double K = (double)(hk_desc_elems(&d) / d.shape[0]), a = K * K / (K - 1.0);
    w = hk_affine(b, hk_groupnorm(b, w, d.shape[0], hk_get_real(self, "eps") / a), 1.0 / sqrt(a), 0.0);
    return hk_get_bool(self, "gain") ? hk_mul(b, w, hk_flatten(b, hk_param(b, self, "gain"))) : w;
}

static hk_status conv_init(hk_module *self) {
    static const char *const pairs[] = { "kernel_size", "stride", "padding", "dilation", NULL };
    hk_status st = check_pairs(self, pairs);
    if (st) return st;
    const int64_t in = hk_get_int(self, "in_channels"), out = hk_get_int(self, "out_channels"), groups = hk_get_int(self, "groups");
    if (in % groups || out % groups)
        return self->api->fail(
            self, HK_ECONFIG, "groups=%lld does not divide in_channels=%lld and out_channels=%lld", (long long)groups, (long long)in, (long long)out);
    int64_t shape[4] = { out, in / groups };
    get_pair(self, "kernel_size", shape + 2);
    return add_params(self, 4, shape);
}

static hk_status conv_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    if (!check_picture(b, in[0], hk_get_int(self, "in_channels"), "in_channels")) return HK_ESHAPE;
    const hk_window w = pool_window(self, 1);
    out[0] = hk_conv2d(b, in[0], standard(b, self), hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE, &w, hk_get_int(self, "groups"));
    return HK_OK;
}

static hk_status linear_init(hk_module *self) {
    const int64_t shape[2] = { hk_get_int(self, "out_features"), hk_get_int(self, "in_features") };
    return add_params(self, 2, shape);
}

static hk_status linear_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t want = hk_get_int(self, "in_features");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (x.dtype != HK_ABSENT && (x.rank != 1 || x.shape[0] != want))
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes and %lld numbers, expected one axis of in_features=%lld", (int)x.rank,
            (long long)hk_desc_elems(&x), (long long)want);
    out[0] = hk_linear(b, in[0], standard(b, self), hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE);
    return HK_OK;
}

const hk_module_type ws_conv2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "Conv2d by the weights gain (w - mean) / sqrt(var fan_in + eps); mean and (unbiased) var of each output's weights",
    .source = "Brock et al. 2021, Characterizing signal propagation to close the performance gap in unnormalized ResNets; "
              "spikingjelly.activation_based.layer.WSConv2d",
    .fields = conv_fields,
    .n_fields = sizeof conv_fields / sizeof conv_fields[0],
    .init = conv_init,
    .build = conv_build,
};
const hk_module_type ws_linear_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "Linear by the weights gain (w - mean) / sqrt(var fan_in + eps); mean and (unbiased) var of each output's weights",
    .source = "Brock et al. 2021, Characterizing signal propagation to close the performance gap in unnormalized ResNets; "
              "spikingjelly.activation_based.layer.WSLinear",
    .fields = linear_fields,
    .n_fields = sizeof linear_fields / sizeof linear_fields[0],
    .init = linear_init,
    .build = linear_build,
};
