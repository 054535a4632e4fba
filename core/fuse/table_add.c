/* table_add.c - the rule linear+add: a linear by a table of spikes and the sum that alone reads it, as in the body of a recurrent layer, where the other part is
 * the product with the layer's input that was hoisted. */
#include "fuse/fuse.h"
#include <string.h>

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    const hk__node *n = &g->node[id];
    if (n->body || strcmp(n->op->name, "add") != 0) return false;
    for (int i = 0; i < 2; i++) {
        const hk__val *part = &g->val[n->in[i]];
        const hk_desc *other = &g->val[n->in[1 - i]].desc, *y = &g->val[n->out[0]].desc;
        if (part->source != HK_SRC_NODE || part->loop != n->loop || n->in[0] == n->in[1]) continue;
        const hk__node *linear = &g->node[part->node];
        if (linear->body || strcmp(linear->op->name, "linear") != 0 || linear->n_in != 4 || !hk__same_shape(other, y) || other->dtype != HK_F32) continue;
        uint32_t varies = y->flags & (HK_T | HK_N), step = n->loop ? HK_N : varies; /* inside a loop, a slice is of one step */
        if ((other->flags & step) != step || (part->desc.flags & step) != step || g->val[linear->in[0]].desc.dtype != HK_SPIKE) continue;
        if (!hk__only_reader(g, rule, n->in[i], id, "what linear gives")) continue;
        hk_value *in = hk__pool(g, 5 * sizeof *in);
        if (!in) return false;
        memcpy(in, linear->in, 4 * sizeof *in);
        in[4] = n->in[1 - i];
        hk__drop_node(g, part->node);
        hk__node *sum = &g->node[id];
        sum->op = linear->op, sum->in = in, sum->n_in = 5;
        return true;
    }
    return false;
}

const hk__rule hk__rule_table_add = { "linear+add", apply, true, false };
