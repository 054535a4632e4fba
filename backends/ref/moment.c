/* moment.c - max_t, first_spike, their adjoint at_moment, since. i[0]: attribute first; f[0]: scale. */
#include "ref.h"

/* The step that operand k's number (i, e) is about: its first largest, or its first one that is not 0 (T - 1 if there is none). */
static int64_t moment(const ref_plan *p, const hk_bind *b, int k, int first, int64_t i, int64_t e) {
    int64_t best = first ? b->T - 1 : 0;
    for (int64_t t = first ? b->T - 1 : 1; first ? t >= 0 : t < b->T; t += first ? -1 : 1)
        if (first ? ref_get(p, b, k, t, i, e) != 0.0 : ref_get(p, b, k, t, i, e) > ref_get(p, b, k, best, i, e)) best = t;
    return best;
}

static hk_status max_t(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, zero, i, e) ref_put(p, b, 1, zero, i, e, ref_get(p, b, 0, moment(p, b, 0, 0, i, e), i, e));
    return HK_OK;
}

static hk_status first_spike(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, zero, i, e) ref_put(p, b, 1, zero, i, e, (double)moment(p, b, 0, 1, i, e));
    return HK_OK;
}

static hk_status at_moment(const ref_plan *p, const hk_bind *b) { /* g, x */
    REF_EACH(p, b, 2, t, i, e) ref_put(p, b, 2, t, i, e, t == moment(p, b, 1, p->i[0] != 0, i, e) ? p->f[0] * ref_get(p, b, 0, t, i, e) : 0.0);
    return HK_OK;
}

static hk_status at_moment_prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "first")->i, p->f[0] = ref_attr(o, "scale")->f;
    return HK_OK;
}

static hk_status since(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, (double)(b->t0 + t) - ref_get(p, b, 0, t, i, e));
    return HK_OK;
}

const ref_op ref_ops_moment[] = {
    { "max_t", 1, 1, max_t, NULL },
    { "first_spike", 1, 1, first_spike, NULL },
    { "at_moment", 2, 1, at_moment, at_moment_prepare },
    { "since", 1, 1, since, NULL },
    { 0 },
};
