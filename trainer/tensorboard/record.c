/* record.c - TFRecord framing: length, masked CRC of the length, bytes, masked CRC of the bytes. Source: TensorFlow, "TFRecord and tf.train.Example"; the CRC is
 * Castagnoli's, polynomial 0x1EDC6F41 (RFC 3720), bit by bit from the lowest. */
#include "tensorboard.h"

static uint32_t table[256];

static void fill(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
        table[i] = c;
    }
}

uint32_t hk__crc32c(const void *data, size_t n) {
    const uint8_t *p = data;
    uint32_t c = 0xFFFFFFFFu;
    if (!table[1]) fill();
    for (size_t i = 0; i < n; i++) c = table[(c ^ p[i]) & 255] ^ c >> 8;
    return c ^ 0xFFFFFFFFu;
}

uint32_t hk__crc32c_masked(const void *data, size_t n) {
    const uint32_t c = hk__crc32c(data, n);
    return (c >> 15 | c << 17) + 0xA282EAD8u;
}

static void little(uint8_t *out, uint64_t v, int n) {
    for (int i = 0; i < n; i++) out[i] = (uint8_t)(v >> (8 * i));
}

int hk__record_write(FILE *f, const void *data, size_t n) {
    uint8_t head[12], tail[4];
    little(head, n, 8);
    little(head + 8, hk__crc32c_masked(head, 8), 4);
    little(tail, hk__crc32c_masked(data, n), 4);
    return fwrite(head, 1, 12, f) == 12 && fwrite(data, 1, n, f) == n && fwrite(tail, 1, 4, f) == 4 ? 0 : -1;
}
