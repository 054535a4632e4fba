/* temporal_norm.c - ThresholdDependentBatchNorm1d, 2d, 3d: BatchNorm whose weight starts at alpha v_th; and TemporalEffectiveBatchNorm1d, 2d, 3d: BatchNorm,
 * then a learned factor for each step. */
#include "batch_norm.h"

static const hk_field threshold_fields[] = {
    { "alpha", HK_REAL, 0, NULL, 0, 0, NULL, "factor of the threshold in the first weight" },
    { "v_th", HK_REAL, 0, NULL, 0, 0, NULL, "threshold of the neurons that follow" },
    BATCH_NORM_FIELDS,
};
static const hk_field effective_fields[] = {
    { "T", HK_INT, 0, NULL, 1, INFINITY, NULL, "time steps" },
    BATCH_NORM_FIELDS,
};

static hk_status threshold_init(hk_module *self) {
    if (!hk_get_bool(self, "affine")) return self->api->fail(self, HK_ECONFIG, "affine must be true: the weight holds alpha v_th");
    return batch_norm_init(self, hk_get_real(self, "alpha") * hk_get_real(self, "v_th"));
}

static hk_status effective_init(hk_module *self) {
    const int64_t T = hk_get_int(self, "T");
    hk_status st = batch_norm_init(self, 1.0);
    return st ? st : hk_add_param(self, "scale", 1, &T, HK_INIT_CONST, 1, 0);
}

static hk_status effective_build(hk_builder *b, const hk_module *self, int axes, hk_value in, hk_value *out) {
    hk_value y = HK_NONE;
    if (hk_steps(b) != hk_get_int(self, "T"))
        return b->api->fail(b, HK_ESHAPE, "T=%lld, but there are %lld time steps", (long long)hk_get_int(self, "T"), (long long)hk_steps(b));
    hk_status st = batch_norm_build(b, self, axes, in, &y);
    if (st) return st;
    *out = hk_mul(b, y, hk_axis_as_time(b, hk_param(b, self, "scale")));
    return HK_OK;
}

#define TEMPORAL_NORM(n, where)                                                                                                                                \
    static hk_status threshold_build##n(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                        \
        (void)n_in, (void)n_out;                                                                                                                               \
        return batch_norm_build(b, self, n, in[0], out);                                                                                                       \
    }                                                                                                                                                          \
    static hk_status effective_build##n(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                        \
        (void)n_in, (void)n_out;                                                                                                                               \
        return effective_build(b, self, n, in[0], out);                                                                                                        \
    }                                                                                                                                                          \
    const hk_module_type threshold_batch_norm##n##d_type = {                                                                                                   \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = "tdBN: y = (x - mean) / sqrt(var + eps) w + b per channel of " where ", over samples, steps and places; w starts at alpha v_th",                \
        .source = "Zheng et al. 2021, Going Deeper With Directly-Trained Larger Spiking Neural Networks; "                                                     \
                  "spikingjelly.activation_based.layer.ThresholdDependentBatchNorm" #n "d",                                                                    \
        .fields = threshold_fields,                                                                                                                            \
        .n_fields = sizeof threshold_fields / sizeof threshold_fields[0],                                                                                      \
        .init = threshold_init,                                                                                                                                \
        .build = threshold_build##n,                                                                                                                           \
    };                                                                                                                                                         \
    const hk_module_type effective_batch_norm##n##d_type = {                                                                                                   \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = "TEBN: y[t] = scale[t] BatchNorm(x)[t] of " where "; scale is learned, 1 at first",                                                             \
        .source = "Duan et al. 2022, Temporal Effective Batch Normalization in Spiking Neural Networks; "                                                      \
                  "spikingjelly.activation_based.layer.TemporalEffectiveBatchNorm" #n "d",                                                                     \
        .fields = effective_fields,                                                                                                                            \
        .n_fields = sizeof effective_fields / sizeof effective_fields[0],                                                                                      \
        .init = effective_init,                                                                                                                                \
        .build = effective_build##n,                                                                                                                           \
    };
TEMPORAL_NORM(1, "[C] or [C,L]")
TEMPORAL_NORM(2, "[C,H,W]")
TEMPORAL_NORM(3, "[C,D,H,W]")
