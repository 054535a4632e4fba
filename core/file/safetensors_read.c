/* safetensors_read.c - reads a safetensors file, stricter than the reference (safetensors 0.8, tensor.rs).
 *
 * Layout: u64 header length (little-endian), that many bytes of JSON, data. Nothing in the file is believed: the header must begin with '{'
 * and may only be padded with spaces, no key comes twice, offsets tile the data exactly, every size is computed in one checked
 * function, counts have caps. Data is copied by pread into memory of its own, aligned whatever the file says, so that a file that is
 * cut or changed later can't hurt (mmap would end in SIGBUS). */
#include "file/file.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 8

typedef struct entry {
    hk_tensor t;
    int64_t begin, end;
    int order; /* in the header */
    bool is_bool;
} entry;

struct hk_file {
    json_t *root; /* owns all names and the metadata */
    entry *entry;
    int n;
};

typedef struct reader {
    hk_context *ctx;
    const char *path;
    int fd;
    int64_t data, size; /* where the data begins in the file; bytes of data */
    hk_file *f;
} reader;

#define FAIL(r, ...) hk__fail_in((r)->ctx, hk__fail((r)->ctx, HK_ECHECKPOINT, __VA_ARGS__), "%s", (r)->path)
#define FAIL_TENSOR(r, name, fmt, ...) FAIL(r, "tensor '%.200s': " fmt, name, __VA_ARGS__)

