/* optimizer.c - the update of parameters as operations over the regions of the parameter store: what is done to gradients before the
 * optimizer, its step, and the average of parameters behind it. The executor emits them (core/exec/update.c); they have no adjoint. */
#include "op/op.h"

HK_INFER(update_infer) { (void)b, (void)n, (void)in, (void)out; }

const hk__op hk__ops_optimizer[] = {
    { "optimizer", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "the optimizer's step, in place" },
    { "grad_add", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "adds a batch's gradients to the sum over batches" },
    { "grad_mean", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "mean of the gradients over batches; the sum starts anew" },
    { "grad_clamp", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "gradients between two bounds" },
    { "grad_squares", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "partial sums of the squares of gradients" },
    { "grad_norm", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "norm of all gradients, and what to scale them by" },
    { "grad_scale", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "gradients, scaled" },
    { "average", HK_TIME_POINT, HK_OP_WHOLE_BATCH, update_infer, NULL, "exponential moving average of parameters" },
    { 0 },
};
