/* test_backend_cpu_loss.c - losses and the optimizer's update of the cpu backend against plain loops, on odd sizes, at every ISA level of this
 * machine, with the same bits for every block size and scope. Usage: test_backend_cpu_loss [backend_cpu.so] */
#include "backend_run.h"

static void test_loss(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int k = 0; k < 8; k++) {
        enum { C = 3 };
        const uint32_t F = k & 4 ? SEQ : HELD; /* scores of each step, or of each sample; classes of each sample */
        double eps = k & 1 ? 0.1 : 0;
        const hk_attr at[1] = { { "smoothing", 0, eps, NULL } }, classes[1] = { { "classes", C, 0, NULL } };
        hn_value z = hn_new(HK_F32, F, T, N, SHAPE(C)), y = hn_new(HK_I64, HELD, T, N, SCALAR),
                 w = k & 2 ? hn_new(HK_F32, STATIC, T, N, SHAPE(C)) : hn_absent();
        hn_value g = hn_new(HK_F32, F, T, N, SCALAR), in[4] = { z, y, w, g },
                 out[2] = { hn_new(HK_F32, F, T, N, SCALAR), hn_new(HK_F32, F, T, N, SCALAR) };
        hn_value gz = hn_new(HK_F32, F, T, N, SHAPE(C)), first = hn_new(HK_F32, F, T, N, SHAPE(C)), hot = hn_new(HK_F32, HELD, T, N, SHAPE(C)), ok = hn_new(HK_F32, HELD, T, N, SCALAR);
        run("cross_entropy", T, N, 3, in, 2, out, 1, at, 0);
        run("cross_entropy_bwd", T, N, 4, in, 1, &gz, 1, at, 0);
        run("one_hot", T, N, 1, &y, 1, &hot, 1, classes, 0);
        run("first_max", T, N, 1, &z, 1, &first, 0, NULL, 0);
        hn_value among = hn_new(HK_F32, HELD, T, N, SCALAR);
        const hk_attr two[1] = { { "top", 2, 0, NULL } };
        if (F == HELD) run("correct", T, N, 2, in, 1, &ok, 0, NULL, 0), run("correct_top", T, N, 2, in, 1, &among, 1, two, 0);
        HN_EACH(out[0], s, i, zero) {
            int64_t t = (int64_t)hn_at(&y, 0, i, 0), best = zero;
            double sum = 0, loss = 0, all = 0, wt = w.mem ? hn_at(&w, 0, 0, t) : 1;
            for (int64_t c = 0; c < C; c++) sum += exp(hn_at(&z, s, i, c));
            for (int64_t c = 0; c < C; c++) {
                double wc = w.mem ? hn_at(&w, 0, 0, c) : 1, nll = log(sum) - hn_at(&z, s, i, c);
                loss += eps / C * wc * nll + (c == t ? (1 - eps) * wt * nll : 0), all += wc;
                if (hn_at(&z, s, i, c) > hn_at(&z, s, i, best)) best = c;
                assert_true(hn_at(&hot, 0, i, c) == (c == t));
            }
            near("loss", hn_at(&out[0], s, i, 0), loss, 1e-5);
            near("weight", hn_at(&out[1], s, i, 0), wt, 1e-6);
            if (F == HELD) assert_true(hn_at(&ok, 0, i, 0) == (best == t));
            int before = 0;
            for (int64_t c = 0; c < C; c++) before += hn_at(&z, s, i, c) > hn_at(&z, s, i, t) || (hn_at(&z, s, i, c) == hn_at(&z, s, i, t) && c < t);
            if (F == HELD) assert_true(hn_at(&among, 0, i, 0) == (before < 2));
            for (int64_t c = 0; c < C; c++) assert_true(hn_at(&first, s, i, c) == (c == best));
            for (int64_t c = 0; c < C; c++) {
                double wc = w.mem ? hn_at(&w, 0, 0, c) : 1, q = exp(hn_at(&z, s, i, c)) / sum;
                near("gz", hn_at(&gz, s, i, c), hn_at(&g, s, i, 0) * ((1 - eps) * wt * (q - (c == t)) + eps / C * (q * all - wc)), 1e-5);
            }
        }
        ((int64_t *)y.mem)[N - 1] = C;
        if (F == HELD) assert_int_equal(hn_run("correct", HK_SCOPE_BLOCK, 0, 0, T, N, 2, in, 1, &ok, 0, NULL), HK_OK);
        assert_int_equal(hn_run("cross_entropy", HK_SCOPE_TEAM, 0, 0, T, N, 3, in, 2, out, 1, at), HK_EDATA);
        drop(4, in), drop(2, out), drop(1, &gz), drop(1, &first), drop(1, &hot), drop(1, &ok), drop(1, &among);
    }
}

static void t_update(int64_t n, float *w, const float *g, float *const *s, const float *c) {
    for (int64_t i = 0; i < n; i++) s[0][i] = c[1] * s[0][i] + g[i], w[i] -= c[0] * s[0][i];
}

static void test_optimizer(void **state) {
    (void)state;
    static const hk_optimizer_kernel k[1] = { { sizeof(hk_optimizer_kernel), 0, t_update } };
    static const hk_optimizer_type type = { .struct_size = sizeof type, .n_state = 1, .n_const = 2, .kernels = k, .n_kernel = 1 };
    const hk_attr at[1] = { { "optimizer", 0, 0, &type } };
    hn_value in[3], out[2];
    for (int i = 0; i < 3; i++) in[i] = hn_new(HK_F32, STATIC, 1, 1, SHAPE(100001));
    for (int i = 0; i < 2; i++) out[i] = hn_new(HK_F32, STATIC, 1, 1, SHAPE(100001));
    hn_step.opt[0] = 0.5, hn_step.opt[1] = 0.9;
    run("optimizer", 1, 1, 3, in, 2, out, 1, at, 1);
    for (int64_t i = 0; i < 100001; i++) {
        float s = 0.9f * (float)hn_at(&in[2], 0, 0, i) + (float)hn_at(&in[1], 0, 0, i);
        assert_true(hn_at(&out[1], 0, 0, i) == s);
        assert_true(hn_at(&out[0], 0, 0, i) == (float)hn_at(&in[0], 0, 0, i) - 0.5f * s);
    }
    drop(3, in), drop(2, out);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_optimizer),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu_loss", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
