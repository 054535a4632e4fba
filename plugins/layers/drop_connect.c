/* drop_connect.c - DropConnectLinear: a fully connected layer that loses connections, not numbers.
 *     training:   y[o] = sum_k w[o,k] m[o,k] x[k] + b[o] m[o], each m 0 with probability p, else 1, drawn for each sample
 *     evaluation: y[o] = mean of samples_num draws of act(normal(mean (1-p) (w x + b), variance p (1-p) (w^2 x^2 + b^2))), drawn for each step and sample
 * The masks are not stored: a draw is the same whenever it is made, so both passes make it where it is used. invariant: the draw of the sequence's first
 * step for all steps; which one that is, is the state `drawn`.
 * Source: Wan et al. 2013, "Regularization of neural networks using DropConnect", algorithm 2; spikingjelly.activation_based.layer.DropConnectLinear */
#include "layers.h"
#include "hillock/random.h"
#include <math.h>

enum { X, W, B, DRAWN, N_IN }; /* inputs of both operations; outputs: y, and drawn after the run */
enum { RELU, NONE, SIGMOID, TANH };

/* One number of an operand: stored as double (wide), float, or a byte. */
static double get(const hk_desc *d, const void *base, int64_t at, int wide) {
    if (d->dtype != HK_F32) return ((const uint8_t *)base)[at];
    return wide ? ((const double *)base)[at] : ((const float *)base)[at];
}
static void put(void *base, int64_t at, int wide, double v) {
    if (wide) ((double *)base)[at] = v;
    else ((float *)base)[at] = (float)v;
}

/* Draws of one (step, t, sample), by position; consecutive positions come four at a time. */
typedef struct draws {
    philox4x32_key_t key;
    int64_t step, t, sample, quad;
    float u[4];
} draws;
static float draw(draws *d, int64_t position) {
    if (position / 4 != d->quad) hk_random4(d->key, d->step, d->t, d->sample, d->quad = position / 4, d->u);
    return d->u[position % 4];
}

typedef struct call {
    const hk_opdesc *o;
    const hk_bind *b;
    int64_t K, O;
    double p;
    int invariant, wide;
} call;

static call call_of(const hk_opdesc *o, const hk_bind *b, int wide) {
    return (call){ o, b, o->in[W].shape[1], o->in[W].shape[0], hk_attr_find(o->attr, o->n_attr, "p")->f, (int)hk_attr_find(o->attr, o->n_attr, "invariant")->i,
        wide };
}

/* The draws of step t of sample i. */
static draws draws_of(const call *c, int64_t t, int64_t i) {
    draws d = {
        .key = hk_random_key(c->b->step->seed, c->o->stream), .step = c->b->step->step & 0xffffff, .t = c->b->t0 + t, .sample = c->b->sample0 + i, .quad = -1
    };
    if (!c->invariant) return d;
    const double before = get(&c->o->in[DRAWN], c->b->ptr[DRAWN], hk_bind_row(&c->o->in[DRAWN], c->b, 0, i), c->wide);
    if (before >= 0) d.step = (int64_t)before;
    d.t = 0;
    return d;
}

static hk_status infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (in[X].rank != 1 || in[W].rank != 2 || in[X].shape[0] != in[W].shape[1])
        return b->api->fail(b, HK_ESHAPE, "%s: rows of one axis with as many numbers as the weight has columns are expected", op->op);
    out[0].rank = 1, out[0].shape[0] = in[W].shape[0];
    out[1].rank = 0, out[1].flags = HK_HELD;
    return HK_OK;
}

static hk_status forward_of(const hk_opdesc *o, const hk_bind *b, int wide) {
    const call c = call_of(o, b, wide);
    const uint32_t rows = hk_op_rows(o);
    for (int64_t i = 0; i < hk_bind_samples(rows, b); i++) {
        for (int64_t t = 0; t < hk_bind_steps(rows, b) && b->ptr[N_IN]; t++) {
            draws d = draws_of(&c, t, i);
            const int64_t x = hk_bind_row(&o->in[X], b, t, i) * c.K, y = hk_bind_row(&o->out[0], b, t, i) * c.O;
            for (int64_t n = 0; n < c.O; n++) {
                double sum = 0;
                for (int64_t k = 0; k < c.K; k++)
                    if (draw(&d, n * c.K + k) >= (float)c.p) sum += get(&o->in[W], b->ptr[W], n * c.K + k, wide) * get(&o->in[X], b->ptr[X], x + k, wide);
                put(b->ptr[N_IN], y + n, wide, sum);
            }
            for (int64_t n = 0; n < c.O && b->ptr[B]; n++)
                if (draw(&d, c.O * c.K + n) >= (float)c.p)
                    put(b->ptr[N_IN], y + n, wide, get(&o->out[0], b->ptr[N_IN], y + n, wide) + get(&o->in[B], b->ptr[B], n, wide));
        }
        if (b->ptr[N_IN + 1]) put(b->ptr[N_IN + 1], hk_bind_row(&o->out[1], b, 0, i), wide, (double)draws_of(&c, 0, i).step);
    }
    return HK_OK;
}

