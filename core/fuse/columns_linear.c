/* columns_linear.c - the rule columns+linear: a small linear that alone reads the columns of a picture as time reads the picture itself. */
#include "fuse/fuse.h"
#include <string.h>

enum { ELEMS_MAX = 16384 }; /* numbers of w: it stays in a first or second cache while pictures pass */

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "linear") != 0 || hk__attr(&n, "columns")) return false;
    int32_t before = hk__made_by(g, n.in[0], "column_as_time");
    const hk_desc *w = &g->val[n.in[1]].desc;
    if (!before || w->rank != 2 || hk_desc_elems(w) > ELEMS_MAX || hk__sum_direct(&b->base, hk_desc_elems(w))) return false;
    if (!hk__only_reader(g, rule, n.in[0], id, "what column_as_time gives")) return false;
    const hk_value in[3] = { g->node[before].in[0], n.in[1], n.in[2] };
    const hk_attr attr[1] = { { "columns", 1, 0, NULL } };
    hk_value out;
    if (!hk__fuse_emit(b, rule, id, "linear", 3, in, 1, &out, 1, attr)) return false;
    hk__replace(g, n.out[0], out);
    hk__drop_node(g, id);
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_columns_linear = { "columns+linear", apply, false, false };
