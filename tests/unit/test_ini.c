/* test_ini.c - the strict ini layer: what it accepts, printing and reading back, overrides, and broken files that must not crash it.
 * What it refuses: test_ini_rows.c, test_ini_keys.c. */
#include "schema.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BASE_HEAD "[data]\nname = X()\n[model]\nT = 4\n[train]\nbatch = 8\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n"

static hk_status read_text(hk__conf **c, const char *text, size_t n) {
    *c = hk__conf_new(&hk__train_schema);
    assert_non_null(*c);
    hk_status st = hk__conf_load_text(*c, "t.ini", text, n);
    return st ? st : hk__conf_check(*c);
}

static void accepted(const char *what, const char *text) {
    hk__conf *c;
    hk_status st = read_text(&c, text, strlen(text));
    if (st) fail_msg("%s: refused: %s", what, hk__conf_error(c));
    hk__conf_free(c);
}

static void test_accepted(void **state) {
    (void)state;
    accepted("CRLF", "[data]\r\nname = X()\r\n[model]\r\nT = 4\r\n[train]\r\nbatch = 8\r\nepochs = 1\r\nlr = 1e-3\r\noptimizer = SGD()\r\n");
    accepted("no last newline", BASE_HEAD "[run]\nseed = 3");
    accepted("comments, blanks", "# a\n; b\n\n   \n" BASE_HEAD "  [run]  \n\tseed=3\t\n");
    accepted("a value with = and quotes in it", BASE_HEAD "[layers]\na = X(b=1, c=\"d\")\n");
    hk__conf *c;
    const char *text = BASE_HEAD "[plugins]\npath = \"/a#b;c\"\n[layers]\nConv.0 = A(1)\nconv.1 = 'F(\"x#\")'\nb = C()\n";
    assert_int_equal(read_text(&c, text, strlen(text)), HK_OK);
    assert_string_equal(hk__conf_text(c, "plugins", "path"), "/a#b;c");
    assert_int_equal(hk__conf_count(c, "layers"), 3);
    assert_string_equal(hk__conf_key_at(c, "layers", 0), "Conv.0");
    assert_string_equal(hk__conf_value_at(c, "layers", 1), "F(\"x#\")");
    assert_string_equal(hk__conf_key_at(c, "layers", 2), "b");
    assert_null(hk__conf_opt_text(c, "train", "scheduler"));
    hk__conf_free(c);
}

/* ---- printing and overrides ---- */

static char *printed(const hk__conf *c) {
    char *p = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&p, &n);
    assert_int_equal(hk__conf_print(c, f), HK_OK);
    fclose(f);
    return p;
}

static void test_round_trip(void **state) {
    (void)state;
    const char *text = BASE_HEAD "[layers]\nNet.0 = Linear(28, ${4*7})\nnet.1 = 'F(\"#\")'\n[plugins]\npath = \"a;b \\\"\n";
    hk__conf *c, *d;
    assert_int_equal(read_text(&c, text, strlen(text)), HK_OK);
    char *one = printed(c);
    if (read_text(&d, one, strlen(one))) fail_msg("%s in\n%s", hk__conf_error(d), one);
    char *two = printed(d);
    assert_string_equal(one, two);
    assert_string_equal(hk__conf_value_at(d, "layers", 0), "Linear(28, 28)");
    assert_string_equal(hk__conf_text(d, "plugins", "path"), "a;b \\");
    free(one), free(two), hk__conf_free(c), hk__conf_free(d);
}

static void test_set(void **state) {
    (void)state;
    hk__conf *c = hk__conf_new(&hk__train_schema);
    assert_int_equal(hk__conf_load_text(c, "t.ini", BASE_HEAD, strlen(BASE_HEAD)), HK_OK);
    assert_int_equal(hk__conf_set(c, "train.lr=0.5"), HK_OK);
    assert_int_equal(hk__conf_set(c, "train.lr=0.25"), HK_OK);
    assert_int_equal(hk__conf_set(c, "layers.net.0=Linear(1, 2)"), HK_OK);
    assert_int_equal(hk__conf_set(c, "run.memory_limit=2GiB"), HK_OK);
    assert_int_equal(hk__conf_set(c, "plugins.path=/a#b"), HK_OK);
    assert_int_equal(hk__conf_check(c), HK_OK);
    assert_true(hk__conf_real(c, "train", "lr") == 0.25);
    assert_true(hk__conf_int(c, "run", "memory_limit") == INT64_C(2) << 30);
    assert_string_equal(hk__conf_key_at(c, "layers", 0), "net.0");
    char *p = printed(c);
    hk__conf *d;
    if (read_text(&d, p, strlen(p))) fail_msg("%s", hk__conf_error(d));
    assert_string_equal(hk__conf_text(d, "plugins", "path"), "/a#b");
    free(p), hk__conf_free(c), hk__conf_free(d);
}

/* Bytes changed at random: any answer is fine, a crash is not; what is accepted must print and read back. */
static void test_broken_files(void **state) {
    (void)state;
    static const char base[] = BASE_HEAD "[run]\nseed = 1\n# c\n[layers]\nfc.0 = Linear(28, ${T*2})\nb = 'X(\"y\")'\n";
    static const char bits[] = "\0\n\r\t \"'#;=[]\\${}()*/+-.0aT\xff";
    uint32_t r = 1;
    for (int i = 0; i < 4000; i++) {
        char text[sizeof base];
        memcpy(text, base, sizeof base);
        for (int k = 0; k < 1 + i % 4; k++) {
            r = r * 1664525u + 1013904223u;
            text[(r >> 8) % (sizeof base - 1)] = bits[(r >> 24) % (sizeof bits - 1)];
        }
        hk__conf *c, *d;
        hk_status st = read_text(&c, text, sizeof base - 1);
        assert_true(st == HK_OK || (st == HK_ECONFIG && hk__conf_error(c)[0]));
        if (!st) {
            char *p = printed(c);
            if (read_text(&d, p, strlen(p))) fail_msg("accepted, but printed as\n%s\n%s", p, hk__conf_error(d));
            free(p), hk__conf_free(d);
        }
        hk__conf_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
