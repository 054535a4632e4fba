/* time.c - time_mix, time_mix_dw, time_mix_db, axis_as_time, time_as_axis, pick_t, pick_t_bwd. */
#include "ref.h"
#include <math.h>

enum { X, W, B, Y }; /* time_mix; i[0]: by the transpose of W */
static hk_status time_mix(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, Y, t, i, e) {
        double sum = ref_has(p, B) ? ref_get(p, b, B, 0, 0, p->E[B] == 1 ? 0 : t) : 0.0;
        for (int64_t u = 0; u < b->T; u++) sum += ref_get(p, b, W, 0, 0, p->i[0] ? u * b->T + t : t * b->T + u) * ref_get(p, b, X, u, i, e);
        ref_put(p, b, Y, t, i, e, sum);
    }
    return HK_OK;
}
static hk_status mix_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "transpose")->i;
    return HK_OK;
}

/* g, x -> G [T,T] */
static hk_status time_mix_dw(const ref_plan *p, const hk_bind *b) {
    ref_zero(p, b, 2);
    REF_EACH(p, b, 0, t, i, e)
    for (int64_t u = 0; u < b->T; u++) ref_add(p, b, 2, 0, i / HK_GROUP, t * b->T + u, ref_get(p, b, 0, t, i, e) * ref_get(p, b, 1, u, i, e));
    return HK_OK;
}

/* g -> G of T numbers, or of one */
static hk_status time_mix_db(const ref_plan *p, const hk_bind *b) {
    ref_zero(p, b, 1);
    REF_EACH(p, b, 0, t, i, e) ref_add(p, b, 1, 0, i / HK_GROUP, p->E[1] == 1 ? 0 : t, ref_get(p, b, 0, t, i, e));
    return HK_OK;
}

static hk_status axis_as_time(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_get(p, b, 0, 0, i, t * p->E[1] + e));
    return HK_OK;
}
static hk_status time_as_axis(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, zero, i, e) ref_put(p, b, 1, zero, i, e, ref_get(p, b, 0, e / p->E[0], i, e % p->E[0]));
    return HK_OK;
}

/* The step that is picked from operand x. i[0]: 0 the last, 1 the first largest, 2 the first largest if its magnitude is above the first
 * smallest's, else that one. */
static int64_t picked(const ref_plan *p, const hk_bind *b, int x, int64_t i, int64_t e) {
    int64_t most = 0, least = 0;
    if (p->i[0] == 0) return b->T - 1;
    for (int64_t t = 1; t < b->T; t++) {
        double v = ref_get(p, b, x, t, i, e);
        if (v > ref_get(p, b, x, most, i, e)) most = t;
        if (v < ref_get(p, b, x, least, i, e)) least = t;
    }
    return p->i[0] == 1 || fabs(ref_get(p, b, x, most, i, e)) > fabs(ref_get(p, b, x, least, i, e)) ? most : least;
}
static hk_status pick_t(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, zero, i, e) ref_put(p, b, 1, zero, i, e, ref_get(p, b, 0, picked(p, b, 0, i, e), i, e));
    return HK_OK;
}
/* g, x -> gx */
static hk_status pick_t_bwd(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, e) ref_put(p, b, 2, t, i, e, t == picked(p, b, 1, i, e) ? ref_spread(p, b, 0, 1, 0, i, e) : 0.0);
    return HK_OK;
}
static hk_status pick_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "how")->i;
    return HK_OK;
}

const ref_op ref_ops_time[] = {
    { "time_mix", 3, 1, time_mix, mix_prepare },
    { "time_mix_dw", 2, 1, time_mix_dw, NULL },
    { "time_mix_db", 1, 1, time_mix_db, NULL },
    { "axis_as_time", 1, 1, axis_as_time, NULL },
    { "time_as_axis", 1, 1, time_as_axis, NULL },
    { "pick_t", 1, 1, pick_t, pick_prepare },
    { "pick_t_bwd", 2, 1, pick_t_bwd, pick_prepare },
    { 0 },
};
