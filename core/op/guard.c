/* guard.c - what a step needs that is only done when its numbers are finite; core/exec/guard.c emits it over the parameter store. */
#include "op/op.h"

HK_INFER(guard_infer) { (void)b, (void)n, (void)in, (void)out; }

const hk__op hk__ops_guard[] = {
    { "non_finite", HK_TIME_POINT, HK_OP_WHOLE_BATCH, guard_infer, NULL, "whether a number is not finite, or one before it was not" },
    { "choose", HK_TIME_POINT, HK_OP_WHOLE_BATCH, guard_infer, NULL, "one of two, by a number" },
    { 0 },
};