/* x, w, b, drawn, (y, drawn), gy, gdrawn -> gx, gw, gb; sums over rows in the order of step, then sample */
static hk_status backward_of(const hk_opdesc *o, const hk_bind *b, int wide) {
    enum { G = N_IN + 2, GX = N_IN + 4, GW, GB, GD };
    const call c = call_of(o, b, wide);
    const uint32_t rows = hk_op_rows(o);
    for (int64_t i = 0; i < hk_bind_samples(rows, b) && b->ptr[GD]; i++)
        for (int64_t t = 0; t < hk_bind_steps(o->out[DRAWN].flags, b); t++) put(b->ptr[GD], hk_bind_row(&o->out[DRAWN], b, t, i), wide, 0);
    for (int64_t t = 0; t < hk_bind_steps(rows, b); t++)
        for (int64_t i = 0; i < hk_bind_samples(rows, b); i++) {
            draws d = draws_of(&c, t, i);
            const int64_t x = hk_bind_row(&o->in[X], b, t, i) * c.K, g = b->ptr[G] ? hk_bind_row(&o->in[G], b, t, i) * c.O : 0;
            const int64_t gx = b->ptr[GX] ? hk_bind_row(&o->out[0], b, t, i) * c.K : 0, gw = b->ptr[GW] ? hk_bind_row(&o->out[1], b, t, i) * c.O * c.K : 0;
            const int64_t gb = b->ptr[GB] ? hk_bind_row(&o->out[2], b, t, i) * c.O : 0;
            for (int64_t k = 0; k < c.K && b->ptr[GX]; k++) put(b->ptr[GX], gx + k, wide, 0);
            for (int64_t n = 0; n < c.O && b->ptr[G]; n++) {
                const double gy = get(&o->in[G], b->ptr[G], g + n, wide);
                for (int64_t k = 0; k < c.K; k++) {
                    if (draw(&d, n * c.K + k) < (float)c.p) continue;
                    if (b->ptr[GX])
                        put(b->ptr[GX], gx + k, wide, get(&o->out[0], b->ptr[GX], gx + k, wide) + gy * get(&o->in[W], b->ptr[W], n * c.K + k, wide));
                    if (b->ptr[GW])
                        put(b->ptr[GW], gw + n * c.K + k, wide,
                            get(&o->out[1], b->ptr[GW], gw + n * c.K + k, wide) + gy * get(&o->in[X], b->ptr[X], x + k, wide));
                }
            }
            for (int64_t n = 0; n < c.O && b->ptr[G] && b->ptr[GB]; n++)
                if (draw(&d, c.O * c.K + n) >= (float)c.p)
                    put(b->ptr[GB], gb + n, wide, get(&o->out[2], b->ptr[GB], gb + n, wide) + get(&o->in[G], b->ptr[G], g + n, wide));
        }
    return HK_OK;
}

static hk_status forward(const hk_opdesc *o, const hk_bind *b) { return forward_of(o, b, 0); }
static hk_status backward(const hk_opdesc *o, const hk_bind *b) { return backward_of(o, b, 0); }
static hk_status forward64(const hk_opdesc *o, const hk_bind *b) { return forward_of(o, b, 1); }
static hk_status backward64(const hk_opdesc *o, const hk_bind *b) { return backward_of(o, b, 1); }

const hk_op_type drop_connect_op = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_SCAN,
    .doc = "y[o] = sum_k w[o,k] m[o,k] x[k] + b[o] m[o], m drawn: 0 with probability p, else 1",
    .source = "spikingjelly.activation_based.layer.DropConnectLinear, in training",
    .min_in = N_IN,
    .max_in = N_IN,
    .n_out = 2,
    .reads = HK_BWD_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .forward64 = forward64,
    .backward64 = backward64,
};

/* ---- evaluation ---- */

static double activation(int act, double x) { return act == RELU ? (x > 0 ? x : 0) : act == SIGMOID ? 1 / (1 + exp(-x)) : act == TANH ? tanh(x) : x; }

/* Mean over draws k of act(mean + deviation z_k); four uniform numbers give four normal ones (Box and Muller 1958). */
static double mean_of_draws(draws *d, int64_t first, int64_t count, int act, double mean, double deviation) {
    double sum = 0;
    for (int64_t k = 0; k < count; k += 4)
        for (int64_t pair = 0; pair < 4 && k + pair < count; pair += 2) {
            const double r = sqrt(-2 * log(1 - (double)draw(d, first + k + pair))), angle = 6.283185307179586 * (double)draw(d, first + k + pair + 1);
            sum += activation(act, mean + deviation * r * cos(angle));
            if (k + pair + 1 < count) sum += activation(act, mean + deviation * r * sin(angle));
        }
    return sum / (double)count;
}