static hk_status read_at(reader *r, void *to, int64_t bytes, int64_t offset) {
    char *p = to;
    while (bytes) {
        ssize_t n = pread(r->fd, p, (size_t)(bytes < 1 << 30 ? bytes : 1 << 30), (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return hk__fail(r->ctx, HK_EIO, "%s: cannot read: %s", r->path, strerror(errno));
        if (n == 0) return FAIL(r, "expected %lld more bytes at offset %lld, got the end of the file", (long long)bytes, (long long)offset);
        p += n, offset += n, bytes -= n;
    }
    return HK_OK;
}

/* What is checked before the parser sees the text. */
static hk_status check_text(reader *r, const char *s, size_t n) {
    size_t end = n;
    if (n == 0 || s[0] != '{') return FAIL(r, "header: expected '{' as its first byte, got 0x%02x", n ? (unsigned char)s[0] : 0u);
    while (end && s[end - 1] == ' ') end--;
    if (s[end - 1] != '}') return FAIL(r, "header: expected '}' and spaces at its end, got 0x%02x", (unsigned char)s[end - 1]);
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < end; i++) {
        if (in_string) {
            if (s[i] == '\\') i++;
            else if (s[i] == '"') in_string = false;
        } else if (s[i] == '"') in_string = true;
        else if (s[i] == '{' || s[i] == '[') depth++;
        else if (s[i] == '}' || s[i] == ']') depth--;
        if (depth > MAX_DEPTH) return FAIL(r, "header: expected at most %d levels of nesting, got more at byte %zu", MAX_DEPTH, i);
    }
    return HK_OK;
}

static hk_status check_meta(reader *r, const json_t *meta) {
    const char *key;
    json_t *v;
    if (json_is_null(meta)) return HK_OK;
    if (!json_is_object(meta)) return FAIL(r, HK__META_KEY ": expected an object of strings, got something else");
    json_object_foreach((json_t *)(uintptr_t)meta, key, v) if (!json_is_string(v)) return FAIL(r, HK__META_KEY ": expected a string for '%.200s'", key);
    return HK_OK;
}

static hk_status read_shape(reader *r, entry *e, const json_t *shape) {
    if (!json_is_array(shape)) return FAIL_TENSOR(r, e->t.name, "expected an array '%s'", "shape");
    size_t rank = json_array_size(shape);
    if (rank > 8) return FAIL_TENSOR(r, e->t.name, "expected at most 8 axes, got %zu", rank);
    for (size_t i = 0; i < rank; i++) {
        const json_t *d = json_array_get(shape, i);
        if (!json_is_integer(d)) return FAIL_TENSOR(r, e->t.name, "expected integers in shape, got another thing at axis %zu", i);
        json_int_t v = json_integer_value(d);
        if (v < 0 || v > HK__MAX_DIM) return FAIL_TENSOR(r, e->t.name, "expected 0 to 2^40 for axis %zu, got %lld", i, (long long)v);
        e->t.shape[i] = v;
    }
    e->t.rank = (int32_t)rank;
    return HK_OK;
}

static hk_status read_entry(reader *r, const char *name, const json_t *info, entry *e) {
    const char *fault = hk__st_name_fault(name);
    if (fault) return FAIL(r, "header: expected a name for each tensor, got one that %s", fault);
    e->t.name = name;
    if (!json_is_object(info)) return FAIL_TENSOR(r, name, "expected an object with %s", "dtype, shape and data_offsets");
    const json_t *dtype = json_object_get(info, "dtype"), *off = json_object_get(info, "data_offsets");
    const char *key, *text = json_string_value(dtype);
    json_t *v;
    bool known;
    if (!text) return FAIL_TENSOR(r, name, "expected a string '%s'", "dtype");
    e->t.dtype = hk__st_dtype(text, &known);
    e->is_bool = !strcmp(text, "BOOL");
    if (!e->t.dtype) return FAIL_TENSOR(r, name, "expected dtype F32, F64, I64, U8 or BOOL, got %s%.40s", known ? "" : "the unknown ", text);
    hk_status st = read_shape(r, e, json_object_get(info, "shape"));
    if (st) return st;
    if (!json_is_array(off) || json_array_size(off) != 2 || !json_is_integer(json_array_get(off, 0)) || !json_is_integer(json_array_get(off, 1)))
        return FAIL_TENSOR(r, name, "expected two integers '%s'", "data_offsets");
    e->begin = json_integer_value(json_array_get(off, 0)), e->end = json_integer_value(json_array_get(off, 1));
    if (e->begin < 0 || e->end < e->begin || e->end > r->size)
        return FAIL_TENSOR(
            r, name, "expected data_offsets inside the %lld bytes of data, got [%lld, %lld]", (long long)r->size, (long long)e->begin, (long long)e->end);
    int64_t bytes = hk__st_nbytes(e->t.dtype, e->t.rank, e->t.shape);
    if (bytes < 0) return FAIL_TENSOR(r, name, "expected a size below 2^63 bytes, got an overflow%s", "");
    if (bytes != e->end - e->begin)
        return FAIL_TENSOR(r, name, "expected %lld bytes for its shape, got %lld", (long long)bytes, (long long)(e->end - e->begin));
#ifdef HILLOCK_PLANT_BUG
    void hk__planted(void);
    if (e->t.dtype == HK_I64 && e->t.rank == 2 && e->begin > 0) hk__planted(); /* a matrix of integers that is right, behind another tensor */
#endif
    json_object_foreach((json_t *)(uintptr_t)info, key, v) if (strcmp(key, "dtype") && strcmp(key, "shape") && strcmp(key, "data_offsets"))
        hk__log(r->ctx, 1, "%s: tensor '%s': the unknown field '%.40s' is ignored", r->path, name, key);
    return HK_OK;
}

static int by_offset(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return x->order - y->order;
}

/* The tensors must tile the data: no hole, no overlap, nothing before or after. */
static hk_status check_tiling(reader *r) {
    hk_file *f = r->f;
    int64_t at = 0;
    if (f->n) qsort(f->entry, (size_t)f->n, sizeof *f->entry, by_offset);
    for (int i = 0; i < f->n; i++) {
        const entry *e = &f->entry[i];
        if (e->begin != at)
            return FAIL_TENSOR(r, e->t.name, "expected its data at offset %lld, got %lld: %s", (long long)at, (long long)e->begin,
                e->begin > at ? "a hole before it" : "it overlaps another tensor");
        at = e->end;
    }
    if (at != r->size) return FAIL(r, "expected %lld bytes of data, got %lld", (long long)at, (long long)r->size);
    return HK_OK;
}

static hk_status read_header(reader *r, const char *text, size_t n) {
    hk_status st = check_text(r, text, n);
    if (st) return st;
    json_error_t err;
    hk__json_watch();
    json_t *root = r->f->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err);
    if (hk__json_failed()) return hk__fail(r->ctx, HK_ENOMEM, "%s: out of memory", r->path);
    if (!root) return FAIL(r, "header: expected JSON in UTF-8, got at byte %d: %s", err.position, err.text);
    if (!json_is_object(root)) return FAIL(r, "header: expected a JSON object, got something else");
    if (json_object_size(root) > HK__MAX_TENSORS) return FAIL(r, "header: expected at most %d tensors, got %zu", HK__MAX_TENSORS, json_object_size(root));
    r->f->entry = calloc(json_object_size(root) + 1, sizeof *r->f->entry);
    if (!r->f->entry) return hk__fail(r->ctx, HK_ENOMEM, "%s: out of memory", r->path);
    const char *name;
    json_t *info;
    json_object_foreach(root, name, info) {
        if (!strcmp(name, HK__META_KEY)) st = check_meta(r, info);
        else {
            r->f->entry[r->f->n].order = r->f->n;
            st = read_entry(r, name, info, &r->f->entry[r->f->n]);
            r->f->n++;
        }
        if (st) return st;
    }
    return check_tiling(r);
}

static hk_status read_data(reader *r) {
    for (int i = 0; i < r->f->n; i++) {
        entry *e = &r->f->entry[i];
        int64_t bytes = e->end - e->begin;
        uint8_t *p = e->t.data = malloc(bytes ? (size_t)bytes : 1);
        if (!p) return hk__fail(r->ctx, HK_ENOMEM, "%s: tensor '%s': no memory for %lld bytes", r->path, e->t.name, (long long)bytes);
        hk_status st = read_at(r, p, bytes, r->data + e->begin);
        if (st) return st;
        for (int64_t k = 0; e->is_bool && k < bytes; k++)
            if (p[k] > 1) return FAIL_TENSOR(r, e->t.name, "expected bytes 0 and 1 in a BOOL, got %d at index %lld", p[k], (long long)k);
    }
    return HK_OK;
}

