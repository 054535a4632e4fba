/* Operations of backend cpu over all time steps, against plain loops: products over time and their gradients, a parameter's axis as time, one
 * step picked; rows gathered. Equal bits for every block size, scope and number of threads, at each level. */
#include "backend_run.h"

static void test_time_mix(void **state) {
    (void)state;
    for (int64_t Tk = 0; Tk < 4; Tk++)
        for (int64_t Nk = 0; Nk < 3; Nk++) {
            const int64_t T = (const int64_t[]){ 1, 3, 5, 9 }[Tk], N = some_N[Nk];
            for (int kind = 0; kind < 4; kind++) { /* bit 0: spikes; bit 1: one bias instead of T */
                const hk_dtype dt = kind & 1 ? HK_SPIKE : HK_F32;
                const int64_t column[2] = { T, 1 };
                const hk_attr transpose[1] = { { "transpose", 1, 0, NULL } };
                hn_value in[3] = { hn_new(dt, SEQ, T, N, SHAPE(3, 4, 5)), hn_new(HK_F32, STATIC, T, N, SHAPE(T, T)), hn_new(HK_F32, STATIC, T, N, kind & 2 ? 0 : 2, column) };
                hn_value y = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 4, 5));
                const float *w = (const float *)in[1].mem, *bias = (const float *)in[2].mem;
                run("time_mix", T, N, 3, in, 1, &y, 0, NULL, 0);
                HN_EACH(y, t, i, e) {
                    double sum = bias[kind & 2 ? 0 : t];
                    for (int64_t u = 0; u < T; u++) sum += w[t * T + u] * hn_at(&in[0], u, i, e);
                    near("time_mix", hn_at(&y, t, i, e), sum, 1e-5);
                }
                hn_value plain[3] = { in[0], in[1], hn_absent() };
                run("time_mix", T, N, 3, plain, 1, &y, 1, transpose, 0);
                HN_EACH(y, t, i, e) {
                    double sum = 0;
                    for (int64_t u = 0; u < T; u++) sum += w[u * T + t] * hn_at(&in[0], u, i, e);
                    near("time_mix transposed", hn_at(&y, t, i, e), sum, 1e-5);
                }
                drop(3, in), drop(1, &y);
            }
        }
}

static void test_time_mix_gradients(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int kind = 0; kind < 2; kind++) {
        const int64_t square[2] = { T, T };
        hn_value in[2] = { hn_new(HK_F32, SEQ, T, N, SHAPE(7, 9, 11)), hn_new(kind ? HK_SPIKE : HK_F32, SEQ, T, N, SHAPE(7, 9, 11)) };
        hn_value dw = hn_new(HK_F32, G, T, N, SHAPE(T, T)), db = hn_new(HK_F32, G, T, N, SHAPE(T)), one = hn_new(HK_F32, G, T, N, SCALAR);
        const hk_attr ws[1] = { { "shape", 2, 0, square } }, bs[1] = { { "shape", 1, 0, square } }, os[1] = { { "shape", 0, 0, square } };
        run("time_mix_dw", T, N, 2, in, 1, &dw, 1, ws, 0);
        run("time_mix_db", T, N, 1, in, 1, &db, 1, bs, 0);
        run("time_mix_db", T, N, 1, in, 1, &one, 1, os, 0);
        int64_t groups = (N + 15) / 16;
        double *want = calloc((size_t)(groups * (T * T + T + 1)), sizeof *want), *bias = want + groups * T * T, *all = bias + groups * T;
        HN_EACH(in[0], t, i, e) {
            double g = hn_at(&in[0], t, i, e);
            for (int64_t u = 0; u < T; u++) want[(i / 16 * T + t) * T + u] += g * hn_at(&in[1], u, i, e);
            bias[i / 16 * T + t] += g, all[i / 16] += g;
        }
        HN_EACH(dw, zero, k, e) near("time_mix_dw", hn_at(&dw, zero, k, e), want[k * T * T + e], 1e-4);
        HN_EACH(db, zero, k, e) near("time_mix_db", hn_at(&db, zero, k, e), bias[k * T + e], 1e-4);
        HN_EACH(one, zero, k, e) near("time_mix_db of one number", hn_at(&one, zero, k, e), all[k], 1e-4);
        free(want), drop(2, in), drop(1, &dw), drop(1, &db), drop(1, &one);
    }
}

