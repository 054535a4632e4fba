/* hillock/arrays.h - a program's own arrays as a data set: what `Arrays` of the standard datasets reads in place of files. Included by hillock/hillock.h. */
#ifndef HILLOCK_ARRAYS_H
#define HILLOCK_ARRAYS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers in the program's memory. */
typedef struct hk_array {
    const void *data;      /* NULL: none */
    const char *type;      /* "f4", "f8", "f2", "i1" ... "i8", "u1" ... "u8", "b1": NumPy's letters, in this machine's byte order */
    int32_t rank, pad;
    int64_t shape[8];
    const int64_t *stride; /* of each axis, in numbers; NULL: C order */
} hk_array;

/* A split. x: pictures [N,...] or sequences, by Arrays(order=...); y: integers [N]; lengths: (optional) integers [N], 1 to T. */
typedef struct hk_arrays {
    uint32_t struct_size, pad;
    hk_array x, y, lengths;
} hk_arrays;

/* All memory is the program's and must outlive the data set; x is read as samples are asked for, by several threads. */
typedef struct hk_arrays_pair {
    const hk_arrays *train, *test; /* (each optional) */
} hk_arrays_pair;

#ifdef __cplusplus
}
#endif
#endif
