/* plugins/snn_surrogates/sso.c - SSO, the stochastic spike operator: s'(x) = 1 for x > 0, else (u - 1/2 + mean) variance with u uniform in [0, 1).
 * A surrogate is a function of x alone, so only variance = 0 can be said here: s'(x) = 1 for x > 0, else 0.
 * Source: snnTorch 1.0, surrogate.StochasticSpikeOperator. */
#include "snn_surrogates.h"

HK_TEXT(snn_sso,
hk_fn hk_real snn_sso_grad(hk_real x, const hk_real *p) {
    (void)p;
    return x > 0 ? (hk_real)1 : (hk_real)0;
})
HK_SURROGATE_KERNELS(snn_sso, 2, 0, 0)

static const hk_field fields[] = {
    { "mean", HK_REAL, 0, "0", 0, 0, NULL, "shifts the derivative below the threshold, before it is scaled by variance" },
    { "variance", HK_REAL, 0, "0.2", 0, 0, NULL, "scale of the derivative below the threshold; here it must be 0" },
};

static hk_status init(hk_module *self) {
    double variance = hk_get_real(self, "variance");
    if (variance == 0.0) return HK_OK;
    return self->api->fail(self, HK_EUNSUPPORTED, "variance must be 0, got %g: a derivative that is drawn at random is not supported; write variance=0, or take snn.LSO", variance);
}
SNN_SURROGATE(snn_sso, "SSO", "SSO", "spike operator: s'(x) = 1 for x > 0, else 0 (variance must be 0)", fields, 2, init, 0)
