/* forget.c - for executors that never continue a sequence: its state starts from the default and ends with the run, so it has no memory.
 *
 * Where an operation takes one number in place of a state, the default is that number; a loop's carry starts from zeros. A state of another
 * kind (a mask of its own default, a carry that does not start from zero) keeps its memory. */
#include "graph/graph.h"

static bool read_as_default(const hk__graph *g, hk_value v) {
    for (int i = 1; i < g->n_node; i++) {
        const hk__node *n = &g->node[i];
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] == v && !(n->op->flags & HK_OP_DEFAULT_STATE)) return false;
        for (int k = 0; n->body && k < n->body->n_at; k++)
            if (n->body->at[k].outer == v) return false;
    }
    return true;
}

void hk__forget(hk__builder *b) {
    hk__graph *g = b->g;
    for (int s = 0; s < g->n_slot && b->status == HK_OK; s++) {
        hk__slot *slot = &g->slot[s];
        if (slot->loop) {
            if (slot->def != 0.0) continue;
            g->node[slot->loop].body->carry[slot->carry].slot = 0;
        } else {
            if (!slot->in || !read_as_default(g, slot->in)) continue;
            hk_value def = hk_const(&b->base, slot->def);
            slot = &g->slot[s];
            hk__replace(g, slot->in, def);
            slot->in = slot->next = HK_NONE;
        }
        slot->forgotten = true;
    }
}
