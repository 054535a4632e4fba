/* linear_linear.c - the rule linear+linear: two linear layers with nothing between them are one, whose weight is the product of theirs:
 *
 *     W' = W2 W1,  b' = W2 b1 + b2,  so that  y = x W'^T + b'
 *
 * W' is a STATIC value: made once for a step of training (its gradient flows on to W1 and W2), in inference once for a written parameter. What lay between is not
 * computed, nor are its gradient and the weight gradient that read it; all numbers are as the two layers give them up to rounding. Such pairs come from a
 * container whose input product was hoisted out of its loop, behind a linear layer. Declined where the one layer would be the larger one (a
 * bottleneck), and where there are too few rows for the product of weights to pay. */
#include "fuse/fuse.h"
#include "op/op.h"
#include <string.h>

/* Training: so many times the multiply-adds of the product of weights (it and its two gradients are made) must be saved. */
enum { PAYS = 4 };
static const double share = 0.1; /* of numbers that spike, where the input is spikes: only those are added */

static bool weight(const hk__graph *g, hk_value v) { return g->val[v].desc.rank == 2 && !g->val[v].desc.flags && !g->val[v].loop; }

static bool product(hk__builder *b, const hk__rule *rule, int32_t id, hk_value x, hk_value y, hk_value *out) {
    const hk_attr attr[3] = { { "groups", 1, 0, NULL }, { "transpose_x", 0, 0, NULL }, { "transpose_y", 0, 0, NULL } };
    const hk_value in[2] = { x, y };
    return hk__fuse_emit(b, rule, id, "matmul", 2, in, 1, out, 3, attr);
}

/* W2 b1 + b2 */
static hk_value shifted(hk__builder *b, const hk__rule *rule, int32_t id, hk_value w, hk_value inner, hk_value outer) {
    if (!inner) return outer;
    const int64_t column[2] = { b->g->val[inner].desc.shape[0], 1 }, row[1] = { b->g->val[w].desc.shape[0] };
    const hk_desc as_column = hk__desc(HK_F32, HK_STATIC, 2, column), as_row = hk__desc(HK_F32, HK_STATIC, 1, row);
    const hk_attr to_column[1] = { hk__shape_attr(&b->base, &as_column) }, to_row[1] = { hk__shape_attr(&b->base, &as_row) };
    hk_value bias, wb, v;
    if (!hk__fuse_emit(b, rule, id, "unflatten", 1, &inner, 1, &bias, 1, to_column) || !product(b, rule, id, w, bias, &wb) ||
        !hk__fuse_emit(b, rule, id, "unflatten", 1, &wb, 1, &v, 1, to_row))
        return HK_NONE;
    const hk_value sum[2] = { v, outer };
    return !outer || hk__fuse_emit(b, rule, id, "add", 2, sum, 1, &v, 0, NULL) ? v : HK_NONE;
}

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    const hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "linear") != 0 || n.n_in != 3 || n.n_attr || !weight(g, n.in[1])) return false;
    const int32_t before = hk__made_by(g, n.in[0], "linear");
    if (!before) return false;
    const hk__node first = g->node[before];
    if (first.n_in != 3 || !weight(g, first.in[1])) return false;
    const double dense = g->val[first.in[0]].desc.dtype == HK_F32 ? 1.0 : share;
    const int64_t O = g->val[n.in[1]].desc.shape[0], M = g->val[n.in[1]].desc.shape[1], K = g->val[first.in[1]].desc.shape[1];
    const int64_t rows = (g->val[n.in[0]].desc.flags & HK_T ? g->T : 1) * (g->val[n.in[0]].desc.flags & HK_N ? g->N : 1);
    const double saved = (double)rows * (dense * (double)K * (double)(M - O) + (double)M * (double)O);
    if (saved < (b->phase_train ? PAYS * (double)O * (double)M * (double)K : 1.0)) return false;
    if (!hk__only_reader(g, rule, n.in[0], id, "what the linear before it gives")) return false;
    hk_value in[3] = { first.in[0] }, out;
    if (!product(b, rule, id, n.in[1], first.in[1], &in[1])) return false;
    in[2] = shifted(b, rule, id, n.in[1], first.in[2], n.in[2]);
    if (!in[2] && (first.in[2] || n.in[2])) return false;
    if (!hk__fuse_emit(b, rule, id, "linear", 3, in, 1, &out, first.n_attr, first.attr)) return false; /* columns may be its attribute */
    hk__replace(g, n.out[0], out);
    hk__drop_node(g, id);
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_linear_linear = { "linear+linear", apply, false, false };
