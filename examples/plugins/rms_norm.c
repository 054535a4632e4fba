/* rms_norm.c - a plugin of one file: an operation type whose gradient is a CPU function, and the layer that emits it.
 *     y = x r w,   r = 1 / sqrt(mean(x^2) + eps), over the K numbers of a row; w is learned, one number for each k, or absent
 *     dL/dx = r (g w - x r^2 mean(g w x)),   dL/dw = sum over rows of g x r
 * Its functions are in f32 alone: the ref backend, which stores doubles, declines it by name. */
#include <hillock/plugin.h>
#include <math.h>

static hk_status infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (in[0].dtype != HK_F32 || in[0].rank != 1) return b->api->fail(b, HK_ESHAPE, "%s takes rows of real numbers with one axis, got %d axes", op->op, (int)in[0].rank);
    if (in[1].dtype != HK_ABSENT && (in[1].flags || in[1].rank != 1 || in[1].shape[0] != in[0].shape[0]))
        return b->api->fail(b, HK_ESHAPE, "%s: the weight has not the shape of a row, [%lld]", op->op, (long long)in[0].shape[0]);
    out[0].rank = 1, out[0].shape[0] = in[0].shape[0];
    return HK_OK;
}

static float scale_of(const hk_opdesc *o, const float *x, int64_t K) {
    float sum = 0;
    for (int64_t k = 0; k < K; k++) sum += x[k] * x[k];
    return 1.0f / sqrtf(sum / (float)K + (float)hk_attr_find(o->attr, o->n_attr, "eps")->f);
}

static hk_status forward(const hk_opdesc *o, const hk_bind *b) {
    const int64_t K = o->in[0].shape[0];
    const float *w = b->ptr[1];
    const uint32_t rows = hk_op_rows(o);
    for (int64_t t = 0; t < hk_bind_steps(rows, b); t++)
        for (int64_t i = 0; i < hk_bind_samples(rows, b); i++) {
            const float *x = hk_bind_f32(&o->in[0], b, 0, hk_bind_row(&o->in[0], b, t, i)), r = scale_of(o, x, K);
            float *y = hk_bind_f32(&o->out[0], b, 2, hk_bind_row(&o->out[0], b, t, i));
            for (int64_t k = 0; k < K; k++) y[k] = w ? x[k] * r * w[k] : x[k] * r;
        }
    return HK_OK;
}

/* x, w, (y), g -> gx, gw */
static hk_status backward(const hk_opdesc *o, const hk_bind *b) {
    enum { X, W, Y, G, GX, GW };
    const int64_t K = o->in[X].shape[0];
    const hk_desc *gx_desc = &o->out[0], *gw_desc = &o->out[1];
    const float *w = b->ptr[W];
    const uint32_t rows = hk_op_rows(o);
    for (int64_t t = 0; t < hk_bind_steps(rows, b); t++)
        for (int64_t i = 0; i < hk_bind_samples(rows, b); i++) {
            const float *x = hk_bind_f32(&o->in[X], b, X, hk_bind_row(&o->in[X], b, t, i)), *g = hk_bind_f32(&o->in[G], b, G, hk_bind_row(&o->in[G], b, t, i));
            const float r = scale_of(o, x, K);
            float *gx = hk_bind_f32(gx_desc, b, GX, hk_bind_row(gx_desc, b, t, i)), *gw = hk_bind_f32(gw_desc, b, GW, hk_bind_row(gw_desc, b, t, i));
            float mean = 0;
            for (int64_t k = 0; k < K; k++) mean += g[k] * (w ? w[k] : 1.0f) * x[k];
            mean /= (float)K;
            for (int64_t k = 0; k < K && gx; k++) gx[k] = r * (g[k] * (w ? w[k] : 1.0f) - x[k] * r * r * mean);
            for (int64_t k = 0; k < K && gw; k++) gw[k] += g[k] * x[k] * r; /* partial sums: zeroed before, one row for each group of samples */
        }
    return HK_OK;
}

static const hk_op_type op = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_POINT,
    .doc = "x w / sqrt(mean(x^2) + eps)",
    .source = "torch.nn.functional.rms_norm",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .reads = HK_BWD_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};

/* ---- the layer ---- */

static const hk_field fields[] = {
    { "normalized_shape", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers of a row" },
    { "eps", HK_REAL, 0, "1.1920928955078125e-07", 0, INFINITY, NULL, "added to the mean of squares" },
    { "elementwise_affine", HK_BOOL, 0, "true", 0, 0, NULL, "learn a weight for each number" },
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other" },
};

static hk_status layer_init(hk_module *self) {
    const int64_t shape[1] = { hk_get_int(self, "normalized_shape") };
    return hk_get_bool(self, "elementwise_affine") ? hk_add_param(self, "weight", 1, shape, HK_INIT_CONST, 1, 0) : HK_OK;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const hk_value operand[2] = { in[0], hk_get_bool(self, "elementwise_affine") ? hk_param(b, self, "weight") : HK_NONE };
    const hk_attr eps = { "eps", 0, hk_get_real(self, "eps"), NULL };
    (void)n_in, (void)n_out;
    hk_emit(b, "rms_norm", 2, operand, 1, out, 1, &eps);
    return HK_OK;
}

static const hk_module_type layer = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = x weight / sqrt(mean(x^2) + eps)",
    .source = "torch.nn.RMSNorm",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = layer_init,
    .build = build,
};

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.op/1", "rms_norm", &op);
    return st ? st : host->add(host->ctx, "hk.module/1", "RMSNorm", &layer);
}

HK_PLUGIN("example.rms_norm", "1.0", "Apache-2.0", init);
