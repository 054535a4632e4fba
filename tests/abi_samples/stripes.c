/* stripes.c - a sample plugin of somebody else: a data set made up on the spot. Sample i is of class i % 4; its 16 numbers are noise
 * of a small generator, and 1 more at four places of the class. */
#include "hillock/plugin.h"

enum { N_TRAIN = 512, N_TEST = 128, WIDTH = 16, CLASSES = 4 };
static const int64_t sizes[2] = { N_TEST, N_TRAIN };

static hk_status open_set(const hk_module *self, int train, void **ds) {
    (void)self;
    *ds = (void *)(uintptr_t)&sizes[train != 0];
    return HK_OK;
}
static void close_set(void *ds) { (void)ds; }
static int64_t size(const void *ds) { return *(const int64_t *)ds; }
static int64_t classes(const void *ds) { return (void)ds, CLASSES; }
static int shape(const void *ds, int64_t *s) {
    (void)ds;
    s[0] = WIDTH;
    return 1;
}
static hk_status read_set(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = (uint64_t)index[i] * 2 + (size(ds) == N_TRAIN) + 1;
        y[i] = index[i] % CLASSES;
        for (int k = 0; k < WIDTH; k++) {
            r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            x[i * WIDTH + k] = (float)(r >> 40) / 16777216.0f + (k / CLASSES == y[i] ? 1.0f : 0.0f);
        }
    }
    return HK_OK;
}

static const hk_dataset_type stripes = {
    .struct_size = sizeof stripes, .doc = "four stripes in noise", .open = open_set, .close = close_set, .size = size, .shape = shape, .classes = classes, .read = read_set
};

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.dataset/1", "abi.Stripes", &stripes); }

HK_PLUGIN("abi.stripes", "1.0", "Apache-2.0", init);
