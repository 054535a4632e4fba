/* Operations of backend cpu that layers are made of, against plain loops: products of matrices, nearest places, groups of channels, sums of each step,
 * other shapes of rows. Equal bits for every block size, scope and number of threads, at each level. */
#include "backend_run.h"

static void test_matmul(void **state) {
    (void)state;
    enum { A = 5, B = 3, C = 4, GROUPS = 2 };
    EACH_SIZE(T, N)
    for (int way = 0; way < 16; way++) { /* bits: x transposed, y transposed, x spikes, y the same for all t */
        const int tx = way & 1, ty = way & 2;
        const hk_attr attr[3] = { { "groups", GROUPS, 0, NULL }, { "transpose_x", tx, 0, NULL }, { "transpose_y", ty, 0, NULL } };
        const int64_t x[2] = { GROUPS * (tx ? B : A), tx ? A : B }, y[2] = { GROUPS * (ty ? C : B), ty ? B : C };
        hn_value in[2] = { hn_new(way & 4 ? HK_SPIKE : HK_F32, SEQ, T, N, 2, x), hn_new(HK_F32, way & 8 ? HELD : SEQ, T, N, 2, y) };
        hn_value z = hn_new(HK_F32, SEQ, T, N, SHAPE(GROUPS * A, C));
        run("matmul", T, N, 2, in, 1, &z, 3, attr, 0);
        HN_EACH(z, t, i, e) {
            const int64_t g = e / (A * C), a = e / C % A, c = e % C;
            double sum = 0;
            for (int64_t k = 0; k < B; k++)
                sum += hn_at(&in[0], t, i, tx ? (g * B + k) * A + a : (g * A + a) * B + k) * hn_at(&in[1], way & 8 ? 0 : t, i, ty ? (g * C + c) * B + k : (g * B + k) * C + c);
            near("matmul", hn_at(&z, t, i, e), sum, 1e-5);
        }
        drop(2, in), drop(1, &z);
    }
}

/* Of two weights, sizes around a vector and a tile. */
static void test_matmul_of_weights(void **state) {
    (void)state;
    static const int64_t sizes[][4] = { { 1, 1, 1, 1 }, { 5, 3, 4, 2 }, { 33, 32, 28, 1 }, { 14, 7, 17, 1 }, { 40, 50, 65, 2 } }; /* A, B, C, groups */
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int way = 0; way < 4; way++) {
            const int tx = way & 1, ty = way & 2;
            const int64_t A = sizes[k][0], B = sizes[k][1], C = sizes[k][2], groups = sizes[k][3], T = 2, N = 3;
            const hk_attr attr[3] = { { "groups", groups, 0, NULL }, { "transpose_x", tx, 0, NULL }, { "transpose_y", ty, 0, NULL } };
            const int64_t x[2] = { groups * (tx ? B : A), tx ? A : B }, y[2] = { groups * (ty ? C : B), ty ? B : C };
            hn_value in[2] = { hn_new(HK_F32, STATIC, T, N, 2, x), hn_new(HK_F32, STATIC, T, N, 2, y) };
            hn_value z = hn_new(HK_F32, STATIC, T, N, SHAPE(groups * A, C));
            run("matmul", T, N, 2, in, 1, &z, 3, attr, 0);
            for (int64_t e = 0; e < groups * A * C; e++) {
                const int64_t g = e / (A * C), a = e / C % A, c = e % C;
                double sum = 0;
                for (int64_t b = 0; b < B; b++)
                    sum += hn_at(&in[0], 0, 0, tx ? (g * B + b) * A + a : (g * A + a) * B + b) * hn_at(&in[1], 0, 0, ty ? (g * C + c) * B + b : (g * B + b) * C + c);
                near("matmul of weights", hn_at(&z, 0, 0, e), sum, 1e-5);
            }
            drop(2, in), drop(1, &z);
        }
}

static void test_nearest(void **state) {
    (void)state;
    static const int64_t rows[3] = { 1, 1, 0 }, cols[4] = { 2, 0, 0, 1 }, shape[3] = { 5, 2, 3 };
    const hk_attr attr[3] = { { "rows", 3, 0, rows }, { "cols", 4, 0, cols }, { "shape", 3, 0, shape } };
    EACH_SIZE(T, N)
    for (int spikes = 0; spikes < 2; spikes++) {
        const hk_dtype dt = spikes ? HK_SPIKE : HK_F32;
        hn_value x = hn_new(dt, SEQ, T, N, 3, shape), y = hn_new(dt, SEQ, T, N, SHAPE(5, 3, 4)), g = hn_new(HK_F32, SEQ, T, N, SHAPE(5, 3, 4)), gx = hn_new(HK_F32, SEQ, T, N, 3, shape);
        run("nearest2d", T, N, 1, &x, 1, &y, 2, attr, 0);
        run("nearest2d_bwd", T, N, 1, &g, 1, &gx, 3, attr, 0);
        HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == hn_at(&x, t, i, (e / 12 * 2 + rows[e / 4 % 3]) * 3 + cols[e % 4]));
        HN_EACH(gx, t, i, e) {
            double sum = 0;
            for (int64_t k = 0; k < 12; k++)
                if (rows[k / 4] == e / 3 % 2 && cols[k % 4] == e % 3) sum += hn_at(&g, t, i, e / 6 * 12 + k);
            near("nearest2d_bwd", hn_at(&gx, t, i, e), sum, 1e-6);
        }
        drop(1, &x), drop(1, &y), drop(1, &g), drop(1, &gx);
    }
}

