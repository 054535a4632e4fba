/* plugins/snn_surrogates/spike_rate_escape.c - spike_rate_escape: s'(x) = k exp(-b |x - 1|), with its peak at x = 1;
 * primitive (k/b) exp(b (x - 1)) below 1, (k/b) (2 - exp(-b (x - 1))) above.
 * Source: Wulfram Gerstner and Werner Kistler, "Spiking neuron models" 2002; snnTorch 1.0, surrogate.SpikeRateEscape. */
#include "snn_surrogates.h"

HK_TEXT(snn_spike_rate_escape,
enum { BETA, SLOPE };
hk_fn hk_real snn_spike_rate_escape_grad(hk_real x, const hk_real *p) {
    return p[SLOPE] * hk_exp(-p[BETA] * hk_abs(x - 1));
}
hk_fn hk_real snn_spike_rate_escape_primitive(hk_real x, const hk_real *p) {
    hk_real e = hk_exp(-p[BETA] * hk_abs(x - 1));
    return p[SLOPE] / p[BETA] * (x < 1 ? e : 2 - e);
})
HK_SURROGATE_KERNELS(snn_spike_rate_escape, 2, 1, 0)

static const hk_field fields[] = {
    { "beta", HK_REAL, 0, "1", 0, 0, NULL, "b: how fast the derivative falls" },
    { "slope", HK_REAL, 0, "25", 0, 0, NULL, "k: its largest value" },
};
SNN_SURROGATE(snn_spike_rate_escape, "spike_rate_escape", "spike_rate_escape", "Boltzmann escape rate: s'(x) = slope exp(-beta |x - 1|)", fields, 2, NULL, 1)
