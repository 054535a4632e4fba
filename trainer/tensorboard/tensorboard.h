/* tensorboard.h - event files as TensorBoard reads them, written without its libraries. */
#ifndef HK_TENSORBOARD_H
#define HK_TENSORBOARD_H

#include "hillock/plugin.h"
#include <stdio.h>

/* ---- proto.c: the few wire types of protocol buffers that events need ---- */
typedef struct hk__bytes { /* grows; bad: memory ran out, and what is put is lost */
    uint8_t *p;
    size_t n, cap;
    int bad;
} hk__bytes;
void hk__bytes_put(hk__bytes *, const void *, size_t);
void hk__proto_varint(hk__bytes *, int field, uint64_t);
void hk__proto_double(hk__bytes *, int field, double);
void hk__proto_float(hk__bytes *, int field, float);
void hk__proto_bytes(hk__bytes *, int field, const void *, size_t);
void hk__proto_doubles(hk__bytes *, int field, const double *, size_t n); /* packed */

/* ---- record.c: TFRecord framing ---- */
uint32_t hk__crc32c(const void *, size_t);       /* Castagnoli */
uint32_t hk__crc32c_masked(const void *, size_t); /* as records store it */
/* length (8 bytes, little endian), its masked CRC, the bytes, their masked CRC. 0, or -1: errno says why. */
int hk__record_write(FILE *, const void *, size_t);

/* ---- histogram.c: TensorFlow's buckets, 1e-12 to 1e20 by factors of 1.1, on both sides of 0 ---- */
void hk__histogram_proto(hk__bytes *out, const float *v, int64_t n); /* a HistogramProto of the finite numbers; nothing when there are none */

/* ---- events.c: one event file ---- */
typedef struct hk__tb hk__tb;
/* Makes the folder and a file in it whose name comes behind those that are there. purge_step -1: a new run; else what was written of this step and later ones
 * no longer counts. EIO: errno says why. *out is to be freed after a failure too. */
hk_status hk__tb_open(const char *folder, int64_t purge_step, hk__tb **out);
/* Numbers of one moment are put between begin and end, as one event. Steps count training steps. */
void hk__tb_begin(hk__tb *, int64_t step);
void hk__tb_scalar(hk__tb *, const char *tag, double);
void hk__tb_histogram(hk__tb *, const char *tag, const float *, int64_t n);
void hk__tb_image(hk__tb *, const char *tag, int64_t width, int64_t height, int channels, const uint8_t *pixels); /* channels 1 or 3, [height][width][channels] */
hk_status hk__tb_end(hk__tb *);   /* EIO, ENOMEM */
hk_status hk__tb_flush(hk__tb *); /* handed to the system */
void hk__tb_free(hk__tb *);

/* ---- png.c ---- */
void hk__png(hk__bytes *out, int64_t width, int64_t height, int channels, const uint8_t *pixels); /* channels 1, 3; not compressed */

#endif
