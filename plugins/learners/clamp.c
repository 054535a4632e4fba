/* clamp.c - the operation y = min(max(x, lo), hi); attributes lo, hi. dL/dx = dL/dy where lo <= x <= hi, else 0. */
#include "learners.h"

static hk_status infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (in[0].dtype != HK_F32) return b->api->fail(b, HK_ESHAPE, "%s takes real numbers, not spikes", op->op);
    out[0] = in[0];
    return HK_OK;
}

#define CLAMP(forward, backward, real)                                                                                                                         \
    static hk_status forward(const hk_opdesc *o, const hk_bind *b) {                                                                                           \
        const real lo = (real)hk_attr_find(o->attr, o->n_attr, "lo")->f, hi = (real)hk_attr_find(o->attr, o->n_attr, "hi")->f, *x = b->ptr[0];                 \
        real *y = b->ptr[1];                                                                                                                                   \
        for (int64_t i = 0, n = hk_bind_steps(hk_op_rows(o), b) * hk_bind_samples(hk_op_rows(o), b) * hk_desc_elems(&o->in[0]); i < n; i++)                    \
            y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];                                                                                                     \
        return HK_OK;                                                                                                                                          \
    }                                                                                                                                                          \
    static hk_status backward(const hk_opdesc *o, const hk_bind *b) { /* x, (y), g -> gx */                                                                    \
        const real lo = (real)hk_attr_find(o->attr, o->n_attr, "lo")->f, hi = (real)hk_attr_find(o->attr, o->n_attr, "hi")->f;                                 \
        const int64_t E = hk_desc_elems(&o->in[0]);                                                                                                            \
        for (int64_t t = 0; t < hk_bind_steps(hk_op_rows(o), b); t++)                                                                                          \
            for (int64_t i = 0; i < hk_bind_samples(hk_op_rows(o), b); i++) {                                                                                  \
                const real *x = (const real *)b->ptr[0] + hk_bind_row(&o->in[0], b, t, i) * E, *g = (const real *)b->ptr[2] + hk_bind_row(&o->in[2], b, t, i) * E; \
                real *gx = (real *)b->ptr[3] + hk_bind_row(&o->out[0], b, t, i) * E;                                                                           \
                for (int64_t k = 0; k < E; k++) gx[k] = x[k] < lo || x[k] > hi ? 0 : g[k];                                                                     \
            }                                                                                                                                                  \
        return HK_OK;                                                                                                                                          \
    }
CLAMP(forward, backward, float)
CLAMP(forward64, backward64, double)

const hk_op_type clamp_type = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_POINT,
    .doc = "min(max(x, lo), hi)",
    .source = "torch.clamp",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .reads = HK_BWD_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .forward64 = forward64,
    .backward64 = backward64,
};
