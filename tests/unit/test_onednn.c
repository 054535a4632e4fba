/* test_onednn.c - what the onednn backend takes and what it declines, and its products against plain loops, with the same bits for every block size, scope
 * and number of threads. Convolutions: test_backend_cpu_conv on it (test onednn-backend_cpu_conv). Usage: test_onednn [backend_cpu.so] */
#include "backend_run.h"
#include <unistd.h>

static void check_linear_dx(int64_t T, int64_t N, int64_t K, int64_t O) {
    hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), gx = hn_new(HK_F32, SEQ, T, N, SHAPE(K));
    hn_value in[2] = { g, w };
    run("linear_dx", T, N, 2, in, 1, &gx, 0, NULL, 0);
    const float *W = (const float *)(void *)w.mem;
    for (int64_t t = 0; t < T; t += 3)
        for (int64_t i = 0; i < N; i++)
            for (int64_t k = 0; k < K; k++) {
                double want = 0;
                for (int64_t o = 0; o < O; o++) want += (double)W[o * K + k] * hn_at(&g, t, i, o);
                near("linear_dx", hn_at(&gx, t, i, k), want, 2e-5);
            }
    drop(2, in), drop(1, &gx);
}

static void test_products(void **state) {
    (void)state;
    static const int64_t N[] = { 5, 16, 17, 33, 64 };
    for (int k = 0; k < 5; k++) {
        check_linear_dx(5, N[k], 70, 67);
        check_linear_dx(19, N[k], 64, 130); /* more steps than in one call */
    }
}

/* The implementation's name; "cpu" when onednn declines. */
static const char *who(
    const char *op, uint32_t isa, hk_scope scope, int64_t T, int64_t N, int n_in, const hk_desc *in, const hk_desc *out, int n_attr, const hk_attr *attr) {
    static char name[64];
    hk_opdesc o = { .struct_size = sizeof o,
        .scope = scope,
        .op = op,
        .path = "test",
        .n_in = (uint32_t)n_in,
        .n_out = 1,
        .n_attr = (uint32_t)n_attr,
        .isa = isa,
        .in = in,
        .out = out,
        .attr = attr,
        .T = T,
        .N = N,
        .nb = N };
    hk_op_plan *plan = NULL;
    hk_status s = hn_backend->plan_new(hn_device, &o, &plan);
    if (s == HK_EUNSUPPORTED) return "cpu";
    if (s != HK_OK) fail_msg("%s: %s", op, hn_message);
    hk_query q = { .struct_size = sizeof q };
    hn_backend->plan_query(plan, &q);
    snprintf(name, sizeof name, "%.6s", q.impl);
    hn_backend->plan_free(plan);
    return name;
}

static hk_desc desc(int dtype, uint32_t flags, int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
    return (hk_desc){ (uint8_t)dtype, (uint8_t)flags, (uint8_t)rank, 0, 0, { a, b, c, d } };
}

static void test_who_takes_what(void **state) {
    (void)state;
    const hk_desc x = desc(HK_F32, SEQ, 1, 784, 0, 0, 0), spikes = desc(HK_SPIKE, SEQ, 1, 784, 0, 0, 0), held = desc(HK_F32, HELD, 1, 784, 0, 0, 0);
    const hk_desc w = desc(HK_F32, STATIC, 2, 256, 784, 0, 0), y = desc(HK_F32, SEQ, 1, 256, 0, 0, 0), hy = desc(HK_F32, HELD, 1, 256, 0, 0, 0),
                  dw = desc(HK_F32, G, 2, 256, 784, 0, 0);
    uint32_t best = hn_isa();
    for (hk_scope scope = HK_SCOPE_BLOCK; scope <= HK_SCOPE_TEAM; scope++) {
        assert_string_equal(who("linear", best, scope, 4, 64, 2, (hk_desc[]){ x, w }, &y, 0, NULL), "cpu");
        assert_string_equal(who("linear_dx", best, scope, 4, 64, 2, (hk_desc[]){ y, w }, &x, 0, NULL), "onednn");
        assert_string_equal(who("linear_dx", best, scope, 3, 64, 2, (hk_desc[]){ y, w }, &x, 0, NULL), "cpu"); /* few rows */
        assert_string_equal(who("linear_dx", best, scope, 4, 64, 2, (hk_desc[]){ hy, w }, &held, 0, NULL), "cpu");
        assert_string_equal(who("linear", best, scope, 4, 64, 2, (hk_desc[]){ spikes, w }, &y, 0, NULL), "cpu");
        assert_string_equal(who("linear_dw", best, scope, 4, 64, 2, (hk_desc[]){ y, x }, &dw, 0, NULL), "cpu");
        if (best)
            assert_string_equal(who("linear_dx", best - 1, scope, 4, 64, 2, (hk_desc[]){ y, w }, &x, 0, NULL), "cpu"); /* oneDNN has its level once for all */
    }
    hk_attr attr[] = { { "kernel_h", 3, 0, NULL }, { "kernel_w", 3, 0, NULL }, { "stride_h", 1, 0, NULL }, { "stride_w", 1, 0, NULL },
        { "pad_top", 1, 0, NULL }, { "pad_bottom", 1, 0, NULL }, { "pad_left", 1, 0, NULL }, { "pad_right", 1, 0, NULL }, { "dil_h", 1, 0, NULL },
        { "dil_w", 1, 0, NULL }, { "groups", 1, 0, NULL } };
    const hk_desc image = desc(HK_F32, SEQ, 3, 32, 14, 14, 0), image_spikes = desc(HK_SPIKE, SEQ, 3, 32, 14, 14, 0), w3 = desc(HK_F32, STATIC, 4, 32, 32, 3, 3),
                  half = desc(HK_F32, SEQ, 3, 32, 7, 7, 0);
    const hk_desc dw3 = desc(HK_F32, G, 4, 32, 32, 3, 3);
    assert_string_equal(who("conv2d_dx", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image, w3 }, &image, 11, attr), "cpu"); /* Winograd */
    assert_string_equal(who("conv2d", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image, w3 }, &image, 11, attr), "cpu");
    assert_string_equal(who("conv2d_dw", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image, image }, &dw3, 11, attr), "onednn");
    assert_string_equal(who("conv2d_dw", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image, image_spikes }, &dw3, 11, attr), "cpu");
    attr[2].i = attr[3].i = 2;
    assert_string_equal(who("conv2d_dx", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ half, w3 }, &image, 11, attr), "onednn");
    assert_string_equal(who("conv2d", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image, w3 }, &half, 11, attr), "onednn");
    assert_string_equal(who("conv2d", best, HK_SCOPE_BLOCK, 4, 64, 2, (hk_desc[]){ image_spikes, w3 }, &half, 11, attr), "cpu");
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so";
    if (access(HILLOCK_BUILD_PLUGIN_DIR "/backend_onednn.so", R_OK) != 0)
        return printf("skip: onednn: the backend was left out when this was built (no libdnnl-dev)\n"), 77;
    setenv("HILLOCK_TEST_BACKEND", "onednn", 1);
    if (hn_open(file, 3)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_products), cmocka_unit_test(test_who_takes_what) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
