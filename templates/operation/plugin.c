/* @name@.c - an operation type whose gradient is made of the core's operations, and @Type@, the layer that emits it.
 *     y = x s,  s = sigmoid(beta x)        dL/dx = dL/dy (s + beta y (1 - s)), from the operation's input and output */
#include <hillock/plugin.h>
#include <math.h>

static double swish(double x, double beta) { return x / (1 + exp(-beta * x)); }

static hk_status infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (in[0].dtype != HK_F32) return b->api->fail(b, HK_ESHAPE, "%s takes real numbers, not spikes", op->op);
    out[0] = in[0];
    return HK_OK;
}

static void grad(hk_builder *b, hk_grad_call *c) {
    if (!c->gout[0] || !c->need[0]) return;
    const double beta = hk_attr_find(c->attr, c->n_attr, "beta")->f;
    const hk_value s = hk_sigmoid(b, hk_affine(b, c->input(c, 0), beta, 0.0)), rest = hk_affine(b, s, -beta, beta); /* beta (1 - s) */
    c->gin[0] = hk_mul(b, c->gout[0], hk_add(b, s, hk_mul(b, c->output(c, 0), rest)));
}

/* Input and output have the same rows in the same order: one run over all numbers. */
static int64_t numbers(const hk_opdesc *o, const hk_bind *b) {
    return hk_bind_steps(hk_op_rows(o), b) * hk_bind_samples(hk_op_rows(o), b) * hk_desc_elems(&o->in[0]);
}
static hk_status forward(const hk_opdesc *o, const hk_bind *b) {
    const double beta = hk_attr_find(o->attr, o->n_attr, "beta")->f;
    const float *x = b->ptr[0];
    float *y = b->ptr[1];
    for (int64_t i = 0, n = numbers(o, b); i < n; i++) y[i] = (float)swish((double)x[i], beta);
    return HK_OK;
}
static hk_status forward64(const hk_opdesc *o, const hk_bind *b) { /* for the ref backend, which stores doubles */
    const double beta = hk_attr_find(o->attr, o->n_attr, "beta")->f, *x = b->ptr[0];
    double *y = b->ptr[1];
    for (int64_t i = 0, n = numbers(o, b); i < n; i++) y[i] = swish(x[i], beta);
    return HK_OK;
}

static const hk_op_type op = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_POINT,
    .doc = "x sigmoid(beta x)",
    .source = "Ramachandran, Zoph and Le 2017, Searching for activation functions",
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
    { "beta", HK_REAL, 0, "1.0", 1e-6, 1e6, NULL, "factor in the sigmoid" },
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const hk_attr beta = { "beta", 0, hk_get_real(self, "beta"), NULL };
    (void)n_in, (void)n_out;
    hk_emit(b, "@name@", 1, in, 1, out, 1, &beta);
    return HK_OK;
}

static const hk_module_type layer = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = x sigmoid(beta x)",
    .source = "torch.nn.SiLU, with a factor beta",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};

static hk_status init(const hk_host *host) {
    hk_status st = host->add(host->ctx, "hk.op/1", "@name@", &op);
    return st ? st : host->add(host->ctx, "hk.module/1", "@Type@", &layer);
}

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
