/* fire.c - fire and fire_bwd. i[0]: strict; i[1]: spiking. */
#include "hillock/random.h"
#include "ref.h"

double ref_fire(const ref_code *code, const hk_surrogate *s, double z, int strict, int spiking) {
    if (!spiking) return code->primitive(z, s->p);
    if (s->type->has_forward) return code->forward(z, s->p);
    return strict ? z > 0.0 : z >= 0.0;
}

double ref_slope(const ref_plan *p, const hk_bind *b, const hk_surrogate *s, int spiking, int which, int64_t t, int64_t i, int64_t e, int64_t E, double z) {
    double d = p->surrogate_code->grad(z, s->p);
    float u[4];
    if (!s->type->noise || !spiking || z > 0.0) return d;
    int64_t at = which * E + e;
    hk_random4(hk_random_key(b->step->seed, p->stream), b->step->step, b->t0 + t, b->sample0 + i, at / 4, u);
    return d + s->p[s->type->noise - 1] * ((double)u[at % 4] - 0.5);
}

static hk_status fire(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 1, t, i, e) ref_put(p, b, 1, t, i, e, ref_fire(p->surrogate_code, p->surrogate, ref_get(p, b, 0, t, i, e), (int)p->i[0], (int)p->i[1]));
    return HK_OK;
}

/* g, z -> g s'(z) */
static hk_status fire_bwd(const ref_plan *p, const hk_bind *b) {
    REF_EACH(p, b, 2, t, i, e) {
        double z = ref_spread(p, b, 1, 2, t, i, e);
        ref_put(p, b, 2, t, i, e, ref_spread(p, b, 0, 2, t, i, e) * ref_slope(p, b, p->surrogate, (int)p->i[1], 0, t, i, e, p->E[2], z));
    }
    return HK_OK;
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    p->surrogate = ref_attr(o, "surrogate")->p;
    p->i[0] = ref_attr(o, "strict")->i, p->i[1] = ref_attr(o, "spiking")->i;
    if (!p->surrogate) return ref_fail(p->dev, HK_EINVAL, "%s: %s: expected a surrogate, got none", o->path, o->op);
    if (!p->i[1] && !p->surrogate->type->has_primitive)
        return ref_fail(p->dev, HK_EINVAL, "%s: the surrogate has no primitive function, so spiking=false is not possible", o->path);
    return ref_code_surrogate(p->dev, p->surrogate->type, &p->surrogate_code);
}

const ref_op ref_ops_fire[] = { { "fire", 1, 1, fire, prepare }, { "fire_bwd", 2, 1, fire_bwd, prepare }, { 0 } };
