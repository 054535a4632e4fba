/* group_norm.c - each sample's groups of channels with mean 0 and variance 1, at each step, then scaled and shifted. */
#include "layers.h"
#include <math.h>

static const hk_field fields[] = {
    { "num_groups", HK_INT, 0, NULL, 1, INFINITY, NULL, "groups of consecutive channels" },
    { "num_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "eps", HK_REAL, 0, "1e-5", 0, INFINITY, NULL, "added to the variance" },
    { "affine", HK_BOOL, 0, "true", 0, 0, NULL, "whether w and b are there" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    const int64_t C = hk_get_int(self, "num_channels"), groups = hk_get_int(self, "num_groups");
    if (C % groups) return self->api->fail(self, HK_ECONFIG, "num_groups=%lld does not divide num_channels=%lld", (long long)groups, (long long)C);
    if (!hk_get_bool(self, "affine")) return HK_OK;
    hk_status st = hk_add_param(self, "weight", 1, &C, HK_INIT_CONST, 1, 0);
    return st ? st : hk_add_param(self, "bias", 1, &C, HK_INIT_CONST, 0, 0);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t C = hk_get_int(self, "num_channels");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (x.dtype != HK_ABSENT && (x.rank < 1 || x.shape[0] != C))
        return b->api->fail(b, HK_ESHAPE, "the input has %lld channels, expected num_channels=%lld", (long long)(x.rank ? x.shape[0] : 0), (long long)C);
    out[0] = hk_groupnorm(b, in[0], hk_get_int(self, "num_groups"), hk_get_real(self, "eps"));
    if (hk_get_bool(self, "affine")) out[0] = hk_add(b, hk_mul(b, out[0], hk_param(b, self, "weight")), hk_param(b, self, "bias"));
    return HK_OK;
}

const hk_module_type group_norm_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = (x - mean) / sqrt(var + eps) w + b; mean and var of each sample, step and group of channels",
    .source = "torch.nn.GroupNorm",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
