/* plugin_op.c - an operation type from a plugin, by its functions in double; one that has none is declined. */
#include "ref.h"

static hk_status run(const ref_plan *p, const hk_bind *b) {
    for (int k = p->n_in; k < p->n_in + p->n_out; k++) /* partial sums are added to */
        if (ref_has(p, k) && p->d[k].flags & HK_G) memset(b->ptr[k], 0, (size_t)(b->groups * p->E[k]) * sizeof(double));
    hk_status st = (p->o.adjoint ? p->o.type->backward64 : p->o.type->forward64)(&p->o, b);
    if (st == HK_OK) return st;
    return ref_fail(p->dev, st, "operation '%s' of %s: the plugin's function failed with status %d", p->o.op, p->o.path[0] ? p->o.path : "(root)", (int)st);
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    if (o->n_attr > REF_MAX_ATTR) return ref_fail(p->dev, HK_EINVAL, "%s: %s: %u attributes; at most %d", o->path, o->op, o->n_attr, REF_MAX_ATTR);
    if (o->n_attr) memcpy(p->attr, o->attr, o->n_attr * sizeof *o->attr);
    p->o = *o;
    p->o.in = p->d, p->o.out = p->d + p->n_in, p->o.attr = p->attr;
    if (o->type->scratch) p->scratch = o->type->scratch(&p->o);
    return HK_OK;
}

const ref_op *ref_plugin_op(const hk_opdesc *o) {
    static const ref_op op = { "(plugin)", 0, 0, run, prepare };
    return o->type && (o->adjoint ? o->type->backward64 : o->type->forward64) ? &op : NULL;
}
