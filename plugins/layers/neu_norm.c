/* neu_norm.c - NeuNorm: a slow average of all channels' input, taken away from each by a learned weight. */
#include "pair.h"
#include "ones.h"
#include <math.h>

static const hk_field fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "height", HK_INT, 0, NULL, 1, INFINITY, NULL, "rows of x" },
    { "width", HK_INT, 0, NULL, 1, INFINITY, NULL, "columns of x" },
    { "k", HK_REAL, 0, "0.9", 0, 1, NULL, "what of z is kept from one step to the next" },
    { "shared_across_channels", HK_BOOL, 0, "false", 0, 0, NULL, "one w for all channels" },
    STEP_MODE_FIELD,
};

/* torch.nn.init.kaiming_uniform with a = sqrt(5): bound 1 / sqrt(fan_in), fan_in = height width. */
static hk_status init(hk_module *self) {
    const int64_t shape[3] = { hk_get_bool(self, "shared_across_channels") ? 1 : hk_get_int(self, "in_channels"), hk_get_int(self, "height"),
        hk_get_int(self, "width") };
    const double bound = 1.0 / sqrt((double)shape[1] * (double)shape[2]);
    return hk_add_param(self, "w", 3, shape, HK_INIT_UNIFORM, -bound, bound);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t C = hk_get_int(self, "in_channels"), H = hk_get_int(self, "height"), W = hk_get_int(self, "width");
    const double k = hk_get_real(self, "k");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (!check_picture(b, in[0], C, "in_channels")) return HK_ESHAPE;
    if (x.dtype != HK_ABSENT && (x.shape[1] != H || x.shape[2] != W))
        return b->api->fail(b, HK_ESHAPE, "the input is %lldx%lld, expected height=%lld and width=%lld", (long long)x.shape[1], (long long)x.shape[2],
            (long long)H, (long long)W);
    hk_value sum = hk_affine(b, by_ones(b, in[0], C, 1, 1), (1.0 - k) / ((double)C * (double)C), 0.0), w = hk_param(b, self, "w");
    hk_loop loop = hk_loop_begin(b);
    hk_value z = hk_add(b, hk_affine(b, b->api->state(b, self, "x", sum, 0.0), k, 0.0), hk_loop_at(b, loop, sum));
    b->api->state_next(b, self, "x", z);
    hk_value all = hk_loop_stack(b, loop, z);
    hk_loop_end(b, loop);
    hk_value less = hk_get_bool(self, "shared_across_channels") ? by_ones(b, hk_mul(b, all, w), 1, C, 1) : hk_mul(b, by_ones(b, all, 1, C, 1), w);
    out[0] = hk_sub(b, in[0], less);
    return HK_OK;
}

const hk_module_type neu_norm_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "z[t] = k z[t-1] + (1 - k) / C^2 sum over channels of x[t], z [1,H,W] from 0; y[t] = x[t] - w z[t]",
    .source = "Wu et al. 2019, Direct Training for Spiking Neural Networks: Faster, Larger, Better; spikingjelly.activation_based.layer.NeuNorm",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
