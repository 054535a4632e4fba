/* test_augment.c - what [augment] does to samples, against the definitions of torchvision's transforms written out here. */
#include "trainer.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { C = 2, H = 6, W = 8, ROW = C * H * W, N = 7, K = 4 };
static const hk__sample_shape picture = { .T = 0, .shape = { C, H, W }, .row = ROW, .rank = 3 };
static const hk__sample_shape sequence = { .T = 3, .shape = { C, H, W }, .row = ROW, .rank = 3 };

static void fill(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = (float)(i + 1) / 1024;
}
static float at(const float *x, int64_t c, int64_t y, int64_t k) { return x[(c * H + y) * W + k]; }

static void test_nothing_is_on_by_itself(void **state) {
    (void)state;
    const hk__augment none = { 0 };
    assert_int_equal(hk__augment_each(&none, 1), 0);
    assert_int_equal(hk__augment_mixes(&none), 0);
}

static void test_flip(void **state) {
    (void)state;
    const hk__augment a = { .flip = 0.25 };
    float x[ROW], y[ROW];
    int flips = 0;
    fill(x, ROW);
    for (int64_t s = 0; s < 4000; s++) {
        hk__augment_sample(&a, 1, (hk__draw){ 3, 0 }, s, &picture, x, y);
        const int flipped = y[0] != x[0];
        flips += flipped;
        for (int64_t c = 0; c < C; c++)
            for (int64_t i = 0; i < H; i++)
                for (int64_t k = 0; k < W; k++) assert_true(at(y, c, i, k) == at(x, c, i, flipped ? W - 1 - k : k));
    }
    if (abs(flips - 1000) > 110) fail_msg("%d of 4000 were mirrored, expected about 1000", flips); /* 4 standard deviations */
}

static void test_crop(void **state) {
    (void)state;
    const hk__augment a = { .crop = 2 };
    float x[ROW], y[ROW];
    int seen[5][5] = { { 0 } };
    fill(x, ROW);
    for (int64_t s = 0; s < 2500; s++) {
        int found = 0;
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s, &picture, x, y);
        for (int64_t dy = -2; dy <= 2; dy++)
            for (int64_t dx = -2; dx <= 2; dx++) {
                int same = 1;
                for (int64_t c = 0; c < C; c++)
                    for (int64_t i = 0; i < H; i++)
                        for (int64_t k = 0; k < W; k++) {
                            const int in = i + dy >= 0 && i + dy < H && k + dx >= 0 && k + dx < W;
                            same &= at(y, c, i, k) == (in ? at(x, c, i + dy, k + dx) : 0.0f);
                        }
                if (same) seen[dy + 2][dx + 2]++, found++;
            }
        assert_int_equal(found, 1);
    }
    for (int i = 0; i < 25; i++)
        if (seen[i / 5][i % 5] < 60 || seen[i / 5][i % 5] > 150) fail_msg("window %d was taken %d times of 2500, expected about 100", i, seen[i / 5][i % 5]);
}

static void test_normalise_in_tests_too(void **state) {
    (void)state;
    const hk__augment a = { .flip = 1, .n_norm = 2, .mean = { 0.5, 0.25 }, .std = { 2, 4 } };
    float x[ROW], y[ROW];
    fill(x, ROW);
    hk__augment_sample(&a, 0, (hk__draw){ 3, 1 }, 0, &picture, x, y);
    for (int64_t c = 0; c < C; c++)
        for (int64_t i = 0; i < H * W; i++) assert_true(y[c * H * W + i] == (x[c * H * W + i] - (c ? 0.25f : 0.5f)) / (c ? 4.0f : 2.0f));
}

static void test_erase_is_a_rectangle(void **state) {
    (void)state;
    const hk__augment a = { .erase = 0.5 };
    float x[ROW], y[ROW];
    int erased = 0;
    fill(x, ROW);
    for (int64_t s = 0; s < 1000; s++) {
        int64_t top = H, bottom = -1, left = W, right = -1, zeros = 0;
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s, &picture, x, y);
        for (int64_t i = 0; i < H; i++)
            for (int64_t k = 0; k < W; k++) {
                assert_true(at(y, 0, i, k) == 0 || at(y, 0, i, k) == at(x, 0, i, k));
                assert_true((at(y, 0, i, k) == 0) == (at(y, 1, i, k) == 0)); /* all channels */
                if (at(y, 0, i, k) != 0) continue;
                zeros++, top = i < top ? i : top, bottom = i > bottom ? i : bottom, left = k < left ? k : left, right = k > right ? k : right;
            }
        if (!zeros) continue;
        erased++;
        assert_int_equal(zeros, (bottom - top + 1) * (right - left + 1));
        assert_true(bottom - top + 1 < H && right - left + 1 < W);
    }
    if (erased < 380 || erased > 560) fail_msg("%d of 1000 had a rectangle, expected about 500", erased);
}

/* The same change at each step of a sequence. */
static void test_sequences_change_alike(void **state) {
    (void)state;
    const hk__augment a = { .flip = 0.5, .crop = 2, .erase = 0.5 };
    float x[3 * ROW], y[3 * ROW], one[ROW];
    fill(x, ROW);
    memcpy(x + ROW, x, sizeof one), memcpy(x + 2 * ROW, x, sizeof one);
    for (int64_t s = 0; s < 100; s++) {
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s, &sequence, x, y);
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s, &picture, x, one);
        for (int t = 0; t < 3; t++) assert_memory_equal(y + t * ROW, one, sizeof one);
    }
}

