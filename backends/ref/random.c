/* random.c - bernoulli, dropout_mask. */
#include "ref.h"
#include "hillock/random.h"

static hk_status bernoulli(const ref_plan *p, const hk_bind *b) {
    philox4x32_key_t key = hk_random_key(b->step->seed, p->stream);
    REF_EACH(p, b, 1, t, i, e) {
        float u[4];
        double prob = ref_get(p, b, 0, t, i, e);
        hk_random4(key, b->step->step, b->t0 + t, b->sample0 + i, e / 4, u);
        ref_put(p, b, 1, t, i, e, prob > 0.0 && (double)u[e % 4] <= prob);
    }
    return HK_OK;
}

/* x, s0 -> mask; f[0]: p, i[0]: one draw per channel. Drawn at time index 0, whenever it is drawn. */
static hk_status dropout_mask(const ref_plan *p, const hk_bind *b) {
    philox4x32_key_t key = hk_random_key(b->step->seed, p->stream);
    int64_t places = p->i[0] && p->d[2].rank ? p->E[2] / p->d[2].shape[0] : 1;
    REF_EACH(p, b, 2, t, i, e) {
        float u[4];
        double s0 = ref_spread(p, b, 1, 2, t, i, e);
        int64_t at = e / places;
        hk_random4(key, b->step->step, 0, b->sample0 + i, at / 4, u);
        ref_put(p, b, 2, t, i, e, s0 >= 0.0 ? s0 : (double)u[at % 4] < p->f[0] ? 0.0 : 1.0 / (1.0 - p->f[0]));
    }
    return HK_OK;
}
static hk_status dropout_prepare(ref_plan *p, const hk_opdesc *o) {
    p->f[0] = ref_attr(o, "p")->f, p->i[0] = ref_attr(o, "channel")->i;
    return HK_OK;
}

const ref_op ref_ops_random[] = { { "bernoulli", 1, 1, bernoulli, NULL }, { "dropout_mask", 2, 1, dropout_mask, dropout_prepare }, { 0 } };
