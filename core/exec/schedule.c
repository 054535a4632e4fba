/* schedule.c - units of work from the graph: segments and whole-batch operations.
 *
 * A segment is a run of operations that treat samples independently: it is run block by block, so that what its operations hand to each
 * other stays in cache. An operation that needs all samples (the merge of partial sums) ends it. An operation goes into the earliest
 * segment it can: most training steps are one segment, forward and backward together, then the merges and the optimizer. */
#include "exec/exec.h"
#include <stdlib.h>
#include <string.h>

void hk__each_read(const hk__graph *g, int32_t id, void (*f)(void *, hk_value), void *arg) {
    const hk__node *n = &g->node[id];
    const hk__loop *l = n->body;
    if (!l) {
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i]) f(arg, n->in[i]);
        return;
    }
    for (int i = 0; i < l->n_at; i++) f(arg, l->at[i].outer);
    for (int j = 0; j < l->body.n; j++) {
        const hk__node *m = &g->node[l->body.at[j]];
        for (int i = 0; i < m->n_in; i++)
            if (m->in[i] && g->val[m->in[i]].loop == 0) f(arg, m->in[i]);
    }
    for (int i = 0; i < l->n_carry; i++)
        if (!l->carry[i].dead && g->val[l->carry[i].next].loop == 0) f(arg, l->carry[i].next);
}

/* Every stacked value is some body operation's output, and every carry has a next value of its own: what is not gets a copy. */
static hk_status normalise(hk__plan *p, hk__builder *b, int32_t loop) {
    hk__graph *g = p->g;
    hk__loop *l = g->node[loop].body;
    for (int pass = 0; pass < 2; pass++) {
        int n = pass == 0 ? l->n_stack : l->n_carry;
        for (int i = 0; i < n; i++) {
            if (pass == 1 && l->carry[i].dead) continue;
            hk_value *v = pass == 0 ? &l->stack[i].inner : &l->carry[i].next;
            bool fresh = g->val[*v].loop == loop && g->val[*v].source == HK_SRC_NODE;
            for (int k = 0; pass == 1 && k < i; k++) fresh &= l->carry[k].dead || l->carry[k].next != *v;
            if (fresh) continue;
            int32_t id = hk__node_new(g, hk__op_find("copy"), g->node[loop].path, 1, v, 1, 0, NULL, loop);
            if (!id || !hk__insert(&l->body, pass == 0 ? 0 : l->body.n, id)) return hk__fail(b->ctx, HK_ENOMEM, "out of memory for the graph");
            g->node[id].phase = g->node[loop].phase, g->node[id].live = 1;
            hk__infer_node(b, id);
            *v = g->node[id].out[0];
            g->val[*v].live = 1;
        }
    }
    return HK_OK;
}

/* Is it made of parameters and constants alone? Then an inference plan keeps it until a parameter is written. (A plugin's operation may read the step.) */
static bool constant(const hk__graph *g, const bool *kept, int32_t id) {
    const hk__node *n = &g->node[id];
    if (n->body || n->op->flags & HK_OP_PLUGIN) return false;
    for (int i = 0; i < n->n_in; i++) {
        const hk__val *x = &g->val[n->in[i]];
        if (n->in[i] && x->source != HK_SRC_PARAM && x->source != HK_SRC_CONST && !(x->source == HK_SRC_NODE && !x->loop && kept[x->node])) return false;
    }
    for (int i = 0; i < n->n_out; i++)
        if (g->val[n->out[i]].param_slot || g->val[n->out[i]].grad_slot) return false;
    return true;
}

typedef struct leveller {
    const hk__graph *g;
    const int *level;
    const bool *whole;
    bool block;
    int max;
} leveller;

static void level_of(void *arg, hk_value v) {
    leveller *l = arg;
    const hk__val *x = &l->g->val[v];
    if (x->source != HK_SRC_NODE) return;
    int at = l->level[x->node] + (l->block && l->whole[x->node]);
    if (at > l->max) l->max = at;
}

void hk__unschedule(hk__plan *p) {
    for (int u = 0; u < p->n_unit; u++) free(p->unit[u].call);
    free(p->unit);
    p->unit = NULL, p->n_unit = 0;
}

hk_status hk__schedule(hk__plan *p, hk__builder *b, uint32_t mode, uint32_t flags) {
    hk__graph *g = p->g;
    hk_status st = HK_OK;
    for (int i = 0; i < g->top.n && st == HK_OK; i++)
        if (g->node[g->top.at[i]].body) st = normalise(p, b, g->top.at[i]);
    if (st != HK_OK) return st;
    int *level = calloc((size_t)g->n_node + 1, sizeof *level);
    bool *whole = calloc((size_t)g->n_node + 1, sizeof *whole), *kept = calloc((size_t)g->n_node + 1, sizeof *kept);
    int top = -1, forward_top = -1; /* level -1: what depends on parameters and constants alone, before the first segment */
    if (!level || !whole || !kept) {
        st = hk__fail(b->ctx, HK_ENOMEM, "out of memory for the schedule");
        goto end;
    }
    for (int i = 0; i < g->top.n; i++) {
        int32_t id = g->top.at[i];
        whole[id] = hk__is_whole(g, id);
        bool samples = !whole[id];
        for (int k = 0; k < g->node[id].n_in; k++) samples |= g->node[id].in[k] && (g->val[g->node[id].in[k]].desc.flags & HK_N);
        leveller l = { g, level, whole, !whole[id], samples ? 0 : -1 };
        hk__each_read(g, id, level_of, &l);
        if (mode == HK_TRAIN && flags & HK_SEPARATE && g->node[id].phase != HK_FORWARD && l.max >= 0 && l.max <= forward_top) l.max = forward_top + 1;
        if (g->node[id].late > l.max + 1) l.max = g->node[id].late - 1;
        level[id] = l.max;
        kept[id] = mode == HK_INFER && whole[id] && l.max == -1 && constant(g, kept, id);
        if (l.max > top) top = l.max;
        if (g->node[id].phase == HK_FORWARD && l.max > forward_top) forward_top = l.max;
    }
    p->unit = calloc((size_t)(2 * (top + 2) + 1), sizeof *p->unit);
    if (!p->unit) {
        st = hk__fail(b->ctx, HK_ENOMEM, "out of memory for the schedule");
        goto end;
    }
    for (int at = -1; at <= top; at++)
        for (int kind = at < 0 ? 0 : 1; kind < 3; kind++) { /* what is kept, a segment, whole-batch operations */
            int n = 0;
            for (int i = 0; i < g->top.n; i++) n += level[g->top.at[i]] == at && (kept[g->top.at[i]] ? 0 : 1 + whole[g->top.at[i]]) == kind;
            if (!n) continue;
            hk__unit *u = &p->unit[p->n_unit];
            u->call = calloc((size_t)n, sizeof *u->call);
            if (!u->call) {
                st = hk__fail(b->ctx, HK_ENOMEM, "out of memory for the schedule");
                goto end;
            }
            u->team = kind != 1, u->kept = kind == 0, u->level = at;
            p->n_unit++;
            for (int i = 0; i < g->top.n; i++) {
                int32_t id = g->top.at[i];
                if (level[id] != at || (kept[id] ? 0 : 1 + whole[id]) != kind) continue;
                u->call[u->n_call++].node = id;
                if (at >= 0 && g->node[id].phase > u->phase) u->phase = g->node[id].phase; /* level -1 runs with the forward pass */
            }
        }
end:
    free(level);
    free(whole);
    free(kept);
    return st;
}
