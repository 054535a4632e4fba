/* batch_norm2d.c - each channel with mean 0 and variance 1 over samples, steps and places together, then scaled and shifted. */
#include "pair.h"
#include <math.h>

static const hk_field fields[] = {
    { "num_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "eps", HK_REAL, 0, "1e-5", 0, INFINITY, NULL, "added to the variance" },
    { "momentum", HK_REAL, 0, "0.1", 0, 1, NULL, "weight of the new batch in the running statistics" },
    { "affine", HK_BOOL, 0, "true", 0, 0, NULL, "whether w and b are there" },
    { "track_running_stats", HK_BOOL, 0, "true", 0, 0, NULL, "keep running statistics, used in evaluation; false: the batch's, always" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    const int64_t C = hk_get_int(self, "num_features");
    hk_status st = HK_OK;
    if (hk_get_bool(self, "affine")) {
        st = hk_add_param(self, "weight", 1, &C, HK_INIT_CONST, 1, 0);
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

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int running = hk_get_bool(self, "track_running_stats"), training = b->api->training(b), affine = hk_get_bool(self, "affine");
    const int batch = training || !running;
    hk_value mean, var;
    if (!check_picture(b, in[0], hk_get_int(self, "num_features"), "num_features")) return HK_ESHAPE;
    if (batch) {
        const hk_desc x = hk_value_desc(b, in[0]);
        /* A value that is the same at each step counts at each step. */
        const double count = x.dtype == HK_ABSENT ? 0.0 : (double)(x.shape[1] * x.shape[2]) * (double)hk_batch(b) * (double)hk_steps(b);
        if (count < 2) return b->api->fail(b, HK_ESHAPE, "expected more than one number for each channel, to have a variance");
        hk_channel_merge(b, hk_channel_stats(b, in[0]), &mean, &var);
        if (training && running) {
            track(b, self, "running_mean", mean, 1.0);
            track(b, self, "running_var", var, count / (count - 1.0)); /* unbiased */
            hk_buffer_next(b, self, "num_batches_tracked", hk_affine(b, hk_param(b, self, "num_batches_tracked"), 1.0, 1.0));
        }
    } else {
        mean = hk_param(b, self, "running_mean"), var = hk_param(b, self, "running_var");
    }
    hk_value weight = affine ? hk_param(b, self, "weight") : HK_NONE, bias = affine ? hk_param(b, self, "bias") : HK_NONE;
    out[0] = hk_batchnorm(b, in[0], mean, hk_rsqrt(b, var, hk_get_real(self, "eps")), weight, bias, batch);
    return HK_OK;
}

const hk_module_type batch_norm2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = (x - mean) / sqrt(var + eps) w + b per channel; mean and var over samples, steps and places together",
    .source = "torch.nn.BatchNorm2d; spikingjelly.activation_based.layer.BatchNorm2d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
