/* autodiff.c - the backward pass, made on the graph: walks the operations in reverse order and lets each emit its adjoint.
 *
 * Policy: gradients add up in emitted `add` operations. A gradient may vary with less than its value does (the same for all t, for
 * all samples, or for all elements of a row); it is narrowed, never widened, on the way. Gradients of STATIC values are partial sums
 * (HK_G) until the operation that made the value is reached, or the parameter. */
#include "pass/autodiff.h"
#include <stdlib.h>
#include <string.h>

/* A forward value as the backward operations can read it: itself, or its slice in the backward loop. */
static hk_value saved(hk__tape *ad, hk_value v) {
    hk__builder *b = ad->b;
    if (!ad->fwd || !v || b->g->val[v].loop != ad->fwd) return v;
    if (ad->saved[v]) return ad->saved[v];
    hk_value outer;
    if (b->g->val[v].source == HK_SRC_AT) {
        outer = b->g->val[v].ref;
    } else { /* the forward loop keeps it for all t */
        hk__loop *l = b->g->node[ad->fwd].body;
        outer = HK_NONE;
        for (int i = 0; i < l->n_stack; i++)
            if (l->stack[i].inner == v) outer = l->stack[i].outer;
        if (!outer) {
            hk_desc d = b->g->val[v].desc;
            d.flags |= HK_T;
            outer = hk__val_new(b->g, &d, HK_SRC_NODE, 0, 0);
            if (!outer || !hk__pair_add(b->g, &l->stack, &l->n_stack, v, outer)) {
                hk__builder_fail(&b->base, HK_ENOMEM, "out of memory for the graph");
                return HK_NONE;
            }
            b->g->val[outer].node = ad->fwd;
        }
    }
    return ad->saved[v] = hk__loop_at(&b->base, ad->bwd, outer);
}

hk_value hk__saved_in(hk__grad_call *c, int i) { return saved(c->ad, c->node->in[i]); }
hk_value hk__saved_out(hk__grad_call *c, int i) { return saved(c->ad, c->node->out[i]); }

static bool is_partial(hk__tape *ad, hk_value g) { return (hk_value_desc(&ad->b->base, g).flags & HK_G) != 0; }

void hk__grad_add(hk__tape *ad, hk_value *into, hk_value v, hk_value g, uint32_t rows) {
    hk_builder *b = &ad->b->base;
    if (!g || !v || v >= ad->n || !ad->need[v] || ad->b->status != HK_OK) return;
    hk_desc like = ad->b->g->val[v].desc;
    g = hk__grad_fit(b, g, rows, &like);
    if (into[v] && !(like.flags & (HK_N | HK_G)) && is_partial(ad, g) != is_partial(ad, into[v])) {
        if (is_partial(ad, g)) g = hk_merge(b, g, 1.0);
        else into[v] = hk_merge(b, into[v], 1.0);
    }
    into[v] = into[v] ? hk_add(b, into[v], g) : g;
}

void hk__grad_node(hk__tape *ad, int32_t id, hk_value *into) {
    hk__builder *b = ad->b;
    hk__node n = b->g->node[id];
    hk_value gout[HK_MAX_OPERANDS] = { 0 }, gin[HK_MAX_OPERANDS] = { 0 };
    bool need[HK_MAX_OPERANDS], any_in = false, any_out = false;
    if (!n.op->grad) return;
    for (int i = 0; i < n.n_in; i++) any_in |= need[i] = n.in[i] && n.in[i] < ad->n && ad->need[n.in[i]];
    for (int i = 0; i < n.n_out; i++) any_out |= into[n.out[i]] != HK_NONE;
    if (!any_in || !any_out || b->status != HK_OK) return;
    b->path = n.path;
    uint32_t rows = 0;
    for (int i = 0; i < n.n_out; i++) {
        hk_desc d = b->g->val[n.out[i]].desc;
        rows |= d.flags;
        hk_value g = into[n.out[i]];
        if (g && !(d.flags & (HK_N | HK_G)) && is_partial(ad, g)) g = hk_merge(&b->base, g, 1.0);
        gout[i] = hk__grad_spread(&b->base, g, &d);
    }
    hk__grad_call c = { &b->base, &n, ad, gout, gin, need, 0 };
    n.op->grad(&c);
    for (int i = 0; i < n.n_in; i++)
        if (need[i]) hk__grad_add(ad, into, n.in[i], gin[i], n.op->time == HK_TIME_WHOLE || c.summed >> i & 1u ? b->g->val[n.in[i]].desc.flags : rows);
}

