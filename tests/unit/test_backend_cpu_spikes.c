/* test_backend_cpu_spikes.c - convolutions of spike bytes have the bits of the same numbers as f32, whatever the share of spikes: the way by
 * lists of spikes and the dense way are the same sums. Usage: test_backend_cpu_spikes [backend_cpu.so] */
#include "backend_run.h"

typedef struct shape {
    int64_t C, O, H, W, kh, kw, sh, sw, pt, pb, pl, pr;
} shape;

static int64_t out_size(int64_t n, int64_t pad, int64_t k, int64_t s) { return (n + pad - k) / s + 1; }

/* The same numbers as f32. */
static hn_value as_f32(const hn_value *x, int64_t T, int64_t N) {
    hn_value v = hn_new(HK_F32, x->d.flags, T, N, x->d.rank, x->d.shape);
    for (int64_t i = 0; i < x->rows * x->elems; i++) ((float *)v.mem)[i] = (float)((uint8_t *)x->mem)[i];
    return v;
}

static void same_bits(const char *op, const shape *s, double density, const hn_value *a, const hn_value *b) {
    for (int64_t i = 0; i < a->rows * a->elems; i++)
        if (memcmp((float *)a->mem + i, (float *)b->mem + i, 4))
            fail_msg("%s, %lld channels into %lld, %lldx%lld, kernel %lldx%lld, %.0f %% spikes: number %lld is %.9g from spikes, %.9g from f32", op,
                (long long)s->C, (long long)s->O, (long long)s->H, (long long)s->W, (long long)s->kh, (long long)s->kw, 100 * density, (long long)i,
                (double)((float *)a->mem)[i], (double)((float *)b->mem)[i]);
}

static void check(int64_t T, int64_t N, shape s, double density, uint32_t f) {
    const hk_attr attr[] = { { "kernel_h", s.kh, 0, NULL }, { "kernel_w", s.kw, 0, NULL }, { "stride_h", s.sh, 0, NULL }, { "stride_w", s.sw, 0, NULL },
        { "pad_top", s.pt, 0, NULL }, { "pad_bottom", s.pb, 0, NULL }, { "pad_left", s.pl, 0, NULL }, { "pad_right", s.pr, 0, NULL }, { "dil_h", 1, 0, NULL },
        { "dil_w", 1, 0, NULL }, { "groups", 1, 0, NULL } };
    int64_t OH = out_size(s.H, s.pt + s.pb, s.kh, s.sh), OW = out_size(s.W, s.pl + s.pr, s.kw, s.sw);
    hn_value x = hn_new(HK_SPIKE, f, T, N, SHAPE(s.C, s.H, s.W)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(s.O, s.C, s.kh, s.kw)),
             b = hn_new(HK_F32, STATIC, T, N, SHAPE(s.O));
    for (int64_t i = 0; i < x.rows * x.elems; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < density;
    hn_value xf = as_f32(&x, T, N), g = hn_new(HK_F32, SEQ, T, N, SHAPE(s.O, OH, OW)), y[2], dw[2];
    for (int k = 0; k < 2; k++) {
        hn_value in[3] = { k ? xf : x, w, density < 0.3 ? b : hn_absent() }, in_dw[2] = { g, k ? xf : x };
        y[k] = hn_new(HK_F32, f, T, N, SHAPE(s.O, OH, OW)), dw[k] = hn_new(HK_F32, G, T, N, 4, w.d.shape);
        run("conv2d", T, N, 3, in, 1, &y[k], 11, attr, 0);
        run("conv2d_dw", T, N, 2, in_dw, 1, &dw[k], 11, attr, 0);
    }
    same_bits("conv2d", &s, density, &y[0], &y[1]);
    same_bits("conv2d_dw", &s, density, &dw[0], &dw[1]);
    drop(2, y), drop(2, dw), drop(1, &x), drop(1, &xf), drop(1, &g), drop(1, &w), drop(1, &b);
}

static void test_spikes_have_the_bits_of_the_dense_way(void **state) {
    (void)state;
    static const shape shapes[] = {
        { 16, 24, 7, 6, 3, 3, 1, 1, 1, 1, 1, 1 }, { 17, 9, 8, 5, 3, 3, 1, 1, 0, 0, 0, 0 },
        { 20, 70, 6, 7, 3, 3, 1, 1, 1, 1, 1, 1 },  /* two panels of outputs, one of them narrow */
        { 33, 130, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1 }, /* stride */
        { 18, 8, 9, 9, 5, 5, 1, 1, 2, 2, 2, 2 }, { 16, 12, 5, 6, 1, 1, 1, 1, 0, 0, 0, 0 }, { 19, 10, 6, 5, 2, 7, 1, 1, 1, 0, 3, 3 }, /* uneven padding */
        { 16, 5, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3 },                                           /* windows wholly in the padding */
        { 3, 8, 40, 30, 3, 3, 1, 1, 1, 1, 1, 1 }, { 16, 6, 8, 8, 8, 8, 1, 1, 0, 0, 0, 0 }, /* a kernel as large as the image */
    };
    static const double densities[] = { 0, 0.02, 0.15, 0.4, 0.6, 1 };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d++) {
            check(3, 18, shapes[k], densities[d], SEQ);
            if (d == 2) check(2, 5, shapes[k], densities[d], HELD);
        }
}

