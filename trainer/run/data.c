/* data.c - a job's data: the dataset, its splits and whether they fit the network, loaders, and batches into executors. */
#include "extend/extend.h"
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONF(j) ((j)->conf)

hk_status hk_default_make_data(hk_trainer *t, hk_module **out) {
    static const hk__argument list[] = { { "data", "path", "root", 1 } };
    return hk__job_module(t->job, "hk.dataset/1", "data", "name", 1, list, out);
}

/* T in the ini says what the network is built for: the data's sequences must have as many steps. */
static hk_status check_steps(hk__job *j, const void *ds, int known) {
    const int64_t steps = j->data_type->steps ? j->data_type->steps(ds) : 0;
    if (known && steps != j->steps)
        return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "training sequences have %lld steps, test sequences %lld; expected as many of both (0: pictures)",
            (long long)(ds == j->ds_train ? steps : j->steps), (long long)(ds == j->ds_train ? j->steps : steps));
    if (steps && steps != j->T)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "model", "T", "expected %lld, the steps of the data's sequences, got %lld; write T = %lld%s", (long long)steps, (long long)j->T,
            (long long)steps, steps > j->T ? ", or let the dataset take the first steps alone, as Arrays(..., steps=N)" : "");
    const int lengths = steps && hk__dataset_lengths(j->data_type, ds);
    if (known && lengths != j->lengths) return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "of training and test sequences, one has lengths and the other has none");
    j->steps = steps, j->lengths = lengths;
    return HK_OK;
}

static hk_status check_limit(hk__job *j, const void *ds, const char *key, const char *split) {
    int64_t have = j->data_type->size(ds), limit = hk__conf_int(CONF(j), "data", key);
    if (have < 1) return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "the %s data is empty", split);
    if (limit > have)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "data", key, "expected at most %lld, the size of the %s data, got %lld; write 0 for all", (long long)have,
            split, (long long)limit);
    return HK_OK;
}

hk_status hk__job_open_data(hk__job *j, int splits) {
    static const char *const key[] = { "limit", "test_limit" }, *const name[] = { "training", "test" };
    void **ds[] = { &j->ds_train, &j->ds_test };
    int known = 0;
    for (int i = 0; i < 2; i++) {
        int64_t shape[HK_MAX_RANK];
        if (!(splits & (i ? HK__TEST_SPLIT : HK__TRAIN_SPLIT))) continue;
        hk_status st = j->data_type->open(j->data, i == 0, ds[i]);
        if (st) return hk__job_fail_ctx(j, st, "data", "name");
        int rank = j->data_type->shape(*ds[i], shape);
        if (known && (rank != j->rank || memcmp(shape, j->shape, (size_t)rank * sizeof shape[0])))
            return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "training and test samples have different shapes");
        if ((st = check_steps(j, *ds[i], known))) return st;
        memcpy(j->shape, shape, (size_t)rank * sizeof shape[0]);
        j->rank = rank, known = 1;
        if ((st = check_limit(j, *ds[i], key[i], name[i]))) return st;
    }
    return hk__augment_check(CONF(j), &j->augment, j->rank, j->shape);
}

void hk__job_close_data(hk__job *j) {
    if (j->data_type) j->data_type->close(j->ds_train), j->data_type->close(j->ds_test);
    j->ds_train = j->ds_test = NULL;
}

/* Data sets, and the order, batches and cache of each split. */
int64_t hk__job_held(const hk__job *j) {
    int64_t sum = 0, elems = j->steps ? j->steps : 1;
    const void *const ds[] = { j->ds_train, j->ds_test };
    for (int i = 0; i < j->rank; i++) elems *= j->shape[i];
    for (int i = 0; i < 2; i++) {
        if (!ds[i]) continue;
        const int64_t n = j->data_type->size(ds[i]), classes = !i && hk__augment_mixes(&j->augment) ? j->data_type->classes(ds[i]) : 0;
        sum += (j->data_type->bytes ? j->data_type->bytes(ds[i]) : 0) + hk__loader_bytes(n, i ? j->test_batch : j->batch, elems, classes, j->workers,
            hk__loader_changes(&j->augment, !i, j->steps) ? j->threads : 1);
        if (hk__conf_int(CONF(j), "data", "cache")) sum += n * (4 * elems + 8);
    }
    return sum;
}

uint32_t hk__job_flags(const hk__job *j, uint32_t mode) {
    return HK_FORGET | (j->lengths ? HK_LENGTHS : 0) | (mode == HK_TRAIN && hk__augment_mixes(&j->augment) ? HK_SOFT : 0);
}

/* Whether a class of the data is beyond the network's outputs; what "y" has is the output. */
static hk_status check_classes(hk__job *j, hk_executor *ex) {
    const void *const ds[] = { j->ds_train, j->ds_test };
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    if (hk_executor_dims(ex, "target", &rank, dims) || rank != 1) return HK_OK; /* not one class for each sample */
    if (hk_executor_dims(ex, "y", &rank, dims) || rank < 2) return HK_OK;
    for (int i = 0; i < 2; i++)
        if (ds[i] && j->data_type->classes(ds[i]) > dims[rank - 1])
            return hk__conf_fail_key(CONF(j), HK_ECONFIG, "data", "name", "the %s data has labels up to %lld, but the network gives %lld numbers for a sample; expected one for each class",
                i ? "test" : "training", (long long)j->data_type->classes(ds[i]) - 1, (long long)dims[rank - 1]);
    return HK_OK;
}

