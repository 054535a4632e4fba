/* pointwise.c - elementwise operations of one or two operands, with their gradients. */
#include "op/op.h"

/* A [C] operand is broadcast over the other axes of [C,...]; a scalar over everything. */
static int fits(const hk_desc *small, const hk_desc *big) {
    return small->rank == 0 || hk__same_shape(small, big) || (small->rank == 1 && big->rank >= 1 && small->shape[0] == big->shape[0]);
}

HK_INFER(binary_infer) {
    char t[96], u[96];
    const hk_desc *x = &in[0], *y = &in[1], *big = NULL;
    if (!hk__known(x) || !hk__known(y)) {
        const hk_desc *k = hk__known(x) ? x : y; /* what is fed back takes the other's shape, unless that is a scalar */
        out[0] = *k;
        if (hk__known(k) && k->rank == 0 && !(k->flags & HK_N)) out[0].rank = HK_UNKNOWN;
        out[0].dtype = HK_F32, out[0].flags |= HK_N;
        return;
    }
    if (fits(y, x)) big = x;
    else if (fits(x, y)) big = y;
    uint32_t flags = hk__join_flags(in, 2);
    if (!big || ((flags & HK_G) && (flags & HK_N || (flags & HK_T && x->flags != y->flags)))) {
        hk__builder_fail(b, HK_ESHAPE, "%s: shapes %s and %s do not fit together", n->op->name, hk__shape_text(x, t), hk__shape_text(y, u));
        return;
    }
    out[0] = *big;
    out[0].dtype = HK_F32, out[0].flags = (uint8_t)flags;
}

HK_GRAD(add_grad) {
    c->gin[0] = c->need[0] ? c->gout[0] : HK_NONE;
    c->gin[1] = c->need[1] ? c->gout[0] : HK_NONE;
}

HK_GRAD(sub_grad) {
    c->gin[0] = c->need[0] ? c->gout[0] : HK_NONE;
    if (c->need[1] && c->gout[0]) c->gin[1] = hk_affine(c->b, c->gout[0], -1.0, 0.0);
}

HK_GRAD(mul_grad) {
    if (!c->gout[0]) return;
    if (c->need[0]) c->gin[0] = hk_mul(c->b, c->gout[0], hk__saved_in(c, 1));
    if (c->need[1]) c->gin[1] = hk_mul(c->b, c->gout[0], hk__saved_in(c, 0));
}

HK_GRAD(div_grad) { /* y = a / b: da = g / b, db = -g y / b */
    if (!c->gout[0]) return;
    hk_value q = hk_div(c->b, c->gout[0], hk__saved_in(c, 1));
    if (c->need[0]) c->gin[0] = q;
    if (c->need[1]) c->gin[1] = hk_affine(c->b, hk_mul(c->b, q, hk__saved_out(c, 0)), -1.0, 0.0);
}

HK_INFER(unary_infer) {
    out[0] = in[0];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

HK_GRAD(affine_grad) {
    if (c->gout[0]) c->gin[0] = hk_affine(c->b, c->gout[0], hk__attr_real(c->node, "a"), 0.0);
}

HK_GRAD(sigmoid_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_out(c, 0) };
    c->gin[0] = hk__emit1(c->b, "sigmoid_bwd", 2, in, 0, NULL);
}

/* Gradients of unary operations, in terms of g, the input x and the output y. */
HK_GRAD(exp_grad) { /* g y */
    if (c->gout[0]) c->gin[0] = hk_mul(c->b, c->gout[0], hk__saved_out(c, 0));
}

HK_GRAD(log_grad) { /* g / x */
    if (c->gout[0]) c->gin[0] = hk_div(c->b, c->gout[0], hk__saved_in(c, 0));
}

HK_GRAD(tanh_grad) { /* g (1 - y^2) */
    if (!c->gout[0]) return;
    hk_value y = hk__saved_out(c, 0);
    c->gin[0] = hk_mul(c->b, c->gout[0], hk_affine(c->b, hk_mul(c->b, y, y), -1.0, 1.0));
}

HK_GRAD(relu_grad) { /* g where y > 0 */
    if (c->gout[0]) c->gin[0] = hk_mul(c->b, c->gout[0], hk_positive(c->b, hk__saved_out(c, 0)));
}

HK_GRAD(clamp_grad) { /* g where lo <= x <= hi */
    if (c->gout[0]) c->gin[0] = hk_mul(c->b, c->gout[0], hk_within(c->b, hk__saved_in(c, 0), hk__attr_real(c->node, "lo"), hk__attr_real(c->node, "hi")));
}

HK_INFER(copy_infer) {
    out[0] = in[0];
    (void)b, (void)n;
}

HK_GRAD(copy_grad) { c->gin[0] = c->gout[0]; }

const hk__op hk__ops_pointwise[] = {
    { "add", HK_TIME_POINT, HK_OP_LINEAR_G, binary_infer, add_grad, "a + b" },
    { "sub", HK_TIME_POINT, HK_OP_LINEAR_G, binary_infer, sub_grad, "a - b" },
    { "mul", HK_TIME_POINT, 0, binary_infer, mul_grad, "a b" },
    { "div", HK_TIME_POINT, 0, binary_infer, div_grad, "a / b" },
    { "affine", HK_TIME_POINT, 0, unary_infer, affine_grad, "a x + b" },
    { "sigmoid", HK_TIME_POINT, 0, unary_infer, sigmoid_grad, "1 / (1 + exp(-x))" },
    { "sigmoid_bwd", HK_TIME_POINT, 0, binary_infer, NULL, "g y (1 - y)" },
    { "exp", HK_TIME_POINT, 0, unary_infer, exp_grad, "exp(x)" },
    { "log", HK_TIME_POINT, 0, unary_infer, log_grad, "ln(x)" },
    { "tanh", HK_TIME_POINT, 0, unary_infer, tanh_grad, "tanh(x)" },
    { "relu", HK_TIME_POINT, 0, unary_infer, relu_grad, "max(x, 0)" },
    { "clamp", HK_TIME_POINT, 0, unary_infer, clamp_grad, "x, kept within [lo, hi]" },
    { "round", HK_TIME_POINT, 0, unary_infer, NULL, "to the nearest integer, half to even" },
    { "within", HK_TIME_POINT, 0, unary_infer, NULL, "1 where lo <= x <= hi, else 0" },
    { "positive", HK_TIME_POINT, 0, unary_infer, NULL, "1 where x > 0, else 0" },
    { "detach", HK_TIME_POINT, 0, copy_infer, NULL, "copy that no gradient passes" },
    { "copy", HK_TIME_POINT, 0, copy_infer, copy_grad, "copy" },
    { 0 },
};
