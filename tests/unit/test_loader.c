/* test_loader.c - batches: the order is a permutation that depends on (seed, epoch) alone; samples and labels stay together. */
#include "trainer.h"
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

enum { SIZE = 1000, ELEMS = 6 };

static int64_t fake_size(const void *ds) { return *(const int64_t *)ds; }
static int fake_shape(const void *ds, int64_t *shape) {
    (void)ds;
    shape[0] = 2, shape[1] = 3;
    return 2;
}
static hk_status fake_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    (void)ds;
    for (int64_t i = 0; i < n; i++) {
        y[i] = index[i];
        for (int k = 0; k < ELEMS; k++) x[i * ELEMS + k] = (float)(index[i] * ELEMS + k);
    }
    return HK_OK;
}
static const hk_dataset_type fake = { .struct_size = sizeof fake, .size = fake_size, .shape = fake_shape, .read = fake_read };
static const int64_t size = SIZE;

static hk__loader *make(int64_t n, int64_t batch, int shuffle, int drop_last, uint64_t seed) {
    hk__loader *l;
    assert_int_equal(hk__loader_new(&fake, &size, n, batch, shuffle, drop_last, seed, &l), HK_OK);
    return l;
}

/* All labels of an epoch, in order; returns how many. */
static int64_t epoch(hk__loader *l, int64_t e, int64_t *out) {
    int64_t n = 0, batches = 0;
    hk__loader_start(l, e);
    for (;; batches++) {
        assert_int_equal(hk__loader_next(l), HK_OK);
        if (l->count == 0) break;
        for (int64_t i = 0; i < l->count; i++, n++) {
            out[n] = l->y[i];
            assert_true(l->x[i * ELEMS + ELEMS - 1] == (float)(l->y[i] * ELEMS + ELEMS - 1));
        }
    }
    assert_int_equal(batches, l->n_batch);
    return n;
}

static void test_order(void **state) {
    (void)state;
    int64_t a[SIZE], b[SIZE];
    hk__loader *l = make(0, 128, 0, 0, 7);
    assert_int_equal(epoch(l, 0, a), SIZE);
    for (int i = 0; i < SIZE; i++) assert_int_equal(a[i], i);
    hk__loader_free(l);

    l = make(0, 128, 1, 0, 7);
    assert_int_equal(epoch(l, 3, a), SIZE);
    char seen[SIZE] = { 0 };
    int moved = 0;
    for (int i = 0; i < SIZE; i++) seen[a[i]]++, moved += a[i] != i;
    for (int i = 0; i < SIZE; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > SIZE * 9 / 10);
    epoch(l, 4, b);
    assert_memory_not_equal(a, b, sizeof a);
    epoch(l, 3, b); /* again, after another epoch: the same */
    assert_memory_equal(a, b, sizeof a);
    hk__loader_free(l);

    l = make(0, 50, 1, 0, 7); /* the order does not depend on the batch */
    epoch(l, 3, b);
    assert_memory_equal(a, b, sizeof a);
    hk__loader_free(l);
    l = make(0, 128, 1, 0, 8);
    epoch(l, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    hk__loader_free(l);
}

/* Each sample comes first about equally often. */
static void test_law(void **state) {
    (void)state;
    enum { N = 10, EPOCHS = 2000 };
    int count[N] = { 0 };
    hk__loader *l = make(N, 1, 1, 0, 1);
    for (int e = 0; e < EPOCHS; e++) {
        hk__loader_start(l, e);
        assert_int_equal(hk__loader_next(l), HK_OK);
        count[l->y[0]]++;
    }
    double chi = 0;
    for (int i = 0; i < N; i++) chi += (count[i] - EPOCHS / N) * (double)(count[i] - EPOCHS / N) / (EPOCHS / N);
    assert_true(chi < 27.9); /* 9 degrees of freedom, p = 0.001 */
    hk__loader_free(l);
}

static void test_sizes(void **state) {
    (void)state;
    int64_t a[SIZE];
    hk__loader *l = make(100, 32, 1, 1, 0);
    assert_int_equal(l->n_batch, 3);
    assert_int_equal(epoch(l, 0, a), 96);
    for (int i = 0; i < 96; i++) assert_true(a[i] < 100);
    hk__loader_free(l);
    l = make(100, 32, 1, 0, 0);
    assert_int_equal(l->n_batch, 4);
    assert_int_equal(epoch(l, 0, a), 100);
    hk__loader_free(l);
    l = make(10, 32, 0, 1, 0);
    assert_int_equal(l->n_batch, 0);
    assert_int_equal(epoch(l, 0, a), 0);
    hk__loader_free(l);
    assert_int_equal(hk__loader_new(&fake, &size, 0, 0, 0, 0, 0, &l), HK_EINVAL);
    assert_null(l);
    hk__loader_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_law), cmocka_unit_test(test_sizes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
