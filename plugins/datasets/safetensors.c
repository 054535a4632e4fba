/* safetensors.c - one tensor of a safetensors file as an array: u64 length of a JSON header (jansson), the header, the numbers. The tensor asked for is checked in
 * full; others are not looked at. (Checkpoints are read by the core, which checks all of a file.) Source: safetensors 0.8, the format's description. */
#include "array.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 100000000 /* bytes; the reference's cap */

static int type_of(array *a, const char *t) {
    static const struct {
        const char *name, *letters;
    } list[] = { { "BOOL", "b1" }, { "U8", "u1" }, { "I8", "i1" }, { "U16", "u2" }, { "I16", "i2" }, { "U32", "u4" }, { "I32", "i4" }, { "U64", "u8" }, { "I64", "i8" }, { "F16", "f2" },
        { "BF16", "B2" }, { "F32", "f4" }, { "F64", "f8" } };
    for (size_t i = 0; t && i < sizeof list / sizeof *list; i++)
        if (!strcmp(t, list[i].name)) return array_type(a, list[i].letters);
    return 0;
}

static hk_status shape_of(const array_file *f, const char *name, const json_t *shape, array *a) {
    if (!json_is_array(shape) || json_array_size(shape) > ARRAY_MAX_RANK) return ARRAY_FAIL(f->self, "%s: '%s': expected at most %d axes", f->path, name, ARRAY_MAX_RANK);
    a->rank = (int)json_array_size(shape);
    for (int i = 0; i < a->rank; i++) {
        const json_t *v = json_array_get(shape, (size_t)i);
        if (!json_is_integer(v)) return ARRAY_FAIL(f->self, "%s: '%s': expected integers as its shape", f->path, name);
        a->shape[i] = json_integer_value(v);
    }
    return HK_OK;
}

static void list_names(const json_t *root, char *to, size_t size) {
    const char *key;
    json_t *v;
    size_t used = 0;
    to[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)root, key, v) {
        if (!strcmp(key, "__metadata__")) continue;
        int n = snprintf(to + used, size - used, "%s%.40s", used ? ", " : "", key);
        if (n < 0 || (size_t)n >= size - used) break;
        used += (size_t)n;
    }
}

static hk_status read_tensor(const array_file *f, const json_t *root, int64_t data, const char *name, array *a) {
    const json_t *t = json_object_get(root, name), *offsets = json_object_get(t, "data_offsets");
    char names[256];
    int64_t bytes;
    if (!t) {
        list_names(root, names, sizeof names);
        return ARRAY_FAIL(f->self, "%s: expected a tensor '%s', got: %s", f->path, name, names[0] ? names : "none");
    }
    const char *type = json_string_value(json_object_get(t, "dtype"));
    if (!type_of(a, type)) return ARRAY_FAIL(f->self, "%s: '%s': expected a type of numbers (BOOL, U8 to I64, F16, BF16, F32, F64), got %.20s", f->path, name, type ? type : "none");
    hk_status st = shape_of(f, name, json_object_get(t, "shape"), a);
    if (!st) st = array_layout(f->self, f->path, a, 0, &bytes);
    if (st) return st;
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    const int64_t begin = json_integer_value(from), end = json_integer_value(to);
    if (!json_is_integer(from) || !json_is_integer(to) || begin < 0 || end < begin || end > f->size - data)
        return ARRAY_FAIL(f->self, "%s: '%s': its data lies outside the file: it is truncated or damaged", f->path, name);
    if (end - begin != bytes) return ARRAY_FAIL(f->self, "%s: '%s': expected %lld bytes by its shape, got %lld", f->path, name, (long long)bytes, (long long)(end - begin));
    a->owned = malloc((size_t)bytes + 1);
    if (!a->owned) return f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory for %lld bytes", f->path, (long long)bytes);
    a->data = a->owned, a->bytes = bytes;
    return array_file_read(f, a->owned, bytes, data + begin);
}

hk_status safetensors_array(const array_file *f, const char *name, array *a) {
    uint8_t n8[8];
    uint64_t n = 0;
    json_error_t e;
    hk_status st = array_file_read(f, n8, 8, 0);
    if (st) return st;
    for (int i = 0; i < 8; i++) n |= (uint64_t)n8[i] << 8 * i;
    if (n > MAX_HEADER || (int64_t)n > f->size - 8) return ARRAY_FAIL(f->self, "%s: expected a header of at most %lld bytes, got a length of %llu", f->path, (long long)(f->size - 8), (unsigned long long)n);
    char *text = malloc((size_t)n + 1);
    if (!text) return f->self->api->fail(f->self, HK_ENOMEM, "%s: no memory for %llu bytes", f->path, (unsigned long long)n);
    st = array_file_read(f, text, (int64_t)n, 8);
    json_t *root = st ? NULL : json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &e);
    free(text);
    if (!st && !json_is_object(root)) st = ARRAY_FAIL(f->self, "%s: expected a header of JSON: %.120s", f->path, root ? "it is no object" : e.text);
    if (!st) st = read_tensor(f, root, 8 + (int64_t)n, name, a);
    json_decref(root);
    if (st) array_free(a);
    return st;
}
