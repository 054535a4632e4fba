/* fold_norm.c - for inference: a batch normalisation by running statistics right after a convolution becomes part of its weight and bias.
 *
 *     w' = w s, b' = (b - mean) s + beta, s = gamma rstd     (per output channel)
 *
 * The new weight is a STATIC value, computed from the parameters before the first segment. Between the two may lie what convolutions over one and over three axes are made of:
 * another shape of the same numbers, which puts `each` channels of the convolution (depths) into one, and the addition of a bias. Declined where somebody
 * else reads what lies between (a tap), and inside loops. */
#include "graph/graph.h"
#include <stdlib.h>
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

/* A convolution under a normalisation. */
typedef struct under {
    int32_t conv;
    hk_value bias;  /* added behind the convolution; NONE */
    hk_value y;     /* what takes the normalisation's place: the convolution's result in the shape that is normalised */
    int64_t each;   /* channels of the convolution for one that is normalised */
} under;

/* The node of an operation that makes v for one reader alone; 0: none. */
static int32_t made_by(const hk__graph *g, hk_value v, const char *op) {
    const char *who;
    if (!v || g->val[v].source != HK_SRC_NODE || g->val[v].loop) return 0;
    const hk__node *n = &g->node[g->val[v].node];
    return !n->body && strcmp(n->op->name, op) == 0 && hk__readers(g, v, &who) == 1 ? g->val[v].node : 0;
}

static bool find_conv(const hk__graph *g, hk_value x, under *u) {
    const int32_t add = made_by(g, x, "add");
    *u = (under){ .y = x };
    if (add) {
        const hk__val *bias = &g->val[g->node[add].in[1]];
        if (bias->source != HK_SRC_PARAM || bias->desc.rank != 1 || bias->desc.shape[0] != g->val[x].desc.shape[0]) return false;
        u->bias = g->node[add].in[1], u->y = g->node[add].in[0];
    }
    const int32_t shape = made_by(g, u->y, "unflatten");
    hk_value made = shape ? g->node[shape].in[0] : u->y;
    u->conv = made_by(g, made, "conv2d");
    if (!u->conv || (u->bias && g->node[u->conv].in[2])) return false;
    const int64_t channels = g->val[u->y].desc.shape[0], all = g->val[made].desc.shape[0];
    u->each = channels > 0 ? all / channels : 0;
    return u->each > 0 && u->each * channels == all && (u->each == 1 || !g->node[u->conv].in[2]); /* of a bias for each depth nothing here makes one */
}

/* [C] with each number repeated. */
static hk_value repeated(hk_builder *b, hk_value v, int64_t each) {
    const int64_t n = hk_value_desc(b, v).shape[0] * each;
    if (each == 1) return v;
    int64_t *index = malloc((size_t)n * sizeof *index);
    if (!index) return hk__builder_fail(b, HK_ENOMEM, "out of memory for folded channels"), HK_NONE;
    for (int64_t i = 0; i < n; i++) index[i] = i / each;
    hk_value all = hk_gather(b, v, n, index);
    free(index);
    return all;
}

void hk__fold_norm(hk__builder *b) {
    hk__graph *g = b->g;
    hk_builder *bb = &b->base;
    for (int i = 0; i < g->top.n && b->status == HK_OK; i++) {
        int32_t norm = g->top.at[i];
        const hk__node *n = &g->node[norm];
        const hk_attr *train = hk__attr(n, "train");
        if (n->body || strcmp(n->op->name, "batchnorm") != 0 || (train && train->i)) continue;
        under u;
        if (!find_conv(g, n->in[0], &u)) continue;
        const int32_t conv = u.conv;
        hk_value mean = n->in[1], rstd = n->in[2], gamma = n->in[3], beta = n->in[4], w = g->node[conv].in[1], bias = u.bias ? u.bias : g->node[conv].in[2], y = n->out[0];
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
        hk_value folded = hk_mul(bb, w, repeated(bb, scale, u.each));
        hk_value shift = bias ? hk_mul(bb, hk_sub(bb, bias, mean), scale) : hk_affine(bb, hk_mul(bb, mean, scale), -1.0, 0.0);
        if (beta) shift = hk_add(bb, shift, beta);
        shift = repeated(bb, shift, u.each);
        b->path = NULL;
        if (b->status != HK_OK) return;
        move_to(&g->top, from, at);
        g->node[conv].in[1] = folded, g->node[conv].in[2] = shift;
        g->node[norm].in[0] = HK_NONE; /* nobody reads it any more */
        hk__replace(g, y, u.y);
    }
}
