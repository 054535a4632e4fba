/* test_config_expand.c - ${key} and ${integer arithmetic}. */
#include "schema.h"
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static const hk__key model_keys[] = { { "T", HK__INT, 1, 1000, NULL, "4", "steps" } };
static const hk__key other_keys[] = { { "n", HK__INT, 0, 1000, NULL, "1", "number" }, { "text", HK__TEXT, 0, 0, NULL, "x", "text" } };
static const hk__section sections[] = {
    { "model", model_keys, 1, HK__FREE, "" },
    { "other", other_keys, 2, HK__CLOSED, "" },
    { "layers", NULL, 0, HK__LIST, "" },
};
static const hk__schema schema = { sections, 3, "model" };

typedef struct row {
    const char *model, *raw, *want; /* want "!...": an error with this text */
} row;

static void test_expand(void **state) {
    (void)state;
    static const row rows[] = {
        { "c = 16", "Linear(${c*16}, ${c})", "Linear(256, 16)" },
        { "c = 16", "${ c * 7 * 7 }", "784" },
        { "c = 16", "${c/4 + 2*(c-1)}", "34" },
        { "c = 16", "${-c + -(-3)}", "-13" },
        { "c = 16", "${(c)}${c}", "1616" },
        { "c = 16", "${10-3-2}${c}", "516" },
        { "c = 16", "${64/4/c}", "1" },
        { "c = 16", "a$b ${c} $", "a$b 16 $" },
        { "n = IF(surrogate=ATan())", "Sequential(${n}, ${n})", "Sequential(IF(surrogate=ATan()), IF(surrogate=ATan()))" },
        { "a = ${b*2}\nb = 3", "${a+1}", "7" },
        { "c = 16", "${T}${c}", "416" },
        { "channels = 16", "${chanels}${channels}", "!did you mean 'channels'" },
        { "c = 16", "${c", "!'${' without '}'" },
        { "c = 16", "${}${c}", "!ends too early" },
        { "c = 16", "${c*}", "!ends too early" },
        { "c = 16", "${(c}", "!')' is missing" },
        { "c = 16", "${c)}", "!expected + - * / or the end" },
        { "c = 16", "${c%3}", "!expected + - * / or the end" },
        { "c = 16", "${c/3}", "!does not come out even" },
        { "c = 16", "${c/(c-16)}", "!division by zero" },
        { "c = 16", "${c*9223372036854775807}", "!too large" },
        { "c = 16", "${c+99999999999999999999}", "!out of range" },
        { "c = 16", "${c*010}", "!leading zero" },
        { "c = abc", "${c*2}", "!arithmetic needs integers, and c is 'abc'" },
        { "c = 1.5", "${c*2}", "!arithmetic needs integers" },
        { "a = ${b}\nb = ${a}", "${a}", "!uses itself" },
        { "a = ${a}", "${a}", "!uses itself" },
        { "c = 16", "${((((((((((((((((((((((((((((((((((((((((c))))))))))))))))))))))))))))))))))))))))}", "!too many parentheses" },
        { "c = 16\nd = 3", "${c}", "!no ${d} uses it" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        snprintf(text, sizeof text, "[model]\n%s\n[layers]\nx = %s\n", rows[i].model, rows[i].raw);
        hk__conf *c = hk__conf_new(&schema);
        hk_status st = hk__conf_load_text(c, "t.ini", text, strlen(text));
        if (!st) st = hk__conf_check(c);
        if (rows[i].want[0] == '!') {
            if (st != HK_ECONFIG || !strstr(hk__conf_error(c), rows[i].want + 1) || strncmp(hk__conf_error(c), "t.ini:", 6))
                fail_msg("%s: %d '%s', expected '%s'", rows[i].raw, st, hk__conf_error(c), rows[i].want + 1);
        } else {
            if (st) fail_msg("%s: %s", rows[i].raw, hk__conf_error(c));
            assert_string_equal(hk__conf_value_at(c, "layers", 0), rows[i].want);
        }
        hk__conf_free(c);
    }
}

/* Values of other sections expand too, and are checked after that. */
static void test_typed(void **state) {
    (void)state;
    const char *text = "[model]\na = 40\n[other]\nn = ${a*10}\ntext = ${a}x${T}\n";
    hk__conf *c = hk__conf_new(&schema);
    assert_int_equal(hk__conf_load_text(c, "t.ini", text, strlen(text)), HK_OK);
    assert_int_equal(hk__conf_set(c, "model.a=50"), HK_OK);
    assert_int_equal(hk__conf_check(c), HK_OK);
    assert_int_equal(hk__conf_int(c, "other", "n"), 500);
    assert_string_equal(hk__conf_text(c, "other", "text"), "50x4");
    hk__conf_free(c);
    c = hk__conf_new(&schema);
    assert_int_equal(hk__conf_load_text(c, "t.ini", text, strlen(text)), HK_OK);
    assert_int_equal(hk__conf_set(c, "model.a=500"), HK_OK);
    assert_int_equal(hk__conf_check(c), HK_ECONFIG);
    assert_string_equal(hk__conf_error(c), "t.ini:4: [other] n: expected an integer from 0 to 1000, got '5000' (from ${a*10})");
    hk__conf_free(c);
}

/* Twenty keys, each twice the one before: refused by size, not by the machine's memory. */
static void test_growth(void **state) {
    (void)state;
    char text[2048];
    int n = snprintf(text, sizeof text, "[model]\na0 = xxxxxxxx\n");
    for (int i = 1; i < 20; i++) n += snprintf(text + n, sizeof text - (size_t)n, "a%d = ${a%d}${a%d}\n", i, i - 1, i - 1);
    snprintf(text + n, sizeof text - (size_t)n, "[layers]\nx = ${a19}\n");
    hk__conf *c = hk__conf_new(&schema);
    assert_int_equal(hk__conf_load_text(c, "t.ini", text, strlen(text)), HK_OK);
    assert_int_equal(hk__conf_check(c), HK_ECONFIG);
    assert_non_null(strstr(hk__conf_error(c), "65536 bytes"));
    hk__conf_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_expand), cmocka_unit_test(test_typed), cmocka_unit_test(test_growth) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
