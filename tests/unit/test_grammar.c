/* test_grammar.c - constructor text: what it accepts, what its errors say, and the modules it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* a slot of our tables */

#include "core.h"
#include "module/grammar.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- types of a small world ---- */

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)b, (void)self, (void)n_in, (void)n_out;
    out[0] = in[0];
    return HK_OK;
}
static hk_status dense_init(hk_module *m) {
    const int64_t shape[2] = { hk_get_int(m, "outputs"), hk_get_int(m, "inputs") };
    if (shape[0] == 13) return m->api->fail(m, HK_EINVAL, "outputs=%d brings bad luck", 13);
    return hk_add_param(m, "weight", 2, shape, HK_INIT_UNIFORM, -1, 1);
}
static const hk_field dense_fields[] = {
    { "inputs", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in" },
    { "outputs", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers out" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "" },
};
static const hk_field all_fields[] = {
    { "real", HK_REAL, HK_NULLABLE, "1e-3", -10, 10, NULL, "" },
    { "mode", HK_ENUM, 0, "m", 0, 0, "m|s", "" },
    { "label", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "" },
    { "size", HK_INTS, 0, "(3, 3)", 1, 99, NULL, "" },
    { "weights", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL, "" },
    { "curve", HK_OBJECT, 0, "Curve(2)", 0, 0, "hk.surrogate/1", "" },
};
static const hk_field curve_fields[] = { { "alpha", HK_REAL, 0, "1", 0, 0, NULL, "" } };
static const char *const inner_name[] = { "sub" }, *const same_name[] = { "" };
static const hk_field wrap_fields[] = { { "how", HK_ENUM, 0, "add", 0, 0, "add|mul", "" } };
static const hk_module_type dense = { .struct_size = sizeof dense, .role = HK_LAYER, .fields = dense_fields, .n_fields = 3,
                                      .init = dense_init, .build = build };
static const hk_module_type all = { .struct_size = sizeof all, .role = HK_LAYER, .fields = all_fields, .n_fields = 6, .build = build };
static const hk_module_type chain = { .struct_size = sizeof chain, .role = HK_CONTAINER, .max_child = UINT32_MAX, .build = build };
static const hk_module_type wrap = { .struct_size = sizeof wrap, .role = HK_CONTAINER, .fields = wrap_fields, .n_fields = 1,
                                     .min_child = 1, .max_child = 1, .child_names = inner_name, .build = build };
static const hk_module_type alias = { .struct_size = sizeof alias, .role = HK_CONTAINER,
                                      .min_child = 1, .max_child = 1, .child_names = same_name, .build = build };
static const hk_surrogate_kernel kernels[1] = { { .struct_size = sizeof(hk_surrogate_kernel) } };
static const hk_surrogate_type curve = { .struct_size = sizeof curve, .n_fields = 1, .fields = curve_fields, .kernels = kernels, .n_kernel = 1 };

static hk_status init(const hk_host *h) {
    h->add(h->ctx, "hk.module/1", "Dense", &dense);
    h->add(h->ctx, "hk.module/1", "All", &all);
    h->add(h->ctx, "hk.module/1", "Chain", &chain);
    h->add(h->ctx, "hk.module/1", "Wrap", &wrap);
    h->add(h->ctx, "hk.module/1", "Alias", &alias);
    return h->add(h->ctx, "hk.surrogate/1", "Curve", &curve);
}
static const hk_plugin_entry world = { HK_PLUGIN_MAGIC, sizeof world, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT,
                                       "test.world", "1", "Apache-2.0", NULL, init, NULL };

static hk_context *ctx;
static int setup(void **state) {
    (void)state;
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, NULL, 1, 0 };
    hk_status st = hk_context_new(&config, &ctx);
    return st ? st : hk_plugin_add(ctx, &world);
}
static int teardown(void **state) {
    (void)state;
    hk_context_free(ctx);
    return 0;
}

static hk_module *make(const char *text) {
    hk_module *m = NULL;
    hk_status st = hk_module_new_from_text(ctx, "hk.module/1", text, &m);
    if (st) print_error("%s: %s\n", text, hk_error(ctx));
    assert_int_equal(st, HK_OK);
    return m;
}
static void fails(const char *text, hk_status want, const char *expected) {
    hk_module *m = NULL;
    hk_status st = hk_module_new_from_text(ctx, "hk.module/1", text, &m);
    if (st != want || !strstr(hk_error(ctx), expected)) print_error("%s\n  got  %s: %s\n  want %s\n", text, hk_status_name(st), hk_error(ctx), expected);
    assert_int_equal(st, want);
    assert_non_null(strstr(hk_error(ctx), expected));
    assert_null(m);
}

/* ---- the grammar alone ---- */

static void numbers_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int integral;
        double value;
    } cases[] = { { "3", 1, 3 }, { "-7", 1, -7 }, { "1e-3", 0, 1e-3 }, { "-.5", 0, -0.5 },
                  { "2.", 0, 2 }, { "+4", 1, 4 }, { " 1E2 ", 0, 100 }, { "-inf", 0, -INFINITY } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hk__node *n = NULL;
        assert_int_equal(hk__parse(ctx, cases[i].text, &n), HK_OK);
        assert_int_equal(n->kind, HK__NUMBER);
        assert_int_equal(n->integral, cases[i].integral);
        assert_true(n->real == cases[i].value);
        hk__node_free(n);
    }
}

