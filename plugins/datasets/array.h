/* array.h - arrays of numbers out of files: NumPy's .npy and .npz, and safetensors; shared by the files that read them and the type that gives them as samples.
 *
 * Nothing in a file is believed: sizes are multiplied with checks and compared with the file's, memory grows as data comes, and what is no plain array of numbers
 * (objects, which would be pickles, text, structures) is refused. */
#ifndef DATASETS_ARRAY_H
#define DATASETS_ARRAY_H

#include "hillock/plugin.h"

enum { ARRAY_MAX_RANK = 8 };
#define ARRAY_MAX_DIM (INT64_C(1) << 40)
#define ARRAY_FAIL(self, ...) (self)->api->fail(self, HK_EDATA, __VA_ARGS__)

/* kind: b bool, i signed, u unsigned, f IEEE float, B bfloat16; size: bytes of a number. */
typedef struct array {
    char kind, swap; /* swap: the other byte order */
    int size, rank;
    int64_t shape[ARRAY_MAX_RANK], stride[ARRAY_MAX_RANK]; /* stride in numbers */
    const uint8_t *data;
    void *owned; /* NULL: the caller's memory */
    int64_t bytes; /* of owned */
} array;

/* An open file. */
typedef struct array_file {
    const hk_module *self;
    const char *path;
    int fd;
    int64_t size;
} array_file;

/* array.c */
/* The array `name` of a file: .npz and .safetensors by name, .npy whatever the name. EDATA, ENOMEM by self's fail. */
hk_status array_load(const hk_module *self, const char *path, const char *name, array *out);
void array_free(array *);
hk_status array_file_read(const array_file *, void *to, int64_t bytes, int64_t offset);
/* Sets kind and size by a type's letters ("f4", "u1"); 0: none of ours. */
int array_type(array *, const char *letters);
/* Bytes of the numbers, strides of C order (or Fortran's); EDATA: what is out of range. */
hk_status array_layout(const hk_module *self, const char *path, array *, int fortran, int64_t *bytes);
/* to[k] = scale * number at + k * step, in numbers. */
void array_floats(const array *, int64_t at, int64_t step, int64_t n, float scale, float *to);
/* An integer; EDATA when the array holds none or it does not fit. */
int array_is_integer(const array *);
int64_t array_integer(const array *, int64_t at); /* unsigned 64-bit numbers beyond the range become INT64_MAX */

/* npy.c: bytes, a whole .npy file, becomes out->owned, or is freed after a failure. */
hk_status npy_parse(const hk_module *self, const char *path, uint8_t *bytes, int64_t n, array *out);
/* npz.c: the member NAME.npy, unpacked. */
hk_status npz_member(const array_file *, const char *name, uint8_t **bytes, int64_t *n);
/* safetensors.c */
hk_status safetensors_array(const array_file *, const char *name, array *out);

#endif
