/* loader.c - batches: shuffles, and gathers samples into buffers that are allocated once.
 *
 * An epoch's order depends on (seed, epoch) alone (Philox by index, Fisher-Yates), so a run can be taken up at any batch.
 * It reads in the caller's thread: gathering 256 pictures of 28x28 takes a few per cent of a training step, and a thread more would
 * take its time from the kernels. */
#include "trainer.h"
#include <stdlib.h>

hk_status hk__loader_new(const hk_dataset_type *type, const void *ds, int64_t n, int64_t batch, int shuffle, int drop_last, uint64_t seed, hk__loader **out) {
    *out = NULL;
    int64_t shape[HK_MAX_RANK], elems = 1, size = type->size(ds);
    int rank = type->shape(ds, shape);
    for (int i = 0; i < rank; i++) elems *= shape[i];
    if (n == 0 || n > size) n = size;
    if (batch < 1 || n < 1) return HK_EINVAL;
    hk__loader *l = calloc(1, sizeof *l);
    if (!l) return HK_ENOMEM;
    *l = (hk__loader){ .type = type,
        .ds = ds,
        .n = n,
        .batch = batch,
        .elems = elems,
        .seed = seed,
        .stream = hk_random_stream("hk.loader"),
        .shuffle = shuffle,
        .drop_last = drop_last };
    l->n_batch = drop_last ? n / batch : (n + batch - 1) / batch;
    int64_t rows = batch < n ? batch : n;
    l->order = malloc((size_t)n * sizeof *l->order);
    l->y = malloc((size_t)rows * sizeof *l->y);
    l->x = malloc((size_t)rows * (size_t)elems * sizeof *l->x);
    if (!l->order || !l->y || !l->x) {
        hk__loader_free(l);
        return HK_ENOMEM;
    }
    l->at = n; /* nothing to give before start */
    *out = l;
    return HK_OK;
}

void hk__loader_free(hk__loader *l) {
    if (!l) return;
    free(l->order), free(l->y), free(l->x), free(l);
}

void hk__loader_start(hk__loader *l, int64_t epoch) {
    l->at = l->count = 0;
    for (int64_t i = 0; i < l->n; i++) l->order[i] = i;
    if (!l->shuffle) return;
    for (int64_t i = l->n - 1; i > 0; i--) {
        /* 48 bits of [0, 1): every position can be drawn up to 2^48 samples */
        double u = (double)hk_random(l->seed, l->stream, epoch, 0, i, 0) + (double)hk_random(l->seed, l->stream, epoch, 0, i, 1) * 0x1p-24;
        int64_t k = (int64_t)(u * (double)(i + 1)), swap = l->order[i];
        l->order[i] = l->order[k], l->order[k] = swap;
    }
}

void hk__loader_seek(hk__loader *l, int64_t batch) { l->at = batch < l->n_batch ? batch * l->batch : l->n; }

hk_status hk__loader_next(hk__loader *l) {
    int64_t left = l->n - l->at, n = left < l->batch ? left : l->batch;
    if (n < l->batch && l->drop_last) n = 0;
    l->count = n;
    if (n == 0) return HK_OK;
    hk_status st = l->type->read(l->ds, n, l->order + l->at, l->x, l->y);
    l->at += n;
    return st;
}
