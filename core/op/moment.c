/* moment.c - when something happens: the largest over time, the first spike, and the time that has passed since. */
#include "op/op.h"

HK_INFER(over_t_infer) {
    if (hk__known(&in[0]) && !(in[0].flags & HK_T)) {
        hk__builder_fail(b, HK_ESHAPE, "%s: the value does not vary with the time step", n->op->name);
        return;
    }
    out[0] = in[0];
    out[0].dtype = HK_F32;
    if (hk__known(&in[0])) out[0].flags &= (uint8_t)~HK_T;
}

static void at_moment(hk__grad_call *c, int first, double scale) {
    if (!c->gout[0]) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    const hk_attr attr[2] = { { "first", first, 0, NULL }, { "scale", 0, scale, NULL } };
    c->gin[0] = hk__emit1(c->b, "at_moment", 2, in, 2, attr);
}

HK_GRAD(max_t_grad) { at_moment(c, 0, 1.0); }
HK_GRAD(first_spike_grad) { at_moment(c, 1, -1.0); } /* a stronger spike comes earlier: snnTorch's estimate */

HK_INFER(at_moment_infer) { /* g, x */
    out[0] = in[1];
    out[0].dtype = HK_F32;
    (void)b, (void)n;
}

HK_INFER(since_infer) {
    out[0] = in[0];
    out[0].dtype = HK_F32;
    out[0].flags = (uint8_t)(in[0].flags | (n->loop ? HK_N : HK_T)); /* another number at each step */
    (void)b;
}

HK_GRAD(since_grad) {
    if (c->gout[0]) c->gin[0] = hk_affine(c->b, c->gout[0], -1.0, 0.0);
}

const hk__op hk__ops_moment[] = {
    { "max_t", HK_TIME_WHOLE, 0, over_t_infer, max_t_grad, "largest over time steps" },
    { "first_spike", HK_TIME_WHOLE, 0, over_t_infer, first_spike_grad, "index of the first step that is not 0" },
    { "at_moment", HK_TIME_WHOLE, 0, at_moment_infer, NULL, "adjoint of max_t and first_spike" },
    { "since", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_STEPS, since_infer, since_grad, "t - x" },
    { 0 },
};
