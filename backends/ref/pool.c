/* pool.c - maximum, average and adaptive average pooling of [C,H,W], and their adjoints. */
#include "ref.h"
#include <math.h>

/* The part [lo, hi) of the input that output position y covers on axis a; `all` counts padding too. Taps are `step` apart. */
typedef struct span {
    int64_t lo, hi, step, all;
} span;
static span window_span(const ref_plan *p, int a, int64_t y, int64_t size) {
    const ref_window *w = &p->window;
    int64_t start = y * w->stride[a] - w->pad[a], end = start + w->dil[a] * (w->kernel[a] - 1) + 1, far = size + w->pad_end[a];
    span s = { start, end < size ? end : size, w->dil[a], (end < far ? end : far) - start };
    while (s.lo < 0) s.lo += s.step;
    return s;
}
static span adaptive_span(int64_t y, int64_t size, int64_t out) { return (span){ y * size / out, ((y + 1) * size + out - 1) / out, 1, 0 }; }

/* Position e of [C,H2,W2], and what it covers of [C,H,W]. */
typedef struct place {
    int64_t c, W, H;
    span h, w;
} place;
static place place_of(const ref_plan *p, int in, int out, int64_t e, int adaptive) {
    const int64_t *x = p->d[in].shape, *y = p->d[out].shape;
    int64_t r = e / y[2] % y[1], q = e % y[2];
    place at = { e / (y[1] * y[2]), x[2], x[1], { 0 }, { 0 } };
    at.h = adaptive ? adaptive_span(r, x[1], y[1]) : window_span(p, 0, r, x[1]);
    at.w = adaptive ? adaptive_span(q, x[2], y[2]) : window_span(p, 1, q, x[2]);
    return at;
}
#define EACH_COVERED(at, k)                                                                                                                                    \
    for (int64_t h_ = (at).h.lo; h_ < (at).h.hi; h_ += (at).h.step)                                                                                            \
        for (int64_t w_ = (at).w.lo, k = ((at).c * (at).H + h_) * (at).W + w_; w_ < (at).w.hi; w_ += (at).w.step, k += (at).w.step)

/* Position of the first maximum of x; -1: only padding. */
static int64_t first_max(const ref_plan *p, const hk_bind *b, int x, const place *at, int64_t t, int64_t i) {
    int64_t best = -1;
    double max = -INFINITY;
    EACH_COVERED(*at, k) {
        double v = ref_get(p, b, x, t, i, k);
        if (best < 0 || v > max || isnan(v)) best = k, max = v;
    }
    return best;
}

static hk_status maxpool2d(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) {
        place at = place_of(p, 0, 1, e, 0);
        int64_t k = first_max(p, b, 0, &at, t, i);
        ref_put(p, b, 1, t, i, e, k < 0 ? -INFINITY : ref_get(p, b, 0, t, i, k));
    }
    return HK_OK;
}

/* Adds the gradient of every position of operand 0 to what it covers of the output. */
#define EACH_GRADIENT(p, b, out, t, i, e)                                                                                                                      \
    for (int64_t t = 0; t < ref_steps(&(p)->d[out], b); t++)                                                                                                   \
        for (int64_t i = 0; i < ref_count(&(p)->d[out], b); i++)                                                                                               \
            for (int64_t e = 0; e < (p)->E[0]; e++)

/* g, x -> gx */
static hk_status maxpool2d_bwd(const ref_plan *p, const hk_bind *b) {
    ref_zero(p, b, 2);
    EACH_GRADIENT(p, b, 2, t, i, e) {
        place at = place_of(p, 1, 0, e, 0);
        int64_t k = first_max(p, b, 1, &at, t, i);
        if (k >= 0) ref_add(p, b, 2, t, i, k, ref_get(p, b, 0, t, i, e));
    }
    return HK_OK;
}

