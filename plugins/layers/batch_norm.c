/* batch_norm.c - BatchNorm1d, BatchNorm2d, BatchNorm3d: each channel with mean 0 and variance 1 over samples, steps and places together, then scaled and
 * shifted. batch_norm.h has what other normalisations are made of. */
#include "batch_norm.h"

static const hk_field fields[] = { BATCH_NORM_FIELDS, STEP_MODE_FIELD };

hk_status batch_norm_init(hk_module *self, double weight) {
    const int64_t C = hk_get_int(self, "num_features");
    hk_status st = HK_OK;
    if (hk_get_bool(self, "affine")) {
        st = hk_add_param(self, "weight", 1, &C, HK_INIT_CONST, weight, 0);
        if (!st) st = hk_add_param(self, "bias", 1, &C, HK_INIT_CONST, 0, 0);
    }
    if (hk_get_bool(self, "track_running_stats")) {
        if (!st) st = self->api->add_param(self, "running_mean", 1, &C, HK_INIT_CONST, 0, 0, 0);
        if (!st) st = self->api->add_param(self, "running_var", 1, &C, HK_INIT_CONST, 1, 0, 0);
        if (!st) st = self->api->add_param(self, "num_batches_tracked", 0, NULL, HK_INIT_CONST, 0, 0, 0);
    }
    return st;
}

/* running = (1 - momentum) running + momentum scale batch */
static void track(hk_builder *b, const hk_module *self, const char *name, hk_value batch, double scale) {
    const double momentum = hk_get_real(self, "momentum");
    hk_value old = hk_affine(b, hk_param(b, self, name), 1.0 - momentum, 0.0);
    hk_buffer_next(b, self, name, hk_add(b, old, hk_affine(b, batch, momentum * scale, 0.0)));
}

hk_status batch_norm_check(hk_builder *b, const hk_module *self, int axes, hk_value in) {
    const hk_desc x = hk_value_desc(b, in);
    if (axes == 1 && x.dtype != HK_ABSENT && x.rank == 1) { /* [C] */
        const int64_t C = hk_get_int(self, "num_features");
        if (x.shape[0] == C) return HK_OK;
        return b->api->fail(b, HK_ESHAPE, "the input has %lld channels, expected num_features=%lld", (long long)x.shape[0], (long long)C);
    }
    return check_places(b, in, axes, hk_get_int(self, "num_features"), "num_features") < 0 ? HK_ESHAPE : HK_OK;
}

hk_status batch_norm_build(hk_builder *b, const hk_module *self, int axes, hk_value in, hk_value *out) {
    const int running = hk_get_bool(self, "track_running_stats"), training = b->api->training(b), affine = hk_get_bool(self, "affine");
    const int batch = training || !running;
    hk_value mean, var;
    hk_status st = batch_norm_check(b, self, axes, in);
    if (st) return st;
    if (batch) {
        const hk_desc x = hk_value_desc(b, in);
        /* A value that is the same at each step counts at each step. */
        const double count = x.dtype == HK_ABSENT ? 0.0 : (double)(hk_desc_elems(&x) / x.shape[0]) * (double)hk_batch(b) * (double)hk_steps(b);
        if (count < 2) return b->api->fail(b, HK_ESHAPE, "expected more than one number for each channel, to have a variance");
        hk_channel_merge(b, hk_channel_stats(b, in), &mean, &var);
        if (training && running) {
            track(b, self, "running_mean", mean, 1.0);
            track(b, self, "running_var", var, count / (count - 1.0)); /* unbiased */
            hk_buffer_next(b, self, "num_batches_tracked", hk_affine(b, hk_param(b, self, "num_batches_tracked"), 1.0, 1.0));
        }
    } else {
        mean = hk_param(b, self, "running_mean"), var = hk_param(b, self, "running_var");
    }
    hk_value weight = affine ? hk_param(b, self, "weight") : HK_NONE, bias = affine ? hk_param(b, self, "bias") : HK_NONE;
    *out = hk_batchnorm(b, in, mean, hk_rsqrt(b, var, hk_get_real(self, "eps")), weight, bias, batch);
    return HK_OK;
}

static hk_status init(hk_module *self) { return batch_norm_init(self, 1.0); }

#define BATCH_NORM(n, where)                                                                                                                                   \
    static hk_status build##n(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                                  \
        (void)n_in, (void)n_out;                                                                                                                               \
        return batch_norm_build(b, self, n, in[0], out);                                                                                                       \
    }                                                                                                                                                          \
    const hk_module_type batch_norm##n##d_type = {                                                                                                             \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = "y = (x - mean) / sqrt(var + eps) w + b per channel of " where "; mean and var over samples, steps and places together",                        \
        .source = "torch.nn.BatchNorm" #n "d; spikingjelly.activation_based.layer.BatchNorm" #n "d",                                                           \
        .fields = fields,                                                                                                                                      \
        .n_fields = sizeof fields / sizeof fields[0],                                                                                                          \
        .init = init,                                                                                                                                          \
        .build = build##n,                                                                                                                                     \
    };
BATCH_NORM(1, "[C] or [C,L]")
BATCH_NORM(2, "[C,H,W]")
BATCH_NORM(3, "[C,D,H,W]")
