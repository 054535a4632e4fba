/* primitive.c - a primitive that is not the integral of the derivative.
 * expect: fail adjoints: slope of its primitive */
#include <hillock/plugin.h>

HK_TEXT(bad,
hk_fn hk_real bad_grad(hk_real x, const hk_real *p) {
    return hk_max(0, 1 - hk_abs(x) / p[0]) / p[0];
}
hk_fn hk_real bad_primitive(hk_real x, const hk_real *p) {
    hk_real u = hk_min(hk_abs(x) / p[0], 1);
    hk_real half = u - (hk_real)0.4 * u * u;
    return (hk_real)0.5 + (x < 0 ? -half : half);
})
HK_SURROGATE_KERNELS(bad, 1, 1, 0) /* one number; has a primitive; its forward is the step */

static const hk_field fields[] = {
    { "width", HK_REAL, 0, "1.0", 1e-6, 1e6, NULL, "half of the triangle's base, in units of the potential" },
};

static const hk_surrogate_type type = {
    .struct_size = sizeof(hk_surrogate_type),
    .n_fields = sizeof fields / sizeof fields[0],
    .doc = "s'(x) = max(0, 1 - |x| / width) / width",
    .source = "your paper",
    .fields = fields,
    .text = bad_text,
    .prefix = "bad",
    .kernels = bad_kernels,
    .n_kernel = HK_N_KERNEL,
    .has_primitive = 1,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
