/* linear.c - y = W x + b. */
#include "layers.h"
#include <math.h>

static const hk_field fields[] = {
    { "in_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x" },
    { "out_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in y" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    STEP_MODE_FIELD,
};

/* torch.nn.Linear.reset_parameters: kaiming_uniform with a = sqrt(5) is the same law as the bias's. */
static hk_status init(hk_module *self) {
    const int64_t in = hk_get_int(self, "in_features"), out = hk_get_int(self, "out_features");
    const int64_t shape[2] = { out, in };
    const double bound = 1.0 / sqrt((double)in);
    hk_status st = hk_add_param(self, "weight", 2, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t want = hk_get_int(self, "in_features");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (x.dtype != HK_ABSENT && x.rank == 1 && x.shape[0] != want)
        return b->api->fail(b, HK_ESHAPE, "the input has %lld numbers, expected in_features=%lld", (long long)x.shape[0], (long long)want);
    if (x.dtype != HK_ABSENT && x.rank > 1)
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, expected one of in_features=%lld: put Flatten() before", (int)x.rank,
                            (long long)want);
    out[0] = hk_linear(b, in[0], hk_param(b, self, "weight"), hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE);
    return HK_OK;
}

const hk_module_type linear_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = W x + b",
    .source = "torch.nn.Linear",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
