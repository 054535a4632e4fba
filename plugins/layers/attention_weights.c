/* attention_weights.c - TemporalWiseAttention and MultiDimensionalAttention: factors between 0 and 1 for steps, channels and places, from what is average
 * and what is largest there. All of a sequence's steps are seen at once. */
#include "axes.h"
#include "ones.h"
#include <math.h>

static const hk_field temporal_fields[] = {
    { "T", HK_INT, 0, NULL, 1, 4096, NULL, "time steps" },
    { "reduction", HK_INT, 0, "16", 1, INFINITY, NULL, "T / reduction numbers lie between the two products; at most T" },
    { "dimension", HK_INT, 0, "4", 2, 4, NULL, "4: inputs [T,N,C,H,W]; 2: [T,N,L]" },
};
static const hk_field fields[] = {
    { "T", HK_INT, 0, NULL, 1, 4096, NULL, "time steps" },
    { "C", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "reduction_t", HK_INT, 0, "16", 1, INFINITY, NULL, "T / reduction_t numbers lie between the two products of steps; at most T" },
    { "reduction_c", HK_INT, 0, "16", 1, INFINITY, NULL, "C / reduction_c numbers lie between the two products of channels; at most C" },
    { "kernel_size", HK_INT, 0, "3", 3, 7, NULL, "size of the convolution over places: 3 or 7" },
    { "use_temporal", HK_BOOL, 0, "true", 0, 0, NULL, "factors for steps" },
    { "use_channel", HK_BOOL, 0, "true", 0, 0, NULL, "factors for channels" },
    { "use_spatial", HK_BOOL, 0, "true", 0, 0, NULL, "factors for places" },
};

/* Two matrices, n to n / ratio and back, as torch declares them: Linear (rank 2) or Conv3d of size 1 (rank 5). */
static hk_status add_mlp(hk_module *self, const char *first, const char *second, int rank, int64_t n, int64_t ratio) {
    const int64_t less = n / ratio, down[5] = { less, n, 1, 1, 1 }, up[5] = { n, less, 1, 1, 1 };
    hk_status st = hk_add_param(self, first, rank, down, HK_INIT_UNIFORM, -1.0 / sqrt((double)n), 1.0 / sqrt((double)n));
    return st ? st : hk_add_param(self, second, rank, up, HK_INIT_UNIFORM, -1.0 / sqrt((double)less), 1.0 / sqrt((double)less));
}

static hk_status temporal_init(hk_module *self) {
    const int64_t T = hk_get_int(self, "T"), ratio = hk_get_int(self, "reduction");
    if (ratio > T) return self->api->fail(self, HK_ECONFIG, "reduction=%lld is more than T=%lld", (long long)ratio, (long long)T);
    if (hk_get_int(self, "dimension") == 3) return self->api->fail(self, HK_ECONFIG, "dimension must be 4 or 2");
    return add_mlp(self, "sharedMLP.0.weight", "sharedMLP.2.weight", 2, T, ratio);
}

