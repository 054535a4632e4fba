/* multi_gaussian.c - a plugin of one file: a surrogate of your own. Its derivative is a bell around the threshold with a shallow trough on either side,
 *     s'(x) = (1 + h) n(x; 0, w) - h n(x; w, k w) - h n(x; -w, k w),   n(x; m, d): the normal density of mean m and deviation d
 * so that potentials far below the threshold get a small gradient of the other sign. The primitive is its integral, from 0 to 1 - h.
 * Source: Yin, Corradi and Bohte 2021, "Accurate and efficient time-domain classification with adaptive spiking recurrent neural networks".
 * Build it anywhere: cc -O2 -shared -fPIC $(pkg-config --cflags hillock) multi_gaussian.c -o multi_gaussian.so -lm */
#include <hillock/plugin.h>
#include <math.h>

/* p: width w, height h, scale k. */
HK_TEXT(multi_gaussian,
hk_fn hk_real multi_gaussian_bell(hk_real x, hk_real deviation) {
    hk_real u = x / deviation;
    return (hk_real)0.39894228040143267794 / deviation * hk_exp((hk_real)-0.5 * u * u);
}
hk_fn hk_real multi_gaussian_grad(hk_real x, const hk_real *p) {
    return (1 + p[1]) * multi_gaussian_bell(x, p[0]) - p[1] * multi_gaussian_bell(x - p[0], p[2] * p[0]) - p[1] * multi_gaussian_bell(x + p[0], p[2] * p[0]);
}
hk_fn hk_real multi_gaussian_below(hk_real x, hk_real deviation) {
    return (hk_real)0.5 * hk_erfc((hk_real)-0.70710678118654752440 * x / deviation);
}
hk_fn hk_real multi_gaussian_primitive(hk_real x, const hk_real *p) {
    return (1 + p[1]) * multi_gaussian_below(x, p[0]) - p[1] * multi_gaussian_below(x - p[0], p[2] * p[0]) - p[1] * multi_gaussian_below(x + p[0], p[2] * p[0]);
})
HK_SURROGATE_KERNELS(multi_gaussian, 3, 1, 0) /* three numbers; has a primitive; its forward is the step */

static const hk_field fields[] = {
    { "width", HK_REAL, 0, "0.5", 1e-6, 1e6, NULL, "w, deviation of the bell, in units of the potential" },
    { "height", HK_REAL, 0, "0.15", 0, 1, NULL, "h, of the troughs" },
    { "scale", HK_REAL, 0, "6.0", 1e-3, 1e3, NULL, "k, how much wider a trough is than the bell" },
};

static const hk_surrogate_type type = {
    .struct_size = sizeof(hk_surrogate_type),
    .n_fields = sizeof fields / sizeof fields[0],
    .doc = "s'(x) = (1 + h) n(x; 0, w) - h n(x; w, k w) - h n(x; -w, k w), n the normal density",
    .source = "Yin, Corradi and Bohte 2021, Accurate and efficient time-domain classification with adaptive spiking recurrent neural networks",
    .fields = fields,
    .text = multi_gaussian_text,
    .prefix = "multi_gaussian",
    .kernels = multi_gaussian_kernels,
    .n_kernel = HK_N_KERNEL,
    .has_primitive = 1,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "MultiGaussian", &type); }

HK_PLUGIN("example.multi_gaussian", "1.0", "Apache-2.0", init);