/* conv2d_dx of a gradient with a share of numbers that are not 0: the sum over places and channels in ascending order, one accumulator. */
static void check_dx(shape s, double density) {
    const int64_t T = 2, N = 17, shape_attr[3] = { s.C, s.H, s.W };
    const hk_attr attr[] = { { "kernel_h", s.kh, 0, NULL }, { "kernel_w", s.kw, 0, NULL }, { "stride_h", s.sh, 0, NULL }, { "stride_w", s.sw, 0, NULL },
        { "pad_top", s.pt, 0, NULL }, { "pad_bottom", s.pb, 0, NULL }, { "pad_left", s.pl, 0, NULL }, { "pad_right", s.pr, 0, NULL }, { "dil_h", 1, 0, NULL },
        { "dil_w", 1, 0, NULL }, { "groups", 1, 0, NULL }, { "shape", 3, 0, shape_attr } };
    int64_t OH = out_size(s.H, s.pt + s.pb, s.kh, s.sh), OW = out_size(s.W, s.pl + s.pr, s.kw, s.sw);
    hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(s.O, OH, OW)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(s.O, s.C, s.kh, s.kw));
    hn_value gx = hn_new(HK_F32, SEQ, T, N, SHAPE(s.C, s.H, s.W)), in[2] = { g, w };
    for (int64_t i = 0; i < g.rows * g.elems; i++)
        if (hn_uniform() >= density) ((float *)g.mem)[i] = i % 3 ? 0.0f : -0.0f;
    run("conv2d_dx", T, N, 2, in, 1, &gx, 12, attr, 0);
    HN_EACH(gx, t, i, e) {
        int64_t c = e / (s.H * s.W), h = e / s.W % s.H, v = e % s.W;
        float sum = 0.0f;
        for (int64_t y = 0; y < OH; y++)
            for (int64_t x = 0; x < OW; x++)
                for (int64_t o = 0; o < s.O; o++) {
                    int64_t a = h + s.pt - y * s.sh, k = v + s.pl - x * s.sw;
                    if (a < 0 || a >= s.kh || k < 0 || k >= s.kw) continue;
                    float f = (float)hn_at(&g, t, i, (o * OH + y) * OW + x), m = ((float *)w.mem)[((o * s.C + c) * s.kh + a) * s.kw + k];
                    sum = hn_isa() > HK_ISA_BASELINE ? fmaf(f, m, sum) : sum + f * m;
                }
        float got = (float)hn_at(&gx, t, i, e);
        if (memcmp(&got, &sum, 4))
            fail_msg("conv2d_dx, %lld channels from %lld, %lldx%lld, kernel %lldx%lld, %.0f %% not 0: number %lld is %.9g, expected %.9g", (long long)s.C,
                (long long)s.O, (long long)s.H, (long long)s.W, (long long)s.kh, (long long)s.kw, 100 * density, (long long)e, (double)got, (double)sum);
    }
    drop(1, &g), drop(1, &w), drop(1, &gx);
}

