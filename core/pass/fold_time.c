/* fold_time.c - one picture for all time steps.
 *
 * Folding is what the flags do: a value that does not vary with t stays HELD through every operation that treats steps alike, which
 * then runs over N rows instead of T N. With the pass off such an operation reads the picture repeated for each t and runs over
 * T N rows: the same numbers, for comparison. */
#include "graph/graph.h"
#include <string.h>

hk_value hk__unfold(hk__builder *b, const hk__op *op, hk_value v) {
    if (!v || v != b->held || op->time != HK_TIME_POINT || b->loop) return v;
    if (strcmp(op->name, "unflatten") == 0) return v; /* computes nothing, and an axis of its result may become time */
    if (!b->repeated) b->repeated = hk__emit1(&b->base, "repeat_t", 1, &v, 0, NULL);
    return b->repeated;
}
