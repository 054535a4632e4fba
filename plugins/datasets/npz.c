/* npz.c - NumPy's .npz: a zip archive whose members are .npy files, stored or deflated (zlib).
 *
 * A subset of the format, read by its directory at the end, as every reader does; zip64 is taken, encryption and several disks are not. The sum of a member is
 * checked, its memory grows as data comes. Source: PKWARE, APPNOTE.TXT 6.3.10; NumPy 2.0, numpy.savez and savez_compressed. */
#include "array.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_DIRECTORY (INT64_C(64) << 20)
#define MAX_RATIO 1032 /* deflate makes nothing smaller than by this */
#define DAMAGED(f, what) ARRAY_FAIL((f)->self, "%s: " what ": the archive is damaged", (f)->path)

static int64_t le16(const uint8_t *p) { return p[0] | p[1] << 8; }
static int64_t le32(const uint8_t *p) { return (int64_t)p[0] | (int64_t)p[1] << 8 | (int64_t)p[2] << 16 | (int64_t)p[3] << 24; }
/* -1: more than a file can have. */
static int64_t le64(const uint8_t *p) { return p[7] & 0x80 ? -1 : le32(p) | le32(p + 4) << 32; }

typedef struct member {
    int64_t flags, method, crc, packed, size, offset;
    int found;
} member;

/* Where the directory begins, its bytes and entries. */
static hk_status find_directory(const array_file *f, int64_t *at, int64_t *bytes, int64_t *count) {
    uint8_t tail[65557 + 20], end64[56];
    const int64_t n = f->size < (int64_t)sizeof tail ? f->size : (int64_t)sizeof tail;
    hk_status st = array_file_read(f, tail, n, f->size - n);
    int64_t i = n - 22;
    if (st) return st;
    while (i >= 0 && !(le32(tail + i) == 0x06054b50 && i + 22 + le16(tail + i + 20) == n)) i--;
    if (i < 0) return ARRAY_FAIL(f->self, "%s: the archive has no directory at its end: it is truncated, or no .npz file", f->path);
    const uint8_t *e = tail + i;
    if (le16(e + 4) || le16(e + 6) || le16(e + 8) != le16(e + 10)) return DAMAGED(f, "expected an archive of one file");
    *count = le16(e + 10), *bytes = le32(e + 12), *at = le32(e + 16);
    if (*count == 0xffff || *bytes == 0xffffffff || *at == 0xffffffff) {
        if (i < 20 || le32(e - 20) != 0x07064b50) return DAMAGED(f, "expected a zip64 locator");
        const int64_t where = le64(e - 12);
        if (where < 0 || where > f->size - 56) return DAMAGED(f, "its zip64 end lies outside");
        if ((st = array_file_read(f, end64, 56, where))) return st;
        if (le32(end64) != 0x06064b50) return DAMAGED(f, "expected a zip64 end");
        *count = le64(end64 + 32), *bytes = le64(end64 + 40), *at = le64(end64 + 48);
    }
    if (*count < 0 || *bytes < 0 || *at < 0 || *at > f->size || *bytes > f->size - *at) return DAMAGED(f, "its directory lies outside");
    if (*bytes > MAX_DIRECTORY) return ARRAY_FAIL(f->self, "%s: expected a directory below 64 MiB, got %lld bytes", f->path, (long long)*bytes);
    return HK_OK;
}

/* The zip64 field: the sizes and the offset that did not fit, in this order. */
static int extend(const uint8_t *x, int64_t n, member *m) {
    while (n >= 4) {
        const int64_t id = le16(x), size = le16(x + 2);
        if (size > n - 4) return 0;
        if (id == 1) {
            const uint8_t *p = x + 4, *end = p + size;
            int64_t *const wide[] = { &m->size, &m->packed, &m->offset };
            for (int i = 0; i < 3; i++)
                if (*wide[i] == 0xffffffff) {
                    if (end - p < 8) return 0;
                    *wide[i] = le64(p), p += 8;
                }
        }
        x += 4 + size, n -= 4 + size;
    }
    return m->size >= 0 && m->packed >= 0 && m->offset >= 0;
}

/* Whether a member is the array: NAME.npy, or NAME. */
static int is_named(const uint8_t *p, int64_t n, const char *name) {
    const int64_t len = (int64_t)strlen(name);
    return n >= len && !memcmp(p, name, (size_t)len) && (n == len || (n == len + 4 && !memcmp(p + len, ".npy", 4)));
}

/* names[size] gets what there is, for a message. */
static hk_status search(const array_file *f, const uint8_t *d, int64_t bytes, int64_t count, const char *name, member *m, char *names, size_t size) {
    size_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        if (bytes < 46 || le32(d) != 0x02014b50) return DAMAGED(f, "expected as many entries in its directory as it says");
        const int64_t n = le16(d + 28), extra = le16(d + 30), all = 46 + n + extra + le16(d + 32);
        if (all > bytes) return DAMAGED(f, "an entry of its directory is cut off");
        if (is_named(d + 46, n, name)) {
            if (m->found) return ARRAY_FAIL(f->self, "%s: the array '%s' is there twice", f->path, name);
            *m = (member){ le16(d + 8), le16(d + 10), le32(d + 16), le32(d + 20), le32(d + 24), le32(d + 42), 1 };
            if (!extend(d + 46 + n, extra, m)) return DAMAGED(f, "an entry's zip64 field is wrong");
        }
        for (int64_t k = 0; k < n && used + 4 < size; k++) {
            if (!k && used) names[used++] = ',', names[used++] = ' ';
            if (n - k == 4 && !memcmp(d + 46 + k, ".npy", 4)) break;
            names[used++] = (char)d[46 + k];
        }
        d += all, bytes -= all;
    }
    names[used] = '\0';
    return HK_OK;
}

