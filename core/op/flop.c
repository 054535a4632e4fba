/* flop.c - floating point operations of a product, for one row: two for each weight at each place. Operations say by a flag that they are one. */
#include "op/op.h"

static int64_t places(const hk_desc *d) { return d->rank == 3 ? d->shape[1] * d->shape[2] : 1; }

double hk__op_flop(const hk__graph *g, const hk__node *n) {
    if (!(n->op->flags & (HK_OP_PRODUCT | HK_OP_PRODUCT_ADJOINT)) || n->n_in < 2 || n->n_out < 1) return 0;
    const hk_desc *a = &g->val[n->in[0]].desc, *b = &g->val[n->in[1]].desc, *y = &g->val[n->out[0]].desc;
    const hk_desc *weight = b->flags & HK_N ? y : b; /* of a weight gradient: the result */
    const hk_attr *pool[2] = { hk__attr(n, "pool_h"), hk__attr(n, "pool_w") };
    double pooled = pool[0] && pool[1] ? (double)(pool[0]->i * pool[1]->i) : 1;
    return 2.0 * pooled * (double)hk_desc_elems(weight) * (double)places(n->op->flags & HK_OP_PRODUCT ? y : a);
}
