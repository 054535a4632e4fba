/* pairs.c - pairs, pairs_bwd. i[0]: distance */
#include "ref.h"

static hk_status pairs(const ref_plan *p, const hk_bind *b) {
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t j = 0; j < b->n; j++) {
            double sum = 0.0;
            for (int64_t t = 0; t < ref_steps(&p->d[0], b); t++)
                for (int64_t e = 0; e < p->E[0]; e++) {
                    double x = ref_get(p, b, 0, t, i, e), y = ref_get(p, b, 0, t, j, e);
                    sum += p->i[0] ? (x - y) * (x - y) : x * y;
                }
            ref_put(p, b, 1, 0, 0, i * b->n + j, sum);
        }
    return HK_OK;
}

/* g, x -> gx */
static hk_status pairs_bwd(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, e) {
        double sum = 0.0, x = ref_get(p, b, 1, t, i, e);
        for (int64_t j = 0; j < b->n; j++) {
            double g = ref_get(p, b, 0, 0, 0, i * b->n + j) + ref_get(p, b, 0, 0, 0, j * b->n + i), y = ref_get(p, b, 1, t, j, e);
            sum += p->i[0] ? 2 * g * (x - y) : g * y;
        }
        ref_put(p, b, 2, t, i, e, sum);
    }
    return HK_OK;
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "distance")->i;
    p->nb = o->nb;
    return HK_OK;
}

const ref_op ref_ops_pairs[] = {
    { "pairs", 1, 1, pairs, prepare },
    { "pairs_bwd", 2, 1, pairs_bwd, prepare },
    { 0 },
};
