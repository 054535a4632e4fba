/* test_error.c - status names, the error chain, suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core.h"
#include <string.h>

static hk_context *bare_context(void) {
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, NULL, 1, 0 };
    hk_context *ctx = NULL;
    assert_int_equal(hk_context_new(&config, &ctx), HK_OK);
    return ctx;
}

static void status_has_name_text_and_exit_code(void **state) {
    (void)state;
    assert_string_equal(hk_status_name(HK_EINVAL), "EINVAL");
    assert_string_equal(hk_status_text(HK_EINVAL), "invalid argument");
    assert_int_equal(hk_status_exit_code(HK_OK), 0);
    assert_int_equal(hk_status_exit_code(HK_EPLUGIN), 4);
    assert_int_equal(hk_status_exit_code(HK_EINTERRUPTED), 75);
}

static void unknown_status_is_no_crash(void **state) {
    (void)state;
    assert_string_equal(hk_status_name((hk_status)-999), "EUNKNOWN");
    assert_int_equal(hk_status_exit_code((hk_status)-999), 1);
}

static void error_is_empty_at_first(void **state) {
    (void)state;
    hk_context *ctx = bare_context();
    assert_string_equal(hk_error(ctx), "");
    assert_string_equal(hk_error(NULL), "");
    hk_context_free(ctx);
}

static void layers_add_their_place_in_front(void **state) {
    (void)state;
    hk_context *ctx = bare_context();
    assert_int_equal(hk__fail(ctx, HK_EINVAL, "tau=%g must be > 1", 0.5), HK_EINVAL);
    assert_int_equal(hk__fail_in(ctx, HK_EINVAL, "layer %s", "conv_fc.2"), HK_EINVAL);
    assert_string_equal(hk_error(ctx), "layer conv_fc.2: tau=0.5 must be > 1");
    hk_context_free(ctx);
}

static void old_text_may_be_an_argument_of_the_new(void **state) {
    (void)state;
    hk_context *ctx = bare_context();
    hk__fail(ctx, HK_EINVAL, "inner");
    hk__fail(ctx, HK_EINVAL, "outer (%s)", hk_error(ctx));
    assert_string_equal(hk_error(ctx), "outer (inner)");
    hk_context_free(ctx);
}

static void long_text_is_cut_with_dots(void **state) {
    (void)state;
    hk_context *ctx = bare_context();
    static char big[5000];
    memset(big, 'x', sizeof big - 1);
    hk__fail(ctx, HK_EINVAL, "short");
    hk__fail_in(ctx, HK_EINVAL, "%s", big);
    size_t n = strlen(hk_error(ctx));
    assert_true(n < sizeof big);
    assert_string_equal(hk_error(ctx) + n - 3, "...");
    hk_context_free(ctx);
}

static void no_context_keeps_the_status(void **state) {
    (void)state;
    assert_int_equal(hk__fail(NULL, HK_EIO, "nobody reads this"), HK_EIO);
}

static void suggests_the_nearest_word(void **state) {
    (void)state;
    const char *const words[] = { "bias", "in_features", "out_features", "LIF" };
    assert_string_equal(hk__suggest("bais", words, 4), "bias");
    assert_string_equal(hk__suggest("Lif", words, 4), "LIF");
    assert_string_equal(hk__suggest("in_feature", words, 4), "in_features");
    assert_null(hk__suggest("momentum", words, 4));
    assert_null(hk__suggest("", words, 4));
    assert_null(hk__suggest("a_word_much_longer_than_any_that_is_compared_because_there_is_a_limit", words, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_has_name_text_and_exit_code),
        cmocka_unit_test(unknown_status_is_no_crash),
        cmocka_unit_test(error_is_empty_at_first),
        cmocka_unit_test(layers_add_their_place_in_front),
        cmocka_unit_test(old_text_may_be_an_argument_of_the_new),
        cmocka_unit_test(long_text_is_cut_with_dots),
        cmocka_unit_test(no_context_keeps_the_status),
        cmocka_unit_test(suggests_the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