/* Which values of the forward graph want a gradient. */
static void find_needs(hk__tape *ad, const bool *param_learns, hk_value input) {
    hk__graph *g = ad->b->g;
    for (int v = 1; v < ad->n; v++)
        if (g->val[v].source == HK_SRC_PARAM) ad->need[v] = param_learns[g->val[v].ref];
    if (input) ad->need[input] = true;
    for (int i = 0; i < g->top.n; i++) {
        const hk__node *n = &g->node[g->top.at[i]];
        const hk__loop *l = n->body;
        if (!l) {
            bool any = false;
            for (int k = 0; k < n->n_in; k++) any |= n->in[k] && ad->need[n->in[k]];
            for (int k = 0; k < n->n_out; k++) ad->need[n->out[k]] = any && n->op->grad;
            continue;
        }
        for (bool changed = true; changed;) {
            changed = false;
            for (int k = 0; k < l->n_at; k++) ad->need[l->at[k].inner] = ad->need[l->at[k].outer];
            for (int j = 0; j < l->body.n; j++) {
                const hk__node *m = &g->node[l->body.at[j]];
                bool any = false;
                for (int k = 0; k < m->n_in; k++) any |= m->in[k] && ad->need[m->in[k]];
                for (int k = 0; k < m->n_out; k++) ad->need[m->out[k]] = any && m->op->grad;
            }
            for (int k = 0; k < l->n_carry; k++)
                if (ad->need[l->carry[k].next] && !ad->need[l->carry[k].in]) ad->need[l->carry[k].in] = changed = true;
        }
        for (int k = 0; k < l->n_stack; k++) ad->need[l->stack[k].outer] = ad->need[l->stack[k].inner];
    }
}

/* The gradient of v, with its shape, and varying as it does. */
static hk_value widen(hk__builder *b, hk_value v, hk_value w) {
    hk_desc d = b->g->val[v].desc;
    if (!w) return HK_NONE;
    w = hk__grad_spread(&b->base, w, &d);
    return b->status == HK_OK && b->g->val[w].desc.flags != d.flags ? hk_add(&b->base, hk_affine(&b->base, v, 0.0, 0.0), w) : w;
}

void hk__autodiff(hk__builder *b, int n_seed, const hk__seed *seed, const bool *param_learns, int n_want, hk__seed *want) {
    hk__graph *g = b->g;
    hk_builder *bb = &b->base;
    if (b->status != HK_OK) return;
    hk__tape ad = { .b = b, .n = g->n_val };
    size_t n = (size_t)ad.n;
    ad.need = calloc(n, sizeof *ad.need);
    ad.grad = calloc(n, sizeof *ad.grad);
    ad.inside = calloc(n, sizeof *ad.inside);
    ad.saved = calloc(n, sizeof *ad.saved);
    if (!ad.need || !ad.grad || !ad.inside || !ad.saved) {
        hk__builder_fail(bb, HK_ENOMEM, "out of memory for the backward pass");
        goto end;
    }
    b->phase = HK_BACKWARD;
    find_needs(&ad, param_learns, n_want ? want[0].value : HK_NONE);
    for (int i = 0; i < n_seed; i++) /* hoisting may have made the value HELD since its upstream gradient was declared */
        hk__grad_add(&ad, ad.grad, seed[i].value, seed[i].grad, g->val[seed[i].value].desc.flags | g->val[seed[i].grad].desc.flags);
    for (int i = g->top.n - 1; i >= 0 && b->status == HK_OK; i--) {
        int32_t id = g->top.at[i];
        if (g->node[id].phase != HK_FORWARD) continue;
        if (g->node[id].body) hk__grad_loop(&ad, id);
        else hk__grad_node(&ad, id, ad.grad);
    }
    b->path = "";
    for (int v = 1; v < ad.n && b->status == HK_OK; v++) {
        if (g->val[v].source != HK_SRC_PARAM || !ad.grad[v]) continue;
        hk_value w = ad.grad[v];
        if (is_partial(&ad, w)) w = hk_merge(bb, w, 1.0);
        hk_desc d = g->val[v].desc;
        w = hk__grad_spread(bb, w, &d);
        if (b->status == HK_OK && (g->val[w].source != HK_SRC_NODE || g->val[w].grad_slot)) w = hk__emit1(bb, "copy", 1, &w, 0, NULL);
        if (b->status == HK_OK) g->val[w].grad_slot = 1 + g->val[v].ref;
    }
    for (int i = 0; i < n_want && b->status == HK_OK; i++)
        if (want[i].value && want[i].value < ad.n) want[i].grad = widen(b, want[i].value, ad.grad[want[i].value]);
end:
    b->phase = HK_FORWARD;
    free(ad.need);
    free(ad.grad);
    free(ad.inside);
    free(ad.saved);
}
