/* random.c - random draws for the core and for programs: include/hillock/random.h, behind functions. */
#include "hillock/hillock.h"
#include "hillock/random.h"

float hk_random(uint64_t seed, uint64_t stream, int64_t step, int64_t t, int64_t sample, int64_t position) {
    float u[4];
    hk_random4(hk_random_key(seed, stream), step, t, sample, position / 4, u);
    return u[position % 4];
}

/* FNV-1a over the path, then MurmurHash3's finalizer, so that paths that differ in their last character differ in all bits. */
uint64_t hk_random_stream(const char *path) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) h = (h ^ *p) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}
