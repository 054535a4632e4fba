/* silent.c - an error without a text.
 * expect: fail memory: without a text */
#include <hillock/plugin.h>
#include <stdlib.h>

static const hk_field fields[] = {
    { "samples", HK_INT, 0, "512", 1, 1 << 24, NULL, "samples for training; a quarter as many for the test" },
    { "classes", HK_INT, 0, "4", 2, 1000, NULL, "classes" },
    { "width", HK_INT, 0, "16", 2, 100000, NULL, "numbers of a sample, a multiple of `classes`" },
};

typedef struct split {
    int64_t n, classes, width;
    uint64_t seed;
} split;

static hk_status open_split(const hk_module *self, int train, void **ds) {
    const int64_t classes = hk_get_int(self, "classes"), width = hk_get_int(self, "width"), n = hk_get_int(self, "samples");
    if (width % classes) return self->api->fail(self, HK_ECONFIG, "width must be a multiple of classes (%lld), got %lld", (long long)classes, (long long)width);
    split *s = malloc(sizeof *s);
    if (!s) return HK_ENOMEM;
    *s = (split){ train ? n : (n + 3) / 4, classes, width, train ? 1 : 2 };
    *ds = s;
    return HK_OK;
}
static void close_split(void *ds) { free(ds); }
static int64_t size(const void *ds) { return ((const split *)ds)->n; }
static int64_t classes(const void *ds) { return ((const split *)ds)->classes; }
static int shape(const void *ds, int64_t *s) {
    s[0] = ((const split *)ds)->width;
    return 1;
}
static hk_status read_samples(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    const split *s = ds;
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = (uint64_t)index[i] * 2 + s->seed;
        y[i] = index[i] % s->classes;
        for (int64_t k = 0; k < s->width; k++) {
            r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            x[i * s->width + k] = (float)(r >> 40) / 33554432.0f + (k * s->classes / s->width == y[i] ? 0.5f : 0.0f); /* 0 .. 1 */
        }
    }
    return HK_OK;
}

static const hk_dataset_type type = {
    .struct_size = sizeof(hk_dataset_type),
    .n_fields = sizeof fields / sizeof fields[0],
    .doc = "classes that light up their own part of a row, in noise",
    .source = "made up",
    .fields = fields,
    .open = open_split,
    .close = close_split,
    .size = size,
    .shape = shape,
    .classes = classes,
    .read = read_samples,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.dataset/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
