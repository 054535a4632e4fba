/* neuron_group.c - what the rules around a neuron have in common: finding the group, and the fused_neuron in its place. */
#include "fuse/fuse.h"
#include <string.h>

/* The max pooling that reads v, or 0. */
static int32_t pooled_by(const hk__graph *g, hk_value v) {
    for (int i = 0; i < g->top.n; i++) {
        const hk__node *n = &g->node[g->top.at[i]];
        if (!n->body && n->n_in && n->in[0] == v && strcmp(n->op->name, "maxpool2d") == 0) return g->top.at[i];
    }
    return 0;
}

bool hk__fuse_neuron(hk__builder *b, const hk__rule *rule, int32_t id, bool norm, bool pool) {
    hk__graph *g = b->g;
    hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "neuron") != 0) return false;
    int32_t before = norm ? hk__made_by(g, n.in[0], "batchnorm") : 0, after = pool ? pooled_by(g, n.out[0]) : 0;
    if ((norm && !before) || (pool && !after)) return false;
    if (norm && !hk__only_reader(g, rule, n.in[0], id, "what batchnorm gives")) return false;
    if (pool && !hk__only_reader(g, rule, n.out[0], after, "what the neuron gives")) return false;

    hk_value in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    hk_attr attr[32];
    int n_in = n.n_in, n_attr = 0;
    if (n.n_in + 4 + n.n_out + 2 > HK_MAX_OPERANDS) return false;
    memcpy(in, n.in, (size_t)n.n_in * sizeof *in);
    if (norm) in[0] = g->node[before].in[0];
    for (int k = 1; k < 5; k++) in[n_in++] = norm && k < g->node[before].n_in ? g->node[before].in[k] : HK_NONE;
    const int32_t part[3] = { id, before, after };
    for (int i = 0; i < 3; i++)
        for (int k = 0; part[i] && k < g->node[part[i]].n_attr; k++) attr[n_attr++] = g->node[part[i]].attr[k];
    if (after) { /* `where` counts the places of a window */
        int64_t places = hk__attr(&g->node[after], "kernel_h")->i * hk__attr(&g->node[after], "kernel_w")->i;
        attr[n_attr++] = (hk_attr){ "count_bits", places <= 2 ? 1 : places <= 4 ? 2 : places <= 16 ? 4 : 8, 0, NULL };
    }
    if (!hk__fuse_emit(b, rule, id, "fused_neuron", n_in, in, n.n_out + 2, out, n_attr, attr)) return false;
    for (int k = 0; k < n.n_out; k++) hk__replace(g, n.out[k], out[k]);
    if (after) {
        hk__replace(g, g->node[after].out[0], out[n.n_out]);
        hk__drop_node(g, after);
    }
    if (before) hk__drop_node(g, before);
    hk__drop_node(g, id);
    return true;
}
