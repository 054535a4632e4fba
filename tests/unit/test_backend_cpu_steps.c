/* test_backend_cpu_steps.c - weight gradients of spikes by patterns of steps (option steps=patterns) against plain loops in double, on odd sizes and shares of
 * spikes, with the same bits for every block size, scope and number of threads. Usage: test_backend_cpu_steps [backend_cpu.so] */
#include "backend_run.h"
#include "backend_conv.h"

static hn_value spikes(int64_t T, int64_t N, int rank, const int64_t *shape, double density) {
    hn_value x = hn_new(HK_SPIKE, SEQ, T, N, rank, shape);
    for (int64_t i = 0; i < x.rows * x.elems; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < density;
    return x;
}

static void check_conv_dw(int64_t T, int64_t N, conv_case c, double density) {
    int64_t OH = out_size(c.H, c.w.pt + c.w.pb, 1, c.w.kh, 1, 0), OW = out_size(c.W, c.w.pl + c.w.pr, 1, c.w.kw, 1, 0);
    const hk_attr attr[] = { WINDOW_ATTR(c.w), { "groups", 1, 0, NULL } };
    hn_value x = spikes(T, N, SHAPE(c.C, c.H, c.W), density), g = hn_new(HK_F32, SEQ, T, N, SHAPE(c.O, OH, OW));
    hn_value dw = hn_new(HK_F32, G, T, N, SHAPE(c.O, c.C, c.w.kh, c.w.kw)), in[2] = { g, x };
    run("conv2d_dw", T, N, 2, in, 1, &dw, N_WINDOW + 1, attr, 0);
    double *want = calloc((size_t)(dw.rows * dw.elems), 8), *vx = calloc((size_t)x.elems, 8), *vg = calloc((size_t)g.elems, 8);
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < N; i++) {
            for (int64_t e = 0; e < x.elems; e++) vx[e] = hn_at(&x, t, i, e);
            for (int64_t e = 0; e < g.elems; e++) vg[e] = hn_at(&g, t, i, e);
            EACH_PRODUCT(c, OH, OW) want[i / 16 * dw.elems + E_W] += vg[E_Y] * vx[E_X];
        }
    HN_EACH(dw, t, k, e) near("conv2d_dw", hn_at(&dw, t, k, e), want[k * dw.elems + e], 2e-4);
    free(want), free(vx), free(vg);
    drop(2, in), drop(1, &dw);
}

static void test_convolution(void **state) {
    (void)state;
    static const conv_case cases[] = {
        { 16, 17, 6, 5, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, { 19, 8, 5, 6, 1, { 3, 3, 1, 1, 0, 0, 0, 0, 1, 1 } },
        { 3, 40, 7, 4, 1, { 5, 2, 1, 1, 2, 2, 1, 0, 1, 1 } }, /* few channels, uneven padding */
        { 16, 4, 3, 3, 1, { 3, 3, 1, 1, 3, 3, 3, 3, 1, 1 } }, /* windows wholly in the padding */
    };
    static const int64_t sizes[][2] = { { 1, 3 }, { 2, 1 }, { 3, 17 }, { 4, 16 }, { 5, 2 }, { 9, 18 } }; /* T, N: chunks of one to four steps */
    static const double densities[] = { 0, 0.1, 0.4, 0.9, 1 };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) check_conv_dw(sizes[n][0], sizes[n][1], cases[k], densities[(k + n) % 5]);
    check_conv_dw(4, 2, (conv_case){ 64, 64, 14, 14, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, 0.35);
}

/* linear_dw with direct = 1: near the double sums at each level, and the same bits from blocks of any size on any number of threads. */
static void check_linear_dw(int64_t T, int64_t N, int64_t K, int64_t O, double density) {
    const hk_attr attr[1] = { { "direct", 1, 0, NULL } };
    hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), x = spikes(T, N, SHAPE(K), density), dw = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), in[2] = { g, x };
    double *want = calloc((size_t)dw.elems, 8);
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < N; i++)
            for (int64_t k = 0; k < K; k++)
                for (int64_t o = 0; hn_at(&x, t, i, k) != 0 && o < O; o++) want[o * K + k] += hn_at(&g, t, i, o);
    for (uint32_t isa = 0; isa <= hn_isa(); isa++) {
        char *first = NULL;
        for (int64_t nb = 16; nb <= 64; nb *= 2) {
            hn_threads = nb == 32 ? 1 : 3;
            run_direct("linear_dw", isa, nb, T, N, in, &dw, 1, attr);
            if (first && memcmp(first, dw.mem, dw.bytes))
                fail_msg("linear_dw: other bits, isa %u, nb %d, T %d, N %d, %d into %d", isa, (int)nb, (int)T, (int)N, (int)K, (int)O);
            if (!first) first = memcpy(malloc(dw.bytes), dw.mem, dw.bytes);
        }
        free(first);
        for (int64_t e = 0; e < dw.elems; e++) near("linear_dw", ((float *)dw.mem)[e], want[e], 2e-5);
    }
    free(want);
    drop(2, in), drop(1, &dw);
}

static void test_linear(void **state) {
    (void)state;
    static const int64_t sizes[][4] = { { 1, 3, 70, 17 }, { 2, 33, 64, 8 }, { 3, 17, 130, 150 }, { 4, 48, 300, 65 }, { 5, 16, 65, 300 }, { 11, 18, 90, 33 } };
    static const double densities[] = { 0, 0.1, 0.4, 0.9, 1 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (size_t d = 0; d < 5; d++) check_linear_dw(sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3], densities[d]);
}

int main(int argc, char **argv) {
    hn_options = "steps=patterns";
    if (hn_open(argc > 1 ? argv[1] : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_convolution), cmocka_unit_test(test_linear) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