static void numbers_ignore_the_locale(void **state) {
    (void)state;
    static const char *const commas[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8" };
    for (int i = 0; i < 3; i++) setlocale(LC_NUMERIC, commas[i]); /* whichever is installed */
    hk_module *m = make("All(2.5)");
    char text[256];
    assert_true(hk_get_real(m, "real") == 2.5);
    hk_module_to_text(m, text, sizeof text);
    assert_non_null(strstr(text, "real=2.5,"));
    setlocale(LC_NUMERIC, "C");
    hk_module_free(m);
}

static void syntax_errors_say_the_column(void **state) {
    (void)state;
    fails("Dense(1, 2", HK_ECONFIG, "column 11: expected ',' or ')', got the end of the text");
    fails("Dense(1,, 2)", HK_ECONFIG, "column 9: expected a value, got ','");
    fails("Dense(1, 2))", HK_ECONFIG, "column 12: expected the end of the text, got ')'");
    fails("Dense(inputs=1, 2)", HK_ECONFIG, "column 17: expected key=value, as the argument before has a key");
    fails("Dense(inputs=1, inputs=2)", HK_ECONFIG, "column 17: the argument 'inputs' is given twice");
    fails("Dense(3x, 2)", HK_ECONFIG, "column 8: expected the end of the number, got 'x'");
    fails("Dense(99999999999999999999, 2)", HK_ECONFIG, "an integer of 64 bits");
    fails("All(1e999)", HK_ECONFIG, "a number that a double can hold");
    fails("All(label=\"x)", HK_ECONFIG, "a closing \"");
    fails("", HK_ECONFIG, "column 1: expected a value");
    fails("3", HK_ECONFIG, "expected a constructor Name(...), got the integer 3");
}

static void depth_has_a_limit(void **state) {
    (void)state;
    char text[4096] = "";
    for (int i = 0; i < 200; i++) strcat(text, "Wrap(");
    fails(text, HK_ECONFIG, "nested deeper than 64");
}

/* ---- fields ---- */

static void every_kind_is_read(void **state) {
    (void)state;
    hk_module *m = make("All(-2.5, s, label='a\\'b', size=[1,2,], weights=(0.5, 2), curve=Curve(alpha=4))");
    int64_t size[4] = { 0 };
    double weights[4] = { 0 };
    assert_true(hk_get_real(m, "real") == -2.5);
    assert_int_equal(hk_get_int(m, "mode"), 1);
    assert_string_equal(hk_get_str(m, "mode"), "s");
    assert_string_equal(hk_get_str(m, "label"), "a'b");
    assert_int_equal(hk_get_ints(m, "size", size, 4), 2);
    assert_int_equal(size[1], 2);
    assert_int_equal(hk_get_reals(m, "weights", weights, 4), 2);
    assert_true(weights[0] == 0.5);
    assert_true(hk_get_real(hk_get_object(m, "curve"), "alpha") == 4);
    hk_module_free(m);
}

static void defaults_fill_the_rest(void **state) {
    (void)state;
    hk_module *m = make("All");
    int64_t size[2] = { 0 };
    assert_true(hk_get_real(m, "real") == 1e-3);
    assert_true(hk_is_none(m, "label"));
    assert_null(hk_get_str(m, "label"));
    assert_int_equal(hk_get_ints(m, "size", size, 2), 2);
    assert_int_equal(size[0], 3);
    assert_true(hk_get_real(hk_get_object(m, "curve"), "alpha") == 2);
    hk_module_free(m);
    m = make("All(None, curve=Curve, size=5)"); /* a bare name is a constructor; one number is a list of one */
    assert_true(isnan(hk_get_real(m, "real")));
    assert_int_equal(hk_get_ints(m, "size", size, 2), 1);
    assert_true(hk_get_real(hk_get_object(m, "curve"), "alpha") == 1);
    hk_module_free(m);
}

static void bad_values_are_explained(void **state) {
    (void)state;
    fails("Dense(1.5, 2)", HK_ECONFIG, "column 7: Dense: inputs must be an integer, got the number 1.5");
    fails("Dense(0, 2)", HK_ECONFIG, "inputs must be at least 1, got 0");
    fails("All(11)", HK_ECONFIG, "real must be from -10 to 10, got 11");
    fails("All(mode=x)", HK_ECONFIG, "mode must be one of m|s, got the word 'x'");
    fails("All(size=[1, 0])", HK_ECONFIG, "column 14: All: size must be from 1 to 99, got 0");
    fails("All(size=none)", HK_ECONFIG, "a list of integers, got none");
    fails("Dense(1, 2, bias=1)", HK_ECONFIG, "bias must be true or false, got the integer 1");
    fails("Dense(1)", HK_ECONFIG, "Dense: the argument 'outputs' is missing (numbers out)");
    fails("Dense(1, 2, true, 4)", HK_ECONFIG, "Dense takes 3 arguments, got one more: the integer 4");
    fails("Dense(1, 2, inputs=3)", HK_ECONFIG, "'inputs' is given twice, first by position");
    fails("Dense(1, 2, bais=false)", HK_ECONFIG, "column 13: Dense has no argument 'bais' (did you mean 'bias'?); it takes inputs, outputs, bias");
    fails("All(curve=Dense(1, 2))", HK_ENOTFOUND, "no surrogate 'Dense'");
    fails("Dense(1, 13)", HK_EINVAL, "'Dense': outputs=13 brings bad luck");
    fails("Dens(1, 2)", HK_ENOTFOUND, "no module 'Dens' (did you mean 'Dense'?)");
}

/* ---- children ---- */

static void children_get_paths(void **state) {
    (void)state;
    hk_module *m = make("Chain(Dense(1, 2), Wrap(mul, Chain(Dense(3, 4), All)), Alias(Wrap(Dense(5, 6), how=add)))");
    assert_int_equal(hk_n_child(m), 3);
    assert_string_equal(hk_path(m), "");
    assert_string_equal(hk_path(hk_child(m, 0)), "0");
    const hk_module *w = hk_child(m, 1);
    assert_int_equal(hk_get_int(w, "how"), 1);
    assert_string_equal(hk_path(hk_child(w, 0)), "1.sub");
    assert_string_equal(hk_path(hk_child(hk_child(w, 0), 0)), "1.sub.0");
    assert_string_equal(hk_path(hk_child(hk_child(m, 2), 0)), "2"); /* the alias's child keeps its place */
    assert_string_equal(hk_path(hk_child(hk_child(hk_child(m, 2), 0), 0)), "2.sub");
    assert_int_equal(hk__mod(hk_child(m, 0))->n_params, 1);
    assert_string_equal(hk__mod(hk_child(m, 0))->params[0].name, "weight");
    hk_module_free(m);
}

static void a_child_can_be_given_by_its_name(void **state) {
    (void)state;
    hk_module *m = make("Wrap(mul, sub=Dense(1, 2))");
    assert_string_equal(hk_path(hk_child(m, 0)), "sub");
    hk_module_free(m);
    fails("Wrap(Dense(1, 2), sub=Dense(1, 2))", HK_ECONFIG, "the child 'sub' is given twice");
}

static void the_number_of_children_is_checked(void **state) {
    (void)state;
    fails("Wrap()", HK_ECONFIG, "Wrap takes 1 child module, got 0");
    fails("Wrap(All, All)", HK_ECONFIG, "Wrap takes 1 child module, got one more: 'All'");
    fails("Chain(Dense(1, 2), Dnse(2, 3))", HK_ENOTFOUND, "column 20: no module 'Dnse' (did you mean 'Dense'?)");
}

static void a_named_sequence(void **state) {
    (void)state;
    const char *names[] = { "fc.0", "fc.1" }, *texts[] = { "Dense(1, 2)", "Wrap(Dense(2, 3))" };
    hk_module *m = NULL;
    assert_int_equal(hk_module_new_sequential(ctx, 2, names, texts, &m), HK_OK);
    assert_string_equal(hk__mod(m)->id, "Chain");
    assert_string_equal(hk_path(hk_child(m, 0)), "fc.0");
    assert_string_equal(hk_path(hk_child(hk_child(m, 1), 0)), "fc.1.sub");
    int here = 0;
    assert_int_equal(hk_module_set_user(m, "fc.1", &here), HK_OK);
    assert_ptr_equal(hk_user(hk_child(m, 1)), &here);
    assert_null(hk_user(hk_child(m, 0)));
    assert_int_equal(hk_module_set_user(m, "fc.7", &here), HK_ENOTFOUND);
    hk_module_free(m);

    texts[1] = "Dense(2)";
    assert_int_equal(hk_module_new_sequential(ctx, 2, names, texts, &m), HK_ECONFIG);
    assert_non_null(strstr(hk_error(ctx), "layer fc.1: "));
    names[1] = "fc.0";
    assert_int_equal(hk_module_new_sequential(ctx, 2, names, texts, &m), HK_ECONFIG);
    assert_non_null(strstr(hk_error(ctx), "two layers are called 'fc.0'"));
    names[1] = "fc..1";
    assert_int_equal(hk_module_new_sequential(ctx, 2, names, texts, &m), HK_ECONFIG);
}

/* ---- text ---- */

static void text_builds_the_same_module_again(void **state) {
    (void)state;
    char first[1024], second[1024], small[8];
    hk_module *m = make("Chain(All(0.1, label=\"q\\\"\\n\", weights=[1e-7, 3]), Wrap(Dense(1, 2, bias=false), how=mul))");
    int n = hk_module_to_text(m, first, sizeof first);
    assert_int_equal(n, (int)strlen(first));
    hk_module *again = make(first);
    hk_module_to_text(again, second, sizeof second);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "All(real=0.1, mode=m, label=\"q\\\"\\n\", size=[3, 3], weights=[1e-07, 3], curve=Curve(alpha=2))"));
    assert_int_equal(hk_module_to_text(m, small, sizeof small), n);
    assert_int_equal(strlen(small), sizeof small - 1);
    assert_int_equal(hk_module_to_text(m, NULL, 0), n);
    hk_module_free(again);
    hk_module_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_read),
        TEST(numbers_ignore_the_locale),
        TEST(syntax_errors_say_the_column),
        TEST(depth_has_a_limit),
        TEST(every_kind_is_read),
        TEST(defaults_fill_the_rest),
        TEST(bad_values_are_explained),
        TEST(children_get_paths),
        TEST(a_child_can_be_given_by_its_name),
        TEST(the_number_of_children_is_checked),
        TEST(a_named_sequence),
        TEST(text_builds_the_same_module_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
