/* voting.c - several outputs vote for each class. */
#include "layers.h"
#include <math.h>

static const hk_field fields[] = {
    { "voting_size", HK_INT, 0, "10", 1, INFINITY, NULL, "consecutive outputs that vote together" },
    STEP_MODE_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t size = hk_get_int(self, "voting_size");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (x.dtype != HK_ABSENT && (x.rank != 1 || x.shape[0] % size))
        return b->api->fail(b, HK_ESHAPE, "expected an input of one axis whose length is a multiple of voting_size=%lld, got %d axes, the last of length %lld",
            (long long)size, (int)x.rank, (long long)(x.rank ? x.shape[x.rank - 1] : 1));
    out[0] = hk_group_mean(b, in[0], size);
    return HK_OK;
}

const hk_module_type voting_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[k] = the mean of voting_size consecutive x",
    .source = "spikingjelly.activation_based.layer.VotingLayer",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
