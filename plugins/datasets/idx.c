/* idx.c - IDX reader: big-endian magic 0x000008RR (unsigned bytes, RR axes), one u32 for each axis, the bytes; plain or gzip (zlib reads both).
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database". A whole split is kept in memory as bytes. */
#include "idx.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

typedef struct idx_set {
    idx_spec spec;
    int64_t n;
    uint8_t *pixel, *label;
} idx_set;

const hk_host *idx_host;

#define FAIL(self, ...) (self)->api->fail(self, HK_EDATA, __VA_ARGS__)
#define MAX_PATH 4096

/* Reads exactly `bytes`, growing as data comes, so that a header that lies costs no memory. */
static hk_status read_bytes(const hk_module *self, gzFile f, const char *path, int64_t bytes, uint8_t **out) {
    int64_t have = 0, cap = 0;
    uint8_t *buf = NULL;
    while (have < bytes) {
        if (have == cap) {
            cap = cap ? 2 * cap : (int64_t)1 << 20;
            if (cap > bytes) cap = bytes;
            uint8_t *more = realloc(buf, (size_t)cap);
            if (!more) {
                free(buf);
                return self->api->fail(self, HK_ENOMEM, "%s: no memory for %lld bytes", path, (long long)bytes);
            }
            buf = more;
        }
        int64_t want = cap - have < 1 << 28 ? cap - have : 1 << 28;
        int got = gzread(f, buf + have, (unsigned)want);
        if (got <= 0) {
            int code;
            const char *why = gzerror(f, &code);
            free(buf);
            if (code == Z_ERRNO) return FAIL(self, "%s: cannot read: %s", path, strerror(errno));
            if (code != Z_OK && code != Z_BUF_ERROR) return FAIL(self, "%s: not a good gzip file: %s", path, why);
            return FAIL(self, "%s: expected %lld bytes after the header, got %lld: the file is truncated", path, (long long)bytes, (long long)have);
        }
        have += got;
    }
    *out = buf;
    return HK_OK;
}

static int64_t big_endian(const uint8_t *p) { return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

/* dim: axes expected, -1 where any is right; gets the axes found. */
static hk_status read_idx(const hk_module *self, const char *path, int rank, int64_t *dim, uint8_t **out) {
    uint8_t head[16];
    int64_t bytes = 1;
    hk_status st = HK_OK;
    gzFile f = gzopen(path, "rb");
    *out = NULL;
    if (!f) return FAIL(self, "%s: cannot open: %s", path, strerror(errno));
    gzbuffer(f, 1u << 17);
    int got = gzread(f, head, (unsigned)(4 + 4 * rank));
    if (got != 4 + 4 * rank)
        st = FAIL(self, "%s: expected a header of %d bytes, got %d: %s", path, 4 + 4 * rank, got < 0 ? 0 : got,
            got < 0 ? "not a good gzip file" : "the file is truncated");
    else if (big_endian(head) != 0x800 + rank)
        st = FAIL(self, "%s: expected magic 0x%08x (bytes, %d axes), got 0x%08x", path, 0x800 + rank, rank, (unsigned)big_endian(head));
    for (int i = 0; i < rank && !st; i++) {
        int64_t v = big_endian(head + 4 + 4 * i);
        if (dim[i] >= 0 && v != dim[i]) st = FAIL(self, "%s: expected %lld for axis %d, got %lld", path, (long long)dim[i], i, (long long)v);
        else if (v < 1 || __builtin_mul_overflow(bytes, v, &bytes))
            st = FAIL(self, "%s: expected a positive size for axis %d, got %lld", path, i, (long long)v);
        dim[i] = v;
    }
    if (!st) st = read_bytes(self, f, path, bytes, out);
    if (!st && (got = gzread(f, head, 1)) != 0) /* also makes zlib check the stream's end */
        st = got > 0 ? FAIL(self, "%s: expected %lld bytes after the header, got more", path, (long long)bytes)
                     : FAIL(self, "%s: not a good gzip file: %s", path, gzerror(f, &got));
    if (gzclose_r(f) != Z_OK && !st) st = FAIL(self, "%s: the gzip stream is truncated", path);
    if (st) free(*out), *out = NULL;
    return st;
}

static hk_status find_file(const hk_module *self, const idx_spec *spec, const char *root, const char *name, char path[MAX_PATH]) {
    struct stat s;
    for (int gz = 0; gz < 2; gz++) {
        if (snprintf(path, MAX_PATH, "%s/%s%s", root, name, gz ? ".gz" : "") >= MAX_PATH) return FAIL(self, "root is too long");
        if (!stat(path, &s)) return HK_OK;
    }
    return FAIL(self, "%s/%s and the same with .gz: no such file; set root to the folder of the data set%s%s", root, name,
        spec->package ? ", or install the Debian package " : "", spec->package ? spec->package : "");
}

hk_status idx_open(const hk_module *self, const idx_spec *spec, int train, void **ds) {
    const char *root = hk_get_str(self, "root");
    char path[MAX_PATH];
    int64_t dim[3] = { -1, spec->height, spec->width };
    *ds = NULL;
    if (!root) return FAIL(self, "root: expected a folder, got none");
    idx_set *s = calloc(1, sizeof *s);
    if (!s) return self->api->fail(self, HK_ENOMEM, "out of memory");
    s->spec = *spec;
    hk_status st = find_file(self, spec, root, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte", path);
    if (!st) st = read_idx(self, path, 3, dim, &s->pixel);
    s->n = dim[0];
    if (!st) st = find_file(self, spec, root, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte", path);
    if (!st) st = read_idx(self, path, 1, dim, &s->label); /* as many labels as pictures */
    for (int64_t i = 0; i < s->n && !st; i++)
        if (s->label[i] >= spec->classes)
            st = FAIL(self, "%s: expected labels 0 to %lld, got %d for sample %lld", path, (long long)spec->classes - 1, s->label[i], (long long)i);
    if (st) idx_close(s);
    else *ds = s;
    return st;
}

void idx_close(void *ds) {
    idx_set *s = ds;
    if (!s) return;
    free(s->pixel);
    free(s->label);
    free(s);
}

int64_t idx_size(const void *ds) { return ((const idx_set *)ds)->n; }

int idx_shape(const void *ds, int64_t *shape) {
    const idx_set *s = ds;
    shape[0] = 1, shape[1] = s->spec.height, shape[2] = s->spec.width;
    return 3;
}

int64_t idx_classes(const void *ds) { return ((const idx_set *)ds)->spec.classes; }

const char *idx_class_name(const void *ds, int64_t c) { return ((const idx_set *)ds)->spec.names[c]; }

hk_status idx_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    const idx_set *s = ds;
    int64_t size = s->spec.height * s->spec.width;
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= s->n)
            return idx_host->fail(idx_host->ctx, HK_EINVAL, "expected a sample index 0 to %lld, got %lld", (long long)s->n - 1, (long long)index[i]);
        const uint8_t *p = s->pixel + index[i] * size;
        for (int64_t k = 0; k < size; k++) x[i * size + k] = (float)p[k] / 255.0f;
        y[i] = s->label[index[i]];
    }
    return HK_OK;
}