static void test_gradients_with_zeros_have_the_bits_of_the_dense_way(void **state) {
    (void)state;
    static const shape shapes[] = {
        { 12, 64, 12, 12, 5, 5, 1, 1, 0, 0, 0, 0 }, { 17, 9, 8, 5, 3, 3, 1, 1, 1, 1, 1, 1 },
        { 40, 21, 6, 7, 3, 3, 1, 1, 0, 0, 0, 0 },                                         /* panels of inputs, the last one narrow */
        { 5, 33, 5, 6, 1, 1, 1, 1, 0, 0, 0, 0 }, { 7, 18, 9, 9, 2, 7, 1, 1, 1, 0, 3, 3 }, /* uneven padding */
        { 3, 16, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3 },                                          /* windows wholly in the padding */
        { 6, 10, 8, 8, 3, 8, 1, 1, 0, 0, 0, 0 },                                          /* wider than what is spread */
        { 6, 10, 9, 8, 3, 3, 2, 2, 1, 1, 1, 1 },                                          /* stride */
    };
    static const double densities[] = { 0, 0.02, 0.25, 0.5, 1 };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d++) check_dx(shapes[k], densities[d]);
}

/* linear, and its weight gradient with direct = 1 against partial sums and their merge. */
static void check_linear(int64_t T, int64_t N, int64_t K, int64_t O, double density, uint32_t f) {
    const hk_attr direct[1] = { { "direct", 1, 0, NULL } };
    shape s = { K, O, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 };
    hn_value x = hn_new(HK_SPIKE, f, T, N, SHAPE(K)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), b = hn_new(HK_F32, STATIC, T, N, SHAPE(O));
    for (int64_t i = 0; i < x.rows * x.elems; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < density;
    hn_value xf = as_f32(&x, T, N), y[2], g = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), p = hn_new(HK_F32, G, T, N, SHAPE(O, K));
    for (int k = 0; k < 2; k++) {
        hn_value in[3] = { k ? xf : x, w, density < 0.3 ? b : hn_absent() };
        y[k] = hn_new(HK_F32, f, T, N, SHAPE(O));
        run("linear", T, N, 3, in, 1, &y[k], 0, NULL, 0);
    }
    same_bits("linear", &s, density, &y[0], &y[1]);
    hn_value in_dw[2] = { g, x };
    check_direct("linear_dw", T, N, in_dw, &p, 1, direct);
    drop(2, y), drop(1, &x), drop(1, &xf), drop(1, &g), drop(1, &w), drop(1, &b), drop(1, &p);
}

static void test_products_of_spikes_have_the_bits_of_the_dense_way(void **state) {
    (void)state;
    static const int64_t KO[][2] = { { 64, 8 }, { 70, 17 }, { 600, 130 }, { 1100, 65 }, { 65, 300 } };
    static const double densities[] = { 0, 0.02, 0.15, 0.35, 0.6, 1 };
    for (size_t k = 0; k < sizeof KO / sizeof *KO; k++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d++) {
            check_linear(3, 33, KO[k][0], KO[k][1], densities[d], SEQ);
            if (d == 2) check_linear(2, 50, KO[k][0], KO[k][1], densities[d], HELD);
        }
    check_linear(9, 48, 80, 40, 0.1, SEQ); /* more rows than are listed at a time */
}

static void test_spikes_of_a_larger_image(void **state) {
    (void)state;
    check(2, 17, (shape){ 64, 64, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1 }, 0.13, SEQ);
    check(1, 2, (shape){ 64, 48, 40, 30, 3, 3, 1, 1, 1, 1, 1, 1 }, 0.05, SEQ); /* bands of rows */
    check(1, 2, (shape){ 2, 3, 300, 260, 3, 3, 1, 1, 1, 1, 1, 1 }, 0.05, SEQ); /* more places than a list of u16 holds */
}

int main(int argc, char **argv) {
    hn_options = "conv=direct, steps=single"; /* f32 too as plain sums; spikes by patterns of steps: test_backend_cpu_steps.c */
    if (hn_open(argc > 1 ? argv[1] : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 2)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spikes_have_the_bits_of_the_dense_way),
        cmocka_unit_test(test_products_of_spikes_have_the_bits_of_the_dense_way),
        cmocka_unit_test(test_spikes_of_a_larger_image),
        cmocka_unit_test(test_gradients_with_zeros_have_the_bits_of_the_dense_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
