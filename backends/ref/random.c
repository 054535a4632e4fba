/* random.c - bernoulli. */
#include "ref.h"
#include "hillock/random.h"

static hk_status bernoulli(const ref_plan *p, const hk_bind *b) {
    philox4x32_key_t key = hk_random_key(b->step->seed, p->stream);
    REF_EACH(p, b, 1, t, i, e) {
        float u[4];
        hk_random4(key, b->step->step, b->t0 + t, b->sample0 + i, e / 4, u);
        ref_put(p, b, 1, t, i, e, (double)u[e % 4] <= ref_get(p, b, 0, t, i, e));
    }
    return HK_OK;
}

const ref_op ref_ops_random[] = { { "bernoulli", 1, 1, bernoulli, NULL }, { 0 } };
