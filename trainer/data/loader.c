/* loader.c - batches: shuffles, and gathers samples into buffers that are allocated once.
 *
 * An epoch's order depends on (seed, epoch) alone (Philox by index, Fisher-Yates), and so does what augmentation draws for a sample, so a run can be
 * taken up at any batch and a batch can be prepared by any thread. Without workers the threads that run the network, which have nothing to do then, read a
 * batch together, each some of its samples; ahead.c has threads of its own, that read while the network runs. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 16384 }; /* numbers of a batch that are worth waking the other threads */

/* A sample as it is read, and as it goes into the batch. */
int64_t hk__loader_scratch(const hk__loader *l) { return 2 * l->elems; }

int64_t hk__loader_bytes(int64_t n, int64_t batch, int64_t elems, int64_t classes, int workers, int threads) {
    const int64_t rows = batch < n ? batch : n;
    return 8 * n + hk__loader_slots(workers) * rows * (4 * elems + 16 + 4 * classes) + (workers + threads) * 8 * elems;
}

static int make_slot(const hk__loader *l, hk__slot *s, int64_t rows, int lengths, int mixes) {
    s->batch = -1;
    s->y = malloc((size_t)rows * sizeof *s->y);
    s->x = malloc((size_t)rows * (size_t)l->elems * sizeof *s->x);
    if (lengths) s->len = malloc((size_t)rows * sizeof *s->len);
    if (mixes) s->soft = malloc((size_t)rows * (size_t)l->classes * sizeof *s->soft);
    return s->y && s->x && (!lengths || s->len) && (!mixes || s->soft);
}

hk_status hk__loader_make(const hk_dataset_type *type, const void *ds, const hk__loader_config *c, hk__loader **out) {
    *out = NULL;
    int64_t size = type->size(ds), n = c->n == 0 || c->n > size ? size : c->n;
    const int mixes = c->augment && c->train && hk__augment_mixes(c->augment);
    if (c->batch < 1 || n < 1) return HK_EINVAL;
    hk__loader *l = calloc(1, sizeof *l);
    if (!l) return HK_ENOMEM;
    *l = (hk__loader){ .type = type, .ds = ds, .n = n, .batch = c->batch, .seed = c->seed, .stream = hk_random_stream("hk.loader"), .shuffle = c->shuffle, .drop_last = c->drop_last,
        .train = c->train, .augment = c->augment, .classes = mixes ? type->classes(ds) : 0, .n_slot = hk__loader_slots(c->workers),
        .threads = c->threads > 1 ? c->threads : 1 };
    l->sample.rank = type->shape(ds, l->sample.shape);
    l->sample.row = 1;
    for (int i = 0; i < l->sample.rank; i++) l->sample.row *= l->sample.shape[i];
    l->T = l->sample.T = type->steps ? type->steps(ds) : 0;
    l->elems = l->sample.row * (l->T ? l->T : 1);
    l->n_batch = c->drop_last ? n / c->batch : (n + c->batch - 1) / c->batch;
    const int64_t rows = c->batch < n ? c->batch : n;
    l->order = malloc((size_t)n * sizeof *l->order);
    l->scratch = malloc((size_t)(hk__loader_changes(c->augment, c->train, l->T) ? l->threads : 1) * (size_t)hk__loader_scratch(l) * sizeof *l->scratch); /* each thread's own, where one is needed */
    l->slot = calloc((size_t)l->n_slot, sizeof *l->slot);
    int whole = l->order && l->scratch && l->slot;
    for (int i = 0; i < l->n_slot && whole; i++) whole = make_slot(l, &l->slot[i], rows, l->T && hk__dataset_lengths(type, ds), mixes);
    hk_status st = whole ? HK_OK : HK_ENOMEM;
    if (!st && c->workers) st = hk__ahead_new(l, c->workers);
    if (st) {
        hk__loader_free(l);
        return st;
    }
    l->at = n; /* nothing to give before start */
    *out = l;
    return HK_OK;
}

hk_status hk__loader_new(const hk_dataset_type *type, const void *ds, int64_t n, int64_t batch, int shuffle, int drop_last, uint64_t seed, hk__loader **out) {
    const hk__loader_config c = { .n = n, .batch = batch, .shuffle = shuffle, .drop_last = drop_last, .seed = seed };
    return hk__loader_make(type, ds, &c, out);
}

void hk__loader_free(hk__loader *l) {
    if (!l) return;
    hk__ahead_free(l->ahead);
    for (int i = 0; l->slot && i < l->n_slot; i++) free(l->slot[i].x), free(l->slot[i].y), free(l->slot[i].len), free(l->slot[i].soft);
    free(l->slot), free(l->scratch), free(l->order), free(l->cache), free(l->cache_y), free(l);
}

hk_status hk__loader_cache(hk__loader *l) {
    hk_status st = HK_OK;
    l->cache = malloc((size_t)l->n * (size_t)l->elems * sizeof *l->cache);
    l->cache_y = malloc((size_t)l->n * sizeof *l->cache_y);
    if (!l->cache || !l->cache_y) st = HK_ENOMEM;
    for (int64_t i = 0; i < l->n && !st; i++) st = l->type->read(l->ds, 1, &i, l->cache + i * l->elems, &l->cache_y[i]);
    if (st) free(l->cache), free(l->cache_y), l->cache = NULL, l->cache_y = NULL;
    return st;
}

