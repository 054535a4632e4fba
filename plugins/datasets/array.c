/* array.c - an array of numbers from a file of any of the formats, told apart by its first bytes, and its numbers as float or integer. */
#include "array.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

hk_status array_file_read(const array_file *f, void *to, int64_t bytes, int64_t offset) {
    char *p = to;
    while (bytes > 0) {
        ssize_t n = pread(f->fd, p, (size_t)(bytes < 1 << 30 ? bytes : 1 << 30), (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ARRAY_FAIL(f->self, "%s: cannot read: %s", f->path, strerror(errno));
        if (n == 0) return ARRAY_FAIL(f->self, "%s: expected %lld more bytes at offset %lld, got the end of the file: it is truncated", f->path, (long long)bytes, (long long)offset);
        p += n, offset += n, bytes -= n;
    }
    return HK_OK;
}

int array_type(array *a, const char *t) {
    static const char *const known[] = { "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "B2" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(t, known[i])) return a->kind = t[0], a->size = t[1] - '0', 1;
    return 0;
}

hk_status array_layout(const hk_module *self, const char *path, array *a, int fortran, int64_t *bytes) {
    int64_t n = 1;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] < 1 || a->shape[i] > ARRAY_MAX_DIM || __builtin_mul_overflow(n, a->shape[i], &n))
            return ARRAY_FAIL(self, "%s: expected a size of 1 or more for axis %d, and a product in range, got %lld", path, i, (long long)a->shape[i]);
    if (__builtin_mul_overflow(n, a->size, bytes)) return ARRAY_FAIL(self, "%s: the array has more bytes than fit a number", path);
    int64_t stride = 1;
    for (int i = 0; i < a->rank; i++) {
        const int axis = fortran ? i : a->rank - 1 - i;
        a->stride[axis] = stride, stride *= a->shape[axis];
    }
    return HK_OK;
}

void array_free(array *a) {
    free(a->owned);
    *a = (array){ 0 };
}

static hk_status load(const array_file *f, const char *name, array *out) {
    static const uint8_t npy[] = { 0x93, 'N', 'U', 'M', 'P', 'Y' }, zip[] = { 'P', 'K', 3, 4 }, empty[] = { 'P', 'K', 5, 6 };
    uint8_t head[9] = { 0 }, *bytes = NULL;
    int64_t n = f->size;
    hk_status st = array_file_read(f, head, f->size < 9 ? f->size : 9, 0);
    if (st) return st;
    if (!memcmp(head, zip, sizeof zip) || !memcmp(head, empty, sizeof empty)) {
        st = npz_member(f, name, &bytes, &n);
    } else if (!memcmp(head, npy, sizeof npy)) {
        bytes = malloc((size_t)n);
        if (!bytes) return f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory for %lld bytes", f->path, (long long)n);
        st = array_file_read(f, bytes, n, 0);
    } else if (head[8] == '{') {
        return safetensors_array(f, name, out);
    } else
        return ARRAY_FAIL(f->self, "%s: expected a .npy, .npz or .safetensors file, got one that begins as none of them", f->path);
    if (!st) return npy_parse(f->self, f->path, bytes, n, out);
    free(bytes);
    return st;
}

hk_status array_load(const hk_module *self, const char *path, const char *name, array *out) {
    struct stat s;
    *out = (array){ 0 };
    array_file f = { .self = self, .path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }; /* a pipe must not make us wait */
    if (f.fd < 0) return ARRAY_FAIL(self, "%s: cannot open: %s", path, strerror(errno));
    hk_status st = HK_OK;
    if (fstat(f.fd, &s)) st = ARRAY_FAIL(self, "%s: cannot open: %s", path, strerror(errno));
    else if (!S_ISREG(s.st_mode)) st = ARRAY_FAIL(self, "%s: expected a file, got a %s", path, S_ISDIR(s.st_mode) ? "directory" : "special file");
    else if (s.st_size < 10) st = ARRAY_FAIL(self, "%s: expected a .npy, .npz or .safetensors file, got one of %lld bytes", path, (long long)s.st_size);
    f.size = s.st_size;
    if (!st) st = load(&f, name, out);
    close(f.fd);
    if (st) array_free(out);
    return st;
}

/* ---- numbers ---- */

static float half(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ff;
    uint32_t bits;
    float f;
    if (e == 0) return (sign ? -1.0f : 1.0f) * (float)m * 0x1p-24f;
    if (e == 31) bits = sign | 0x7f800000u | m << 13;
    else bits = sign | (e + 112) << 23 | m << 13;
    memcpy(&f, &bits, 4);
    return f;
}
static float brain(uint16_t h) {
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint16_t get16(const array *a, const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, 2);
    return a->swap ? __builtin_bswap16(v) : v;
}
static uint32_t get32(const array *a, const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return a->swap ? __builtin_bswap32(v) : v;
}
static uint64_t get64(const array *a, const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return a->swap ? __builtin_bswap64(v) : v;
}
static float real32(uint32_t v) {
    float f;
    memcpy(&f, &v, 4);
    return f;
}
static double real64(uint64_t v) {
    double f;
    memcpy(&f, &v, 8);
    return f;
}

void array_floats(const array *a, int64_t at, int64_t step, int64_t n, float scale, float *to) {
    const uint8_t *p = a->data + at * a->size;
    const int64_t by = step * a->size;
#define EACH(value)                                                                                                                                            \
    for (int64_t k = 0; k < n; k++, p += by) to[k] = (float)(value)*scale;                                                                                     \
    break
    switch (a->kind << 8 | a->size) {
    case 'b' << 8 | 1: EACH(*p != 0);
    case 'u' << 8 | 1: EACH(*p);
    case 'i' << 8 | 1: EACH((int8_t)*p);
    case 'u' << 8 | 2: EACH(get16(a, p));
    case 'i' << 8 | 2: EACH((int16_t)get16(a, p));
    case 'u' << 8 | 4: EACH(get32(a, p));
    case 'i' << 8 | 4: EACH((int32_t)get32(a, p));
    case 'u' << 8 | 8: EACH(get64(a, p));
    case 'i' << 8 | 8: EACH((int64_t)get64(a, p));
    case 'f' << 8 | 2: EACH(half(get16(a, p)));
    case 'B' << 8 | 2: EACH(brain(get16(a, p)));
    case 'f' << 8 | 4: EACH(real32(get32(a, p)));
    case 'f' << 8 | 8: EACH(real64(get64(a, p)));
    }
#undef EACH
}

int array_is_integer(const array *a) { return a->kind == 'i' || a->kind == 'u' || a->kind == 'b'; }

int64_t array_integer(const array *a, int64_t at) {
    const uint8_t *p = a->data + at * a->size;
    const int u = a->kind != 'i';
    if (a->size == 1) return u ? *p : (int8_t)*p;
    if (a->size == 2) return u ? get16(a, p) : (int16_t)get16(a, p);
    if (a->size == 4) return u ? (int64_t)get32(a, p) : (int32_t)get32(a, p);
    const uint64_t v = get64(a, p);
    return u && v > INT64_MAX ? INT64_MAX : (int64_t)v;
}
