/* chunks.c - a long sequence in parts: each is a run of fewer steps that goes on from the last one, so that memory is that of one part. Made of the public
 * functions alone; whoever needs another order of things writes the loop himself. */
#include "exec/exec.h"
#include <stdlib.h>

hk_status hk_executor_chunks(hk_executor *ex, int64_t T, int64_t chunk, int64_t N, int rank, const int64_t *shape, const float *x, float *y, int64_t y_count,
    hk_status (*part)(void *arg, hk_executor *ex, int64_t t0, int64_t steps), void *arg) {
    hk_context *ctx = ex->net->ctx;
    int64_t row = N;
    if (T < 1 || chunk < 1 || N < 1 || rank < 0 || rank > HK_MAX_RANK)
        return hk__fail(ctx, HK_EINVAL, "chunks: T=%lld, chunk=%lld, N=%lld, %d axes: expected at least 1 step, chunk and sample, and 0 to %d axes",
            (long long)T, (long long)chunk, (long long)N, rank, HK_MAX_RANK);
    if (ex->cfg.mode != HK_INFER)
        return hk__fail(ctx, HK_ESTATE, "chunks: this executor trains; make one with HK_INFER (a training step on a part is hk_executor_continue)");
    for (int i = 0; i < rank; i++) row *= shape[i];
    for (int64_t t = 0, steps; t < T; t += steps) {
        int y_rank = 0;
        int64_t dims[HK_MAX_RANK + 2], each = 1;
        steps = T - t < chunk ? T - t : chunk;
        hk_status st = hk_executor_shape(ex, steps, N, 1, rank, shape);
        if (st == HK_OK) st = hk_executor_write(ex, "x", HK_F32, x + t * row, steps * row);
        if (st == HK_OK) st = t ? hk_executor_continue(ex) : hk_executor_run(ex);
        if (st == HK_OK && y) st = hk_executor_dims(ex, "y", &y_rank, dims);
        if (st != HK_OK) return hk__fail_in(ctx, st, "chunks, steps %lld to %lld", (long long)t, (long long)(t + steps - 1));
        if (y && (y_rank < 2 || !(ex->now->g->val[ex->now->y].desc.flags & HK_T)))
            return hk__fail(ctx, HK_ESHAPE,
                "chunks: the network's output does not vary with the step (a mean over T?), so that parts have one each; take that layer out, or pass y = NULL "
                "and read each part");
        for (int i = 1; i < y_rank; i++) each *= dims[i];
        if (y && T * each != y_count)
            return hk__fail(ctx, HK_ESHAPE, "chunks: y has room for %lld numbers, expected %lld: %lld for each of %lld steps", (long long)y_count,
                (long long)(T * each), (long long)each, (long long)T);
        if (y) st = hk_executor_read(ex, "y", HK_F32, y + t * each, steps * each);
        if (st == HK_OK && part) st = part(arg, ex, t, steps);
        if (st != HK_OK) return st;
    }
    return HK_OK;
}
