/* test_backend_cpu_winograd.c - conv2d and conv2d_dx of the cpu backend by Winograd's filtering (option conv=winograd) against plain loops, on odd sizes and paddings, with
 * the same bits for every block size and scope; and the backend's options. Usage: test_backend_cpu_winograd [backend_cpu.so] */
#include "backend_conv.h"

static void test_odd_sizes(void **state) {
    (void)state;
    static const int64_t CO[][2] = { { 1, 1 }, { 1, 5 }, { 3, 64 }, { 5, 3 }, { 64, 5 }, { 17, 33 } };
    static const int64_t HW[][3] = { { 3, 3, 0 }, { 1, 1, 1 }, { 5, 7, 1 }, { 4, 9, 0 }, { 6, 3, 2 }, { 2, 5, 3 } }; /* and the padding */
    for (size_t a = 0; a < sizeof CO / sizeof *CO; a++)
        for (size_t k = 0; k < sizeof HW / sizeof *HW; k++) {
            int64_t p = HW[k][2];
            conv_case c = { CO[a][0], CO[a][1], HW[k][0], HW[k][1], 1, { 3, 3, 1, 1, p, p, p, p, 1, 1 } };
            check_conv(2, 1, c, HK_F32, SEQ, 1);
            check_conv(2, 17, c, HK_F32, k % 2 ? HELD : SEQ, 0);
            check_conv(2, 17, c, HK_SPIKE, k % 2 ? SEQ : HELD, 1);
        }
    check_conv(1, 3, (conv_case){ 6, 7, 5, 6, 1, { 3, 3, 1, 1, 0, 1, 2, 1, 1, 1 } }, HK_F32, SEQ, 1); /* another padding on each side */
}

static void test_large(void **state) {
    (void)state;
    check_conv(2, 17, (conv_case){ 64, 64, 14, 14, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_F32, SEQ, 1);
    check_conv(2, 17, (conv_case){ 64, 64, 14, 14, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_SPIKE, SEQ, 1);
    check_conv(1, 1, (conv_case){ 300, 310, 4, 3, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_F32, SEQ, 0); /* weights by chunks */
}

static void implementation(const char *op, int64_t kernel, int64_t stride, hk_dtype dtype, const char *want, uint32_t traits) {
    const hk_attr attr[] = { { "stride_h", stride, 0, NULL }, { "stride_w", stride, 0, NULL }, { "pad_top", 1, 0, NULL }, { "pad_left", 1, 0, NULL } };
    int64_t out = (8 + 2 - kernel) / stride + 1;
    hn_value x = hn_new(dtype, SEQ, 1, 1, SHAPE(32, 8, 8)), y = hn_new(HK_F32, SEQ, 1, 1, SHAPE(32, out, out)),
             w = hn_new(HK_F32, STATIC, 1, 1, SHAPE(32, 32, kernel, kernel));
    int bwd = !strcmp(op, "conv2d_dx");
    hk_desc in[2] = { bwd ? y.d : x.d, w.d };
    hk_opdesc o = { sizeof o, HK_SCOPE_BLOCK, op, "test", 2, 1, 4, hn_isa(), in, bwd ? &x.d : &y.d, attr, 1, 1, 1, 0, NULL, 0, 0, NULL };
    hk_op_plan *plan = NULL;
    assert_int_equal(hn_backend->plan_new(hn_device, &o, &plan), HK_OK);
    hk_query q = { .struct_size = sizeof q };
    hn_backend->plan_query(plan, &q);
    if (strncmp(q.impl, want, strlen(want))) fail_msg("%s %d x %d, stride %d: '%s', expected '%s'", op, (int)kernel, (int)kernel, (int)stride, q.impl, want);
    if (q.traits != traits) fail_msg("%s %d x %d, stride %d: traits %u, expected %u", op, (int)kernel, (int)kernel, (int)stride, q.traits, traits);
    hn_backend->plan_free(plan);
    drop(1, &x), drop(1, &y), drop(1, &w);
}

static void test_goes_this_way(void **state) {
    (void)state;
    implementation("conv2d_dx", 3, 1, HK_F32, "winograd", HK_TRANSFORMS);
    implementation("conv2d", 3, 1, HK_F32, "winograd", HK_TRANSFORMS);
    implementation("conv2d", 3, 1, HK_SPIKE, "spikes or winograd", HK_TRANSFORMS | HK_SKIPS_ZEROS);
    implementation("conv2d", 3, 2, HK_F32, "windows", 0);
    implementation("conv2d_dx", 3, 2, HK_F32, "windows", 0);
    implementation("conv2d_dx", 5, 1, HK_F32, "windows, sparse", HK_SKIPS_ZEROS);
    implementation("conv2d", 5, 1, HK_SPIKE, "spikes", HK_SKIPS_ZEROS);
}

static void test_options(void **state) {
    (void)state;
    static const char *const bad[][2] = { { "conv=fast", "got 'fast'" }, { "conv", "got ''" }, { "conv=", "got ''" }, { "conv=direct, x=1", "no option 'x'" },
        { "=1", "no option ''" }, { "steps=direct", "expected auto, single or patterns, got 'direct'" } };
    static const char *const good[] = { "", "conv=auto", "conv=direct", " conv=winograd ", "conv=direct,conv=auto", "steps=patterns, conv=direct" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        hk_backend_config config = { sizeof config, HK_ISA_AVX512, 1, 0, bad[k][0] };
        hk_device *device = NULL;
        assert_int_equal(hn_backend->open(&hn_host, &config, &device), HK_ECONFIG);
        assert_null(device);
        if (!strstr(hn_message, bad[k][1])) fail_msg("'%s': the message does not say %s: %s", bad[k][0], bad[k][1], hn_message);
    }
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        hk_backend_config config = { sizeof config, HK_ISA_AVX512, 1, 0, good[k] };
        hk_device *device = NULL;
        if (hn_backend->open(&hn_host, &config, &device) != HK_OK) fail_msg("'%s': %s", good[k], hn_message);
        hn_backend->close(device);
    }
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    hn_options = "conv=winograd, steps=single"; /* that patterns of steps have other bits than partial sums: test_backend_cpu_steps.c */
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_goes_this_way),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
