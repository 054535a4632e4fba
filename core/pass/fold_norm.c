/* fold_norm.c - for inference: a batch normalisation by running statistics right after a convolution becomes part of its weight and bias.
 *
 *     w' = w s, b' = (b - mean) s + beta, s = gamma rstd     (per output channel)
 *
 * The new weight is a STATIC value, computed from the parameters before the first segment. Declined where somebody else reads what lies
 * between the two (a tap), and inside loops. */
#include "graph/graph.h"
#include <string.h>

/* Moves what was emitted last in front of position `at`. */
static void move_to(hk__list *list, int first_new, int at) {
    int32_t moved[16];
    int n = list->n - first_new;
    if (n > 16 || at >= first_new) return;
    memcpy(moved, list->at + first_new, (size_t)n * sizeof *moved);
    memmove(list->at + at + n, list->at + at, (size_t)(first_new - at) * sizeof *list->at);
    memcpy(list->at + at, moved, (size_t)n * sizeof *moved);
}

void hk__fold_norm(hk__builder *b) {
    hk__graph *g = b->g;
    hk_builder *bb = &b->base;
    for (int i = 0; i < g->top.n && b->status == HK_OK; i++) {
        int32_t norm = g->top.at[i];
        const hk__node *n = &g->node[norm];
        const hk_attr *train = hk__attr(n, "train");
        if (n->body || strcmp(n->op->name, "batchnorm") != 0 || (train && train->i)) continue;
        hk_value x = n->in[0];
        if (!x || g->val[x].source != HK_SRC_NODE || g->val[x].loop) continue;
        int32_t conv = g->val[x].node;
        if (g->node[conv].body || strcmp(g->node[conv].op->name, "conv2d") != 0) continue;
        const char *who;
        if (hk__readers(g, x, &who) != 1) continue;
        hk_value mean = n->in[1], rstd = n->in[2], gamma = n->in[3], beta = n->in[4], w = g->node[conv].in[1], bias = g->node[conv].in[2], y = n->out[0];
        int from = g->top.n, at = hk__index_of(&g->top, conv);
        /* Statistics and affine parameters that were computed after the convolution would come too late. */
        bool late = false;
        const hk_value need[4] = { mean, rstd, gamma, beta };
        for (int k = 0; k < 4; k++)
            if (need[k] && g->val[need[k]].source == HK_SRC_NODE)
                for (int j = at; j < g->top.n; j++)
                    if (g->top.at[j] == g->val[need[k]].node) {
                        int32_t id = g->top.at[j]; /* of parameters alone: it may run earlier */
                        bool params_only = true;
                        for (int q = 0; q < g->node[id].n_in; q++) params_only &= !g->node[id].in[q] || g->val[g->node[id].in[q]].source == HK_SRC_PARAM;
                        if (!params_only) {
                            late = true;
                            continue;
                        }
                        memmove(g->top.at + at + 1, g->top.at + at, (size_t)(j - at) * sizeof *g->top.at);
                        g->top.at[at++] = id;
                    }
        if (late) continue;
        b->path = g->node[conv].path;
        hk_value scale = gamma ? hk_mul(bb, gamma, rstd) : rstd;
        hk_value folded = hk_mul(bb, w, scale);
        hk_value shift = bias ? hk_mul(bb, hk_sub(bb, bias, mean), scale) : hk_affine(bb, hk_mul(bb, mean, scale), -1.0, 0.0);
        if (beta) shift = hk_add(bb, shift, beta);
        b->path = NULL;
        if (b->status != HK_OK) return;
        move_to(&g->top, from, at);
        g->node[conv].in[1] = folded, g->node[conv].in[2] = shift;
        g->node[norm].in[0] = HK_NONE; /* nobody reads it any more */
        hk__replace(g, y, x);
    }
}
