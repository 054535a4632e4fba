/* test_sweep_axes.c - lists of values in --set: where they are parted, their product, and the folders' names. */
#include "sweep/sweep.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char why[256];

static void is_name(const hk__axes *a, int run, const char *want) {
    char *got = hk__axes_name(a, run);
    assert_non_null(got);
    if (strcmp(got, want)) fail_msg("run %d: expected '%s', got '%s'", run, want, got);
    free(got);
}

static void test_product(void **state) {
    (void)state;
    char *set[] = { "train.lr=0.1, 0.01", "data.limit=100", "run.seed=0,1,2" };
    hk__axes a;
    assert_int_equal(hk__axes_read(&a, 3, set, why, sizeof why), 0);
    assert_int_equal(a.n, 2);
    assert_int_equal(hk__axes_runs(&a), 6);
    assert_int_equal(a.n_fixed, 1);
    assert_string_equal(a.fixed[0], "data.limit=100");
    is_name(&a, 0, "lr=0.1,seed=0"), is_name(&a, 2, "lr=0.1,seed=2"), is_name(&a, 3, "lr=0.01,seed=0");
    hk__axes_free(&a);
}

static void test_commas_that_part_nothing(void **state) {
    (void)state;
    char *set[] = { "train.optimizer=SGD(momentum=0.9, nesterov=true),Adam()", "backend.options=\"conv=direct, a=b\"", "layers.0=Linear(28, 32)", "a.b=X(\"(,\"),Y([1,2])" };
    hk__axes a;
    assert_int_equal(hk__axes_read(&a, 4, set, why, sizeof why), 0);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.axis[0].value[0], "SGD(momentum=0.9, nesterov=true)");
    assert_string_equal(a.axis[0].value[1], "Adam()");
    assert_string_equal(a.axis[1].value[0], "X(\"(,\")");
    assert_int_equal(a.n_fixed, 2);
    assert_string_equal(a.fixed[0], "backend.options=conv=direct, a=b");
    assert_string_equal(a.fixed[1], "layers.0=Linear(28, 32)");
    hk__axes_free(&a);
}

/* Two keys with the same end are told apart; so are values that look alike once they are cleaned. */
static void test_names(void **state) {
    (void)state;
    char *set[] = { "data.limit=1,2", "other.limit=3,4" }, *alike[] = { "m.f=A(1),A[1]" };
    hk__axes a;
    assert_int_equal(hk__axes_read(&a, 2, set, why, sizeof why), 0);
    is_name(&a, 3, "data.limit=2,other.limit=4");
    hk__axes_free(&a);
    assert_int_equal(hk__axes_read(&a, 1, alike, why, sizeof why), 0);
    char *one = hk__axes_name(&a, 0), *two = hk__axes_name(&a, 1);
    if (!strcmp(one, two)) fail_msg("both are '%s'", one);
    free(one), free(two);
    hk__axes_free(&a);
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = { { "train.lr", "expected SECTION.KEY=VALUE" }, { "train.lr=1,,2", "a value is missing" }, { "train.lr=1,", "a value is missing" },
        { "train.lr=1,2,1", "is there twice" } };
    hk__axes a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *set[] = { (char *)(uintptr_t)bad[i][0] };
        assert_int_equal(hk__axes_read(&a, 1, set, why, sizeof why), -1);
        if (!strstr(why, bad[i][1])) fail_msg("%s: expected '%s', got '%s'", bad[i][0], bad[i][1], why);
        hk__axes_free(&a);
    }
    char *twice[] = { "train.lr=1,2", "train.lr=3,4" };
    assert_int_equal(hk__axes_read(&a, 2, twice, why, sizeof why), -1);
    assert_non_null(strstr(why, "expected one list"));
    hk__axes_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_product), cmocka_unit_test(test_commas_that_part_nothing), cmocka_unit_test(test_names), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