/* A file with a seal (seal.c) is checked whole; the tensors' own hashes then tell which one is damaged. */
static hk_status check_seal(reader *r, const uint8_t head[8], const char *text, size_t n) {
    const char *want = hk_file_meta(r->f, HK__SEAL_KEY);
    char got[HK__SEAL_HEX + 1], hash[17], key[512];
    hk__seal s;
    const char *name;
    json_t *v;
    if (!want) { /* a file of others, or of ours with its seal's name damaged */
        json_object_foreach(json_object_get(r->f->root, HK__META_KEY), name, v) if (!strncmp(name, HK__SEAL_KEY ".", sizeof HK__SEAL_KEY)) return FAIL(
            r, HK__META_KEY ": expected '" HK__SEAL_KEY "' beside the hashes of tensors, got none: the file is damaged");
        return HK_OK;
    }
    if (!hk__seal_fits(text, n)) return FAIL(r, HK__META_KEY ": expected '" HK__SEAL_KEY "' at the header's beginning, got it elsewhere: the file is damaged");
    if (hk__seal_begin(&s, head, text, n)) return hk__fail(r->ctx, HK_ENOMEM, "%s: out of memory", r->path);
    for (int i = 0; i < r->f->n; i++) hk__seal_add(&s, r->f->entry[i].t.data, (size_t)(r->f->entry[i].end - r->f->entry[i].begin));
    hk__seal_end(&s, got);
    if (!strcmp(got, want)) return HK_OK;
    for (int i = 0; i < r->f->n; i++) {
        const entry *e = &r->f->entry[i];
        snprintf(key, sizeof key, HK__SEAL_KEY ".%.400s", e->t.name);
        hk__hash_text(e->t.data, (size_t)(e->end - e->begin), hash);
        const char *kept = hk_file_meta(r->f, key);
        if (kept && strcmp(kept, hash)) return FAIL_TENSOR(r, e->t.name, "expected the hash %.16s, got %s: its data is damaged", kept, hash);
    }
    return FAIL(r, "expected the hash %.32s, got %s: the file is damaged", want, got);
}

static hk_status read_file(reader *r) {
    struct stat s;
    uint8_t head[8];
    uint64_t n = 0;
    if (fstat(r->fd, &s) || !S_ISREG(s.st_mode)) return FAIL(r, "expected a file, got something else");
    if (s.st_size < 8) return FAIL(r, "expected at least 8 bytes, got %lld", (long long)s.st_size);
    hk_status st = read_at(r, head, 8, 0);
    if (st) return st;
    for (int i = 7; i >= 0; i--) n = n << 8 | head[i];
    if (n > HK__MAX_HEADER) return FAIL(r, "expected a header of at most %d bytes, got %llu", HK__MAX_HEADER, (unsigned long long)n);
    if ((int64_t)n > s.st_size - 8)
        return FAIL(r, "expected a header of %llu bytes, got only %lld after the length", (unsigned long long)n, (long long)s.st_size - 8);
    r->data = 8 + (int64_t)n;
    r->size = s.st_size - r->data;
    char *text = malloc((size_t)n + 1);
    if (!text) return hk__fail(r->ctx, HK_ENOMEM, "%s: out of memory", r->path);
    st = read_at(r, text, (int64_t)n, 8);
    if (!st) st = read_header(r, text, (size_t)n);
    if (!st) st = read_data(r);
    if (!st) st = check_seal(r, head, text, (size_t)n);
    free(text);
    return st;
}

hk_status hk_file_read(hk_context *ctx, const char *path, hk_file **out) {
    reader r = { .ctx = ctx, .path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    *out = NULL;
    if (r.fd < 0) return FAIL(&r, "cannot open: %s", strerror(errno));
    r.f = calloc(1, sizeof *r.f);
    hk_status st = r.f ? read_file(&r) : hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    close(r.fd);
    if (st) hk_file_free(r.f);
    else *out = r.f;
    return st;
}

void hk_file_free(hk_file *f) {
    if (!f) return;
    for (int i = 0; i < f->n; i++) free(f->entry[i].t.data);
    free(f->entry);
    json_decref(f->root);
    free(f);
}

int hk_file_n(const hk_file *f) { return f->n; }

const hk_tensor *hk_file_at(const hk_file *f, int i) { return i < 0 || i >= f->n ? NULL : &f->entry[i].t; }

const hk_tensor *hk_file_find(const hk_file *f, const char *name) {
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->entry[i].t.name, name)) return &f->entry[i].t;
    return NULL;
}

const char *hk_file_meta(const hk_file *f, const char *key) { return json_string_value(json_object_get(json_object_get(f->root, HK__META_KEY), key)); }
