/* conv.c - conv2d, conv2d_dx, conv2d_dw: cross-correlation and its two adjoints. i[0]: groups. */
#include "ref.h"

void ref_read_window(ref_window *w, const hk_opdesc *o) {
    static const char *const names[2][5] = { { "kernel_h", "stride_h", "pad_top", "pad_bottom", "dil_h" },
        { "kernel_w", "stride_w", "pad_left", "pad_right", "dil_w" } };
    for (int a = 0; a < 2; a++) {
        w->kernel[a] = ref_attr(o, names[a][0])->i, w->stride[a] = ref_attr(o, names[a][1])->i;
        w->pad[a] = ref_attr(o, names[a][2])->i, w->pad_end[a] = ref_attr(o, names[a][3])->i, w->dil[a] = ref_attr(o, names[a][4])->i;
    }
}

/* The sizes of a convolution: x [C,H,W], y [O,H2,W2], w [O,c,kh,kw], c input and o output channels in a group. */
typedef struct sizes {
    int64_t C, H, W, O, H2, W2, c, o, kh, kw;
} sizes;
static sizes sizes_of(const ref_plan *p, int x, int y) {
    const int64_t *in = p->d[x].shape, *out = p->d[y].shape;
    return (sizes){ in[0], in[1], in[2], out[0], out[1], out[2], in[0] / p->i[0], out[0] / p->i[0], p->window.kernel[0], p->window.kernel[1] };
}
/* Input position that tap k of output position y meets, on axis a. */
static int64_t meets(const ref_plan *p, int a, int64_t y, int64_t k) { return y * p->window.stride[a] - p->window.pad[a] + k * p->window.dil[a]; }

enum { X, W, B, Y }; /* conv2d */
static hk_status conv2d(const ref_plan *p, const hk_bind *b) {
    const sizes s = sizes_of(p, X, Y);
    REF_EACH(p, b, Y, t, i, e) {
        int64_t o = e / (s.H2 * s.W2), y = e / s.W2 % s.H2, x = e % s.W2;
        double sum = ref_has(p, B) ? ref_get(p, b, B, t, i, o) : 0.0;
        for (int64_t c = 0; c < s.c; c++)
            for (int64_t u = 0; u < s.kh; u++)
                for (int64_t v = 0; v < s.kw; v++) {
                    int64_t h = meets(p, 0, y, u), w = meets(p, 1, x, v);
                    if (h < 0 || h >= s.H || w < 0 || w >= s.W) continue;
                    sum += ref_get(p, b, W, t, i, ((o * s.c + c) * s.kh + u) * s.kw + v) * ref_get(p, b, X, t, i, ((o / s.o * s.c + c) * s.H + h) * s.W + w);
                }
        ref_put(p, b, Y, t, i, e, sum);
    }
    return HK_OK;
}

/* Output position whose tap k meets input position h on axis a; -1: none. */
static int64_t met_by(const ref_plan *p, int a, int64_t h, int64_t k, int64_t H2) {
    int64_t y = h + p->window.pad[a] - k * p->window.dil[a];
    return y >= 0 && y % p->window.stride[a] == 0 && y / p->window.stride[a] < H2 ? y / p->window.stride[a] : -1;
}

/* g, w -> gx */
static hk_status conv2d_dx(const ref_plan *p, const hk_bind *b) {
    const sizes s = sizes_of(p, 2, 0);
    REF_EACH(p, b, 2, t, i, e) {
        int64_t c = e / (s.H * s.W), h = e / s.W % s.H, w = e % s.W;
        double sum = 0.0;
        for (int64_t o = c / s.c * s.o; o < (c / s.c + 1) * s.o; o++)
            for (int64_t u = 0; u < s.kh; u++)
                for (int64_t v = 0; v < s.kw; v++) {
                    int64_t y = met_by(p, 0, h, u, s.H2), x = met_by(p, 1, w, v, s.W2);
                    if (y < 0 || x < 0) continue;
                    sum += ref_get(p, b, 0, t, i, (o * s.H2 + y) * s.W2 + x) * ref_get(p, b, 1, t, i, ((o * s.c + c % s.c) * s.kh + u) * s.kw + v);
                }
        ref_put(p, b, 2, t, i, e, sum);
    }
    return HK_OK;
}

/* g, x -> G */
static double dw_row(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t e) {
    const sizes s = sizes_of(p, 1, 0);
    int64_t o = e / (s.c * s.kh * s.kw), c = e / (s.kh * s.kw) % s.c, u = e / s.kw % s.kh, v = e % s.kw;
    double sum = 0.0;
    for (int64_t y = 0; y < s.H2; y++)
        for (int64_t x = 0; x < s.W2; x++) {
            int64_t h = meets(p, 0, y, u), w = meets(p, 1, x, v);
            if (h < 0 || h >= s.H || w < 0 || w >= s.W) continue;
            sum += ref_get(p, b, 0, t, i, (o * s.H2 + y) * s.W2 + x) * ref_get(p, b, 1, t, i, ((o / s.o * s.c + c) * s.H + h) * s.W + w);
        }
    return sum;
}
static hk_status conv2d_dw(const ref_plan *p, const hk_bind *b) {
    ref_sum_rows(p, b, dw_row);
    return HK_OK;
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    ref_read_window(&p->window, o);
    p->i[0] = ref_attr(o, "groups")->i;
    if (p->i[0] < 1 || p->window.stride[0] < 1 || p->window.stride[1] < 1)
        return ref_fail(p->dev, HK_EINVAL, "%s: %s: expected groups and strides of at least 1", o->path, o->op);
    return ref_sum_prepare(p, o);
}

const ref_op ref_ops_conv[] = { { "conv2d", 3, 1, conv2d, prepare }, { "conv2d_dx", 2, 1, conv2d_dx, prepare }, { "conv2d_dw", 2, 1, conv2d_dw, prepare },
    { 0 } };
