/* optimizer.c - the update of parameters as one operation; the executor emits it over the regions of the parameter store. */
#include "op/op.h"

HK_INFER(optimizer_infer) { (void)b, (void)n, (void)in, (void)out; }

const hk__op hk__ops_optimizer[] = {
    { "optimizer", HK_TIME_POINT, HK_OP_WHOLE_BATCH, optimizer_infer, NULL, "the optimizer's step, in place" },
    { 0 },
};
