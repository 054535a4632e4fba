/* plugin_op.c - an operation type from a plugin, by its own functions over the rows of one block. In TEAM scope one thread does all. */
#include "tables.h"

typedef struct plugin_plan {
    cpu_plan base;
    hk_opdesc o; /* operands: base.d; attributes behind this struct */
    hk_status (*fn)(const hk_opdesc *, const hk_bind *);
} plugin_plan;

static int64_t plugin_units(const cpu_plan *p, const hk_bind *b) {
    (void)p, (void)b;
    return 1;
}

static hk_status plugin_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const plugin_plan *P = (const plugin_plan *)p;
    hk_bind mine = *b;
    (void)lo, (void)hi;
    mine.scratch = scratch;
    for (int k = p->n_in; k < p->n_in + p->n_out; k++) /* partial sums are added to */
        if (p->d[k].dtype != HK_ABSENT && p->d[k].flags & HK_G) memset(b->ptr[k], 0, (size_t)(b->groups * hk_desc_elems(&p->d[k])) * sizeof(float));
    hk_status st = P->fn(&P->o, &mine);
    if (st == HK_OK) return st;
    return cpu_fail(p->dev, st, "operation '%s' of %s: the plugin's function failed with status %d", P->o.op, P->o.path[0] ? P->o.path : "(root)", (int)st);
}

hk_status cpu_plugin_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    hk_status (*fn)(const hk_opdesc *, const hk_bind *) = o->adjoint ? o->type->backward : o->type->forward;
    if (!fn) return HK_EUNSUPPORTED;
    cpu_plan *p;
    hk_status st = cpu_plan_new(dev, o, sizeof(plugin_plan) + o->n_attr * sizeof(hk_attr), &p);
    if (st != HK_OK) return st;
    plugin_plan *P = (plugin_plan *)p;
    hk_attr *attr = (hk_attr *)(P + 1);
    if (o->n_attr) memcpy(attr, o->attr, o->n_attr * sizeof *attr);
    P->o = *o, P->fn = fn;
    P->o.in = p->d, P->o.out = p->d + o->n_in, P->o.attr = attr;
    p->impl = "plugin", p->units = plugin_units, p->run = plugin_run;
    if (o->type->scratch) p->scratch = o->type->scratch(&P->o);
    *out = p;
    return HK_OK;
}
