/* inherit.c - values that cross segments take over each other's memory in the middle of a segment.
 *
 * Between units liveness alone would keep both: a value that a segment reads for the last time, and one that it makes. But a segment works
 * block by block, and blocks are independent: where the last reader comes before the maker, the maker's block may lie where the read block
 * lay. So the heir needs no more bytes for a sample than it inherits; where it needs fewer, it keeps the distance (`pitch`) of the first
 * owner's blocks, unless a whole-batch operation reads it, which expects blocks without gaps. It costs no time, and no bit changes. */
#include "exec/place.h"
#include <stdlib.h>

/* Varies with the sample, outside loops, and lies in the arena for no longer than somebody reads it. */
static bool can(const hk__placer *q, hk_value v) {
    const hk__val *x = &q->g->val[v];
    const hk__ref *r = &q->p->place[v];
    return x->live && x->source == HK_SRC_NODE && !x->loop && r->space == HK_SP_ARENA && !r->slice && !q->keep[v] && (r->flags & HK_N) && !(r->flags & HK_G) &&
        q->made_unit[v] >= 0;
}

static int64_t sample_bytes(const hk__placer *q, hk_value v) { return hk__sat_mul(hk__rows(q->p, &q->g->val[v].desc, 1), q->p->place[v].row); }

/* Bytes between samples that v's memory has, by what it has inherited so far. */
static int64_t pitch(const hk__placer *q, hk_value v) {
    while (q->heir_of[v]) v = q->heir_of[v];
    return sample_bytes(q, v);
}

hk_status hk__inherit(hk__placer *q) {
    int n = q->g->n_val, n_can = 0;
    bool *gone = calloc((size_t)n + 1, sizeof *gone); /* has an heir */
    hk_value *list = calloc((size_t)n + 1, sizeof *list);
    hk_status st = HK_OK;
    if (!gone || !list) {
        st = hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
        goto end;
    }
    for (hk_value v = 1; v < n; v++)
        if (can(q, v)) list[n_can++] = v;
    /* Units in order, so that what an owner has inherited itself is settled; in a unit the largest first. */
    for (int u = 0; u < q->p->n_unit; u++) {
        if (q->p->unit[u].team) continue;
        for (int64_t below = INT64_MAX;;) {
            int64_t most = -1;
            for (int i = 0; i < n_can; i++) {
                int64_t bytes = sample_bytes(q, list[i]);
                if (q->made_unit[list[i]] == u && bytes < below && bytes > most) most = bytes;
            }
            if (most < 0) break;
            below = most;
            for (int i = 0; i < n_can; i++) {
                hk_value v = list[i], best = HK_NONE;
                if (q->made_unit[v] != u || sample_bytes(q, v) != most) continue;
                for (int k = 0; k < n_can; k++) {
                    hk_value w = list[k];
                    if (gone[w] || q->last_unit[w] != u || q->made_unit[w] == u || q->last_op[w] >= q->made_op[v]) continue;
                    int64_t has = pitch(q, w);
                    if (has < most || (q->whole[v] && has != most) || (best && has >= pitch(q, best))) continue;
                    best = w;
                }
                if (best) q->heir_of[v] = best, gone[best] = true;
            }
        }
    }
end:
    free(gone);
    free(list);
    return st;
}
