/* idx.h - pictures and labels from IDX files (Fashion-MNIST, MNIST), shared by the dataset types that come in this format. */
#ifndef DATASETS_IDX_H
#define DATASETS_IDX_H

#include "hillock/plugin.h"

extern const hk_host *idx_host;

/* What a dataset type asks of its files. */
typedef struct idx_spec {
    int64_t height, width, classes;
    const char *const *names; /* of the classes */
    const char *package; /* Debian package that brings the files to root's default; NULL: none */
} idx_spec;

/* Reads one split below field `root`: {train|t10k}-{images-idx3|labels-idx1}-ubyte, plain or with .gz; plain is taken first. */
hk_status idx_open(const hk_module *self, const idx_spec *, int train, void **ds);
void idx_close(void *ds);
int64_t idx_size(const void *ds);
int idx_shape(const void *ds, int64_t *shape); /* [1,H,W] */
int64_t idx_bytes(const void *ds);
int64_t idx_classes(const void *ds);
const char *idx_class_name(const void *ds, int64_t c);
hk_status idx_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y); /* pixels / 255 */

extern const hk_dataset_type fashion_mnist_type, mnist_type;

#endif
