/* plugins/surrogates/multi_level_spike_count.c - MultiLevelSpikeCount: forward round(clamp(x, 0, max)), half to even; s'(x) = 1 for grad_min <= x <= grad_max, else 0; primitive clamp(x, 0, max).
 * Source: SpikingJelly 2.0, activation_based.surrogate.MultiLevelSpikeCount. */
#include "surrogates.h"

HK_TEXT(sj_multi_level_spike_count,
enum { MAX, GRAD_MIN, GRAD_MAX };
hk_fn hk_real sj_multi_level_spike_count_grad(hk_real x, const hk_real *p) {
    hk_real lo = p[GRAD_MIN] == p[GRAD_MIN] ? p[GRAD_MIN] : (hk_real)0;
    hk_real hi = p[GRAD_MAX] == p[GRAD_MAX] ? p[GRAD_MAX] : p[MAX]; /* NaN: none */
    return x >= lo && x <= hi ? (hk_real)1 : (hk_real)0;
}
hk_fn hk_real sj_multi_level_spike_count_primitive(hk_real x, const hk_real *p) {
    return hk_min(hk_max(x, 0), p[MAX]);
}
hk_fn hk_real sj_multi_level_spike_count_forward(hk_real x, const hk_real *p) {
    return hk_round_even(hk_min(hk_max(x, 0), p[MAX]));
})
HK_SURROGATE_KERNELS(sj_multi_level_spike_count, 3, 1, 1)

static const hk_field fields[] = {
    { "max_spike_count", HK_REAL, 0, NULL, 1, 255, NULL, "largest count" },
    { "grad_min", HK_REAL, HK_NULLABLE, "0.0", 0, 0, NULL, "the derivative is 1 from here" },
    { "grad_max", HK_REAL, HK_NULLABLE, "none", 0, 0, NULL, "to here; none: max_spike_count" },
};
SJ_SURROGATE(sj_multi_level_spike_count, "MultiLevelSpikeCount", "number of spikes, rounded", fields, 3, NULL, 1, 1)
