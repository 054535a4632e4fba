/* file.h - what the files of core/file/ share: safetensors dtypes and sizes, and files that appear whole or not at all. */
#ifndef HK_FILE_H
#define HK_FILE_H

#include "core.h"

#define HK__MAX_HEADER 100000000 /* bytes; the reference's cap */
#define HK__MAX_TENSORS 1000000
#define HK__MAX_DIM (INT64_C(1) << 40)
#define HK__META_KEY "__metadata__"

/* ---- core/file/safetensors_dtype.c ---- */
/* "F32" -> HK_F32; HK_ABSENT when Hillock doesn't store it. *known: it is a dtype of the format. */
hk_dtype hk__st_dtype(const char *text, bool *known);
const char *hk__st_dtype_name(hk_dtype); /* NULL: not storable */
int hk__st_dtype_order(hk_dtype);        /* place in the reference's order, low to high */
/* Bytes of a tensor; -1 when a dimension or the product is out of range. The only place where sizes are multiplied. */
int64_t hk__st_nbytes(hk_dtype, int rank, const int64_t *shape);
/* NULL, or what is wrong with a tensor's name. */
const char *hk__st_name_fault(const char *name);

/* ---- core/file/atomic.c ---- */
/* A file being written beside its final place. Zero-initialise; after a failure nothing is left on disk. */
typedef struct hk__atomic {
    char *path, *temp, *dir;
    const char *keep_as; /* (optional) set after open: commit gives the old file this name; by pointer */
    int fd;
} hk__atomic;
hk_status hk__atomic_open(hk_context *, const char *path, hk__atomic *);
hk_status hk__atomic_reserve(hk_context *, hk__atomic *, int64_t bytes); /* finds out early that the disk is full */
hk_status hk__atomic_write(hk_context *, hk__atomic *, const void *data, size_t bytes);
hk_status hk__atomic_commit(hk_context *, hk__atomic *); /* fsync, close, rename, fsync of the folder */
void hk__atomic_abort(hk__atomic *);                     /* unlinks; nothing after a commit */

/* ---- core/file/seal.c: a hash over every byte of the file ---- */
#define HK__SEAL_KEY "hk.xxh3" /* in __metadata__; "hk.xxh3.NAME" is the hash of one tensor */
#define HK__SEAL_HEAD "{\"" HK__META_KEY "\":{\"" HK__SEAL_KEY "\":\""
#define HK__SEAL_HEX 32
typedef struct hk__seal {
    void *state;
} hk__seal;
bool hk__seal_fits(const char *header, size_t n); /* the header begins with a seal */
hk_status hk__seal_begin(hk__seal *, const uint8_t length[8], const char *header, size_t n);
void hk__seal_add(hk__seal *, const void *data, size_t bytes);
void hk__seal_end(hk__seal *, char out[HK__SEAL_HEX + 1]); /* frees it */
void hk__hash_text(const void *data, size_t bytes, char out[17]);

/* ---- core/file/json_memory.c ---- */
void hk__json_watch(void);  /* from here to hk__json_failed, which must follow, this thread alone uses jansson in Hillock */
bool hk__json_failed(void); /* an allocation of jansson's failed since */

/* ---- core/file/safetensors_write.c ---- */
/* hk_file_write with a seal, which hk_file_read then checks. keep_as (optional): the name that the file there until now gets. */
hk_status hk__file_write_sealed(hk_context *, const char *path, const char *keep_as, int n, const hk_tensor *, int n_meta, const char *const *meta);

#endif
