/* test_top5.c - "correct5": how many labels are among the five largest scores, in training and inference, on cpu and ref; only when asked for, and not with fewer
 * than five classes. */
#include "net.h"
#include <string.h>

enum { N = 37, C = 7 };

static int counts(const char *backend, uint32_t mode, const char *text, int64_t classes, uint32_t flags, double *got) {
    net n;
    hk_network_config cfg = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output rate = { "rate", 0, 0 };
    float x[N * C], r[N * C];
    int64_t y[N], want = 0;
    uint64_t state = 5;
    cfg.backend = backend, cfg.threads = 2, cfg.nb = 16;
    for (int i = 0; i < N * C; i++) x[i] = (float)(int)(4 * net_uniform(&state, 0, 1)) / 4.0f; /* many equal ones */
    for (int i = 0; i < N; i++) y[i] = (int64_t)net_uniform(&state, 0, (double)classes);
    net_make(&n, text, "CrossEntropy()", mode == HK_TRAIN ? "SGD(lr=0.0)" : NULL, cfg, (hk_executor_config){ sizeof(hk_executor_config), mode, flags, 1, &rate });
    net_ok(hk_executor_shape(n.ex, 2, N, 0, 1, (int64_t[]){ C }));
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, N * C));
    net_ok(hk_executor_write(n.ex, "target", HK_I64, y, N));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "rate", HK_F32, r, N * classes));
    hk_status st = hk_executor_read(n.ex, "correct5", HK_F64, got, 1);
    for (int i = 0; i < N; i++) {
        const float *z = r + i * classes, at = z[y[i]];
        int before = 0;
        for (int64_t c = 0; c < classes; c++) before += z[c] > at || (z[c] == at && c < y[i]);
        want += before < 5;
    }
    net_free(&n);
    if (!st && *got != (double)want) fail_msg("%s, mode %u: expected %lld, got %g", backend, mode, (long long)want, *got);
    return st;
}

static void test_counts(void **state) {
    (void)state;
    double got = -1;
    const char *const backends[] = { "cpu", "ref" };
    for (int k = 0; k < 4; k++) {
        assert_int_equal(counts(backends[k & 1], k & 2 ? HK_TRAIN : HK_INFER, "Linear(7, 7)", 7, HK_TOP5, &got), HK_OK);
        if (got <= 0 || got >= N) fail_msg("%g of %d tell nothing", got, N);
        assert_int_equal(counts(backends[k & 1], k & 2 ? HK_TRAIN : HK_INFER, "Sequential(Linear(7, 7), IF(surrogate=ATan()))", 7, HK_TOP5, &got), HK_OK);
    }
}

static void test_not_there(void **state) {
    (void)state;
    double got = -1;
    assert_int_equal(counts("cpu", HK_TRAIN, "Linear(7, 7)", 7, 0, &got), HK_ENOTFOUND);
    assert_non_null(strstr(hk_error(net_context()), "HK_TOP5"));
    assert_int_equal(counts("cpu", HK_TRAIN, "Linear(7, 4)", 4, HK_TOP5, &got), HK_ENOTFOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts), cmocka_unit_test(test_not_there) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
