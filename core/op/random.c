/* random.c - random draws, each from its own stream and indices. */
#include "op/op.h"

HK_INFER(bernoulli_infer) {
    out[0] = in[0];
    out[0].dtype = HK_SPIKE;
    out[0].flags = n->loop ? HK_N : HK_SEQ; /* random at each step */
    (void)b;
}

const hk__op hk__ops_random[] = {
    { "bernoulli", HK_TIME_SCAN, HK_OP_FIXED, bernoulli_infer, NULL, "1 with probability p" },
    { 0 },
};
