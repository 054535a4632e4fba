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
    float shade[256]; /* of a byte: by a table, since a division takes several times as long */
} idx_set;

const hk_host *idx_host;

#define FAIL(self, ...) (self)->api->fail(self, HK_EDATA, __VA_ARGS__)
#define MAX_PATH 4096

#define AGAIN "; get the file again"
#define MAX_RATIO 1032 /* deflate makes nothing smaller than by this */

/* What stopped gzread: `got` < 0 an error, else the end of the file. */
static hk_status read_fault(const hk_module *self, gzFile f, const char *path, const char *what, int64_t want, int64_t have, int got) {
    int code = Z_OK;
    const char *why = gzerror(f, &code);
    if (got < 0 && code == Z_ERRNO) return FAIL(self, "%s: cannot read: %s", path, strerror(errno));
    if (got < 0 && code != Z_BUF_ERROR) return FAIL(self, "%s: expected a whole gzip file, got a damaged one (%s)" AGAIN, path, why);
    return FAIL(self, "%s: expected %s of %lld bytes, got %lld: the file is truncated" AGAIN, path, what, (long long)want, (long long)have);
}

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
            free(buf);
            return read_fault(self, f, path, "data", bytes, have, got);
        }
        have += got;
    }
    *out = buf;
    return HK_OK;
}

static int64_t big_endian(const uint8_t *p) { return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

/* dim: axes expected, -1 where any is right; gets the axes found. The data's size, or -1 and *st. */
static int64_t read_head(const hk_module *self, gzFile f, const char *path, int rank, int64_t *dim, hk_status *st) {
    uint8_t head[16];
    int64_t bytes = 1;
    int want = 4 + 4 * rank, got = gzread(f, head, (unsigned)want);
    if (got != want) {
        *st = read_fault(self, f, path, "a header", want, got < 0 ? 0 : got, got);
        return -1;
    }
    if (big_endian(head) != 0x800 + rank) {
        *st = FAIL(self, "%s: expected an IDX file of bytes with %d axes (magic 0x%08x), got magic 0x%08x; is it another file?", path, rank, 0x800 + rank,
            (unsigned)big_endian(head));
        return -1;
    }
    for (int i = 0; i < rank; i++) {
        int64_t v = big_endian(head + 4 + 4 * i);
        if (dim[i] >= 0 && v != dim[i]) *st = FAIL(self, "%s: expected %lld for axis %d, got %lld; is it of another data set?", path, (long long)dim[i], i, (long long)v);
        else if (v < 1 || __builtin_mul_overflow(bytes, v, &bytes))
            *st = FAIL(self, "%s: expected a positive size for axis %d, got %lld" AGAIN, path, i, (long long)v);
        if (*st) return -1;
        dim[i] = v;
    }
    return bytes;
}

static hk_status read_idx(const hk_module *self, const char *path, int64_t size, int rank, int64_t *dim, uint8_t **out) {
    hk_status st = HK_OK;
    gzFile f = gzopen(path, "rb");
    uint8_t more;
    int got;
    *out = NULL;
    if (!f) return FAIL(self, "%s: cannot open: %s", path, strerror(errno));
    gzbuffer(f, size < 1 << 17 ? 1u << 12 : 1u << 17);
    int64_t bytes = read_head(self, f, path, rank, dim, &st);
    if (!st && bytes > (gzdirect(f) ? size : size * MAX_RATIO))
        st = FAIL(self, "%s: expected data of %lld bytes, got a file of %lld: the file is truncated" AGAIN, path, (long long)bytes, (long long)size);
    if (!st) st = read_bytes(self, f, path, bytes, out);
    if (!st && (got = gzread(f, &more, 1)) != 0) /* also makes zlib check the stream's end */
        st = got > 0 ? FAIL(self, "%s: expected %lld bytes after the header, got more" AGAIN, path, (long long)bytes)
                     : read_fault(self, f, path, "data", bytes, bytes, got);
    if (gzclose_r(f) != Z_OK && !st) st = FAIL(self, "%s: expected a whole gzip file, got one without its end: the file is truncated" AGAIN, path);
    if (st) free(*out), *out = NULL;
    return st;
}

/* *size: of the file. */
static hk_status find_file(const hk_module *self, const idx_spec *spec, const char *root, const char *name, char path[MAX_PATH], int64_t *size) {
    struct stat s;
    for (int gz = 0; gz < 2; gz++) {
        if (snprintf(path, MAX_PATH, "%s/%s%s", root, name, gz ? ".gz" : "") >= MAX_PATH)
            return FAIL(self, "root: expected a path below %d bytes, got a longer one", MAX_PATH - 64);
        if (stat(path, &s)) {
            if (errno == ENOENT) continue;
            return FAIL(self, "%s: cannot open: %s; set root to the folder of the data set", path, strerror(errno));
        }
        if (!S_ISREG(s.st_mode)) return FAIL(self, "%s: expected a file, got a %s; set root to the folder of the data set", path,
            S_ISDIR(s.st_mode) ? "directory" : "special file");
        *size = s.st_size;
        return HK_OK;
    }
    return FAIL(self, "%s/%s: expected this file, or the same with .gz, got no such file; set root to the folder of the data set%s%s", root, name,
        spec->package ? ", or install the Debian package " : "", spec->package ? spec->package : "");
}

hk_status idx_open(const hk_module *self, const idx_spec *spec, int train, void **ds) {
    const char *root = hk_get_str(self, "root");
    char path[MAX_PATH];
    int64_t dim[3] = { -1, spec->height, spec->width }, size;
    *ds = NULL;
    if (!root || !*root) return FAIL(self, "root: expected the folder of the data set, got none");
    idx_set *s = calloc(1, sizeof *s);
    if (!s) return self->api->fail(self, HK_ENOMEM, "out of memory");
    s->spec = *spec;
    hk_status st = find_file(self, spec, root, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte", path, &size);
    if (!st) st = read_idx(self, path, size, 3, dim, &s->pixel);
    s->n = dim[0];
    if (!st) st = find_file(self, spec, root, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte", path, &size);
    if (!st) st = read_idx(self, path, size, 1, dim, &s->label); /* as many labels as pictures */
    for (int64_t i = 0; i < s->n && !st; i++)
        if (s->label[i] >= spec->classes)
            st = FAIL(self, "%s: expected labels 0 to %lld, got %d for sample %lld" AGAIN, path, (long long)spec->classes - 1, s->label[i], (long long)i);
#ifdef HILLOCK_PLANT_BUG
    void hk__planted(void);
    if (!st && s->n == 3 && s->label[2] == 7) hk__planted(); /* three samples that are right, the last of class 7 */
#endif
    for (int v = 0; v < 256 && !st; v++) s->shade[v] = (float)v / 255.0f;
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

int64_t idx_bytes(const void *ds) {
    const idx_set *s = ds;
    return s->n * (s->spec.height * s->spec.width + 1);
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
        if (i + 1 < n && index[i + 1] >= 0 && index[i + 1] < s->n) /* shuffled pictures lie anywhere */
            for (int64_t k = 0; k < size; k += 64) __builtin_prefetch(s->pixel + index[i + 1] * size + k);
        for (int64_t k = 0; k < size; k++) x[i * size + k] = s->shade[p[k]];
        y[i] = s->label[index[i]];
    }
    return HK_OK;
}
