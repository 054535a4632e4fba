/* test_loader_ahead.c - loader threads, ahead or together with the caller: the bits and the order of one thread, from any batch on; the error of the first bad sample; sequences and their lengths. */
#include "trainer.h"
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIZE = 103, C = 2, H = 33, W = 32, ROW = C * H * W, BATCH = 8, STEPS = 3 };

static int64_t bad_sample = -1; /* reading it fails */
static int64_t last_bad;        /* the sample that failed last: what a context's error text would say */

static int64_t set_size(const void *ds) { return (void)ds, SIZE; }
static int64_t set_classes(const void *ds) { return (void)ds, 5; }
static int64_t set_steps(const void *ds) { return (void)ds, STEPS; }
static int set_shape(const void *ds, int64_t *shape) {
    (void)ds;
    shape[0] = C, shape[1] = H, shape[2] = W;
    return 3;
}
static float pixel(int64_t sample, int64_t k) { return (float)((sample * 31 + k * 7) % 97) / 97.0f + 0.01f; }
static hk_status read_any(int64_t n, const int64_t *index, int64_t elems, float *x, int64_t *y) {
    for (int64_t i = 0; i < n; i++) {
        if (bad_sample >= 0 && index[i] >= bad_sample) return __atomic_store_n(&last_bad, index[i], __ATOMIC_RELAXED), HK_EDATA;
        for (int64_t k = 0; k < elems; k++) x[i * elems + k] = pixel(index[i], k);
        y[i] = index[i] % 5;
    }
    return HK_OK;
}
static hk_status set_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) { return (void)ds, read_any(n, index, ROW, x, y); }
static hk_status seq_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) { return (void)ds, read_any(n, index, STEPS * ROW, x, y); }
static hk_status seq_lengths(const void *ds, int64_t n, const int64_t *index, int64_t *len) {
    (void)ds;
    for (int64_t i = 0; i < n; i++) len[i] = 1 + index[i] % STEPS;
    return HK_OK;
}
static const hk_dataset_type pictures = { .struct_size = sizeof pictures, .size = set_size, .shape = set_shape, .classes = set_classes, .read = set_read };
static const hk_dataset_type sequences = { .struct_size = sizeof sequences, .size = set_size, .shape = set_shape, .classes = set_classes, .read = seq_read, .steps = set_steps, .lengths = seq_lengths };
static const hk__augment all = { .flip = 0.5, .erase = 0.5, .crop = 1, .mixup = 0.4, .cutmix = 1, .n_norm = 2, .mean = { 0.3, 0.4 }, .std = { 0.5, 0.25 } };

static hk__loader *make(const hk_dataset_type *type, const hk__augment *a, int workers, int threads) {
    hk__loader *l;
    const hk__loader_config c = { .batch = BATCH, .seed = 11, .augment = a, .shuffle = 1, .workers = workers, .threads = threads, .train = 1 };
    assert_int_equal(hk__loader_make(type, &pictures, &c, &l), HK_OK);
    return l;
}

/* The next batch of both loaders is the same; 0 at the end. */
static int64_t same(hk__loader *a, hk__loader *b) {
    assert_int_equal(hk__loader_next(a), HK_OK);
    assert_int_equal(hk__loader_next(b), HK_OK);
    assert_int_equal(a->count, b->count);
    if (!a->count) return 0;
    assert_memory_equal(a->x, b->x, (size_t)(a->count * a->elems) * sizeof *a->x);
    assert_memory_equal(a->y, b->y, (size_t)a->count * sizeof *a->y);
    assert_true(!a->soft == !b->soft && !a->len == !b->len);
    if (a->soft) assert_memory_equal(a->soft, b->soft, (size_t)(a->count * a->classes) * sizeof *a->soft);
    if (a->len) assert_memory_equal(a->len, b->len, (size_t)a->count * sizeof *a->len);
    return a->count;
}

