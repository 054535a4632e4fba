/* plugins/surrogates/q_pseudo_spike.c - QPseudoSpike: s'(x) = (1 + 2 |x| / (a - 1))^-a; primitive by q = (1 + 2 |x| / (a - 1))^(1-a) / 2.
 * Source: SpikingJelly 2.0, activation_based.surrogate.QPseudoSpike. */
#include "surrogates.h"

HK_TEXT(sj_q_pseudo_spike,
hk_fn hk_real sj_q_pseudo_spike_grad(hk_real x, const hk_real *p) {
    return hk_pow(1 + 2 / (p[0] - 1) * hk_abs(x), -p[0]);
}
hk_fn hk_real sj_q_pseudo_spike_primitive(hk_real x, const hk_real *p) {
    hk_real q = hk_pow(1 + 2 / (p[0] - 1) * hk_abs(x), 1 - p[0]) / 2;
    return x >= 0 ? 1 - q : q;
})
HK_SURROGATE_KERNELS(sj_q_pseudo_spike, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "2.0", 0, 0, NULL, "tail: larger is lighter; not 1" },
};
static hk_status init(hk_module *self) {
    return hk_get_real(self, "alpha") > 1 ? HK_OK : self->api->fail(self, HK_ECONFIG, "alpha must be more than 1, got %g", hk_get_real(self, "alpha"));
}
SJ_SURROGATE(sj_q_pseudo_spike, "QPseudoSpike", "q-exponential, heavy tails", fields, 1, init, 1, 0)
