/* loop.c - the loop as an operation type. Its body is in the node; its backward pass is made by core/pass/autodiff_loop.c. */
#include "op/op.h"

HK_INFER(loop_infer) { (void)b, (void)n, (void)in, (void)out; }

const hk__op hk__ops_loop[] = { { "loop", HK_TIME_SCAN, HK_OP_FIXED, loop_infer, NULL, "a body run at each t" }, { 0 } };
