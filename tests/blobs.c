/* blobs.c - a data set for tests, made and not read: points around one corner for each class, a function of their number alone. `bad` names
 * training samples that have a number that is none; what it does to a training is what the test wants to see. */
#include "hillock/plugin.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3, SIZE = 8 };
typedef struct blobs {
    int64_t n;
    int train;
    const char *bad;
} blobs;

static const hk_field fields[] = {
    { "n", HK_INT, 0, "256", 4, 1000000, NULL, "training samples; a quarter of them to test" },
    { "bad", HK_STR, 0, "\"\"", 0, 0, NULL, "numbers of training samples that are not finite, spaces between; all: all of them" },
};

static hk_status blobs_open(const hk_module *self, int train, void **ds) {
    blobs *b = *ds = malloc(sizeof *b);
    if (!b) return self->api->fail(self, HK_ENOMEM, "out of memory");
    *b = (blobs){ train ? hk_get_int(self, "n") : hk_get_int(self, "n") / 4, train, hk_get_str(self, "bad") };
    return HK_OK;
}
static void blobs_close(void *ds) { free(ds); }
static int64_t blobs_size(const void *ds) { return ((const blobs *)ds)->n; }
static int blobs_shape(const void *ds, int64_t *shape) {
    (void)ds;
    shape[0] = SIZE;
    return 1;
}
static int64_t blobs_classes(const void *ds) {
    (void)ds;
    return CLASSES;
}

static int is_bad(const blobs *b, int64_t i) {
    if (!b->train || !b->bad) return 0;
    if (!strcmp(b->bad, "all")) return 1;
    for (const char *p = b->bad; *p;) {
        char *end;
        if (strtoll(p, &end, 10) == i && end != p) return 1;
        if (end == p) break;
        p = end;
    }
    return 0;
}

static hk_status blobs_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    const blobs *b = ds;
    for (int64_t k = 0; k < n; k++) {
        uint64_t s = (uint64_t)index[k] * 2 + (uint64_t)b->train;
        y[k] = index[k] % CLASSES;
        for (int e = 0; e < SIZE; e++) {
            s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            x[k * SIZE + e] = (float)((double)(s >> 11) * 0x1p-53) + (e % CLASSES == y[k] ? 1.0f : 0.0f);
        }
        if (is_bad(b, index[k])) x[k * SIZE + 5] = NAN;
    }
    return HK_OK;
}

static const hk_dataset_type type = {
    .struct_size = sizeof(hk_dataset_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .doc = "points around one corner for each of 3 classes",
    .open = blobs_open,
    .close = blobs_close,
    .size = blobs_size,
    .shape = blobs_shape,
    .classes = blobs_classes,
    .read = blobs_read,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.dataset/1", "Blobs", &type); }

HK_PLUGIN("tests.blobs", "0.1.0", "Apache-2.0", init);
