/* spike_similar.c - SpikeSimilar: samples of one class should fire alike, others should not.
 *     p[i,j] = kernel(x_i, x_j), x_i: all numbers of sample i, over steps and outputs;   s[i,j] = 1 if i and j share a class, else 0
 *     linear: x_i x_j / (|x_i| |x_j| + 1e-8);  sigmoid: 1 / (1 + exp(-a x_i x_j));  gaussian: exp(-|x_i - x_j|^2 / (2 a^2));  polynomial: (x_i x_j)^a
 *     loss = mean over i and j of (p - s)^2 (mse), |p - s| (l1), or -s ln p - (1 - s) ln(1 - p), each logarithm at least -100 (bce)
 * Where p is 0 or 1, as bce takes it, no gradient of that logarithm comes back. Source: SpikingJelly 2.0, activation_based.functional.spike_similar_loss. */
#include "losses.h"
#include <math.h>

enum { LINEAR, SIGMOID, GAUSSIAN, POLYNOMIAL };
enum { BY_SQUARE, BY_DISTANCE, BY_ENTROPY };

static const hk_field fields[] = {
    { "kernel_type", HK_ENUM, 0, "linear", 0, 0, "linear|sigmoid|gaussian|polynomial", "how alike two samples are" },
    { "loss_type", HK_ENUM, 0, "mse", 0, 0, "mse|l1|bce", "what the distance of p and s is" },
    { "a", HK_REAL, 0, "1", 0, 0, NULL, "alpha of sigmoid, sigma of gaussian, exponent of polynomial (a whole number, at most 8)" },
    { "num_labels", HK_INT, 0, "0", 0, INFINITY, NULL, "0: the target is a class; else a row of so many labels, 0 or 1" },
};

/* The length of all numbers of a sample, [1]. */
static hk_value length(hk_builder *b, hk_value x) {
    const hk_desc d = hk_value_desc(b, x);
    const int64_t n = hk_desc_elems(&d);
    hk_value square = hk_mul(b, x, x);
    if (d.flags & HK_T) square = hk_sum_t(b, square, 1.0);
    if (d.rank != 1) square = d.rank ? hk_flatten(b, square) : hk_unflatten(b, square, 1, &(const int64_t){ 1 });
    square = hk_affine(b, hk_group_mean(b, square, n), (double)n, 0.0);
    return hk_mul(b, square, hk_rsqrt(b, square, 1e-12)); /* 0 of a sample that is silent, whose gradient then is 0 too */
}

static hk_value similarity(hk_builder *b, const hk_module *self, hk_value x) {
    const double a = hk_get_real(self, "a");
    hk_value z = hk_pairs(b, x, hk_get_int(self, "kernel_type") == GAUSSIAN), power = z;
    switch (hk_get_int(self, "kernel_type")) {
    case LINEAR: return hk_div(b, z, hk_affine(b, hk_pairs(b, length(b, x), 0), 1.0, 1e-8));
    case SIGMOID: return hk_sigmoid(b, hk_affine(b, z, a, 0.0));
    case GAUSSIAN: return hk_op_exp(b, hk_affine(b, z, -1.0 / (2 * a * a), 0.0));
    default:
        for (int k = 1; k < (int)a; k++) power = hk_mul(b, power, z);
        return power;
    }
}

/* max(ln p, -100) */
static hk_value bounded_log(hk_builder *b, hk_value p) {
    const double least = 1e-37;
    hk_value none = hk_within(b, p, -INFINITY, least);
    return hk_add(b, hk_op_log(b, hk_clamp(b, p, least, INFINITY)), hk_affine(b, none, -100.0 - log(least), 0.0));
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t classes = hk_get_int(self, "num_labels") ? 0 : classes_of(b, in[0]), N = hk_batch(b);
    if (!classes && !hk_get_int(self, "num_labels")) return HK_ESHAPE;
    hk_value x = hk_affine(b, in[0], 1.0, 0.0), p = similarity(b, self, x), each;
    hk_value s = hk_clamp(b, hk_pairs(b, classes ? hk_one_hot(b, in[1], classes) : in[1], 0), -INFINITY, 1.0), away = hk_sub(b, p, s);
    switch (hk_get_int(self, "loss_type")) {
    case BY_SQUARE: each = hk_mul(b, away, away); break;
    case BY_DISTANCE: each = hk_add(b, hk_relu(b, away), hk_relu(b, hk_affine(b, away, -1.0, 0.0))); break;
    default: {
        hk_value same = hk_mul(b, s, bounded_log(b, p)), other = hk_mul(b, hk_affine(b, s, -1.0, 1.0), bounded_log(b, hk_affine(b, p, -1.0, 1.0)));
        each = hk_affine(b, hk_add(b, same, other), -1.0, 0.0);
    }
    }
    out[0] = hk_unflatten(b, hk_group_mean(b, hk_flatten(b, each), N * N), 0, NULL);
    return HK_OK;
}

static hk_status init(hk_module *self) {
    const double a = hk_get_real(self, "a");
    const int64_t kernel = hk_get_int(self, "kernel_type");
    if (kernel == GAUSSIAN && !(a > 0)) return self->api->fail(self, HK_ECONFIG, "a is %g, expected a deviation above 0", a);
    if (kernel == POLYNOMIAL && !(a >= 1 && a <= 8 && a == floor(a))) return self->api->fail(self, HK_ECONFIG, "a is %g, expected a whole number of 1 to 8", a);
    if (kernel == POLYNOMIAL && hk_get_int(self, "loss_type") == BY_ENTROPY)
        return self->api->fail(self, HK_ECONFIG, "loss_type=bce takes numbers of 0 to 1, which a polynomial does not give");
    return HK_OK;
}

static hk_desc target(const hk_module *self, const hk_desc *y) {
    (void)y;
    hk_desc d = { .dtype = HK_I64, .flags = HK_HELD };
    if (hk_get_int(self, "num_labels")) d.dtype = HK_F32, d.rank = 1, d.shape[0] = hk_get_int(self, "num_labels");
    return d;
}

const hk_module_type spike_similar_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "mean over all pairs of samples of the distance between how alike their spikes are, kernel(x_i, x_j), and 1 if they share a class, else 0",
    .source = "SpikingJelly 2.0, activation_based.functional.spike_similar_loss",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
    .target = target,
};
