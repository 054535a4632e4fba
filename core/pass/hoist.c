/* hoist.c - moves operations out of loops, so that they run once over T rows instead of T times.
 *
 * split: the product of a concatenation of which one part comes from a carry becomes two products, and the other part can go.
 * lift:  an operation that reads nothing of the loop's making runs before it.
 * sink:  an operation that no carry needs runs after it, on what the loop stacks; a sum over t of partial sums over rows (weight gradients)
 *        becomes one sum over all rows. */
#include "graph/graph.h"
#include <stdlib.h>
#include <string.h>

void hk__replace(hk__graph *g, hk_value old, hk_value new_) {
    for (int i = 1; i < g->n_node; i++) {
        hk__node *n = &g->node[i];
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] == old) n->in[k] = new_;
        hk__loop *l = n->body;
        if (!l) continue;
        for (int k = 0; k < l->n_at; k++)
            if (l->at[k].outer == old) l->at[k].outer = new_, g->val[l->at[k].inner].ref = new_;
        for (int k = 0; k < l->n_carry; k++)
            if (l->carry[k].next == old) l->carry[k].next = new_;
        for (int k = 0; k < l->n_stack; k++)
            if (l->stack[k].inner == old) l->stack[k].inner = new_;
        for (int k = 0; k < l->n_sum; k++)
            if (l->sum[k].inner == old) l->sum[k].inner = new_;
    }
    for (int i = 0; i < g->n_named; i++)
        if (g->named[i].value == old) g->named[i].value = new_;
    for (int i = 0; i < g->n_slot; i++)
        if (g->slot[i].next == old) g->slot[i].next = new_;
}

typedef struct hoist {
    hk__builder *b;
    hk__graph *g;
    int32_t loop;
    hk__loop *l;
} hoist;

static bool inside(const hoist *h, hk_value v) { return v && h->g->val[v].loop == h->loop; }

/* A new node, put at position `at` of a region's list. */
static hk_value new_node(hoist *h, const char *op, int n_in, const hk_value *in, int n_attr, const hk_attr *attr, int32_t region, int at) {
    hk__builder *b = h->b;
    int32_t id = hk__node_new(h->g, hk__op_find(op), h->g->node[h->loop].path, n_in, in, 1, n_attr, attr, region);
    if (!id || !hk__insert(hk__body(h->g, region), at, id)) {
        hk__builder_fail(&b->base, HK_ENOMEM, "out of memory for the graph");
        return HK_NONE;
    }
    h->g->node[id].phase = h->g->node[h->loop].phase;
    hk__infer_node(b, id);
    return h->g->node[id].out[0];
}

/* ---- split ---- */

static bool depends(const hoist *h, hk_value v) { /* on a carry */
    if (!inside(h, v)) return false;
    const hk__val *x = &h->g->val[v];
    if (x->source == HK_SRC_CARRY) return true;
    if (x->source != HK_SRC_NODE) return false;
    const hk__node *n = &h->g->node[x->node];
    for (int i = 0; i < n->n_in; i++)
        if (depends(h, n->in[i])) return true;
    return false;
}

static bool pairs_read(const hk__pair *p, int32_t n, hk_value v) {
    for (int i = 0; i < n; i++)
        if (p[i].inner == v) return true;
    return false;
}

static bool is_read(const hoist *h, hk_value v) {
    const char *who;
    return hk__readers(h->g, v, &who) || pairs_read(h->l->stack, h->l->n_stack, v) || pairs_read(h->l->sum, h->l->n_sum, v);
}

/* A concatenation whose product was split goes out of the loop if nobody else reads it. */
static bool drop_concat(hoist *h, int32_t id) {
    hk__node *n = &h->g->node[id];
    if (is_read(h, n->out[0])) return false;
    for (int k = 0; k < n->n_in; k++) n->in[k] = HK_NONE;
    hk__remove(&h->l->body, hk__index_of(&h->l->body, id));
    return true;
}

/* Slices that nobody reads any more go, so that rules that ask who reads what lies before the loop see no reader that is none. */
static void drop_slices(hoist *h) {
    int left = 0;
    for (int i = 0; i < h->l->n_at; i++)
        if (is_read(h, h->l->at[i].inner)) h->l->at[left++] = h->l->at[i];
    h->l->n_at = left;
}

