/* fire.c - the spike as an operation of its own: forward by the step (or the surrogate's forward or primitive), backward by the surrogate. */
#include "op/op.h"

HK_INFER(fire_infer) {
    const hk_surrogate *s = hk__attr(n, "surrogate")->p;
    bool spiking = hk__attr_int(n, "spiking") != 0;
    if (spiking && s->type->random) {
        hk__builder_fail(b, HK_EUNSUPPORTED, "fire: the surrogate '%s' draws its spikes; emit it by hk_fire", s->type->prefix);
        return;
    }
    if (!spiking && !s->type->has_primitive) {
        hk__builder_fail(b, HK_EUNSUPPORTED, "fire: the surrogate has no primitive function, so spiking=false is not possible");
        return;
    }
    out[0] = in[0];
    out[0].dtype = spiking && !s->type->has_forward ? HK_SPIKE : HK_F32;
}

HK_GRAD(fire_grad) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "fire_bwd", 2, in, c->node->n_attr, c->node->attr);
}

HK_INFER(fire_bwd_infer) {
    out[0] = in[1];
    out[0].dtype = HK_F32;
    out[0].flags |= in[0].flags;
    (void)b, (void)n;
}

const hk__op hk__ops_fire[] = {
    { "fire", HK_TIME_POINT, 0, fire_infer, fire_grad, "fire(z)" },
    { "fire_bwd", HK_TIME_POINT, 0, fire_bwd_infer, NULL, "g s'(z)" },
    { 0 },
};