static hk_status init(hk_module *self) {
    const int64_t T = hk_get_int(self, "T"), C = hk_get_int(self, "C"), k = hk_get_int(self, "kernel_size"), shape[4] = { 1, 2, k, k };
    const int time = hk_get_bool(self, "use_temporal"), channel = hk_get_bool(self, "use_channel"), space = hk_get_bool(self, "use_spatial");
    const double bound = 1.0 / sqrt(2.0 * (double)(k * k));
    hk_status st = HK_OK;
    if (!time && !channel && !space) return self->api->fail(self, HK_ECONFIG, "one of use_temporal, use_channel, use_spatial must be true");
    if (k != 3 && k != 7) return self->api->fail(self, HK_ECONFIG, "kernel_size must be 3 or 7, got %lld", (long long)k);
    if ((time && hk_get_int(self, "reduction_t") > T) || (channel && hk_get_int(self, "reduction_c") > C))
        return self->api->fail(self, HK_ECONFIG, "reduction_t must be at most T=%lld, reduction_c at most C=%lld", (long long)T, (long long)C);
    if (time) st = add_mlp(self, "ta.sharedMLP.0.weight", "ta.sharedMLP.2.weight", 5, T, hk_get_int(self, "reduction_t"));
    if (channel && !st) st = add_mlp(self, "ca.sharedMLP.0.weight", "ca.sharedMLP.2.weight", 5, C, hk_get_int(self, "reduction_c"));
    if (space && !st) st = hk_add_param(self, "sa.conv.weight", 4, shape, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

/* A matrix [rows,cols] with zeros up to [T,T], for products over time. */
static hk_value square(hk_builder *b, hk_value w, int64_t rows, int64_t cols, int64_t T) {
    int64_t *index = malloc((size_t)(T * T) * sizeof *index);
    if (!index) return b->api->fail(b, HK_ENOMEM, "out of memory for a matrix over time"), HK_NONE;
    for (int64_t i = 0; i < T * T; i++) index[i] = i / T < rows && i % T < cols ? i / T * cols + i % T : -1;
    hk_value v = hk_gather(b, hk_flatten(b, w), T * T, index);
    free(index);
    return v;
}

/* Average and largest number of each of C parts of a row, as [C]. */
static void pooled(hk_builder *b, hk_value x, int64_t C, int64_t places, hk_value v[2]) {
    const hk_window all = { { 1, places }, { 1, places }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    hk_value row = as_shape3(b, x, C, 1, places);
    v[0] = hk_flatten(b, hk_adaptive_avgpool2d(b, row, 1, 1)), v[1] = hk_flatten(b, hk_maxpool2d(b, row, &all, 0));
}

/* x times the factor of each step. */
static hk_value by_step(hk_builder *b, const hk_module *self, hk_value x, const char *first, const char *second, int64_t ratio) {
    const int64_t T = hk_get_int(self, "T");
    const hk_desc d = hk_value_desc(b, x);
    hk_value v[2], down = square(b, hk_param(b, self, first), T / ratio, T, T), up = square(b, hk_param(b, self, second), T, T / ratio, T);
    pooled(b, x, 1, hk_desc_elems(&d), v);
    for (int k = 0; k < 2; k++) v[k] = hk_time_mix(b, hk_relu(b, hk_time_mix(b, v[k], down, HK_NONE)), up, HK_NONE);
    return hk_mul(b, x, hk_unflatten(b, hk_sigmoid(b, hk_add(b, v[0], v[1])), 0, NULL));
}

static hk_status steps_fit(hk_builder *b, const hk_module *self) {
    const int64_t T = hk_get_int(self, "T");
    return T == hk_steps(b) ? HK_OK : b->api->fail(b, HK_ESHAPE, "T=%lld, but there are %lld time steps", (long long)T, (long long)hk_steps(b));
}

static hk_status temporal_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_desc x = hk_value_desc(b, in[0]);
    const int axes = hk_get_int(self, "dimension") == 4 ? 3 : 1;
    hk_status st = steps_fit(b, self);
    if (st) return st;
    if (x.dtype == HK_ABSENT || x.rank != axes)
        return b->api->fail(
            b, HK_ESHAPE, "the input of one sample has %d axes, expected %d with dimension=%lld", (int)x.rank, axes, (long long)hk_get_int(self, "dimension"));
    out[0] = by_step(b, self, x.flags & HK_T ? in[0] : hk_repeat_t(b, in[0]), "sharedMLP.0.weight", "sharedMLP.2.weight", hk_get_int(self, "reduction"));
    return HK_OK;
}

/* x times the factor of each channel, the same for all steps. */
static hk_value by_channel(hk_builder *b, const hk_module *self, hk_value x) {
    const int64_t C = hk_get_int(self, "C"), less = C / hk_get_int(self, "reduction_c"), down[2] = { less, C }, up[2] = { C, less };
    const hk_desc d = hk_value_desc(b, x);
    hk_value v[2], w0 = hk_unflatten(b, hk_param(b, self, "ca.sharedMLP.0.weight"), 2, down),
                   w2 = hk_unflatten(b, hk_param(b, self, "ca.sharedMLP.2.weight"), 2, up);
    pooled(b, x, C, d.shape[1] * d.shape[2], v);
    v[0] = hk_mean_t(b, v[0]), v[1] = hk_pick_t(b, v[1], 1);
    for (int k = 0; k < 2; k++) v[k] = hk_linear(b, hk_relu(b, hk_linear(b, v[k], w0, HK_NONE)), w2, HK_NONE);
    return hk_mul(b, x, hk_sigmoid(b, hk_add(b, v[0], v[1])));
}

/* x times the factor of each place, the same for all steps and channels. */
static hk_value by_place(hk_builder *b, const hk_module *self, hk_value x) {
    const hk_desc d = hk_value_desc(b, x);
    const int64_t C = d.shape[0], H = d.shape[1], W = d.shape[2], k = hk_get_int(self, "kernel_size"), pad = k == 7 ? 3 : 1;
    const hk_window over = { { C, 1 }, { C, 1 }, { 0, 0 }, { 0, 0 }, { 1, 1 } }, window = { { k, k }, { 1, 1 }, { pad, pad }, { pad, pad }, { 1, 1 } };
    hk_value mean = hk_mean_t(b, hk_affine(b, by_ones(b, x, C, 1, 1), 1.0 / (double)C, 0.0));
    hk_value most = hk_pick_t(b, hk_maxpool2d(b, as_shape3(b, x, 1, C, H * W), &over, 0), 1);
    hk_value both = as_shape3(b, hk_concat(b, hk_flatten(b, mean), hk_flatten(b, most)), 2, H, W);
    hk_value factor = hk_sigmoid(b, hk_conv2d(b, both, hk_param(b, self, "sa.conv.weight"), HK_NONE, &window, 1));
    return hk_mul(b, x, by_ones(b, factor, 1, C, 1));
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int known = check_places(b, in[0], 2, hk_get_int(self, "C"), "C");
    hk_status st = steps_fit(b, self);
    if (st || known < 0) return HK_ESHAPE;
    if (!known) return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    hk_value x = hk_value_desc(b, in[0]).flags & HK_T ? in[0] : hk_repeat_t(b, in[0]);
    if (hk_get_bool(self, "use_temporal")) x = by_step(b, self, x, "ta.sharedMLP.0.weight", "ta.sharedMLP.2.weight", hk_get_int(self, "reduction_t"));
    if (hk_get_bool(self, "use_channel")) x = by_channel(b, self, x);
    if (hk_get_bool(self, "use_spatial")) x = by_place(b, self, x);
    out[0] = hk_relu(b, x);
    return HK_OK;
}

const hk_module_type temporal_wise_attention_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[t] = sigmoid(MLP(avg)[t] + MLP(max)[t]) x[t]; avg and max of each step's numbers; MLP: W2 relu(W1 .) over the steps",
    .source = "Yao et al. 2021, Temporal-Wise Attention Spiking Neural Networks for Event Streams Classification; "
              "spikingjelly.activation_based.layer.TemporalWiseAttention",
    .fields = temporal_fields,
    .n_fields = sizeof temporal_fields / sizeof temporal_fields[0],
    .init = temporal_init,
    .build = temporal_build,
};
const hk_module_type multi_dimensional_attention_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "x times factors for steps, then for channels, then for places: sigmoid(MLP(avg) + MLP(max)), for places sigmoid(conv([avg, max])); y = relu of it",
    .source = "Yao et al. 2023, Attention Spiking Neural Networks; spikingjelly.activation_based.layer.MultiDimensionalAttention",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
