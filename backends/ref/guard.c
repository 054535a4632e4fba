/* guard.c - non_finite, choose. */
#include "ref.h"
#include <math.h>

static hk_status non_finite(const ref_plan *p, const hk_bind *b) {
    int found = ref_get(p, b, 1, 0, 0, 0) != 0.0;
    for (int64_t e = 0; e < p->E[0]; e++) found |= !isfinite(ref_get(p, b, 0, 0, 0, e));
    ref_put(p, b, 2, 0, 0, 0, found);
    return HK_OK;
}

static hk_status choose(const ref_plan *p, const hk_bind *b) {
    int from = ref_get(p, b, 0, 0, 0, 0) != 0.0 ? 1 : 2;
    for (int64_t e = 0; e < p->E[1]; e++) ref_put(p, b, 3, 0, 0, e, ref_get(p, b, from, 0, 0, e));
    return HK_OK;
}

const ref_op ref_ops_guard[] = { { "non_finite", 2, 1, non_finite, NULL }, { "choose", 3, 1, choose, NULL }, { 0 } };