static void check_groupnorm(uint32_t flags, int64_t T, int64_t N, hk_dtype dt, int64_t groups, int rank, const int64_t *shape) {
    const hk_attr attr[2] = { { "groups", groups, 0, NULL }, { "eps", 0, 0.01, NULL } };
    hn_value in[2] = { hn_new(HK_F32, flags, T, N, rank, shape), hn_new(dt, flags, T, N, rank, shape) }, y = hn_new(HK_F32, flags, T, N, rank, shape);
    hn_value gx = hn_new(HK_F32, flags, T, N, rank, shape);
    run("groupnorm", T, N, 1, &in[1], 1, &y, 2, attr, !flags);
    run("groupnorm_bwd", T, N, 2, in, 1, &gx, 2, attr, !flags);
    HN_EACH(y, t, i, e) {
        const int64_t size = y.elems / groups, first = e / size * size;
        double mean = 0, var = 0, s0 = 0, s1 = 0;
        for (int64_t k = first; k < first + size; k++) mean += hn_at(&in[1], t, i, k) / (double)size;
        for (int64_t k = first; k < first + size; k++) var += pow(hn_at(&in[1], t, i, k) - mean, 2) / (double)size;
        const double rstd = 1 / sqrt(var + 0.01), at = (hn_at(&in[1], t, i, e) - mean) * rstd;
        for (int64_t k = first; k < first + size; k++)
            s0 += hn_at(&in[0], t, i, k) / (double)size, s1 += hn_at(&in[0], t, i, k) * (hn_at(&in[1], t, i, k) - mean) * rstd / (double)size;
        near("groupnorm", hn_at(&y, t, i, e), at, 2e-5);
        near("groupnorm_bwd", hn_at(&gx, t, i, e), rstd * (hn_at(&in[0], t, i, e) - s0 - at * s1), 2e-4);
    }
    drop(2, in), drop(1, &y), drop(1, &gx);
}

static void test_groupnorm(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        check_groupnorm(SEQ, T, N, HK_F32, 2, SHAPE(6, 3, 5));
        check_groupnorm(SEQ, T, N, HK_SPIKE, 3, SHAPE(3, 4));
        check_groupnorm(HELD, T, N, HK_F32, 2, SHAPE(70));
        check_groupnorm(STATIC, T, N, HK_F32, 5, SHAPE(5, 2, 3, 3));
        check_groupnorm(STATIC, T, N, HK_F32, 2, SHAPE(4, 7));
    }
}

static void test_reduce_steps(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int to = 0; to < 3; to++)
        for (int spikes = 0; spikes < 2; spikes++) {
            const hk_attr attr[2] = { { "to", to, 0, NULL }, { "steps", 1, 0, NULL } };
            const int64_t shape[2] = { 3, 5 };
            hn_value x = hn_new(spikes ? HK_SPIKE : HK_F32, SEQ, T, N, 2, shape), y = hn_new(HK_F32, G | STEP, T, N, 2 - to, shape);
            run("reduce", T, N, 1, &x, 1, &y, 2, attr, 0);
            HN_EACH(y, t, k, e) {
                double sum = 0;
                for (int64_t i = k * 16; i < N && i < k * 16 + 16; i++)
                    for (int64_t q = 0; q < 15; q++)
                        if (to == 2 || (to == 1 ? q / 5 == e : q == e)) sum += hn_at(&x, t, i, q);
                near("reduce of each step", hn_at(&y, t, k, e), sum, 1e-5);
            }
            drop(1, &x), drop(1, &y);
        }
}

static void test_unflatten(void **state) {
    (void)state;
    static const int64_t shapes[][3] = { { 4, 3, 2 }, { 4, 1, 6 }, { 12, 1, 2 }, { 1, 4, 6 }, { 24, 1, 1 }, { 2, 3, 4 } };
    EACH_SIZE(T, N)
    for (int a = 0; a < 6; a++)
        for (int c = 0; c < 12; c++) { /* bit 0: spikes */
            const int rank = c / 2 == 4 ? 1 : 3;
            const hk_attr attr[1] = { { "shape", rank, 0, shapes[c / 2] } };
            const hk_dtype dt = c & 1 ? HK_SPIKE : HK_F32;
            hn_value x = hn_new(dt, SEQ, T, N, a == 4 ? 1 : 3, shapes[a]), y = hn_new(dt, SEQ, T, N, rank, shapes[c / 2]);
            run("unflatten", T, N, 1, &x, 1, &y, 1, attr, 0);
            HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == hn_at(&x, t, i, e));
            drop(1, &x), drop(1, &y);
        }
}

int main(void) {
    if (hn_open(HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_matmul), cmocka_unit_test(test_matmul_of_weights), cmocka_unit_test(test_nearest), cmocka_unit_test(test_groupnorm), cmocka_unit_test(test_reduce_steps),
        cmocka_unit_test(test_unflatten) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