static void test_same_bits_for_any_number(void **state) {
    (void)state;
    const hk_dataset_type *const type[] = { &pictures, &sequences };
    const hk__augment *const augment[] = { NULL, &all };
    for (int way = 0; way < 7; way++) /* 1 to 4 threads ahead, 2 to 4 together */
        for (int k = 0; k < 4; k++) {
            hk__loader *a = make(type[k / 2], augment[k % 2], 0, 1), *b = make(type[k / 2], augment[k % 2], way < 4 ? way + 1 : 0, way < 4 ? 2 : way - 2);
            for (int64_t epoch = 0; epoch < 3; epoch++) {
                int64_t n = 0, got;
                hk__loader_start(a, epoch), hk__loader_start(b, epoch);
                while ((got = same(a, b))) n += got;
                assert_int_equal(n, SIZE);
            }
            hk__loader_free(a), hk__loader_free(b);
        }
}

/* A run that is taken up in the middle of an epoch, and one that is left there. */
static void test_from_any_batch(void **state) {
    (void)state;
    hk__loader *a = make(&pictures, &all, 0, 1), *b = make(&pictures, &all, 3, 1);
    for (int64_t from = 0; from < a->n_batch; from++) {
        hk__loader_start(a, 2), hk__loader_seek(a, from);
        hk__loader_start(b, 2), hk__loader_seek(b, from);
        for (int k = 0; k < 3; k++) same(a, b);
    }
    hk__loader_free(a), hk__loader_free(b);
}

static void test_error_is_of_the_first_bad_sample(void **state) {
    (void)state;
    for (int workers = 0; workers <= 5; workers++) {
        hk__loader *l;
        const hk__loader_config c = { .batch = BATCH, .workers = workers / 2 * 2, .threads = 1 + workers % 2 * 3 };
        assert_int_equal(hk__loader_make(&pictures, &pictures, &c, &l), HK_OK);
        bad_sample = 3 * BATCH + 5;
        hk__loader_start(l, 0);
        for (int k = 0; k < 3; k++) {
            hk_status st = hk__loader_next(l);
            if (st) fail_msg("%d workers, %d threads: batch %d failed: %s", c.workers, c.threads, k, hk_status_name(st));
        }
        assert_int_equal(hk__loader_next(l), HK_EDATA);
        if (last_bad != bad_sample) fail_msg("%d workers, %d threads: the error is of sample %lld, expected %lld", c.workers, c.threads, (long long)last_bad, (long long)bad_sample);
        bad_sample = -1; /* it goes on where it was when the sample is there again */
        hk__loader_seek(l, 3);
        assert_int_equal(hk__loader_next(l), HK_OK);
        assert_int_equal(l->y[5], (3 * BATCH + 5) % 5);
        hk__loader_free(l);
    }
}

/* [T,N,row], zeros behind each length. */
static void test_sequences_lie_by_step(void **state) {
    (void)state;
    hk__loader *l;
    const hk__loader_config c = { .batch = BATCH };
    assert_int_equal(hk__loader_make(&sequences, &pictures, &c, &l), HK_OK);
    hk__loader_start(l, 0);
    assert_int_equal(hk__loader_next(l), HK_OK);
    assert_int_equal(l->T, STEPS);
    for (int64_t t = 0; t < STEPS; t++)
        for (int64_t n = 0; n < BATCH; n++)
            for (int64_t k = 0; k < ROW; k++) {
                const float got = l->x[(t * BATCH + n) * ROW + k], want = t < 1 + n % STEPS ? pixel(n, t * ROW + k) : 0;
                if (got != want) fail_msg("x[%lld][%lld][%lld] is %g, expected %g", (long long)t, (long long)n, (long long)k, (double)got, (double)want);
            }
    hk__loader_free(l);
}

static void test_cache_gives_the_same(void **state) {
    (void)state;
    hk__loader *a = make(&pictures, &all, 0, 3), *b = make(&pictures, &all, 2, 1);
    assert_int_equal(hk__loader_cache(b), HK_OK);
    bad_sample = 0; /* nothing is read any more */
    hk__loader_start(b, 1);
    assert_int_equal(hk__loader_next(b), HK_OK);
    bad_sample = -1;
    hk__loader_start(a, 1);
    assert_int_equal(hk__loader_next(a), HK_OK);
    assert_memory_equal(a->x, b->x, (size_t)(a->count * a->elems) * sizeof *a->x);
    hk__loader_free(a), hk__loader_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_bits_for_any_number), cmocka_unit_test(test_from_any_batch), cmocka_unit_test(test_error_is_of_the_first_bad_sample),
        cmocka_unit_test(test_sequences_lie_by_step), cmocka_unit_test(test_cache_gives_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
