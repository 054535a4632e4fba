/* shape.c - rules that operation types share: what a result varies with, and how a gradient is fitted to what it belongs to. */
#include "graph/graph.h"

uint32_t hk__join_flags(const hk_desc *in, int n) {
    uint32_t f = 0;
    for (int i = 0; i < n; i++)
        if (in[i].dtype != HK_ABSENT) f |= in[i].flags;
    return f;
}

/* The gradient of an operand that was broadcast over the places of a row, [C] or one number: the sum over those of each row. */
static hk_value sum_places(hk_builder *b, hk_value g, const hk_desc *d, const hk_desc *like) {
    int64_t size = hk_desc_elems(d) / (hk_desc_elems(like) > 0 ? hk_desc_elems(like) : 1);
    if (like->rank > 1 || (like->rank == 1 && like->shape[0] != d->shape[0])) {
        hk__builder_fail(b, HK_EUNSUPPORTED, "the gradient of an operand that is broadcast over the axes of one row is not supported");
        return HK_NONE;
    }
    if (d->rank > 1) g = hk_flatten(b, g);
    g = hk_affine(b, hk_group_mean(b, g, size), (double)size, 0.0);
    return like->rank ? g : hk_unflatten(b, g, 0, NULL);
}

hk_value hk__grad_fit(hk_builder *b, hk_value g, uint32_t rows, const hk_desc *like) {
    if (!g) return g;
    hk_desc d = hk_value_desc(b, g);
    if (d.dtype == HK_ABSENT || (d.flags & HK_G)) return g; /* an error before, or summed already */
    const hk__val *made = &hk__b(b)->g->val[g];
    if (!d.flags && made->source == HK_SRC_NODE && made->node && (hk__b(b)->g->node[made->node].op->flags & HK_OP_REDUCES)) return g; /* summed directly */
    uint32_t missing = rows & ~(uint32_t)like->flags; /* to be summed over */
    if (missing & HK_N) {
        double times = 1.0;
        if (missing & ~(uint32_t)d.flags & HK_T) times *= (double)hk_steps(b);
        if (!(d.flags & HK_N)) times *= (double)hk_batch(b);
        if (times != 1.0) g = hk_affine(b, g, times, 0.0);
        int to = like->rank == 0 ? 2 : hk__same_shape(&d, like) ? 0 : like->rank == 1 && d.rank >= 1 && like->shape[0] == d.shape[0] ? 1 : -1;
        if (to < 0) {
            hk__builder_fail(b, HK_EUNSUPPORTED, "the gradient of a broadcast operand of this shape is not supported");
            return HK_NONE;
        }
        if (!(d.flags & HK_N)) return g;
        return like->flags & HK_T ? hk_reduce_steps(b, g, to) : hk_reduce(b, g, to);
    }
    if (missing & HK_T) g = d.flags & HK_T ? hk_sum_t(b, g, 1.0) : hk_affine(b, g, (double)hk_steps(b), 0.0);
    return hk__same_shape(&d, like) || d.rank == 0 ? g : sum_places(b, g, &d, like);
}

hk_value hk__full(hk_builder *bb, double v, const hk_desc *like) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return HK_NONE;
    hk_desc d = hk__desc(HK_F32, HK_STATIC, like->rank, like->shape);
    hk_value id = hk__val_new(b->g, &d, HK_SRC_CONST, 0, 0);
    if (id) b->g->val[id].constant = v;
    else hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
    return id;
}

hk_value hk__grad_spread(hk_builder *b, hk_value g, const hk_desc *like) {
    hk_desc d = hk_value_desc(b, g);
    if (!g || d.dtype == HK_ABSENT || hk__same_shape(&d, like)) return g;
    return hk_mul(b, g, hk__full(b, 1.0, like));
}

hk_value hk__grad_each(hk_builder *b, hk_value g, hk_value like) {
    hk_desc d = hk_value_desc(b, g), l = hk_value_desc(b, like);
    if (!g || !like || hk__b(b)->status != HK_OK) return g;
    if (l.flags & HK_N & ~(uint32_t)d.flags) return hk_add(b, hk_affine(b, like, 0.0, 0.0), g);
    return l.flags & HK_T & ~(uint32_t)d.flags ? hk__emit1(b, "repeat_t", 1, &g, 0, NULL) : g;
}

bool hk__sum_direct(hk_builder *bb, int64_t elems) {
    const hk__builder *b = hk__b(bb);
    int64_t groups = (b->g->N + HK_GROUP - 1) / HK_GROUP;
    return !b->loop && groups > 1 && groups * elems * 4 > INT64_C(16) << 20;
}
