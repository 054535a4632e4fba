/* flatten_draw.c - the rule flatten+bernoulli: flatten moves before the draw that it alone reads. Draws count positions in the border's order, which flatten
 * keeps, so the spikes are the same; and probabilities that are the same at all steps are flattened once in place of the spikes of each step. */
#include "fuse/fuse.h"
#include <string.h>

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "flatten") != 0) return false;
    int32_t before = hk__made_by(g, n.in[0], "bernoulli");
    if (!before || !hk__only_reader(g, rule, n.in[0], id, "what bernoulli gives")) return false;
    hk__node draw = g->node[before];
    hk_value p, y;
    if (!hk__fuse_emit(b, rule, id, "flatten", 1, draw.in, 1, &p, 0, NULL)) return false;
    if (!hk__fuse_emit(b, rule, id, "bernoulli", 1, &p, 1, &y, draw.n_attr, draw.attr)) return false;
    hk__node *again = &g->node[g->val[y].node];
    again->path = draw.path, again->stream = draw.stream; /* the same draws */
    hk__replace(g, n.out[0], y);
    hk__drop_node(g, id);
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_flatten_draw = { "flatten+bernoulli", apply, false, false };
