/* plugins/surrogates/squarewave_fourier_series.c - SquarewaveFourierSeries: s'(x) = (4/P) sum_{i=1}^{n-1} cos((2i-1) 2 pi x / P); primitive its integral.
 * Source: SpikingJelly 2.0, activation_based.surrogate.SquarewaveFourierSeries. */
#include "surrogates.h"

HK_TEXT(sj_squarewave,
enum { N, PERIOD };
hk_fn hk_real sj_squarewave_grad(hk_real x, const hk_real *p) {
    hk_real w = 2 * HK_PI * x / p[PERIOD];
    hk_real sum = 0;
    for (int i = 1; i < (int)p[N]; i++) sum += hk_cos((hk_real)(2 * i - 1) * w);
    return 4 / p[PERIOD] * sum;
}
hk_fn hk_real sj_squarewave_primitive(hk_real x, const hk_real *p) {
    hk_real w = 2 * HK_PI * x / p[PERIOD];
    hk_real sum = 0;
    for (int i = 1; i < (int)p[N]; i++) sum += hk_sin((hk_real)(2 * i - 1) * w) / (hk_real)(2 * i - 1);
    return (hk_real)0.5 + 2 / HK_PI * sum;
})
HK_SURROGATE_KERNELS(sj_squarewave, 2, 1, 0)

static const hk_field fields[] = {
    { "n", HK_INT, 0, "2", 2, 1000, NULL, "number of terms, plus one" },
    { "T_period", HK_REAL, 0, "8", 1e-30, 1e30, NULL, "period of the wave" },
};
SJ_SURROGATE(sj_squarewave, "SquarewaveFourierSeries", "first n - 1 terms of a square wave", fields, 2, NULL, 1, 0)
