/* mathf.h - exp in single precision, branch-free, so that loops over it vectorise; the same bits at every ISA level.
 * Source: range reduction and polynomial of Cephes expf (S. L. Moshier, netlib/cephes/single). Relative error below 2e-7; saturates at the ends. */
#ifndef HILLOCK_CPU_MATHF_H
#define HILLOCK_CPU_MATHF_H

#include <stdint.h>

static inline __attribute__((always_inline)) float cpu_expf(float x) {
    x = x > 88.3f ? 88.3f : x;
    x = x < -87.3f ? -87.3f : x;
    union { float f; int32_t i; } k = { x * 1.44269504088896341f + 12582912.0f }, scale; /* 1.5 * 2^23: rounds to an integer, held in the low bits */
    float n = k.f - 12582912.0f;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    scale.i = (int32_t)((uint32_t)(k.i - 0x4b400000 + 127) << 23);
    return y * scale.f;
}

#endif
