/* test_random.c - random draws: known answers, independence of indices, streams by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hillock/hillock.h"
#include "hillock/random.h"
#include <math.h>

/* Random123's own known answers (kat_vectors): philox4x32 10 rounds. */
static void known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } kat[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        philox4x32_ctr_t c;
        philox4x32_key_t k;
        for (int j = 0; j < 4; j++) c.v[j] = kat[i].counter[j];
        for (int j = 0; j < 2; j++) k.v[j] = kat[i].key[j];
        philox4x32_ctr_t r = philox4x32(c, k);
        for (int j = 0; j < 4; j++) assert_int_equal(r.v[j], kat[i].want[j]);
    }
}

static void agrees_with_the_header(void **state) {
    (void)state;
    uint64_t stream = hk_random_stream("conv_fc.2");
    for (int64_t p = 0; p < 23; p++) {
        float u[4];
        hk_random4(hk_random_key(7, stream), 3, 5, 11, p / 4, u);
        assert_true(hk_random(7, stream, 3, 5, 11, p) == u[p % 4]);
    }
}

static void each_index_counts(void **state) {
    (void)state;
    uint64_t s = hk_random_stream("a");
    float u = hk_random(1, s, 2, 3, 4, 5);
    assert_true(u == hk_random(1, s, 2, 3, 4, 5));
    assert_false(u == hk_random(2, s, 2, 3, 4, 5));
    assert_false(u == hk_random(1, hk_random_stream("b"), 2, 3, 4, 5));
    assert_false(u == hk_random(1, s, 3, 3, 4, 5));
    assert_false(u == hk_random(1, s, 2, 4, 4, 5));
    assert_false(u == hk_random(1, s, 2, 3, 5, 5));
    assert_false(u == hk_random(1, s, 2, 3, 4, 6));
    assert_false(u == hk_random(1, s, 2, 3, 4, 9));
}

static void uniform(void **state) {
    (void)state;
    enum { N = 1 << 16, BINS = 64 };
    double sum = 0.0, chi = 0.0;
    int bin[BINS] = { 0 };
    for (int64_t i = 0; i < N; i++) {
        float u = hk_random(42, hk_random_stream("x"), 0, 0, i / 256, i % 256);
        assert_true(u >= 0.0f && u < 1.0f);
        sum += u;
        bin[(int)(u * BINS)]++;
    }
    for (int i = 0; i < BINS; i++) chi += pow(bin[i] - (double)N / BINS, 2) / ((double)N / BINS);
    assert_true(fabs(sum / N - 0.5) < 6.0 / sqrt(12.0 * N));
    assert_true(chi < 63 + 6 * sqrt(2 * 63.0));
}

static void streams_differ_in_all_bits(void **state) {
    (void)state;
    uint64_t ones = 0, zeros = 0, base = hk_random_stream("fc.0");
    char path[] = "fc.0";
    for (char c = '1'; c <= '9'; c++) {
        path[3] = c;
        uint64_t d = hk_random_stream(path) ^ base;
        assert_true(__builtin_popcountll(d) > 10 && __builtin_popcountll(d) < 54);
        ones |= d, zeros |= ~d;
    }
    assert_true(__builtin_popcountll(ones) > 60 && __builtin_popcountll(zeros) > 60);
    assert_false(hk_random_stream("") == hk_random_stream("a"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(agrees_with_the_header), cmocka_unit_test(each_index_counts),
        cmocka_unit_test(uniform), cmocka_unit_test(streams_differ_in_all_bits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
