/* plugins/surrogates/log_tailed_relu.c - LogTailedReLU: s'(x) = a up to 0, 1 up to 1, 1/x beyond; primitive a x, x, ln x + 1.
 * Source: SpikingJelly 2.0, activation_based.surrogate.LogTailedReLU. */
#include "surrogates.h"

HK_TEXT(sj_log_tailed_relu,
hk_fn hk_real sj_log_tailed_relu_grad(hk_real x, const hk_real *p) {
    return x <= 0 ? p[0] : x <= 1 ? (hk_real)1 : 1 / x;
}
hk_fn hk_real sj_log_tailed_relu_primitive(hk_real x, const hk_real *p) {
    return x <= 0 ? p[0] * x : x <= 1 ? x : hk_log(x) + 1;
})
HK_SURROGATE_KERNELS(sj_log_tailed_relu, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "0.0", 0, 0, NULL, "slope below 0" },
};
SJ_SURROGATE(sj_log_tailed_relu, "LogTailedReLU", "ReLU with a logarithmic tail", fields, 1, NULL, 1, 0)
