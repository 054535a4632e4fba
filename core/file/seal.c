/* seal.c - one hash over every byte of a safetensors file, kept inside the file, and one for each tensor.
 *
 * The seal is the first entry of __metadata__, so its 32 hex digits have a fixed place; they count as zeros in the hash (XXH3, 128 bits).
 * Length, names, shapes, metadata, padding and data are all covered. The tensors' own hashes (64 bits) only tell which one is damaged.
 * It guards against damage, not against forgery: the hash has no key. */
#include "file/file.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const char zeros[] = "00000000000000000000000000000000";
_Static_assert(sizeof zeros == HK__SEAL_HEX + 1, "as many zeros as digits");

static void hex(const unsigned char *bytes, int n, char *out) {
    for (int i = 0; i < n; i++) out[2 * i] = "0123456789abcdef"[bytes[i] >> 4], out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    out[2 * n] = 0;
}

bool hk__seal_fits(const char *header, size_t n) {
    size_t at = strlen(HK__SEAL_HEAD);
    return n > at + HK__SEAL_HEX && !memcmp(header, HK__SEAL_HEAD, at) && header[at + HK__SEAL_HEX] == '"';
}

hk_status hk__seal_begin(hk__seal *s, const uint8_t length[8], const char *header, size_t n) {
    size_t at = strlen(HK__SEAL_HEAD);
    XXH3_state_t *x = XXH3_createState();
    s->state = x;
    if (!x) return HK_ENOMEM;
    XXH3_128bits_reset(x);
    XXH3_128bits_update(x, length, 8);
    XXH3_128bits_update(x, header, at);
    XXH3_128bits_update(x, zeros, HK__SEAL_HEX);
    XXH3_128bits_update(x, header + at + HK__SEAL_HEX, n - at - HK__SEAL_HEX);
    return HK_OK;
}

void hk__seal_add(hk__seal *s, const void *data, size_t bytes) {
    if (bytes) XXH3_128bits_update(s->state, data, bytes);
}

void hk__seal_end(hk__seal *s, char out[HK__SEAL_HEX + 1]) {
    XXH128_canonical_t c;
    XXH128_canonicalFromHash(&c, XXH3_128bits_digest(s->state));
    hex(c.digest, sizeof c.digest, out);
    XXH3_freeState(s->state);
    s->state = NULL;
}

void hk__hash_text(const void *data, size_t bytes, char out[17]) {
    XXH64_canonical_t c;
    XXH64_canonicalFromHash(&c, XXH3_64bits(data, bytes));
    hex(c.digest, sizeof c.digest, out);
}
