/* hillock/random.h - the one definition of a random draw, for the core and for backends. Needs Random123 (librandom123-dev).
 *
 * A draw depends on the seed, on the stream (hash of a module's path) and on four indices only, never on layout, block size,
 * thread or order: u = philox4x32_10(counter = {step, t, sample, position / 4}, key = seed mixed with stream)[position % 4],
 * as a number of [0, 1) with 24 bits. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". */
#ifndef HILLOCK_RANDOM_H
#define HILLOCK_RANDOM_H

#include <Random123/philox.h>
#include <stdint.h>

static inline philox4x32_key_t hk_random_key(uint64_t seed, uint64_t stream) {
    uint64_t k = (seed + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9) ^ stream;
    philox4x32_key_t key = { { (uint32_t)k, (uint32_t)(k >> 32) } };
    return key;
}

/* Four consecutive positions 4 * quad ... 4 * quad + 3 of one (step, t, sample). */
static inline void hk_random4(philox4x32_key_t key, int64_t step, int64_t t, int64_t sample, int64_t quad, float u[4]) {
    philox4x32_ctr_t c = { { (uint32_t)step, (uint32_t)t, (uint32_t)sample, (uint32_t)quad } };
    philox4x32_ctr_t r = philox4x32(c, key);
    for (int i = 0; i < 4; i++) u[i] = (float)(r.v[i] >> 8) * 0x1p-24f;
}

#endif