/* With soft targets: the data's classes are the network's outputs. */
static hk_status check_soft(hk__job *j, hk_executor *ex) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    if (ex != j->train || !hk__augment_mixes(&j->augment) || !j->ds_train || hk_executor_dims(ex, "target", &rank, dims) || rank != 2) return HK_OK;
    const int64_t classes = j->data_type->classes(j->ds_train);
    return classes == dims[1] ? HK_OK
                              : hk__conf_fail_key(CONF(j), HK_ECONFIG, "augment", j->augment.mixup > 0 ? "mixup_alpha" : "cutmix_alpha",
                                    "it mixes the targets, for which the network must have an output for each class: expected %lld outputs, got %lld", (long long)classes, (long long)dims[1]);
}

hk_status hk__job_shape(hk__job *j, hk_executor *ex, int64_t n) {
    hk_status st = hk_executor_shape(ex, j->T, n, j->steps > 0, j->rank, j->shape);
    if (st) return hk__job_fail_model(j, st);
    st = check_soft(j, ex);
    return st || ex != j->infer ? st : check_classes(j, ex);
}

hk_status hk__job_loader(hk__job *j, int train, hk__loader **out) {
    hk__conf *c = CONF(j);
    const hk__loader_config lc = { .n = hk__conf_int(c, "data", train ? "limit" : "test_limit"), .batch = train ? j->batch : j->test_batch, .seed = (uint64_t)hk__conf_int(c, "run", "seed"),
        .augment = &j->augment, .shuffle = train, .drop_last = train && hk__conf_int(c, "data", "drop_last"), .workers = j->workers, .train = train, .threads = j->threads };
    hk_status st = hk__loader_make(j->data_type, train ? j->ds_train : j->ds_test, &lc, out);
    if (st == HK_EIO) return hk__conf_fail_key(c, st, "data", "workers", "%d threads cannot be started: %s", j->workers, strerror(errno));
    if (st) return hk__conf_fail_key(c, st, "train", train ? "batch" : "test_batch", "%s", hk_status_text(st));
    if (!hk__conf_int(c, "data", "cache") || !(st = hk__loader_cache(*out))) return HK_OK;
    return st == HK_ENOMEM ? hk__conf_fail_key(c, st, "data", "cache", "out of memory for all samples as numbers; write off") : hk__job_fail_ctx(j, st, "data", "name");
}

/* ---- a batch, or a part of one, into an executor ---- */

struct hk__part {
    float *x;
    int64_t cap;
};

/* Samples at ... at + n of x [T,count,row], [T,n,row] in memory of its own. */
static const float *part(hk__job *j, const hk__loader *l, int64_t at, int64_t n) {
    const int64_t row = l->sample.row;
    if (!l->T) return l->x + at * row;
    if (n == l->count) return l->x;
    if (!j->part && !(j->part = calloc(1, sizeof *j->part))) return NULL;
    if (j->part->cap < n * l->elems) {
        float *grown = realloc(j->part->x, (size_t)(n * l->elems) * sizeof *grown);
        if (!grown) return NULL;
        j->part->x = grown, j->part->cap = n * l->elems;
    }
    for (int64_t t = 0; t < l->T; t++) memcpy(j->part->x + t * n * row, l->x + (t * l->count + at) * row, (size_t)(n * row) * sizeof *l->x);
    return j->part->x;
}

hk_status hk__job_put(hk__job *j, hk_executor *ex, const hk__loader *l, int64_t at, int64_t n, int labels) {
    const float *x = part(j, l, at, n);
    if (!x) return hk__conf_fail_key(CONF(j), HK_ENOMEM, "train", "batch", "out of memory");
    const int soft = ex == j->train && l->soft;
    hk_status st = hk_executor_shape(ex, j->T, n, j->steps > 0, j->rank, j->shape);
    if (!st) st = hk_executor_write(ex, "x", HK_F32, x, n * l->elems);
    if (!st && labels && soft) st = hk_executor_write(ex, "target", HK_F32, l->soft + at * l->classes, n * l->classes);
    else if (!st && labels) st = hk_executor_write(ex, "target", HK_I64, l->y + at, n);
    if (!st && l->len) st = hk_executor_write(ex, "lengths", HK_I64, l->len + at, n);
    return st ? hk__job_fail_model(j, st) : HK_OK;
}

hk_status hk__job_run(hk__job *j, hk_executor *ex, const hk__loader *l, int64_t at, int64_t n, hk__batch_result *r) {
    hk_status st = hk__job_put(j, ex, l, at, n, 1);
    if (st) return st;
    st = hk_executor_run(ex);
    if (!st) st = hk_executor_read(ex, "loss", HK_F64, &r->loss, 1);
    if (!st) st = hk_executor_read(ex, "correct", HK_F64, &r->correct, 1);
    r->correct5 = NAN;
    if (st || (ex != j->train && ex != j->infer)) return st ? hk__job_fail_model(j, st) : HK_OK;
    int rank, *there = &j->top5[ex == j->train];
    int64_t dims[HK_MAX_RANK + 2];
    if (!*there) *there = hk_executor_dims(ex, "correct5", &rank, dims) ? -1 : 1;
    if (*there > 0) st = hk_executor_read(ex, "correct5", HK_F64, &r->correct5, 1);
    return st ? hk__job_fail_model(j, st) : HK_OK;
}

void hk__job_free_part(hk__job *j) {
    if (j->part) free(j->part->x);
    free(j->part);
}
