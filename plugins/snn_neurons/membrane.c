/* plugins/snn_neurons/membrane.c - the text of snn.Lapicque and snn.RLeaky, which differ in where gain, beta and the input come from:
 *     m = gain x + beta mem;   R = mem > threshold, of the step before, without gradient
 *     subtract: mem = m - R threshold;   zero: mem = (1 - R) m, so that this step's input is erased too;   none: mem = m
 * Source: snnTorch 1.0, _neurons.lapicque.Lapicque, _neurons.rleaky.RLeaky. */
#include "common.h"

SNN_TEXT(snn_membrane, 0,
enum { GAIN = N_COMMON, BETA };
hk_fn void snn_membrane_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    hk_real r = snn_membrane_r(s, p);
    h[0] = (1 - snn_membrane_zero(p) * r) * (p[GAIN] * x[0] + p[BETA] * s[0]) - snn_membrane_down(p) * r * p[THRESHOLD];
    z[0] = h[0] - p[THRESHOLD];
}
hk_fn void snn_membrane_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    hk_real r = snn_membrane_r(s, p);
    hk_real g = gh[0] + gz[0];
    hk_real gm = g * (1 - snn_membrane_zero(p) * r);
    gx[0] += gm * p[GAIN];
    gs[0] += gm * p[BETA];
    gp[GAIN] += gm * x[0];
    gp[BETA] += gm * s[0];
    gp[THRESHOLD] -= gz[0] + g * (snn_membrane_down(p) * r);
})
SNN_KERNELS(snn_membrane, 0, 2)

static const hk_state_field states[] = { { "mem", "membrane potential", "0" } };
static const char *const params[] = { SNN_COMMON_PARAMS, "gain", "beta" };
static const hk_neuron_type type = {
    SNN_TYPE(snn_membrane, 0, 2),
    .states = states,
    .param_names = params,
};

const hk_neuron_type *snn_membrane_type(void) { return &type; }
