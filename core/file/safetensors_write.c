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

static hk_status add_meta(hk_context *ctx, const char *path, json_t *root, int n_meta, const char *const *meta) {
    if (!n_meta) return HK_OK;
    json_t *m = json_object();
    if (json_object_set_new(root, HK__META_KEY, m)) return hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
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

static hk_status write_all(hk_context *ctx, const char *path, const char *header, int n, const hk_tensor *const *order) {
    static const char spaces[] = "        ";
    hk__atomic a;
    size_t length = strlen(header), pad = (8 - length % 8) % 8;
    uint8_t head[8];
    for (int i = 0; i < 8; i++) head[i] = (uint8_t)((uint64_t)(length + pad) >> 8 * i);
    if (length + pad > HK__MAX_HEADER) return hk__fail(ctx, HK_EINVAL, "%s: a header of %zu bytes is too long", path, length);
    hk_status st = hk__atomic_open(ctx, path, &a);
    if (!st) st = hk__atomic_write(ctx, &a, head, 8);
    if (!st) st = hk__atomic_write(ctx, &a, header, length);
    if (!st) st = hk__atomic_write(ctx, &a, spaces, pad);
    for (int i = 0; i < n && !st; i++) st = hk__atomic_write(ctx, &a, order[i]->data, (size_t)hk__st_nbytes(order[i]->dtype, order[i]->rank, order[i]->shape));
    return st ? st : hk__atomic_commit(ctx, &a);
}

hk_status hk_file_write(hk_context *ctx, const char *path, int n, const hk_tensor *tensors, int n_meta, const char *const *meta) {
    if (n < 0 || n > HK__MAX_TENSORS) return hk__fail(ctx, HK_EINVAL, "%s: %d tensors; at most %d", path, n, HK__MAX_TENSORS);
    const hk_tensor **order = malloc(((size_t)n + 1) * sizeof *order);
    json_t *root = json_object();
    char *header = NULL;
    hk_status st = order && root ? add_meta(ctx, path, root, n_meta, meta) : hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    int64_t at = 0;
    if (!st) {
        for (int i = 0; i < n; i++) order[i] = &tensors[i];
        qsort(order, (size_t)n, sizeof *order, by_dtype_name);
        for (int i = 0; i < n && !st; i++) st = add_tensor(ctx, path, root, order[i], &at);
    }
    if (!st && !(header = json_dumps(root, JSON_COMPACT))) st = hk__fail(ctx, HK_ENOMEM, "%s: out of memory", path);
    if (!st) st = write_all(ctx, path, header, n, order);
    free(header);
    json_decref(root);
    free(order);
    return st;
}
