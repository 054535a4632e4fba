/* pointwise.c - elementwise operations of one or two operands. f[0], f[1]: a and b of affine, lo and hi of clamp and within. */
#include "ref.h"
#include <math.h>

#define BINARY(name, expression)                                                                                                                               \
    static hk_status name(const ref_plan *p, const hk_bind *b) {                                                                                               \
        REF_EACH(p, b, 2, t, i, e) {                                                                                                                           \
            double x = ref_spread(p, b, 0, 2, t, i, e), y = ref_spread(p, b, 1, 2, t, i, e);                                                                   \
            ref_put(p, b, 2, t, i, e, expression);                                                                                                             \
        }                                                                                                                                                      \
        return HK_OK;                                                                                                                                          \
    }
#define UNARY(name, expression)                                                                                                                                \
    static hk_status name(const ref_plan *p, const hk_bind *b) {                                                                                               \
        REF_EACH(p, b, 1, t, i, e) {                                                                                                                           \
            double x = ref_spread(p, b, 0, 1, t, i, e);                                                                                                        \
            ref_put(p, b, 1, t, i, e, expression);                                                                                                             \
        }                                                                                                                                                      \
        return HK_OK;                                                                                                                                          \
    }
BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div_, x / y)
BINARY(sigmoid_bwd, x *y *(1.0 - y)) /* g, y */
UNARY(affine, p->f[0] * x + p->f[1])
UNARY(sigmoid, 1.0 / (1.0 + exp(-x)))
UNARY(exp_, exp(x))
UNARY(log_, log(x))
UNARY(tanh_, tanh(x))
UNARY(relu, x > 0.0 ? x : 0.0)
UNARY(clamp, fmin(fmax(x, p->f[0]), p->f[1]))
UNARY(round_, rint(x))
UNARY(within, x >= p->f[0] && x <= p->f[1])
UNARY(positive, x > 0.0)
UNARY(copy, x)

static hk_status affine_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "a")->f, p->f[1] = ref_attr(o, "b")->f;
    return HK_OK;
}

static hk_status range_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "lo")->f, p->f[1] = ref_attr(o, "hi")->f;
    return HK_OK;
}

const ref_op ref_ops_pointwise[] = {
    { "add", 2, 1, add, NULL },
    { "sub", 2, 1, sub, NULL },
    { "mul", 2, 1, mul, NULL },
    { "div", 2, 1, div_, NULL },
    { "sigmoid_bwd", 2, 1, sigmoid_bwd, NULL },
    { "affine", 1, 1, affine, affine_prepare },
    { "sigmoid", 1, 1, sigmoid, NULL },
    { "exp", 1, 1, exp_, NULL },
    { "log", 1, 1, log_, NULL },
    { "tanh", 1, 1, tanh_, NULL },
    { "relu", 1, 1, relu, NULL },
    { "clamp", 1, 1, clamp, range_prepare },
    { "round", 1, 1, round_, NULL },
    { "within", 1, 1, within, range_prepare },
    { "positive", 1, 1, positive, NULL },
    { "copy", 1, 1, copy, NULL },
    { "detach", 1, 1, copy, NULL },
    { 0 },
};
