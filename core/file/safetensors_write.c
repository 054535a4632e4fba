/* safetensors_write.c - writes a safetensors file: byte for byte what the reference would write for the same tensors (dtype descending,
 * then name; compact JSON, padded with spaces to a multiple of 8), but with the metadata in the order given, and atomically. */
#include "file/file.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int by_dtype_name(const void *a, const void *b) {
    const hk_tensor *x = *(const hk_tensor *const *)a, *y = *(const hk_tensor *const *)b;
    int i = hk__st_dtype_order(x->dtype), k = hk__st_dtype_order(y->dtype);
    return i != k ? k - i : strcmp(x->name, y->name);
}

/* The seal comes first, as zeros that are put right when the whole header is known. */
static hk_status add_meta(hk_context *ctx, const char *path, json_t *root, int n_meta, const char *const *meta, bool sealed) {
    if (!n_meta && !sealed) return HK_OK;
    json_t *m = json_object();
    if (json_object_set_new(root, HK__META_KEY, m)) return hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    if (sealed && json_object_set_new(m, HK__SEAL_KEY, json_sprintf("%0*d", HK__SEAL_HEX, 0))) return hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    for (int i = 0; i < n_meta; i++) {
        if (json_object_get(m, meta[2 * i])) return hk__fail(ctx, HK_EINVAL, "%s: metadata '%s' is given twice", path, meta[2 * i]);
        if (json_object_set_new(m, meta[2 * i], json_string(meta[2 * i + 1])))
            return hk__fail(ctx, HK_EINVAL, "%s: metadata '%s' is not UTF-8", path, meta[2 * i]);
    }
    return HK_OK;
}

static hk_status add_tensor(hk_context *ctx, const char *path, json_t *root, const hk_tensor *t, int64_t *at) {
    const char *fault = hk__st_name_fault(t->name), *dtype = hk__st_dtype_name(t->dtype);
    if (fault) return hk__fail(ctx, HK_EINVAL, "%s: a tensor's name %s", path, fault);
    if (json_object_get(root, t->name)) return hk__fail(ctx, HK_EINVAL, "%s: tensor '%s' is given twice", path, t->name);
    if (!dtype) return hk__fail(ctx, HK_EINVAL, "%s: tensor '%s': its dtype cannot be stored", path, t->name);
    int64_t bytes = hk__st_nbytes(t->dtype, t->rank, t->shape), end;
    if (bytes < 0 || __builtin_add_overflow(*at, bytes, &end)) return hk__fail(ctx, HK_EINVAL, "%s: tensor '%s': its shape is out of range", path, t->name);
    if (bytes && !t->data) return hk__fail(ctx, HK_EINVAL, "%s: tensor '%s' has no data", path, t->name);
    json_t *shape = json_array();
    for (int i = 0; i < t->rank; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    json_t *info = json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype, "shape", shape, "data_offsets", (json_int_t)*at, (json_int_t)end);
    if (!info || json_object_set_new(root, t->name, info)) return hk__fail(ctx, HK_EINVAL, "%s: tensor '%s': its name is not UTF-8", path, t->name);
    *at = end;
    return HK_OK;
}

static size_t size_of(const hk_tensor *t) { return (size_t)hk__st_nbytes(t->dtype, t->rank, t->shape); }

static hk_status add_hash(hk_context *ctx, const char *path, json_t *root, const hk_tensor *t) {
    char key[64 + sizeof HK__SEAL_KEY], hash[17], *name = key;
    if (strlen(t->name) >= 64 && asprintf(&name, HK__SEAL_KEY ".%s", t->name) < 0) return hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    if (name == key) snprintf(key, sizeof key, HK__SEAL_KEY ".%.63s", t->name);
    hk__hash_text(t->data, size_of(t), hash);
    int bad = json_object_set_new(json_object_get(root, HK__META_KEY), name, json_string(hash));
    if (name != key) free(name);
    return bad ? hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path) : HK_OK;
}

