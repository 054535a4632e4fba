/* plugins/surrogates/rect.c - Rect: s'(x) = a for |x| < 1 / (2 a), else 0; primitive a x + 1/2, clamped to [0, 1].
 * Source: SpikingJelly 2.0, activation_based.surrogate.Rect. */
#include "surrogates.h"

HK_TEXT(sj_rect,
hk_fn hk_real sj_rect_grad(hk_real x, const hk_real *p) {
    return hk_abs(x) < 1 / (2 * p[0]) ? p[0] : (hk_real)0;
}
hk_fn hk_real sj_rect_primitive(hk_real x, const hk_real *p) {
    return hk_min(hk_max(p[0] * x + (hk_real)0.5, 0), 1);
})
HK_SURROGATE_KERNELS(sj_rect, 1, 1, 0)

static const hk_field fields[] = {
    { "alpha", HK_REAL, 0, "1.0", 1e-30, 1e30, NULL, "height, and 1 / width" },
};
SJ_SURROGATE(sj_rect, "Rect", "rectangle", fields, 1, NULL, 1, 0)
