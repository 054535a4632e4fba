/* optimizer.c - optimizer: w, g, s[n_state], [skip] -> w, s[n_state], in place or not. */
#include "ref.h"

static hk_status optimizer(const ref_plan *p, const hk_bind *b) {
    int n_state = (int)p->optimizer->n_state, skip = p->n_in > 2 + n_state && ref_get(p, b, p->n_in - 1, 0, 0, 0) != 0.0;
    for (int64_t e = 0; e < p->E[0]; e++) {
        double w = ref_get(p, b, 0, 0, 0, e), s[HK_MAX_STATE + 1] = { 0 };
        for (int k = 0; k < n_state; k++) s[k] = ref_get(p, b, 2 + k, 0, 0, e);
        if (!skip) p->code->update(&w, ref_get(p, b, 1, 0, 0, e), s, b->step->opt);
        ref_put(p, b, p->n_in, 0, 0, e, w);
        for (int k = 0; k < n_state; k++) ref_put(p, b, p->n_in + 1 + k, 0, 0, e, s[k]);
    }
    return HK_OK;
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    p->optimizer = ref_attr(o, "optimizer")->p;
    if (!p->optimizer || p->optimizer->n_state > HK_MAX_STATE || p->n_in < 2 + (int)p->optimizer->n_state || p->n_in > 3 + (int)p->optimizer->n_state || p->n_out != 1 + (int)p->optimizer->n_state)
        return ref_fail(p->dev, HK_EINVAL, "%s: optimizer: the operands do not fit its type", o->path);
    return ref_code_optimizer(p->dev, p->optimizer, &p->code);
}

const ref_op ref_ops_optimizer[] = { { "optimizer", 2, 1, optimizer, prepare }, { 0 } };
