/* plugins/surrogates/s2nn.c - S2NN: s'(x) = Sigmoid's below 0, b / (x + 1) from 0; primitive b ln(|x + 1| + 1e-5) + 1/2 from 0.
 * Source: SpikingJelly 2.0, activation_based.surrogate.S2NN. */
#include "surrogates.h"

HK_TEXT(sj_s2nn,
enum { ALPHA, BETA };
hk_fn hk_real sj_s2nn_grad(hk_real x, const hk_real *p) {
    hk_real s = hk_sigm(p[ALPHA] * x);
    return x < 0 ? p[ALPHA] * s * (1 - s) : p[BETA] / (x + 1);
}
hk_fn hk_real sj_s2nn_primitive(hk_real x, const hk_real *p) {
    return x < 0 ? hk_sigm(p[ALPHA] * x) : p[BETA] * hk_log(hk_abs(x + 1) + (hk_real)1e-5) + (hk_real)0.5;
})
HK_SURROGATE_KERNELS(sj_s2nn, 2, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "4.0", 0, 0, NULL, "steepness below 0" },
    { "beta", HK_REAL, 0, "1.0", 0, 0, NULL, "height above 0" },
};
SJ_SURROGATE(sj_s2nn, "S2NN", "logistic function below 0, logarithm above", fields, 2, NULL, 1, 0)
