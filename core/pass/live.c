/* live.c - finds what the roots need, and takes the rest out of the lists: dead operations, and slices, stacks, sums and carries of loops
 * that nobody reads. Outputs of a live operation that are not live are absent to the backend. */
#include "graph/graph.h"
#include <stdlib.h>

typedef struct mark {
    hk__graph *g;
    hk__list work;
    bool oom;
} mark;

static void need(mark *m, hk_value v) {
    if (!v || m->g->val[v].live) return;
    m->g->val[v].live = 1;
    if (!hk__push(&m->work, v)) m->oom = true;
}

static void need_node(mark *m, int32_t id) {
    hk__node *n = &m->g->node[id];
    if (n->live) return;
    n->live = 1;
    if (n->loop) m->g->node[n->loop].live = 1;
    for (int i = 0; i < n->n_in; i++) need(m, n->in[i]);
}

static void visit(mark *m, hk_value v) {
    hk__graph *g = m->g;
    hk__val val = g->val[v];
    switch ((hk__source)val.source) {
    case HK_SRC_NODE:
        need_node(m, val.node);
        if (g->node[val.node].body) {
            hk__loop *l = g->node[val.node].body;
            for (int i = 0; i < l->n_stack; i++)
                if (l->stack[i].outer == v) need(m, l->stack[i].inner);
            for (int i = 0; i < l->n_sum; i++)
                if (l->sum[i].outer == v) need(m, l->sum[i].inner);
        }
        break;
    case HK_SRC_AT: need(m, val.ref); break;
    case HK_SRC_CARRY: need(m, g->node[val.loop].body->carry[val.ref].next); break;
    case HK_SRC_STATE: need(m, g->slot[val.ref].next); break; /* what is read at the next run must be written in this one */
    default: break;
    }
}

static void prune(hk__graph *g, hk__list *list) {
    int n = 0;
    for (int i = 0; i < list->n; i++)
        if (g->node[list->at[i]].live) list->at[n++] = list->at[i];
    list->n = n;
}

static void prune_pairs(hk__graph *g, hk__pair *p, int32_t *n, bool by_outer) {
    int k = 0;
    for (int i = 0; i < *n; i++)
        if (g->val[by_outer ? p[i].outer : p[i].inner].live) p[k++] = p[i];
    *n = k;
}

void hk__live(hk__builder *b, int n_root, const hk_value *root) {
    hk__graph *g = b->g;
    if (b->status != HK_OK) return;
    mark m = { .g = g };
    for (int i = 1; i < g->n_val; i++) g->val[i].live = 0;
    for (int i = 1; i < g->n_node; i++) g->node[i].live = 0;
    for (int i = 0; i < n_root; i++) need(&m, root[i]);
    for (int i = 1; i < g->n_val; i++)
        if (g->val[i].grad_slot || g->val[i].param_slot) need(&m, i);
    while (m.work.n > 0) visit(&m, m.work.at[--m.work.n]);
    free(m.work.at);
    if (m.oom) {
        hk__builder_fail(&b->base, HK_ENOMEM, "out of memory for the graph");
        return;
    }
    prune(g, &g->top);
    for (int i = 0; i < g->top.n; i++) {
        hk__loop *l = g->node[g->top.at[i]].body;
        if (!l) continue;
        prune(g, &l->body);
        prune_pairs(g, l->at, &l->n_at, false);
        prune_pairs(g, l->stack, &l->n_stack, true);
        prune_pairs(g, l->sum, &l->n_sum, true);
        for (int k = 0; k < l->n_carry; k++) l->carry[k].dead = !g->val[l->carry[k].in].live;
    }
}