static hk_status mean_run(const hk_opdesc *o, const hk_bind *b, int wide) {
    const uint32_t rows = hk_op_rows(o);
    call c = { o, b, o->in[W].shape[1], o->in[W].shape[0], hk_attr_find(o->attr, o->n_attr, "p")->f, 0, wide };
    const int64_t count = hk_attr_find(o->attr, o->n_attr, "samples")->i, apart = (count + 3) / 4 * 4;
    const int act = (int)hk_attr_find(o->attr, o->n_attr, "activation")->i;
    for (int64_t t = 0; t < hk_bind_steps(rows, b); t++)
        for (int64_t i = 0; i < hk_bind_samples(rows, b); i++) {
            draws d = draws_of(&c, t, i);
            const int64_t x = hk_bind_row(&o->in[X], b, t, i) * c.K, y = hk_bind_row(&o->out[0], b, t, i) * c.O;
            for (int64_t n = 0; n < c.O; n++) {
                const double bias = b->ptr[B] ? get(&o->in[B], b->ptr[B], n, wide) : 0;
                double sum = bias, squares = bias * bias;
                for (int64_t k = 0; k < c.K; k++) {
                    const double part = get(&o->in[W], b->ptr[W], n * c.K + k, wide) * get(&o->in[X], b->ptr[X], x + k, wide);
                    sum += part, squares += part * part;
                }
                put(b->ptr[3], y + n, wide, mean_of_draws(&d, n * apart, count, act, (1 - c.p) * sum, sqrt(c.p * (1 - c.p) * squares)));
            }
        }
    return HK_OK;
}
static hk_status mean32(const hk_opdesc *o, const hk_bind *b) { return mean_run(o, b, 0); }
static hk_status mean64(const hk_opdesc *o, const hk_bind *b) { return mean_run(o, b, 1); }

static hk_status mean_infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    hk_desc both[2] = { out[0], out[0] };
    hk_status st = infer(b, op, in, both);
    out[0] = both[0];
    return st;
}

const hk_op_type drop_connect_mean_op = {
    .struct_size = sizeof(hk_op_type),
    .time = HK_TIME_SCAN,
    .doc = "mean of draws of act(normal(mean (1-p) (w x + b), variance p (1-p) (w^2 x^2 + b^2)))",
    .source = "spikingjelly.activation_based.layer.DropConnectLinear, in evaluation",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = mean_infer,
    .forward = mean32,
    .forward64 = mean64,
};

/* ---- the layer ---- */

static const hk_field fields[] = {
    { "in_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x" },
    { "out_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in y" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "p", HK_REAL, 0, "0.5", 0, 1, NULL, "probability that a connection is cut" },
    { "samples_num", HK_INT, 0, "1024", 1, 1048576, NULL, "draws of a mean in evaluation" },
    { "invariant", HK_BOOL, 0, "false", 0, 0, NULL, "training: the same connections are cut at all steps" },
    { "activation", HK_ENUM, 0, "relu", 0, 0, "relu|none|sigmoid|tanh", "act, behind the layer; in evaluation, of each draw" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) { /* as Linear */
    const int64_t shape[2] = { hk_get_int(self, "out_features"), hk_get_int(self, "in_features") };
    const double bound = 1.0 / sqrt((double)shape[1]);
    hk_status st = hk_add_param(self, "weight", 2, shape, HK_INIT_UNIFORM, -bound, bound);
    return st || !hk_get_bool(self, "bias") ? st : hk_add_param(self, "bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t want = hk_get_int(self, "in_features");
    const int act = (int)hk_get_int(self, "activation");
    const hk_desc x = hk_value_desc(b, in[0]);
    if (x.dtype != HK_ABSENT && (x.rank != 1 || x.shape[0] != want))
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes and %lld numbers, expected one axis of in_features=%lld", (int)x.rank,
            (long long)hk_desc_elems(&x), (long long)want);
    const hk_attr attr[4] = { { "p", 0, hk_get_real(self, "p"), NULL }, { "invariant", hk_get_bool(self, "invariant"), 0, NULL },
        { "samples", hk_get_int(self, "samples_num"), 0, NULL }, { "activation", act, 0, NULL } };
    hk_value operand[N_IN] = { in[0], hk_param(b, self, "weight"), hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE, HK_NONE };
    if (!b->api->training(b)) {
        hk_emit(b, "drop_connect_mean", 3, operand, 1, out, 4, attr);
        return HK_OK;
    }
    hk_value y[2];
    if (hk_get_bool(self, "invariant")) operand[DRAWN] = hk_detach(b, b->api->state(b, self, "drawn", hk_const(b, 0.0), -1.0));
    hk_emit(b, "drop_connect", N_IN, operand, 2, y, 4, attr);
    if (operand[DRAWN]) b->api->state_next(b, self, "drawn", y[1]);
    out[0] = act == RELU ? hk_relu(b, y[0]) : act == SIGMOID ? hk_sigmoid(b, y[0]) : act == TANH ? hk_op_tanh(b, y[0]) : y[0];
    return HK_OK;
}

const hk_module_type drop_connect_linear_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc =
        "training: y = act((w m) x + b m), m 0 with probability p, else 1, for each connection; evaluation: mean of draws of act(normal((1-p) (w x + b), ...))",
    .source = "Wan et al. 2013, DropConnect; spikingjelly.activation_based.layer.DropConnectLinear",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
