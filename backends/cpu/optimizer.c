/* optimizer.c - the optimizer's kernel over all elements, w and its state in place; constants from the step. Not where the last operand says so. */
#include "cpu.h"

enum { UNIT = 64, MAX_STATE = 8 };

typedef struct optimizer_plan {
    cpu_plan base;
    const hk_optimizer_type *type;
    const hk_optimizer_kernel *k;
} optimizer_plan;

static int64_t optimizer_units(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return (hk_desc_elems(&p->d[0]) + UNIT - 1) / UNIT;
}

static hk_status optimizer_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const optimizer_plan *P = (const optimizer_plan *)p;
    int64_t j = lo * UNIT, m = cpu_min(hi * UNIT, hk_desc_elems(&p->d[0])) - j;
    float c[HK_MAX_OPT_CONST], *row[1 + MAX_STATE];
    const float *skip = p->n_in > 2 + (int)P->type->n_state ? b->ptr[p->n_in - 1] : NULL;
    for (int i = 0; i < HK_MAX_OPT_CONST; i++) c[i] = (float)b->step->opt[i];
    for (int k = 0; k <= (int)P->type->n_state; k++) { /* operand 0 and 2...: w, s */
        const float *in = (const float *)b->ptr[k ? k + 1 : 0] + j;
        row[k] = (float *)b->ptr[p->n_in + k] + j;
        if (row[k] != in) memcpy(row[k], in, (size_t)m * 4);
    }
    if (skip && *skip != 0.0f) return HK_OK;
    P->k->update(m, row[0], (const float *)b->ptr[1] + j, row + 1, c);
    return HK_OK;
}

static hk_status optimizer_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_optimizer_type *type = cpu_attr(o, "optimizer")->p;
    hk_status s = cpu_plan_new(dev, o, sizeof(optimizer_plan), out);
    if (s != HK_OK) return s;
    optimizer_plan *P = (optimizer_plan *)*out;
    if (!type || type->n_state > MAX_STATE || o->n_in < 2 + type->n_state || o->n_in > 3 + type->n_state || o->n_out != 1 + type->n_state)
        return cpu_fail(dev, HK_EINVAL, "%s: optimizer: operands do not fit its type", o->path);
    const hk_optimizer_kernel *last = type->kernels + type->n_kernel - 1;
    P->type = type;
    for (P->k = type->kernels; P->k < last && P->k->isa > P->base.isa;) P->k++;
    P->base.units = optimizer_units, P->base.run = optimizer_run;
    P->base.grain = 64;
    return HK_OK;
}

const cpu_op cpu_ops_optimizer[] = { { "optimizer", optimizer_new }, { NULL, NULL } };
