/* test_backend_cpu_linear.c - products with a weight of the cpu backend against plain loops, on odd sizes, at every ISA level of this
 * machine, with the same bits for every block size and scope. Usage: test_backend_cpu_linear [backend_cpu.so] */
#include "backend_run.h"

static void check_linear(int64_t T, int64_t N, int64_t K, int64_t O, hk_dtype dx, uint32_t fx, int bias) {
    hn_value in[3] = { hn_new(dx, fx, T, N, SHAPE(K)), hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent() };
    hn_value y = hn_new(HK_F32, fx, T, N, SHAPE(O));
    run("linear", T, N, 3, in, 1, &y, 0, NULL, 0);
    HN_EACH(y, t, i, o) {
        double sum = bias ? hn_at(&in[2], 0, 0, o) : 0;
        for (int64_t k = 0; k < K; k++) sum += hn_at(&in[0], t, i, k) * hn_at(&in[1], 0, 0, o * K + k);
        near("linear", hn_at(&y, t, i, o), sum, 1e-5 * sqrt((double)K));
    }
    hn_value gin[2] = { y, in[1] }, gx = hn_new(HK_F32, fx, T, N, SHAPE(K));
    run("linear_dx", T, N, 2, gin, 1, &gx, 0, NULL, 0);
    HN_EACH(gx, t, i, k) {
        double sum = 0;
        for (int64_t o = 0; o < O; o++) sum += hn_at(&y, t, i, o) * hn_at(&in[1], 0, 0, o * K + k);
        near("linear_dx", hn_at(&gx, t, i, k), sum, 1e-5 * (double)(K + O));
    }
    hn_value win[2] = { hn_new(HK_F32, SEQ, T, N, SHAPE(O)), in[0] }, dw = hn_new(HK_F32, G, T, N, SHAPE(O, K));
    run("linear_dw", T, N, 2, win, 1, &dw, 0, NULL, 0);
    HN_EACH(dw, t, g, e) {
        double sum = 0;
        for (int64_t s = 0; s < T; s++)
            for (int64_t i = 16 * g; i < N && i < 16 * (g + 1); i++) sum += hn_at(&win[0], s, i, e / K) * hn_at(&in[0], s, i, e % K);
        near("linear_dw", hn_at(&dw, t, g, e), sum, 1e-5 * (double)T);
    }
    drop(3, in), drop(1, &y), drop(1, &gx), drop(1, win), drop(1, &dw);
}

static void test_linear(void **state) {
    (void)state;
    static const int64_t KO[][2] = { { 1, 1 }, { 3, 7 }, { 28, 32 }, { 32, 10 }, { 17, 41 }, { 90, 8 } };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof KO / sizeof *KO; k++) {
        check_linear(T, N, KO[k][0], KO[k][1], HK_F32, SEQ, 1);
        check_linear(T, N, KO[k][0], KO[k][1], HK_SPIKE, SEQ, 0);
        check_linear(T, N, KO[k][0], KO[k][1], HK_F32, HELD, 1);
    }
    check_linear(60, 17, 9, 11, HK_SPIKE, SEQ, 1);
}

static void test_linear_large(void **state) {
    (void)state;
    check_linear(5, 33, 301, 270, HK_SPIKE, SEQ, 1);
    check_linear(1, 17, 270, 301, HK_F32, SEQ, 0);
    check_linear(2, 33, 600, 120, HK_F32, SEQ, 1);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_linear_large),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu_linear", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
