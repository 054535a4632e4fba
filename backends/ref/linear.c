/* linear.c - linear, linear_dx, linear_dw. Outputs are assigned (=). */
#include "ref.h"

enum { X, W, B, Y }; /* linear */
static hk_status linear(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, Y, t, i, o) {
        double sum = ref_has(p, B) ? ref_get(p, b, B, t, i, o) : 0.0;
        for (int64_t k = 0; k < p->E[X]; k++) sum += ref_get(p, b, W, t, i, o * p->E[X] + k) * ref_get(p, b, X, t, i, k);
        ref_put(p, b, Y, t, i, o, sum);
    }
    return HK_OK;
}

/* g, w -> gx */
static hk_status linear_dx(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, k) {
        double sum = 0.0;
        for (int64_t o = 0; o < p->E[0]; o++) sum += ref_get(p, b, 0, t, i, o) * ref_get(p, b, 1, t, i, o * p->E[2] + k);
        ref_put(p, b, 2, t, i, k, sum);
    }
    return HK_OK;
}

/* g, x -> G */
static double dw_row(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t e) {
    return ref_get(p, b, 0, t, i, e / p->E[1]) * ref_get(p, b, 1, t, i, e % p->E[1]);
}
static hk_status linear_dw(const ref_plan *p, const hk_bind *b) {
    ref_sum_rows(p, b, dw_row);
    return HK_OK;
}

/* The bias may be left out of the operands altogether; then the output would be operand 2. */
static hk_status linear_prepare(ref_plan *p, const hk_opdesc *o) {
    if (p->n_in == 3 && p->E[W] == p->E[X] * p->E[Y]) return HK_OK;
    return ref_fail(p->dev, HK_ESHAPE, "%s: linear: expected x[K], w[O,K], bias[O] or absent, got %lld, %lld and %lld numbers out", o->path, (long long)p->E[X],
        (long long)p->E[W], (long long)p->E[p->n_in]);
}

/* i[0]: groups; i[1]: bit 0: x transposed, bit 1: y transposed */
static hk_status matmul(const ref_plan *p, const hk_bind *b) {
    int64_t wide = p->d[2].shape[1], high = p->d[2].shape[0] / p->i[0], tx = p->i[1] & 1, ty = p->i[1] & 2;
    int64_t deep = tx ? p->d[0].shape[0] / p->i[0] : p->d[0].shape[1];
    REF_EACH(p, b, 2, t, i, e) {
        int64_t g = e / wide / high, a = e / wide % high, c = e % wide;
        double sum = 0.0;
        for (int64_t k = 0; k < deep; k++)
            sum += ref_get(p, b, 0, t, i, tx ? (g * deep + k) * high + a : (g * high + a) * deep + k) * ref_get(p, b, 1, t, i, ty ? (g * wide + c) * deep + k : (g * deep + k) * wide + c);
        ref_put(p, b, 2, t, i, e, sum);
    }
    return HK_OK;
}
static hk_status matmul_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "groups")->i, p->i[1] = (ref_attr(o, "transpose_x")->i ? 1 : 0) | (ref_attr(o, "transpose_y")->i ? 2 : 0);
    return p->i[0] >= 1 ? HK_OK : ref_fail(p->dev, HK_EINVAL, "%s: %s: expected at least one group", o->path, o->op);
}

const ref_op ref_ops_linear[] = { { "linear", 3, 1, linear, linear_prepare }, { "linear_dx", 2, 1, linear_dx, NULL }, { "linear_dw", 2, 1, linear_dw, ref_sum_prepare },
    { "matmul", 2, 1, matmul, matmul_prepare },
    { 0 } };
