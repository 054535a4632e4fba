/* fold_time.c - one picture for all time steps.
 *
 * Folding is what the flags do: a value that does not vary with t stays HELD through every operation that treats steps alike, which
 * then runs over N rows instead of T N. With the pass off the picture is repeated at once and everything runs over T N rows: the
 * same numbers, for comparison. */
#include "graph/graph.h"

hk_value hk__fold_time(hk__builder *b, hk_value held, bool on) {
    if (on || !held || b->status != HK_OK) return held;
    return hk__emit1(&b->base, "repeat_t", 1, &held, 0, NULL);
}
