/* subset.c - every n-th sample of another data set, of both splits: for quick trials, with the classes as balanced as they were.
 * Source: snntorch.utils.data_subset(dataset, subset, idx). */
#include "datasets.h"
#include <stdlib.h>

static const hk_field fields[] = {
    { "dataset", HK_OBJECT, 0, NULL, 0, 0, "hk.dataset/1", "of which samples are taken" },
    { "subset", HK_INT, 0, "10", 1, 1e9, NULL, "one of so many" },
    { "idx", HK_INT, 0, "0", 0, 1e9, NULL, "the first one's number" },
};

typedef struct subset {
    const hk_dataset_type *type;
    void *ds; /* the whole set */
    int64_t every, first, n;
} subset;

static void close_set(void *ds) {
    subset *s = ds;
    if (s) s->type->close(s->ds), free(s);
}

static hk_status open_set(const hk_module *self, int train, void **ds) {
    const hk_module *whole = hk_get_object(self, "dataset");
    subset *s = calloc(1, sizeof *s);
    *ds = NULL;
    if (!s) return self->api->fail(self, HK_ENOMEM, "out of memory");
    *s = (subset){ .type = whole->api->type(whole), .every = hk_get_int(self, "subset"), .first = hk_get_int(self, "idx") };
    const hk_status st = s->type->open(whole, train, &s->ds);
    if (st) {
        free(s);
        return st;
    }
    const int64_t size = s->type->size(s->ds);
    if (s->first >= size) {
        close_set(s);
        return self->api->fail(self, HK_EDATA, "idx: expected less than %lld, the number of samples, got %lld", (long long)size, (long long)hk_get_int(self, "idx"));
    }
    s->n = (size - s->first + s->every - 1) / s->every;
    *ds = s;
    return HK_OK;
}

static int64_t size(const void *ds) { return ((const subset *)ds)->n; }
static int shape(const void *ds, int64_t *dims) {
    const subset *s = ds;
    return s->type->shape(s->ds, dims);
}
static int64_t classes(const void *ds) {
    const subset *s = ds;
    return s->type->classes(s->ds);
}
static const char *class_name(const void *ds, int64_t c) {
    const subset *s = ds;
    return s->type->class_name ? s->type->class_name(s->ds, c) : NULL;
}
static int64_t bytes(const void *ds) {
    const subset *s = ds;
    return s->type->bytes ? s->type->bytes(s->ds) : 0;
}

static int64_t steps(const void *ds) {
    const subset *s = ds;
    return s->type->steps ? s->type->steps(s->ds) : 0;
}

enum { PIECE = 64 }; /* numbers of samples, turned into those of the whole set on the stack */

static int64_t take(const subset *s, int64_t n, const int64_t *index, int64_t at, int64_t in_whole[PIECE]) {
    const int64_t some = n - at < PIECE ? n - at : PIECE;
    for (int64_t i = 0; i < some; i++) in_whole[i] = s->first + s->every * index[at + i];
    return some;
}

static hk_status read_set(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    const subset *s = ds;
    int64_t dims[HK_MAX_RANK], elems = 1, in_whole[PIECE];
    const int rank = shape(ds, dims);
    for (int i = 0; i < rank; i++) elems *= dims[i];
    if (steps(ds) > 0) elems *= steps(ds);
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t some = take(s, n, index, at, in_whole);
        const hk_status st = s->type->read(s->ds, some, in_whole, x + at * elems, y + at);
        if (st) return st;
    }
    return HK_OK;
}

static hk_status lengths(const void *ds, int64_t n, const int64_t *index, int64_t *len) {
    const subset *s = ds;
    int64_t in_whole[PIECE];
    if (!s->type->lengths) return HK_ENOTFOUND;
    if (n == 0) return s->type->lengths(s->ds, 0, NULL, NULL);
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t some = take(s, n, index, at, in_whole);
        const hk_status st = s->type->lengths(s->ds, some, in_whole, len + at);
        if (st) return st;
    }
    return HK_OK;
}

const hk_dataset_type subset_type = {
    .struct_size = sizeof(hk_dataset_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .doc = "samples idx, idx + subset, idx + 2 subset, ... of another data set; training and test split alike",
    .source = "snntorch.utils.data_subset",
    .open = open_set,
    .close = close_set,
    .size = size,
    .shape = shape,
    .classes = classes,
    .read = read_set,
    .class_name = class_name,
    .bytes = bytes,
    .steps = steps,
    .lengths = lengths,
};
