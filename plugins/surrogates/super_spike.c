/* plugins/surrogates/super_spike.c - SuperSpike: s'(x) = a / (1 + |x|)^2; no primitive.
 * Source: Zenke and Ganguli 2018, "SuperSpike"; SpikingJelly 2.0, activation_based.surrogate.SuperSpike. */
#include "surrogates.h"

HK_TEXT(sj_super_spike,
hk_fn hk_real sj_super_spike_grad(hk_real x, const hk_real *p) {
    hk_real d = 1 + hk_abs(x);
    return p[0] / (d * d);
})
HK_SURROGATE_KERNELS(sj_super_spike, 1, 0, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "1.0", 0, 0, NULL, "height" },
};
SJ_SURROGATE(sj_super_spike, "SuperSpike", "fast sigmoid of SuperSpike", fields, 1, NULL, 0, 0)
