/* autodiff_loop.c - the backward pass of a loop: another loop that runs the other way (backpropagation through time).
 *
 * A carry of the forward loop gives a carry of gradients; a slice of a SEQ value gives a stacked gradient; a value captured from
 * outside gives a gradient summed over t. What the backward body reads of the forward body is kept for all t by the forward loop. */
#include "pass/autodiff.h"
#include <string.h>

void hk__grad_loop(hk__tape *ad, int32_t fwd) {
    hk__builder *b = ad->b;
    hk__graph *g = b->g;
    hk_builder *bb = &b->base;
    hk__loop *l = g->node[fwd].body;
    int n_stack = l->n_stack, n_carry = l->n_carry, n_at = l->n_at; /* before saved values are added */
    bool any = false;
    for (int i = 0; i < n_stack; i++) any |= l->stack[i].outer < ad->n && ad->grad[l->stack[i].outer] != HK_NONE;
    if (!any) return;

    b->path = g->node[fwd].path;
    memset(ad->inside, 0, (size_t)ad->n * sizeof *ad->inside);
    memset(ad->saved, 0, (size_t)ad->n * sizeof *ad->saved);
    int32_t bwd = hk__loop_begin(bb);
    if (b->status != HK_OK) return;
    hk__loop *r = g->node[bwd].body;
    r->reverse = !l->reverse;
    ad->fwd = fwd, ad->bwd = bwd;
    for (int i = 0; i < n_stack; i++) {
        hk_value go = l->stack[i].outer < ad->n ? ad->grad[l->stack[i].outer] : HK_NONE;
        if (go) hk__grad_add(ad, ad->inside, l->stack[i].inner, hk__loop_at(bb, bwd, go), g->val[l->stack[i].inner].desc.flags);
    }
    for (int i = 0; i < n_carry; i++) {
        if (!ad->need[l->carry[i].in]) continue;
        hk_desc d = g->val[l->carry[i].in].desc;
        d.dtype = HK_F32;
        hk_value gc = hk__loop_carry_plain(b, bwd, &d);
        if (b->status != HK_OK) return;
        r->carry[r->n_carry - 1].next = l->carry[i].in; /* the forward carry, until its gradient is known */
        hk__grad_add(ad, ad->inside, l->carry[i].next, gc, d.flags);
    }
    for (int i = l->body.n - 1; i >= 0 && b->status == HK_OK; i--) hk__grad_node(ad, l->body.at[i], ad->inside);

    for (int i = 0; i < r->n_carry && b->status == HK_OK; i++) {
        hk_value forward = r->carry[i].next, gc = r->carry[i].in, gn = ad->inside[forward];
        hk_desc d = g->val[gc].desc;
        if (!gn) {
            gn = hk_affine(bb, gc, 0.0, 0.0);
        } else {
            gn = hk__grad_spread(bb, gn, &d);
            if (b->status == HK_OK && (g->val[gn].desc.flags != d.flags || g->val[gn].loop != bwd)) gn = hk_add(bb, hk_affine(bb, gc, 0.0, 0.0), gn);
        }
        r->carry[i].next = gn;
    }
    hk_value at_grad[64];
    if (n_at > 64) hk__builder_fail(bb, HK_EUNSUPPORTED, "a loop that reads more than 64 sequences");
    for (int i = 0; i < n_at && b->status == HK_OK; i++) {
        hk_value gi = ad->inside[l->at[i].inner];
        at_grad[i] = gi && ad->need[l->at[i].outer] ? hk__loop_stack(bb, bwd, gi) : HK_NONE;
    }
    for (hk_value v = 1; v < ad->n && b->status == HK_OK; v++) { /* captured from outside */
        hk_value gi = g->val[v].loop == 0 ? ad->inside[v] : HK_NONE;
        if (!gi) continue;
        if (g->val[gi].loop != bwd) { /* the same at each t */
            ad->inside[v] = hk_affine(bb, gi, (double)g->T, 0.0);
            continue;
        }
        hk_desc d = g->val[gi].desc;
        hk_value outer = hk__val_new(g, &d, HK_SRC_NODE, 0, 0);
        if (!outer || !hk__pair_add(g, &r->sum, &r->n_sum, gi, outer)) {
            hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
            return;
        }
        g->val[outer].node = bwd;
        ad->inside[v] = outer;
    }
    hk__loop_end(bb, bwd);
    ad->fwd = ad->bwd = 0;
    for (int i = 0; i < n_at && b->status == HK_OK; i++) hk__grad_add(ad, ad->grad, l->at[i].outer, at_grad[i], g->val[l->at[i].outer].desc.flags | HK_T); /* hoisting may have made it HELD */
    for (hk_value v = 1; v < ad->n && b->status == HK_OK; v++)
        if (g->val[v].loop == 0 && ad->inside[v]) hk__grad_add(ad, ad->grad, v, ad->inside[v], g->val[v].desc.flags);
}
