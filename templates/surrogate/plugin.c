/* @name@.c - @Type@, a surrogate: a triangle of area 1, s'(x) = max(0, 1 - |x| / width) / width; the primitive is its integral, from 0 to 1. */
#include <hillock/plugin.h>

HK_TEXT(@name@,
hk_fn hk_real @name@_grad(hk_real x, const hk_real *p) {
    return hk_max(0, 1 - hk_abs(x) / p[0]) / p[0];
}
hk_fn hk_real @name@_primitive(hk_real x, const hk_real *p) {
    hk_real u = hk_min(hk_abs(x) / p[0], 1);
    hk_real half = u - (hk_real)0.5 * u * u;
    return (hk_real)0.5 + (x < 0 ? -half : half);
})
HK_SURROGATE_KERNELS(@name@, 1, 1, 0) /* one number; has a primitive; its forward is the step */

static const hk_field fields[] = {
    { "width", HK_REAL, 0, "1.0", 1e-6, 1e6, NULL, "half of the triangle's base, in units of the potential" },
};

static const hk_surrogate_type type = {
    .struct_size = sizeof(hk_surrogate_type),
    .n_fields = sizeof fields / sizeof fields[0],
    .doc = "s'(x) = max(0, 1 - |x| / width) / width",
    .source = "your paper",
    .fields = fields,
    .text = @name@_text,
    .prefix = "@name@",
    .kernels = @name@_kernels,
    .n_kernel = HK_N_KERNEL,
    .has_primitive = 1,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "@Type@", &type); }

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
