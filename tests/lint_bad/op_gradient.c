/* op_gradient.c - an operation whose gradient lacks a factor.
 * expect: fail gradients: by differences */
#include <hillock/plugin.h>
#include <math.h>

/* log(1 + exp(z)) without overflow: max(z, 0) + log(1 + exp(-|z|)). */
static double softplus(double z) { return (z > 0 ? z : 0) + log1p(exp(-fabs(z))); }

static hk_status infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (in[0].dtype != HK_F32) return b->api->fail(b, HK_ESHAPE, "%s takes real numbers, not spikes", op->op);
    out[0] = in[0];
    return HK_OK;
}

static void grad(hk_builder *b, hk_grad_call *c) {
    if (!c->gout[0] || !c->need[0]) return;
    const double beta = hk_attr_find(c->attr, c->n_attr, "beta")->f;
    c->gin[0] = hk_mul(b, c->gout[0], hk_sigmoid(b, hk_affine(b, c->input(c, 0), 2 * beta, 0.0)));
}

/* Input and output have the same rows in the same order: one run over all numbers. */
static int64_t numbers(const hk_opdesc *o, const hk_bind *b) {
    return hk_bind_steps(hk_op_rows(o), b) * hk_bind_samples(hk_op_rows(o), b) * hk_desc_elems(&o->in[0]);
}
static hk_status forward(const hk_opdesc *o, const hk_bind *b) {
    const double beta = hk_attr_find(o->attr, o->n_attr, "beta")->f;
    const float *x = b->ptr[0];
    float *y = b->ptr[1];
    for (int64_t i = 0, n = numbers(o, b); i < n; i++) y[i] = (float)(softplus(beta * (double)x[i]) / beta);
    return HK_OK;
}
static hk_status forward64(const hk_opdesc *o, const hk_bind *b) { /* for the ref backend, which stores doubles */
    const double beta = hk_attr_find(o->attr, o->n_attr, "beta")->f, *x = b->ptr[0];
    double *y = b->ptr[1];
    for (int64_t i = 0, n = numbers(o, b); i < n; i++) y[i] = softplus(beta * x[i]) / beta;
    return HK_OK;
}

static const hk_op_type op = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_POINT,
    .doc = "log(1 + exp(beta x)) / beta",
    .source = "torch.nn.functional.softplus",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .forward = forward,
    .forward64 = forward64,
};

/* ---- the layer ---- */

static const hk_field fields[] = {
    { "beta", HK_REAL, 0, "1.0", 1e-6, 1e6, NULL, "how sharp the bend is" },
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const hk_attr beta = { "beta", 0, hk_get_real(self, "beta"), NULL };
    (void)n_in, (void)n_out;
    hk_emit(b, "bad_op", 1, in, 1, out, 1, &beta);
    return HK_OK;
}

static const hk_module_type layer = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = log(1 + exp(beta x)) / beta",
    .source = "torch.nn.Softplus",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.op/1", "bad_op", &op);
    return st ? st : host->add(host->ctx, "hk.module/1", "Bad", &layer);
}

HK_PLUGIN("bad_op", "0.1", "Apache-2.0", init);
