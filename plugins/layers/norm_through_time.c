/* norm_through_time.c - BatchNormThroughTime1d, 2d, 3d: a batch normalisation of its own for each step, with a weight and no bias.
 *
 * The statistics of all steps are values that vary with the step: sums over samples and places at each t, so that nothing runs step by step. */
#include "batch_norm.h"
#include <stdio.h>

static const hk_field fields[] = { { "T", HK_INT, 0, NULL, 1, 4096, NULL, "time steps" }, BATCH_NORM_FIELDS, STEP_MODE_FIELD };

static const char *entry(char buf[64], int64_t t, const char *name) {
    snprintf(buf, 64, "bn_list.%lld.%s", (long long)t, name);
    return buf;
}

static hk_status init(hk_module *self) {
    const int64_t C = hk_get_int(self, "num_features");
    char name[64];
    hk_status st = HK_OK;
    for (int64_t t = 0; t < hk_get_int(self, "T") && !st; t++) {
        if (hk_get_bool(self, "affine")) st = hk_add_param(self, entry(name, t, "weight"), 1, &C, HK_INIT_CONST, 1, 0);
        if (!hk_get_bool(self, "track_running_stats")) continue;
        if (!st) st = self->api->add_param(self, entry(name, t, "running_mean"), 1, &C, HK_INIT_CONST, 0, 0, 0);
        if (!st) st = self->api->add_param(self, entry(name, t, "running_var"), 1, &C, HK_INIT_CONST, 1, 0, 0);
        if (!st) st = self->api->add_param(self, entry(name, t, "num_batches_tracked"), 0, NULL, HK_INIT_CONST, 0, 0, 0);
    }
    return st;
}

/* The parameters of all steps, [C] each, as one value that varies with the step. */
static hk_value each_step(hk_builder *b, const hk_module *self, const char *what) {
    const int64_t shape[2] = { hk_steps(b), hk_get_int(self, "num_features") };
    char name[64];
    hk_value all = hk_param(b, self, entry(name, 0, what));
    for (int64_t t = 1; t < shape[0]; t++) all = hk_concat(b, all, hk_param(b, self, entry(name, t, what)));
    return hk_axis_as_time(b, hk_unflatten(b, all, 2, shape));
}

/* running = (1 - momentum) running + momentum scale batch, at each step */
static void track(hk_builder *b, const hk_module *self, const char *what, hk_value batch, double scale) {
    const double momentum = hk_get_real(self, "momentum");
    char name[64];
    hk_value rows = HK_NONE;
    hk_emit(b, "time_as_axis", 1, &batch, 1, &rows, 0, NULL);
    for (int64_t t = 0; t < hk_steps(b); t++) {
        const hk_attr row[1] = { { "row", t, 0, NULL } };
        hk_value now = HK_NONE, old = hk_affine(b, hk_param(b, self, entry(name, t, what)), 1.0 - momentum, 0.0);
        hk_emit(b, "static_row", 1, &rows, 1, &now, 1, row);
        hk_buffer_next(b, self, name, hk_add(b, old, hk_affine(b, now, momentum * scale, 0.0)));
    }
}

static hk_status build(hk_builder *b, const hk_module *self, int axes, hk_value in, hk_value *out) {
    const int running = hk_get_bool(self, "track_running_stats"), training = b->api->training(b);
    const int64_t T = hk_get_int(self, "T");
    hk_status st = batch_norm_check(b, self, axes, in);
    if (st) return st;
    if (hk_steps(b) > T) return b->api->fail(b, HK_ESHAPE, "T=%lld, but there are %lld time steps", (long long)T, (long long)hk_steps(b));
    const hk_desc d = hk_value_desc(b, in);
    hk_value x = d.flags & HK_T ? in : hk_repeat_t(b, in), mean, var;
    if (training || !running) {
        const double count = d.dtype == HK_ABSENT ? 0.0 : (double)(hk_desc_elems(&d) / d.shape[0]) * (double)hk_batch(b);
        if (count < 2) return b->api->fail(b, HK_ESHAPE, "expected more than one number for each channel and step, to have a variance");
        mean = hk_merge(b, hk_reduce_steps(b, x, 1), 1.0 / count);
        x = hk_sub(b, x, mean);
        var = hk_merge(b, hk_reduce_steps(b, hk_mul(b, x, x), 1), 1.0 / count);
        if (training && running) {
            char name[64];
            track(b, self, "running_mean", mean, 1.0);
            track(b, self, "running_var", var, count / (count - 1.0)); /* unbiased */
            for (int64_t t = 0; t < hk_steps(b); t++) {
                hk_value n = hk_param(b, self, entry(name, t, "num_batches_tracked"));
                hk_buffer_next(b, self, name, hk_affine(b, n, 1.0, 1.0));
            }
        }
    } else {
        mean = each_step(b, self, "running_mean"), var = each_step(b, self, "running_var");
        x = hk_sub(b, x, mean);
    }
    hk_value scale = hk_rsqrt(b, var, hk_get_real(self, "eps"));
    if (hk_get_bool(self, "affine")) scale = hk_mul(b, scale, each_step(b, self, "weight"));
    *out = hk_mul(b, x, scale);
    return HK_OK;
}

#define THROUGH_TIME(n, where)                                                                                                                                 \
    static hk_status build##n(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                                  \
        (void)n_in, (void)n_out;                                                                                                                               \
        return build(b, self, n, in[0], out);                                                                                                                  \
    }                                                                                                                                                          \
    const hk_module_type through_time_norm##n##d_type = {                                                                                                      \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = "BNTT: y[t] = (x[t] - mean[t]) / sqrt(var[t] + eps) w[t] per channel of " where "; mean and var of each step, over samples and places",         \
        .source = "Kim and Panda 2021, Revisiting Batch Normalization for Training Low-Latency Deep Spiking Neural Networks From Scratch; "                    \
                  "spikingjelly.activation_based.layer.BatchNormThroughTime" #n "d",                                                                           \
        .fields = fields,                                                                                                                                      \
        .n_fields = sizeof fields / sizeof fields[0],                                                                                                          \
        .init = init,                                                                                                                                          \
        .build = build##n,                                                                                                                                     \
    };
THROUGH_TIME(1, "[C] or [C,L]")
THROUGH_TIME(2, "[C,H,W]")
THROUGH_TIME(3, "[C,D,H,W]")
