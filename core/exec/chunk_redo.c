/* chunk_redo.c - the forward operations that the backward sweep reads are done again in it: copies of their nodes, which begin at the same
 * borders of chunks, draw by the same counters, and so give the same numbers. */
#include "exec/chunk.h"
#include <stdlib.h>
#include <string.h>

typedef struct redo {
    hk__graph *g;
    int32_t *copy;   /* [n] of a node; 0: not made yet */
    hk_value *value; /* [n_val] of a value, outside loops and inside the one that is copied */
    int n, n_val;
} redo;

static hk_value again(redo *r, hk_value v);

/* A node like another, with its own results; operands are set by the caller. */
static int32_t like(redo *r, int32_t from, int32_t loop) {
    hk__graph *g = r->g;
    hk__node n = g->node[from];
    int32_t id = hk__node_new(g, n.op, n.path, n.n_in, n.in, n.n_out, n.n_attr, n.attr, loop);
    if (!id) return 0;
    g->node[id].stream = n.stream, g->node[id].phase = HK_BACKWARD, g->node[id].live = 1, g->node[id].late = n.late;
    for (int k = 0; k < n.n_out; k++) {
        hk_value v = g->node[id].out[k];
        g->val[v].desc = g->val[n.out[k]].desc;
        g->val[v].part = g->val[n.out[k]].desc.flags & HK_T && g->val[n.out[k]].desc.flags & HK_N ? 1 : 0;
        g->val[v].live = g->val[n.out[k]].live;
        r->value[n.out[k]] = v;
    }
    return id;
}

static hk_value inner(redo *r, hk_value v, hk__source source, int32_t ref, int32_t loop) {
    hk_desc d = r->g->val[v].desc;
    hk_value w = hk__val_new(r->g, &d, source, ref, loop);
    if (w) r->g->val[w].live = r->g->val[v].live, r->value[v] = w;
    return w;
}

/* The body of a loop: slices of what is outside, carries on the same lines, and what it stacks. */
static bool copy_body(redo *r, int32_t from, int32_t id) {
    hk__graph *g = r->g;
    const hk__loop *l = g->node[from].body;
    hk__loop *m = hk__pool(g, sizeof *m);
    if (!m) return false;
    g->node[id].body = m;
    m->carry = hk__pool(g, (size_t)(l->n_carry + 1) * sizeof *m->carry);
    if (!m->carry) return false;
    for (int i = 0; i < l->n_at; i++) {
        hk_value outer = again(r, l->at[i].outer), in = outer ? inner(r, l->at[i].inner, HK_SRC_AT, outer, id) : HK_NONE;
        if (!in || !hk__pair_add(g, &m->at, &m->n_at, in, outer)) return false;
    }
    for (int i = 0; i < l->n_carry; i++) {
        m->carry[i] = l->carry[i];
        m->carry[i].slot = 0;
        if (l->carry[i].dead) continue;
        m->carry[i].in = inner(r, l->carry[i].in, HK_SRC_CARRY, i, id);
        if (!m->carry[i].in) return false;
    }
    m->n_carry = l->n_carry;
    for (int i = 0; i < l->body.n; i++) {
        int32_t step = like(r, l->body.at[i], id);
        if (!step || !hk__push(&m->body, step)) return false;
        for (int k = 0; k < g->node[step].n_in; k++) {
            hk_value v = g->node[step].in[k];
            if (v && v < r->n_val && g->val[v].loop == from) g->node[step].in[k] = r->value[v];
        }
    }
    for (int i = 0; i < l->n_carry; i++)
        if (!l->carry[i].dead && g->val[l->carry[i].next].loop == from) m->carry[i].next = r->value[l->carry[i].next];
    for (int i = 0; i < l->n_stack; i++) {
        hk_desc d = g->val[l->stack[i].outer].desc;
        hk_value outer = hk__val_new(g, &d, HK_SRC_NODE, 0, 0);
        if (!outer || !hk__pair_add(g, &m->stack, &m->n_stack, r->value[l->stack[i].inner], outer)) return false;
        g->val[outer].node = id, g->val[outer].part = 1, g->val[outer].live = g->val[l->stack[i].outer].live;
        r->value[l->stack[i].outer] = outer;
    }
    return true;
}

static bool copy_node(redo *r, int32_t from) {
    hk__graph *g = r->g;
    hk_value in[HK_MAX_OPERANDS];
    int n_in = g->node[from].n_in;
    for (int k = 0; k < n_in; k++) {
        in[k] = g->node[from].in[k] ? again(r, g->node[from].in[k]) : HK_NONE;
        if (g->node[from].in[k] && !in[k]) return false;
    }
    int32_t id = like(r, from, 0);
    if (!id) return false;
    g->node[id].again = from, g->node[id].stage = HK_STAGE_BACKWARD;
    for (int k = 0; k < n_in; k++) g->node[id].in[k] = in[k];
    if (g->node[from].body && !copy_body(r, from, id)) return false;
    if (!hk__insert(&g->top, hk__index_of(&g->top, from) + 1, id)) return false;
    r->copy[from] = id;
    return true;
}

/* What the backward sweep reads in place of v. */
static hk_value again(redo *r, hk_value v) {
    const hk__val *x = &r->g->val[v];
    if (x->source != HK_SRC_NODE || x->loop || !x->part || v >= r->n_val || r->g->node[x->node].stage != HK_STAGE_FORWARD) return v;
    int32_t from = x->node;
    if (!r->copy[from] && !copy_node(r, from)) return HK_NONE;
    return r->value[v];
}

bool hk__chunk_redo(hk__plan *p, int n_node, const int32_t *node) {
    hk__graph *g = p->g;
    redo r = { .g = g, .n = g->n_node, .n_val = g->n_val };
    r.copy = calloc((size_t)r.n + 1, sizeof *r.copy);
    r.value = calloc((size_t)r.n_val + 1, sizeof *r.value);
    bool ok = r.copy && r.value;
    for (int i = 0; i < n_node && ok; i++) {
        if (g->node[node[i]].stage != HK_STAGE_BACKWARD) continue;
        for (int k = 0; k < g->node[node[i]].n_in && ok; k++) {
            hk_value v = g->node[node[i]].in[k], w = v ? again(&r, v) : HK_NONE;
            g->node[node[i]].in[k] = w;
            ok = w || !v;
        }
        for (int k = 0; g->node[node[i]].body && k < g->node[node[i]].body->n_at && ok; k++) {
            hk__pair *at = &g->node[node[i]].body->at[k];
            at->outer = again(&r, at->outer);
            g->val[at->inner].ref = at->outer;
            ok = at->outer;
        }
    }
    if (!ok) g->oom = true;
    free(r.copy);
    free(r.value);
    return ok;
}