static hk_status put_seal(
    hk_context *ctx, const char *path, const uint8_t head[8], char *header, const char *spaces, size_t pad, int n, const hk_tensor *const *order) {
    hk__seal s;
    char digits[HK__SEAL_HEX + 1];
    size_t length = strlen(header);
    if (!hk__seal_fits(header, length)) return hk__fail(ctx, HK_EINTERNAL, "%s: the seal is not where it belongs", path);
    if (hk__seal_begin(&s, head, header, length)) return hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    hk__seal_add(&s, spaces, pad);
    for (int i = 0; i < n; i++) hk__seal_add(&s, order[i]->data, size_of(order[i]));
    hk__seal_end(&s, digits);
    memcpy(header + strlen(HK__SEAL_HEAD), digits, HK__SEAL_HEX);
    return HK_OK;
}

static hk_status write_all(hk_context *ctx, const char *path, const char *keep_as, bool sealed, char *header, int n, const hk_tensor *const *order) {
    static const char spaces[] = "        ";
    hk__atomic a;
    int64_t total = 0;
    size_t length = strlen(header), pad = (8 - length % 8) % 8;
    uint8_t head[8];
    for (int i = 0; i < 8; i++) head[i] = (uint8_t)((uint64_t)(length + pad) >> 8 * i);
    if (length + pad > HK__MAX_HEADER) return hk__fail(ctx, HK_EINVAL, "%s: a header of %zu bytes is too long", path, length);
    hk_status st = sealed ? put_seal(ctx, path, head, header, spaces, pad, n, order) : HK_OK;
    if (st || (st = hk__atomic_open(ctx, path, &a))) return st;
    a.keep_as = keep_as;
    for (int i = 0; i < n; i++) total += (int64_t)size_of(order[i]);
    st = hk__atomic_reserve(ctx, &a, 8 + (int64_t)(length + pad) + total);
    if (!st) st = hk__atomic_write(ctx, &a, head, 8);
    if (!st) st = hk__atomic_write(ctx, &a, header, length);
    if (!st) st = hk__atomic_write(ctx, &a, spaces, pad);
    for (int i = 0; i < n && !st; i++) st = hk__atomic_write(ctx, &a, order[i]->data, size_of(order[i]));
    return st ? st : hk__atomic_commit(ctx, &a);
}

static hk_status write_file(
    hk_context *ctx, const char *path, const char *keep_as, bool sealed, int n, const hk_tensor *tensors, int n_meta, const char *const *meta) {
    if (n < 0 || n > HK__MAX_TENSORS) return hk__fail(ctx, HK_EINVAL, "%s: %d tensors; at most %d", path, n, HK__MAX_TENSORS);
    const hk_tensor **order = malloc(((size_t)n + 1) * sizeof *order);
    hk__json_watch();
    json_t *root = json_object();
    char *header = NULL;
    hk_status st = order && root ? add_meta(ctx, path, root, n_meta, meta, sealed) : hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    int64_t at = 0;
    if (!st) {
        for (int i = 0; i < n; i++) order[i] = &tensors[i];
        qsort(order, (size_t)n, sizeof *order, by_dtype_name);
        for (int i = 0; i < n && !st; i++) st = add_tensor(ctx, path, root, order[i], &at);
        for (int i = 0; i < n && !st && sealed; i++) st = add_hash(ctx, path, root, order[i]);
    }
    if (!st && !(header = json_dumps(root, JSON_COMPACT))) st = HK_ENOMEM;
    if (hk__json_failed() || st == HK_ENOMEM) st = hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    if (!st) st = write_all(ctx, path, keep_as, sealed, header, n, order);
    free(header);
    json_decref(root);
    free(order);
    return st;
}

hk_status hk_file_write(hk_context *ctx, const char *path, int n, const hk_tensor *tensors, int n_meta, const char *const *meta) {
    return write_file(ctx, path, NULL, false, n, tensors, n_meta, meta);
}

hk_status hk__file_write_sealed(hk_context *ctx, const char *path, const char *keep_as, int n, const hk_tensor *tensors, int n_meta, const char *const *meta) {
    return write_file(ctx, path, keep_as, true, n, tensors, n_meta, meta);
}
