/* test_backend_cpu_bits.c - pack and unpack, on cpu and on ref: the bits asked for, zeros behind the last, and the same bytes back. */
#include "backend_run.h"

static void test_bits(void **state) {
    (void)state;
    static const int64_t sizes[] = { 1, 7, 8, 9, 63, 64, 200 };
    EACH_SIZE(T, N)
    for (int s = 0; s < 7; s++)
        for (int64_t bits = 1; bits <= 4; bits *= 2) {
            int64_t E = sizes[s], bytes = (E + 7) / 8 * bits, shape[1] = { E };
            hn_value x = hn_new(HK_COUNT, SEQ, T, N, 1, shape), y = hn_new(HK_COUNT, SEQ, T, N, 1, &bytes), back = hn_new(HK_COUNT, SEQ, T, N, 1, shape);
            uint8_t *xb = (uint8_t *)x.mem, *yb = (uint8_t *)y.mem;
            for (int64_t k = 0; k < T * N * E; k++) xb[k] = (uint8_t)((k * 2654435761u >> 7) & ((1 << bits) - 1));
            const hk_attr attr[3] = { { "bits", bits, 0, NULL }, { "dtype", HK_COUNT, 0, NULL }, { "shape", 1, 0, shape } };
            run("pack", T, N, 1, &x, 1, &y, 1, attr, 0);
            for (int64_t r = 0; r < T * N; r++)
                for (int64_t e = 0; e < bytes * 8 / bits; e++) {
                    int got = yb[r * bytes + e * bits / 8] >> e * bits % 8 & ((1 << bits) - 1), want = e < E ? xb[r * E + e] : 0;
                    if (got != want) fail_msg("pack: %d bits, %d numbers, row %d: number %d is %d, expected %d", (int)bits, (int)E, (int)r, (int)e, got, want);
                }
            run("unpack", T, N, 1, &y, 1, &back, 3, attr, 0);
            if (memcmp(back.mem, x.mem, x.bytes)) fail_msg("unpack: %d bits, %d numbers: other bytes than before", (int)bits, (int)E);
            drop(1, &x), drop(1, &y), drop(1, &back);
        }
}

int main(int argc, char **argv) {
    if (hn_open(argc > 1 ? argv[1] : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 2)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_bits) };
    int failed = cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
    hn_backend->close(hn_device);
    const hk_backend_config config = { .struct_size = sizeof config, .threads = 2 };
    if (hn_load(HILLOCK_BUILD_PLUGIN_DIR "/backend_ref.so") || hn_backend->open(&hn_host, &config, &hn_device) != HK_OK) return 1;
    failed += cmocka_run_group_tests_name("ref", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
