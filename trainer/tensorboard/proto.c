/* proto.c - protocol buffers' wire format, by hand: varints, fixed numbers, bytes. Source: protobuf.dev, "Encoding". */
#include "tensorboard.h"
#include <stdlib.h>
#include <string.h>

void hk__bytes_put(hk__bytes *b, const void *p, size_t n) {
    if (b->bad || !n) return;
    if (n > b->cap - b->n) {
        const size_t cap = 2 * b->cap + n + 256;
        uint8_t *grown = realloc(b->p, cap);
        if (!grown) {
            b->bad = 1;
            return;
        }
        b->p = grown, b->cap = cap;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void varint(hk__bytes *b, uint64_t v) {
    uint8_t out[10];
    size_t n = 0;
    do out[n++] = (uint8_t)(v & 127) | (v > 127 ? 128 : 0);
    while (v >>= 7);
    hk__bytes_put(b, out, n);
}

static void little(hk__bytes *b, uint64_t v, size_t n) {
    uint8_t out[8];
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(v >> (8 * i));
    hk__bytes_put(b, out, n);
}

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };
static void key(hk__bytes *b, int field, int wire) { varint(b, (uint64_t)field << 3 | (uint64_t)wire); }
static uint64_t bits64(double v) {
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

void hk__proto_varint(hk__bytes *b, int field, uint64_t v) { key(b, field, VARINT), varint(b, v); }
void hk__proto_double(hk__bytes *b, int field, double v) { key(b, field, FIXED64), little(b, bits64(v), 8); }

void hk__proto_float(hk__bytes *b, int field, float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    key(b, field, FIXED32), little(b, u, 4);
}

void hk__proto_bytes(hk__bytes *b, int field, const void *p, size_t n) { key(b, field, LENGTH), varint(b, n), hk__bytes_put(b, p, n); }

void hk__proto_doubles(hk__bytes *b, int field, const double *v, size_t n) {
    key(b, field, LENGTH), varint(b, 8 * n);
    for (size_t i = 0; i < n; i++) little(b, bits64(v[i]), 8);
}