static void split(hoist *h) {
    hk__graph *g = h->g;
    for (int i = 0; i < h->l->body.n && h->b->status == HK_OK; i++) {
        int32_t id = h->l->body.at[i];
        if (strcmp(g->node[id].op->name, "linear") != 0) continue;
        hk_value x = g->node[id].in[0], w = g->node[id].in[1], bias = g->node[id].in[2];
        if (!inside(h, x) || g->val[x].source != HK_SRC_NODE || strcmp(g->node[g->val[x].node].op->name, "concat") != 0 || inside(h, w)) continue;
        hk_value p[2] = { g->node[g->val[x].node].in[0], g->node[g->val[x].node].in[1] };
        bool d0 = depends(h, p[0]), d1 = depends(h, p[1]);
        if (d0 == d1) continue;
        int64_t k[2] = { g->val[p[0]].desc.shape[0], g->val[p[1]].desc.shape[0] };
        hk_value part[2];
        for (int j = 0; j < 2; j++) {
            const hk_attr attr[2] = { { "start", j ? k[0] : 0, 0, NULL }, { "len", k[j], 0, NULL } };
            hk_value wj = new_node(h, "slice", 1, &w, 2, attr, 0, hk__index_of(&g->top, h->loop));
            const hk_value in[3] = { p[j], wj, (j ? d0 : d1) ? bias : HK_NONE }; /* the bias goes with the part that can leave */
            if (!wj) return;
            part[j] = new_node(h, "linear", 3, in, 0, NULL, h->loop, i++);
            if (!part[j]) return;
        }
        hk__node *n = &g->node[id];
        n->op = hk__op_find("add");
        n->n_in = 2, n->in[0] = part[0], n->in[1] = part[1];
        hk__infer_node(h->b, id);
        i -= drop_concat(h, g->val[x].node);
    }
}

/* ---- lift ---- */

/* Inputs of a node that leaves the loop: slices become what they are slices of. Returns whether any varies with t. */
static bool leave(hoist *h, int32_t id) {
    hk__graph *g = h->g;
    hk__node *n = &g->node[id];
    bool t = false;
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i]) continue;
        if (inside(h, n->in[i])) n->in[i] = g->val[n->in[i]].ref;
        t |= (g->val[n->in[i]].desc.flags & HK_T) != 0;
    }
    n->loop = 0;
    return t;
}

static bool lifts(const hoist *h, int32_t id) {
    const hk__node *n = &h->g->node[id];
    if (n->op->time != HK_TIME_POINT || n->op->flags & (HK_OP_FIXED | HK_OP_REDUCES | HK_OP_WHOLE_BATCH)) return false;
    for (int i = 0; i < n->n_in; i++)
        if (inside(h, n->in[i]) && h->g->val[n->in[i]].source != HK_SRC_AT) return false;
    for (int i = 0; i < n->n_out; i++)
        for (int k = 0; k < h->l->n_carry; k++)
            if (h->l->carry[k].next == n->out[i]) return false;
    return true;
}

static void drop_pairs(hoist *h, hk__pair *p, int32_t *n, hk_value inner, hk_value use) {
    int k = 0;
    for (int i = 0; i < *n; i++) {
        if (p[i].inner == inner) hk__replace(h->g, p[i].outer, use);
        else p[k++] = p[i];
    }
    *n = k;
}

static void lift(hoist *h) {
    hk__graph *g = h->g;
    hk__loop *l = h->l;
    for (int i = 0; i < l->body.n && h->b->status == HK_OK; i++) {
        int32_t id = l->body.at[i];
        if (!lifts(h, id)) continue;
        bool t = leave(h, id);
        hk__remove(&l->body, i--);
        if (!hk__insert(&g->top, hk__index_of(&g->top, h->loop), id)) g->oom = true;
        for (int k = 0; k < g->node[id].n_out; k++) {
            hk_value v = g->node[id].out[k], slice = v;
            g->val[v].loop = 0;
            drop_pairs(h, l->stack, &l->n_stack, v, v);
            if (!t) continue;
            hk_desc d = g->val[v].desc;
            slice = hk__val_new(g, &d, HK_SRC_AT, v, h->loop);
            if (!slice) break;
            g->val[v].desc.flags |= HK_T;
            for (int j = 0; j < l->body.n; j++) {
                hk__node *m = &g->node[l->body.at[j]];
                for (int q = 0; q < m->n_in; q++)
                    if (m->in[q] == v) m->in[q] = slice;
            }
            for (int j = 0; j < l->n_sum; j++)
                if (l->sum[j].inner == v) l->sum[j].inner = slice;
            hk__pair_add(g, &l->at, &l->n_at, slice, v);
        }
        if (g->oom) hk__builder_fail(&h->b->base, HK_ENOMEM, "out of memory for the graph");
    }
}

/* ---- sink ---- */