static void test_axis_as_time(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        hn_value x = hn_new(HK_F32, STATIC, T, N, SHAPE(T, 3)), y = hn_new(HK_F32, STEP, T, N, SHAPE(3)), back = hn_new(HK_F32, STATIC, T, N, SHAPE(T, 3));
        hn_value g = hn_new(HK_F32, G | STEP, T, N, SHAPE(3)), gx = hn_new(HK_F32, G, T, N, SHAPE(T, 3)), sum = hn_new(HK_F32, STEP, T, N, SHAPE(3));
        const hk_attr scale[1] = { { "scale", 0, 1, NULL } };
        run("axis_as_time", T, N, 1, &x, 1, &y, 0, NULL, 1);
        HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == hn_at(&x, 0, 0, t * 3 + e));
        run("time_as_axis", T, N, 1, &y, 1, &back, 0, NULL, 1);
        assert_memory_equal(x.mem, back.mem, x.bytes);
        run("time_as_axis", T, N, 1, &g, 1, &gx, 0, NULL, 0);
        HN_EACH(gx, zero, k, e) assert_true(hn_at(&gx, zero, k, e) == hn_at(&g, e / 3, k, e % 3));
        run("merge", T, N, 1, &g, 1, &sum, 1, scale, 1);
        HN_EACH(sum, t, zero, e) {
            double want = 0;
            for (int64_t k = 0; k < (N + 15) / 16; k++) want += hn_at(&g, t, k, e);
            near("merge at each step", hn_at(&sum, t, zero, e), want, 1e-6);
        }
        drop(1, &x), drop(1, &y), drop(1, &back), drop(1, &g), drop(1, &gx), drop(1, &sum);
    }
}

static int64_t picked(const hn_value *x, int how, int64_t i, int64_t e) {
    int64_t most = 0, least = 0;
    for (int64_t t = 1; t < x->T; t++) {
        if (hn_at(x, t, i, e) > hn_at(x, most, i, e)) most = t;
        if (hn_at(x, t, i, e) < hn_at(x, least, i, e)) least = t;
    }
    return how == 0 ? x->T - 1 : how == 1 || fabs(hn_at(x, most, i, e)) > fabs(hn_at(x, least, i, e)) ? most : least;
}

static void test_pick_t(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int how = 0; how < 3; how++)
        for (int spikes = 0; spikes < 2; spikes++) { /* spikes: many that are equal */
            const hk_attr attr[1] = { { "how", how, 0, NULL } };
            hn_value in[2] = { hn_new(HK_F32, HELD, T, N, SHAPE(3, 5)), hn_new(spikes ? HK_SPIKE : HK_F32, SEQ, T, N, SHAPE(3, 5)) };
            hn_value y = hn_new(HK_F32, HELD, T, N, SHAPE(3, 5)), gx = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5));
            run("pick_t", T, N, 1, &in[1], 1, &y, 1, attr, 0);
            run("pick_t_bwd", T, N, 2, in, 1, &gx, 1, attr, 0);
            HN_EACH(y, zero, i, e) assert_true(hn_at(&y, zero, i, e) == hn_at(&in[1], picked(&in[1], how, i, e), i, e));
            HN_EACH(gx, t, i, e) assert_true(hn_at(&gx, t, i, e) == (t == picked(&in[1], how, i, e) ? hn_at(&in[0], 0, i, e) : 0));
            drop(2, in), drop(1, &y), drop(1, &gx);
        }
}

static void test_gather(void **state) {
    (void)state;
    static const int64_t index[7] = { 2, -1, 0, 2, 3, -1, 2 };
    const hk_attr at[2] = { { "index", 7, 0, index }, { "total", 4, 0, NULL } };
    hn_value x = hn_new(HK_F32, STATIC, 1, 1, SHAPE(4)), y = hn_new(HK_F32, STATIC, 1, 1, SHAPE(7)), gx = hn_new(HK_F32, STATIC, 1, 1, SHAPE(4));
    run("gather", 1, 1, 1, &x, 1, &y, 1, at, 1);
    for (int j = 0; j < 7; j++) assert_true(((float *)y.mem)[j] == (index[j] < 0 ? 0 : ((float *)x.mem)[index[j]]));
    run("scatter", 1, 1, 1, &y, 1, &gx, 2, at, 1);
    const float *v = (const float *)x.mem, want[4] = { v[0], 0, v[2] + v[2] + v[2], v[3] };
    for (int k = 0; k < 4; k++) assert_true(((float *)gx.mem)[k] == want[k]);
    drop(1, &x), drop(1, &y), drop(1, &gx);
}

int main(void) {
    if (hn_open(HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_time_mix), cmocka_unit_test(test_time_mix_gradients), cmocka_unit_test(test_axis_as_time),
        cmocka_unit_test(test_pick_t), cmocka_unit_test(test_gather) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