static void test_draws_by_epoch_and_sample(void **state) {
    (void)state;
    const hk__augment a = { .crop = 2 };
    float x[ROW], y[3][ROW];
    int by_epoch = 0, by_sample = 0;
    fill(x, ROW);
    for (int64_t s = 0; s < 50; s++) {
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s, &picture, x, y[0]);
        hk__augment_sample(&a, 1, (hk__draw){ 3, 2 }, s, &picture, x, y[1]);
        hk__augment_sample(&a, 1, (hk__draw){ 3, 1 }, s + 1, &picture, x, y[2]);
        by_epoch += memcmp(y[0], y[1], sizeof y[0]) != 0, by_sample += memcmp(y[0], y[2], sizeof y[0]) != 0;
    }
    assert_true(by_epoch > 40 && by_sample > 40);
}

static const int64_t label[N] = { 0, 1, 2, 3, 0, 1, 2 };

/* RandomMixup: x = lam x + (1 - lam) roll(x, 1), and so the targets. */
static void test_mixup(void **state) {
    (void)state;
    const hk__augment a = { .mixup = 0.8 };
    double mean = 0, square = 0;
    for (int64_t b = 0; b < 400; b++) {
        float x[N * ROW], was[N * ROW], soft[N * K], row[ROW];
        fill(x, N * ROW), memcpy(was, x, sizeof x);
        hk__augment_batch(&a, (hk__draw){ 5, 2 }, b, &picture, N, x, label, soft, K, row);
        const double lam = (double)soft[label[0]];
        mean += lam / 400, square += lam * lam / 400;
        for (int64_t i = 0; i < N; i++) {
            const int64_t j = i ? i - 1 : N - 1;
            double sum = 0;
            for (int64_t c = 0; c < K; c++) sum += (double)soft[i * K + c];
            if (fabs(sum - 1) > 1e-6 || fabs((double)soft[i * K + label[i]] - lam) > 1e-6 || fabs((double)soft[i * K + label[j]] - (1 - lam)) > 1e-6) fail_msg("batch %lld, sample %lld: not lam %g of one class and the rest of the other", (long long)b, (long long)i, lam);
            for (int64_t k = 0; k < ROW; k++)
                if (fabs((double)x[i * ROW + k] - (lam * (double)was[i * ROW + k] + (1 - lam) * (double)was[j * ROW + k])) > 1e-5) fail_msg("batch %lld, sample %lld: not mixed with the one before", (long long)b, (long long)i);
        }
    }
    const double var = square - mean * mean, want = 0.25 / (2 * 0.8 + 1); /* of Beta(alpha, alpha): 1/2 and 1 / (4 (2 alpha + 1)) */
    if (fabs(mean - 0.5) > 0.06 || fabs(var - want) > 0.02) fail_msg("lambda has mean %g and variance %g, expected 0.5 and %g", mean, var, want);
}

/* RandomCutmix: a rectangle of the sample before; lam is the share that is left. */
static void test_cutmix(void **state) {
    (void)state;
    const hk__augment a = { .cutmix = 1 };
    int cut = 0;
    for (int64_t b = 0; b < 200; b++) {
        float x[N * ROW], was[N * ROW], soft[N * K], row[ROW];
        fill(x, N * ROW), memcpy(was, x, sizeof x);
        hk__augment_batch(&a, (hk__draw){ 5, 2 }, b, &picture, N, x, label, soft, K, row);
        for (int64_t i = 0; i < N; i++) {
            const int64_t j = i ? i - 1 : N - 1;
            int64_t other = 0;
            for (int64_t k = 0; k < ROW; k++) {
                assert_true(x[i * ROW + k] == was[i * ROW + k] || x[i * ROW + k] == was[j * ROW + k]);
                other += x[i * ROW + k] != was[i * ROW + k];
            }
            if (fabs((double)soft[i * K + label[i]] - (1 - (double)other / ROW)) > 1e-6) fail_msg("batch %lld: %lld of %d numbers are the other's, but its share is %g", (long long)b, (long long)other, (int)ROW, (double)soft[i * K + label[j]]);
            cut += other > 0;
        }
    }
    assert_true(cut > 200 * N / 2);
}

/* Sequences are mixed at every step: [T,N,row]. */
static void test_mixup_of_sequences(void **state) {
    (void)state;
    const hk__augment a = { .mixup = 0.8 };
    float x[3 * N * ROW], soft[N * K], row[ROW], was[3 * N * ROW];
    fill(x, 3 * N * ROW), memcpy(was, x, sizeof x);
    hk__augment_batch(&a, (hk__draw){ 5, 2 }, 0, &sequence, N, x, label, soft, K, row);
    const double lam = (double)soft[label[0]];
    for (int64_t t = 0; t < 3; t++)
        for (int64_t i = 0; i < N; i++) {
            const int64_t at0 = (t * N + i) * ROW, at1 = (t * N + (i ? i - 1 : N - 1)) * ROW;
            assert_true(fabs((double)x[at0] - (lam * (double)was[at0] + (1 - lam) * (double)was[at1])) < 1e-5);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_is_on_by_itself), cmocka_unit_test(test_flip), cmocka_unit_test(test_crop), cmocka_unit_test(test_normalise_in_tests_too),
        cmocka_unit_test(test_erase_is_a_rectangle), cmocka_unit_test(test_sequences_change_alike), cmocka_unit_test(test_draws_by_epoch_and_sample), cmocka_unit_test(test_mixup),
        cmocka_unit_test(test_cutmix), cmocka_unit_test(test_mixup_of_sequences) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
