/* random.c - random draws, each from its own stream and indices. */
#include "op/op.h"

HK_INFER(bernoulli_infer) {
    out[0] = in[0];
    out[0].dtype = HK_SPIKE;
    out[0].flags = n->loop ? HK_N : HK_SEQ; /* random at each step */
    (void)b;
}

HK_GRAD(bernoulli_grad) { /* the draw of a random surrogate passes the gradient on as its fire does */
    if (!c->gout[0] || !hk__attr(c->node, "surrogate")) return;
    const hk_value in[2] = { c->gout[0], hk__saved_in(c, 0) };
    c->gin[0] = hk__emit1(c->b, "fire_bwd", 2, in, c->node->n_attr, c->node->attr);
}

const hk__op hk__ops_random[] = {
    { "bernoulli", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_STEPS, bernoulli_infer, bernoulli_grad, "1 with probability p" },
    { 0 },
};
