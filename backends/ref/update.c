/* update.c - what is done to gradients between the backward pass and the optimizer, and the average of parameters; STATIC operands of one axis. */
#include "ref.h"
#include <math.h>

enum { CHUNK = 4096 };
#define GET(k, e) ref_get(p, b, k, 0, 0, e)
#define PUT(k, e, v) ref_put(p, b, k, 0, 0, e, v)
#define EACH(e) for (int64_t e = 0; e < p->E[0]; e++)

static hk_status grad_add(const ref_plan *p, const hk_bind *b) {
    EACH(e) PUT(2, e, b->step->opt[1] == 0.0 ? GET(1, e) : GET(0, e) + GET(1, e));
    return HK_OK;
}
static hk_status grad_mean(const ref_plan *p, const hk_bind *b) {
    EACH(e) PUT(1, e, b->step->opt[0] * GET(0, e));
    return HK_OK;
}
/* f[0]: the largest magnitude; what is not a number stays so */
static hk_status grad_clamp(const ref_plan *p, const hk_bind *b) {
    EACH(e) {
        double x = GET(0, e);
        PUT(1, e, x > p->f[0] ? p->f[0] : x < -p->f[0] ? -p->f[0] : x);
    }
    return HK_OK;
}
static hk_status grad_squares(const ref_plan *p, const hk_bind *b) {
    for (int64_t k = 0; k < p->E[1]; k++) {
        double sum = 0.0;
        for (int64_t e = k * CHUNK; e < p->E[0] && e < (k + 1) * CHUNK; e++) sum += GET(0, e) * GET(0, e);
        PUT(1, k, sum);
    }
    return HK_OK;
}
/* f[0]: the norm that is allowed */
static hk_status grad_norm(const ref_plan *p, const hk_bind *b) {
    double sum = 0.0;
    EACH(e) sum += GET(0, e);
    double c = p->f[0] / (sqrt(sum) + 1e-6);
    PUT(1, 0, c > 1.0 ? 1.0 : c);
    PUT(1, 1, sqrt(sum));
    return HK_OK;
}
static hk_status grad_scale(const ref_plan *p, const hk_bind *b) {
    EACH(e) {
        double x = GET(0, e);
        PUT(2, e, x == 0.0 ? x : GET(1, 0) * x);
    }
    return HK_OK;
}
static hk_status average(const ref_plan *p, const hk_bind *b) {
    EACH(e) {
        double c = p->n_in > 2 && GET(2, 0) != 0.0 ? 0.0 : b->step->opt[0], a = GET(0, e), w = GET(1, e);
        PUT(p->n_in, e, c == 1.0 ? w : c == 0.0 ? a : a + c * (w - a));
    }
    return HK_OK;
}

static hk_status value_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "value")->f;
    return HK_OK;
}
static hk_status max_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "max")->f;
    return HK_OK;
}

const ref_op ref_ops_update[] = {
    { "grad_add", 2, 1, grad_add, NULL },
    { "grad_mean", 1, 1, grad_mean, NULL },
    { "grad_clamp", 1, 1, grad_clamp, value_prepare },
    { "grad_squares", 1, 1, grad_squares, NULL },
    { "grad_norm", 1, 1, grad_norm, max_prepare },
    { "grad_scale", 2, 1, grad_scale, NULL },
    { "average", 2, 1, average, NULL },
    { 0 },
};