static hk_status grow(const array_file *f, uint8_t **buf, int64_t *cap, int64_t size) {
    *cap = *cap ? 2 * *cap : 1 << 20;
    if (*cap > size) *cap = size;
    uint8_t *more = realloc(*buf, (size_t)(*cap ? *cap : 1));
    if (!more) return f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory for %lld bytes", f->path, (long long)*cap);
    *buf = more;
    return HK_OK;
}

static hk_status inflate_member(const array_file *f, const member *m, int64_t at, z_stream *z, uint8_t **buf) {
    uint8_t chunk[1 << 15];
    int64_t have = 0, cap = 0, left = m->packed;
    int code = Z_OK;
    hk_status st = HK_OK;
    while (code != Z_STREAM_END) {
        if (have == cap && have < m->size && (st = grow(f, buf, &cap, m->size))) return st;
        if (!z->avail_in && left) {
            const int64_t n = left < (int64_t)sizeof chunk ? left : (int64_t)sizeof chunk;
            if ((st = array_file_read(f, chunk, n, at))) return st;
            at += n, left -= n, z->next_in = chunk, z->avail_in = (uInt)n;
        }
        uint8_t none;
        const int64_t room = cap - have < 1 << 30 ? cap - have : 1 << 30;
        z->next_out = room ? *buf + have : &none, z->avail_out = room ? (uInt)room : 1; /* a byte too many is seen */
        const uInt before = z->avail_out;
        code = inflate(z, Z_NO_FLUSH);
        const int64_t got = before - z->avail_out;
        if ((code != Z_OK && code != Z_STREAM_END) || (!room && got)) return DAMAGED(f, "a member does not unpack to its size");
        have += got;
    }
    if (have != m->size || left || z->avail_in) return DAMAGED(f, "a member does not unpack to its size");
    return HK_OK;
}

static hk_status unpack(const array_file *f, const member *m, int64_t at, uint8_t **buf) {
    z_stream z = { 0 };
    hk_status st = HK_OK;
    int64_t cap = 0;
    if (m->method == 0) { /* stored: as large as it says, or the file ends before */
        while (!st && cap < m->size) {
            const int64_t from = cap;
            st = grow(f, buf, &cap, m->size);
            if (!st) st = array_file_read(f, *buf + from, cap - from, at + from);
        }
    } else {
        if (inflateInit2(&z, -15) != Z_OK) return f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory to unpack", f->path);
        st = inflate_member(f, m, at, &z, buf);
        inflateEnd(&z);
    }
    if (st) return st;
    uLong crc = crc32(0, Z_NULL, 0);
    for (int64_t i = 0; i < m->size; i += 1 << 30) crc = crc32(crc, *buf + i, (uInt)(m->size - i < 1 << 30 ? m->size - i : 1 << 30));
    return (int64_t)crc == m->crc ? HK_OK : DAMAGED(f, "a member's check sum is wrong");
}

hk_status npz_member(const array_file *f, const char *name, uint8_t **bytes, int64_t *n) {
    int64_t at, size, count;
    member m = { 0 };
    char names[256] = "";
    uint8_t head[30];
    *bytes = NULL, *n = 0;
    hk_status st = find_directory(f, &at, &size, &count);
    uint8_t *directory = st ? NULL : malloc((size_t)size + 1);
    if (!st && !directory) st = f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory for %lld bytes", f->path, (long long)size);
    if (!st) st = array_file_read(f, directory, size, at);
    if (!st) st = search(f, directory, size, count, name, &m, names, sizeof names);
    free(directory);
    if (st) return st;
    if (!m.found) return ARRAY_FAIL(f->self, "%s: expected an array '%s', got: %s", f->path, name, names[0] ? names : "none");
    if (m.flags & 1) return ARRAY_FAIL(f->self, "%s: the array '%s' is encrypted", f->path, name);
    if (m.method != 0 && m.method != 8) return ARRAY_FAIL(f->self, "%s: expected '%s' stored or deflated, got method %lld", f->path, name, (long long)m.method);
    if (f->size < 30 || m.offset > f->size - 30) return DAMAGED(f, "a member lies outside");
    if ((st = array_file_read(f, head, 30, m.offset))) return st;
    const int64_t data = m.offset + 30 + le16(head + 26) + le16(head + 28);
    if (le32(head) != 0x04034b50 || data > f->size || m.packed > f->size - data) return DAMAGED(f, "a member lies outside");
    if (m.size > (m.method ? (m.packed > INT64_MAX / MAX_RATIO ? INT64_MAX : m.packed * MAX_RATIO) : m.packed)) return DAMAGED(f, "a member is said to be larger than it can be");
    if (!m.method && m.size != m.packed) return DAMAGED(f, "a stored member has two sizes");
    st = unpack(f, &m, data, bytes);
    if (st) free(*bytes), *bytes = NULL;
    else *n = m.size;
    return st;
}