void hk__loader_start(hk__loader *l, int64_t epoch) {
    hk__ahead_stop(l);
    l->at = l->count = 0, l->epoch = epoch;
    for (int64_t i = 0; i < l->n; i++) l->order[i] = i;
    if (!l->shuffle) return;
    for (int64_t i = l->n - 1; i > 0; i--) {
        /* 48 bits of [0, 1): every position can be drawn up to 2^48 samples */
        double u = (double)hk_random(l->seed, l->stream, epoch, 0, i, 0) + (double)hk_random(l->seed, l->stream, epoch, 0, i, 1) * 0x1p-24;
        int64_t k = (int64_t)(u * (double)(i + 1)), swap = l->order[i];
        l->order[i] = l->order[k], l->order[k] = swap;
    }
}

void hk__loader_seek(hk__loader *l, int64_t batch) {
    hk__ahead_stop(l);
    l->at = batch < l->n_batch ? batch * l->batch : l->n;
}

static hk_status read_one(const hk__loader *l, int64_t index, float *x, int64_t *y) {
    if (!l->cache) return l->type->read(l->ds, 1, &index, x, y);
    memcpy(x, l->cache + index * l->elems, (size_t)l->elems * sizeof *x);
    *y = l->cache_y[index];
    return HK_OK;
}

/* Sample i of a batch of n: pictures lie one after the other, of sequences the steps do. Zeros beyond its length. */
static void put(const hk__loader *l, hk__slot *s, int64_t i, const float *x) {
    const int64_t row = l->sample.row, steps = l->T ? l->T : 1, length = s->len ? s->len[i] : steps;
    for (int64_t t = 0; t < steps; t++) {
        float *to = s->x + (t * s->count + i) * row;
        if (t < length) memcpy(to, x + t * row, (size_t)row * sizeof *to);
        else memset(to, 0, (size_t)row * sizeof *to);
    }
}

/* Samples from ... to - 1 of a batch. */
static hk_status fill_some(const hk__loader *l, const int64_t *index, int64_t from, int64_t to, hk__slot *s, float *scratch) {
    const int changes = hk__loader_changes(l->augment, l->train, l->T);
    if (!changes && !l->cache) return l->type->read(l->ds, to - from, index + from, s->x + from * l->elems, s->y + from);
    for (int64_t i = from; i < to; i++) {
        const float *x = scratch;
        hk_status st = read_one(l, index[i], changes ? scratch : s->x + i * l->elems, &s->y[i]);
        if (st) return st;
        if (!changes) continue;
        if (l->augment && hk__augment_each(l->augment, l->train)) hk__augment_sample(l->augment, l->train, (hk__draw){ l->seed, l->epoch }, index[i], &l->sample, scratch, scratch + l->elems), x = scratch + l->elems;
        put(l, s, i, x);
    }
    return HK_OK;
}

/* All of them, by several threads where that pays. A batch that fails is read again in order, so that the error is that of its first bad sample. */
static hk_status fill_all(const hk__loader *l, const int64_t *index, int64_t n, hk__slot *s, float *scratch) {
    int failed = 0;
    if (l->ahead || l->threads < 2 || n < 2 || n * l->elems < TOGETHER) return fill_some(l, index, 0, n, s, scratch);
#pragma omp parallel for schedule(static, 1) num_threads(l->threads) reduction(| : failed)
    for (int k = 0; k < l->threads; k++)
        failed |= fill_some(l, index, n * k / l->threads, n * (k + 1) / l->threads, s, scratch + (hk__loader_changes(l->augment, l->train, l->T) ? k * hk__loader_scratch(l) : 0)) != HK_OK;
    return failed ? fill_some(l, index, 0, n, s, scratch) : HK_OK;
}

hk_status hk__loader_fill(const hk__loader *l, int64_t b, hk__slot *s, float *scratch) {
    const int64_t at = b * l->batch, left = l->n - at, n = left < l->batch ? left : l->batch, *index = l->order + at;
    hk_status st = HK_OK;
    s->count = n;
    if (s->len && (st = l->type->lengths(l->ds, n, index, s->len))) return st;
    st = fill_all(l, index, n, s, scratch);
    if (!st && s->soft) hk__augment_batch(l->augment, (hk__draw){ l->seed, l->epoch }, b, &l->sample, n, s->x, s->y, s->soft, l->classes, scratch);
    return st;
}

hk_status hk__loader_next(hk__loader *l) {
    const int64_t left = l->n - l->at;
    hk__slot *s = l->slot;
    hk_status st = HK_OK;
    l->count = 0;
    if (left <= 0 || (left < l->batch && l->drop_last)) return HK_OK;
    st = l->ahead ? hk__ahead_take(l, l->at / l->batch, &s) : hk__loader_fill(l, l->at / l->batch, s, l->scratch);
    l->x = s->x, l->y = s->y, l->len = s->len, l->soft = s->soft, l->count = s->count;
    l->at += s->count;
    return st;
}