static hk_value pair_of(hoist *h, hk__pair **p, int32_t *n, hk_value inner, uint32_t flags) {
    for (int i = 0; i < *n; i++)
        if ((*p)[i].inner == inner) return (*p)[i].outer;
    hk_desc d = h->g->val[inner].desc;
    d.flags |= (uint8_t)flags;
    hk_value outer = hk__val_new(h->g, &d, HK_SRC_NODE, 0, 0);
    if (!outer || !hk__pair_add(h->g, p, n, inner, outer)) return HK_NONE;
    h->g->val[outer].node = h->loop;
    return outer;
}

static bool sinks(const hoist *h, int32_t id) {
    const hk__graph *g = h->g;
    const hk__node *n = &g->node[id];
    const hk__loop *l = h->l;
    if (n->op->time != HK_TIME_POINT || n->op->flags & (HK_OP_FIXED | HK_OP_WHOLE_BATCH)) return false;
    bool t = false;
    for (int i = 0; i < n->n_in; i++) {
        if (!inside(h, n->in[i])) {
            t |= n->in[i] && (g->val[n->in[i]].desc.flags & HK_T);
            continue;
        }
        if (g->val[n->in[i]].desc.flags & HK_G) {
            if (!(n->op->flags & HK_OP_LINEAR_G)) return false;
        } else {
            t = true;
        }
    }
    if (n->op->flags & HK_OP_REDUCES && !t) return false;
    for (int k = 0; k < n->n_out; k++) { /* nobody inside reads it, and no carry */
        for (int j = 0; j < l->body.n; j++) {
            const hk__node *m = &g->node[l->body.at[j]];
            for (int q = 0; q < m->n_in; q++)
                if (m->in[q] == n->out[k]) return false;
        }
        for (int j = 0; j < l->n_carry; j++)
            if (l->carry[j].next == n->out[k]) return false;
        bool summed = false;
        for (int j = 0; j < l->n_sum; j++) summed |= l->sum[j].inner == n->out[k];
        if (summed && !(g->val[n->out[k]].desc.flags & HK_G) && !t) return false;
    }
    return true;
}

static void sink(hoist *h) {
    hk__graph *g = h->g;
    hk__loop *l = h->l;
    for (int i = l->body.n - 1; i >= 0 && h->b->status == HK_OK; i--) {
        int32_t id = l->body.at[i];
        if (!sinks(h, id)) continue;
        bool t = false;
        for (int k = 0; k < g->node[id].n_in; k++) {
            hk_value v = g->node[id].in[k], outer = v;
            if (!v) continue;
            if (inside(h, v)) {
                if (g->val[v].desc.flags & HK_G) outer = pair_of(h, &l->sum, &l->n_sum, v, 0);
                else if (g->val[v].source == HK_SRC_AT) outer = g->val[v].ref;
                else outer = pair_of(h, &l->stack, &l->n_stack, v, HK_T);
                if (!outer) break;
                g->node[id].in[k] = outer;
            }
            t |= (g->val[outer].desc.flags & HK_T) != 0;
        }
        g->node[id].loop = 0;
        hk__remove(&l->body, i);
        int at = hk__index_of(&g->top, h->loop) + 1;
        if (!hk__insert(&g->top, at, id)) g->oom = true;
        for (int k = 0; k < g->node[id].n_out && !g->oom; k++) {
            hk_value v = g->node[id].out[k];
            g->val[v].loop = 0;
            bool partial = (g->val[v].desc.flags & HK_G) != 0;
            if (t && !partial) g->val[v].desc.flags |= HK_T;
            drop_pairs(h, l->stack, &l->n_stack, v, v);
            if (partial) {
                drop_pairs(h, l->sum, &l->n_sum, v, v);
            } else {
                bool summed = false;
                for (int j = 0; j < l->n_sum; j++) summed |= l->sum[j].inner == v;
                if (summed) {
                    const hk_attr attr[1] = { { "scale", 0, 1.0, NULL } };
                    hk_value s = new_node(h, "sum_t", 1, &v, 1, attr, 0, at + 1);
                    drop_pairs(h, l->sum, &l->n_sum, v, s);
                }
            }
        }
        if (g->oom) hk__builder_fail(&h->b->base, HK_ENOMEM, "out of memory for the graph");
    }
}

void hk__hoist(hk__builder *b) {
    hk__graph *g = b->g;
    for (int i = 0; i < g->top.n && b->status == HK_OK; i++) {
        int32_t id = g->top.at[i];
        if (!g->node[id].body) continue;
        hoist h = { b, g, id, g->node[id].body };
        split(&h);
        lift(&h);
        sink(&h);
        drop_slices(&h);
        i = hk__index_of(&g->top, id);
    }
}