/* i[0]: include_pad, i[1]: divisor */
static double divisor(const ref_plan *p, const place *at, int adaptive) {
    int64_t inside = 0;
    if (p->i[1] && !adaptive) return (double)p->i[1];
    if (p->i[0] && !adaptive) return (double)(at->h.all * at->w.all);
    EACH_COVERED(*at, k) inside += k >= 0;
    return (double)inside;
}
static void average(const ref_plan *p, const hk_bind *b, int adaptive) {
    REF_EACH(p, b, 1, t, i, e) {
        place at = place_of(p, 0, 1, e, adaptive);
        double sum = 0.0;
        EACH_COVERED(at, k) sum += ref_get(p, b, 0, t, i, k);
        ref_put(p, b, 1, t, i, e, sum / divisor(p, &at, adaptive));
    }
}
static void average_bwd(const ref_plan *p, const hk_bind *b, int adaptive) {
    ref_zero(p, b, 1);
    EACH_GRADIENT(p, b, 1, t, i, e) {
        place at = place_of(p, 1, 0, e, adaptive);
        double g = ref_get(p, b, 0, t, i, e) / divisor(p, &at, adaptive);
        EACH_COVERED(at, k) ref_add(p, b, 1, t, i, k, g);
    }
}
static hk_status avgpool2d(const ref_plan *p, const hk_bind *b) { return average(p, b, 0), HK_OK; }
static hk_status avgpool2d_bwd(const ref_plan *p, const hk_bind *b) { return average_bwd(p, b, 0), HK_OK; }
static hk_status adaptive(const ref_plan *p, const hk_bind *b) { return average(p, b, 1), HK_OK; }
static hk_status adaptive_bwd(const ref_plan *p, const hk_bind *b) { return average_bwd(p, b, 1), HK_OK; }

/* Position of [C,H,W] (operand in) that position e of [C,h,w] (operand out) comes from. */
static int64_t nearest(const ref_plan *p, int in, int out, int64_t e) {
    const int64_t *x = p->d[in].shape, *y = p->d[out].shape;
    return (e / (y[1] * y[2]) * x[1] + p->index[e / y[2] % y[1]]) * x[2] + p->cols[e % y[2]];
}
static hk_status nearest2d(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, t, i, nearest(p, 0, 1, e)));
    return HK_OK;
}
static hk_status nearest2d_bwd(const ref_plan *p, const hk_bind *b) {
    ref_zero(p, b, 1);
    REF_EACH(p, b, 0, t, i, e) ref_add(p, b, 1, t, i, nearest(p, 1, 0, e), ref_get(p, b, 0, t, i, e));
    return HK_OK;
}
static hk_status nearest_prepare(ref_plan *p, const hk_opdesc *o) {
    p->index = ref_attr(o, "rows")->p, p->cols = ref_attr(o, "cols")->p;
    return p->index && p->cols ? HK_OK : ref_fail(p->dev, HK_EINVAL, "%s: %s: expected rows and columns, got none", o->path, o->op);
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    ref_read_window(&p->window, o);
    p->i[0] = ref_attr(o, "include_pad")->i, p->i[1] = ref_attr(o, "divisor")->i;
    if (p->window.kernel[0] < 1 || p->window.kernel[1] < 1 || p->window.stride[0] < 1 || p->window.stride[1] < 1 || p->window.dil[0] < 1 ||
        p->window.dil[1] < 1)
        return ref_fail(p->dev, HK_EINVAL, "%s: %s: expected kernel, stride and dilation of at least 1", o->path, o->op);
    return HK_OK;
}

const ref_op ref_ops_pool[] = {
    { "maxpool2d", 1, 1, maxpool2d, prepare },
    { "maxpool2d_bwd", 2, 1, maxpool2d_bwd, prepare },
    { "avgpool2d", 1, 1, avgpool2d, prepare },
    { "avgpool2d_bwd", 1, 1, avgpool2d_bwd, prepare },
    { "adaptive_avgpool2d", 1, 1, adaptive, NULL },
    { "adaptive_avgpool2d_bwd", 1, 1, adaptive_bwd, NULL },
    { "nearest2d", 1, 1, nearest2d, nearest_prepare },
    { "nearest2d_bwd", 1, 1, nearest2d_bwd, nearest_prepare },
    { 0 },
};
