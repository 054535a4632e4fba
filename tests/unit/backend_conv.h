/* backend_conv.h - one convolution with its two gradients against plain loops, on every block size, scope and ISA level. Used by test_backend_cpu_conv.c and
 * test_backend_cpu_winograd.c. */
#ifndef HILLOCK_TEST_BACKEND_CONV_H
#define HILLOCK_TEST_BACKEND_CONV_H

#include "backend_run.h"

typedef struct window {
    int64_t kh, kw, sh, sw, pt, pb, pl, pr, dh, dw;
} window;
#define WINDOW_ATTR(w)                                                                                                                                         \
    { "kernel_h", (w).kh, 0, NULL }, { "kernel_w", (w).kw, 0, NULL }, { "stride_h", (w).sh, 0, NULL }, { "stride_w", (w).sw, 0, NULL },                        \
        { "pad_top", (w).pt, 0, NULL }, { "pad_bottom", (w).pb, 0, NULL }, { "pad_left", (w).pl, 0, NULL }, { "pad_right", (w).pr, 0, NULL },                  \
        { "dil_h", (w).dh, 0, NULL }, {                                                                                                                        \
        "dil_w", (w).dw, 0, NULL                                                                                                                               \
    }
enum { N_WINDOW = 10 };

static int64_t out_size(int64_t n, int64_t pads, int64_t dil, int64_t k, int64_t stride, int ceil_mode) {
    return (n + pads - dil * (k - 1) - 1 + (ceil_mode ? stride - 1 : 0)) / stride + 1;
}

typedef struct conv_case {
    int64_t C, O, H, W, groups;
    window w;
} conv_case;

/* Calls body for each product of an image: output e_y, input e_x, weight e_w. */
#define EACH_PRODUCT(c, OH, OW)                                                                                                                                \
    for (int64_t o = 0, Cg = (c).C / (c).groups, Og = (c).O / (c).groups; o < (c).O; o++)                                                                      \
        for (int64_t oh = 0; oh < (OH); oh++)                                                                                                                  \
            for (int64_t ow = 0; ow < (OW); ow++)                                                                                                              \
                for (int64_t q = 0, ih, iw; q < Cg * (c).w.kh * (c).w.kw; q++)                                                                                 \
                    if (ih = oh * (c).w.sh - (c).w.pt + q / (c).w.kw % (c).w.kh * (c).w.dh, iw = ow * (c).w.sw - (c).w.pl + q % (c).w.kw * (c).w.dw,           \
                        ih >= 0 && ih < (c).H && iw >= 0 && iw < (c).W)
#define E_Y ((o * OH + oh) * OW + ow)
#define E_X (((o / Og * Cg + q / (c.w.kh * c.w.kw)) * c.H + ih) * c.W + iw)
#define E_W (o * Cg * c.w.kh * c.w.kw + q)

/* conv2d, conv2d_dx and conv2d_dw against plain loops in double. */
static __attribute__((unused)) void check_conv(int64_t T, int64_t N, conv_case c, hk_dtype dt, uint32_t f, int bias) {
    int64_t OH = out_size(c.H, c.w.pt + c.w.pb, c.w.dh, c.w.kh, c.w.sh, 0), OW = out_size(c.W, c.w.pl + c.w.pr, c.w.dw, c.w.kw, c.w.sw, 0);
    const hk_attr attr[] = { WINDOW_ATTR(c.w), { "groups", c.groups, 0, NULL }, { "direct", 1, 0, NULL } };
    hn_value x = hn_new(dt, f, T, N, SHAPE(c.C, c.H, c.W)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(c.O, c.C / c.groups, c.w.kh, c.w.kw));
    hn_value b = bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(c.O)) : hn_absent(), g = hn_new(HK_F32, f, T, N, SHAPE(c.O, OH, OW));
    hn_value y = hn_new(HK_F32, f, T, N, SHAPE(c.O, OH, OW)), gx = hn_new(HK_F32, f, T, N, SHAPE(c.C, c.H, c.W)), dw = hn_new(HK_F32, G, T, N, 4, w.d.shape);
    hn_value in[3] = { x, w, b }, in_dx[2] = { g, w }, in_dw[2] = { g, x };
    run("conv2d", T, N, 3, in, 1, &y, N_WINDOW + 1, attr, 0);
    run("conv2d_dx", T, N, 2, in_dx, 1, &gx, N_WINDOW + 1, attr, 0);
    run("conv2d_dw", T, N, 2, in_dw, 1, &dw, N_WINDOW + 1, attr, 0);
    double *want_y = calloc((size_t)y.elems, 8), *want_gx = calloc((size_t)x.elems, 8), *want_dw = calloc((size_t)(dw.rows * dw.elems), 8);
    double *vx = calloc((size_t)x.elems, 8), *vg = calloc((size_t)y.elems, 8);
    double size_y = fmax(1, sqrt((double)(c.C / c.groups)) / 3), size_x = fmax(1, sqrt((double)(c.O / c.groups)) / 3); /* of sums, beside that of one */
    for (int64_t t = 0; t < (f & HK_T ? T : 1); t++)
        for (int64_t i = 0; i < N; i++) {
            for (int64_t e = 0; e < x.elems; e++) vx[e] = hn_at(&x, t, i, e), want_gx[e] = 0;
            for (int64_t e = 0; e < y.elems; e++) vg[e] = hn_at(&g, t, i, e), want_y[e] = bias ? hn_at(&b, 0, 0, e / (OH * OW)) : 0;
            EACH_PRODUCT(c, OH, OW) {
                double weight = (double)((float *)w.mem)[E_W];
                want_y[E_Y] += weight * vx[E_X], want_gx[E_X] += weight * vg[E_Y];
                want_dw[i / 16 * dw.elems + E_W] += vg[E_Y] * vx[E_X];
            }
            for (int64_t e = 0; e < y.elems; e++) near("conv2d", hn_at(&y, t, i, e), want_y[e], 2e-5 * size_y);
            for (int64_t e = 0; e < x.elems; e++) near("conv2d_dx", hn_at(&gx, t, i, e), want_gx[e], 2e-5 * size_x);
        }
    HN_EACH(dw, t, k, e) near("conv2d_dw", hn_at(&dw, t, k, e), want_dw[k * dw.elems + e], 2e-4);
    check_direct("conv2d_dw", T, N, in_dw, &dw, N_WINDOW + 2, attr);
    free(want_y), free(want_gx), free(want_dw), free(vx), free(vg);
    drop(3, in), drop(1, &g), drop(1, &y), drop(1, &gx), drop(1, &dw);
}

#endif
