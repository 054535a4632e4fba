/* png.c - a PNG of bytes as they are, in deflate's stored blocks: what is drawn here is small, and no library is needed. Source: PNG (ISO/IEC 15948), RFC 1950, 1951. */
#include "tensorboard.h"
#include <string.h>

static uint32_t crc_of(uint32_t c, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
    }
    return c;
}

static void big(uint8_t out[4], uint32_t v) { out[0] = (uint8_t)(v >> 24), out[1] = (uint8_t)(v >> 16), out[2] = (uint8_t)(v >> 8), out[3] = (uint8_t)v; }

/* The length is filled in by end. */
static size_t chunk_begin(hk__bytes *b, const char *type) {
    const size_t at = b->n;
    hk__bytes_put(b, "\0\0\0\0", 4), hk__bytes_put(b, type, 4);
    return at;
}

static void chunk_end(hk__bytes *b, size_t at) {
    uint8_t crc[4];
    if (b->bad) return;
    big(b->p + at, (uint32_t)(b->n - at - 8));
    big(crc, ~crc_of(~0u, b->p + at + 4, b->n - at - 4));
    hk__bytes_put(b, crc, 4);
}

typedef struct stream {
    hk__bytes *out;
    size_t left, block; /* bytes of the whole stream, of the block, that are still to come */
    uint32_t a, b;      /* Adler-32 */
} stream;

static void put(stream *s, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) s->a = (s->a + p[i]) % 65521, s->b = (s->b + s->a) % 65521;
    while (n) {
        if (!s->block) {
            s->block = s->left < 65535 ? s->left : 65535;
            const uint8_t head[5] = { s->block == s->left, (uint8_t)s->block, (uint8_t)(s->block >> 8), (uint8_t)~s->block, (uint8_t)(~s->block >> 8) };
            hk__bytes_put(s->out, head, 5);
        }
        const size_t k = n < s->block ? n : s->block;
        hk__bytes_put(s->out, p, k);
        p += k, n -= k, s->block -= k, s->left -= k;
    }
}

void hk__png(hk__bytes *out, int64_t w, int64_t h, int channels, const uint8_t *pixels) {
    static const uint8_t magic[8] = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10 }, zlib[2] = { 0x78, 1 }, filter = 0;
    const size_t row = (size_t)w * (size_t)channels;
    uint8_t head[13] = { [8] = 8, [9] = channels == 3 ? 2 : 0 }, sum[4];
    big(head, (uint32_t)w), big(head + 4, (uint32_t)h);
    hk__bytes_put(out, magic, 8);
    size_t at = chunk_begin(out, "IHDR");
    hk__bytes_put(out, head, 13), chunk_end(out, at);
    at = chunk_begin(out, "IDAT");
    stream s = { out, (size_t)h * (row + 1), 0, 1, 0 };
    hk__bytes_put(out, zlib, 2);
    for (int64_t y = 0; y < h; y++) put(&s, &filter, 1), put(&s, pixels + (size_t)y * row, row);
    big(sum, s.b << 16 | s.a);
    hk__bytes_put(out, sum, 4), chunk_end(out, at);
    at = chunk_begin(out, "IEND");
    chunk_end(out, at);
}
