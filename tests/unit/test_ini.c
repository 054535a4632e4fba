/* test_ini.c - the strict ini layer: every row of reference A8, every key of the schema with every kind of mistake, printing and
 * reading back, overrides, and broken files that must not crash it. */
#include "schema.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BASE_HEAD "[data]\nname = X()\n[model]\nT = 4\n[train]\nbatch = 8\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n"

static hk_status read_text(hk__conf **c, const char *text, size_t n) {
    *c = hk__conf_new(&hk__train_schema);
    assert_non_null(*c);
    hk_status st = hk__conf_load_text(*c, "t.ini", text, n);
    return st ? st : hk__conf_check(*c);
}

static void refused(const char *what, const char *text, size_t n, const char *want1, const char *want2) {
    hk__conf *c;
    hk_status st = read_text(&c, text, n);
    const char *err = hk__conf_error(c);
    if (st != HK_ECONFIG || !strstr(err, want1) || !strstr(err, want2))
        fail_msg("%s: status %d, text '%s', expected '%s' and '%s'", what, st, err, want1, want2);
    hk__conf_free(c);
}

static void accepted(const char *what, const char *text) {
    hk__conf *c;
    hk_status st = read_text(&c, text, strlen(text));
    if (st) fail_msg("%s: refused: %s", what, hk__conf_error(c));
    hk__conf_free(c);
}

typedef struct row {
    const char *text;
    size_t n; /* 0: strlen */
    const char *want1, *want2;
} row;

static void test_a8(void **state) {
    (void)state;
    static const row rows[] = {
        { "[run]\nfold_time = tanh\n", 0, "t.ini:2: [run] fold_time", "expected on or off, got 'tanh'" },
        { "[run]\nfold_time = yes\n", 0, "t.ini:2", "on or off" },
        { "[plugins]\npath=/data/a#b;c\n", 0, "t.ini:2: [plugins] path", "'#' in a value without quotes" },
        { "[plugins]\npath=/data/a;c\n", 0, "t.ini:2", "';' in a value without quotes" },
        { "[run]\nseed = 4 ; four\n", 0, "t.ini:2", "on a line of its own" },
        { "[plugins]\npath=\"a \\\"q\\\"\"\n", 0, "t.ini:2", "text after the closing quote" },
        { "[plugins]\npath=\"abc\n", 0, "t.ini:2", "not closed" },
        { "[run]\nseed = 010\n", 0, "t.ini:2: [run] seed", "leading zero" },
        { "[run]\nseed = 08\n", 0, "t.ini:2", "leading zero" },
        { "[run]\nseed = 1e3\n", 0, "t.ini:2", "digits only" },
        { "[run]\nseed = 12abc\n", 0, "t.ini:2", "not an integer" },
        { "[run]\nseed = 99999999999999999999\n", 0, "t.ini:2", "out of range" },
        { "[run]\nthreads = 99999999999\n", 0, "t.ini:2", "from 0 to 1024" },
        { "[run]\nseed = 0x10\n", 0, "t.ini:2", "not an integer" },
        { "[run]\nseed = + 1\n", 0, "t.ini:2", "not an integer" },
        { "[train]\nlr = abc\n", 0, "t.ini:2", "not a number" },
        { "[train]\nlr = 0,5\n", 0, "t.ini:2", "decimal point" },
        { "[train]\nlr = 1e999\n", 0, "t.ini:2", "out of range" },
        { "[train]\nlr = nan\n", 0, "t.ini:2", "not a number" },
        { "[train]\nlr = inf\n", 0, "t.ini:2", "not a number" },
        { "[train]\nlr = 0.1.2\n", 0, "t.ini:2", "not a number" },
        { "[run]\nmemory_limit = 1GB\n", 0, "t.ini:2", "KiB" },
        { "[run]\nseed = 1\0 2\n", 17, "t.ini:2", "NUL byte" },
        { "\xef\xbb\xbf[run]\n", 0, "t.ini:1", "BOM" },
        { "[run]\nseed = 1\x01\n", 0, "t.ini:2", "control character" },
        { "[run] # c\n", 0, "t.ini:1", "text after ']'" },
        { "[run] ; [data]\n", 0, "t.ini:1", "text after ']'" },
        { "[run\n", 0, "t.ini:1", "expected ']'" },
        { "[ run ]\n", 0, "t.ini:1", "no section name" },
        { "[run:x]\n", 0, "t.ini:1", "no section name" },
        { "[]\n", 0, "t.ini:1", "no section name" },
        { "[Run]\n", 0, "t.ini:1: unknown section [Run]", "did you mean 'run'" },
        { "# c:\\\n[run]\nseed = 1\n", 0, "t.ini:1", "ends in a backslash" },
        { "[run]\nseed = 1\\\n2\n", 0, "t.ini:2", "continued lines are not supported" },
        { "[run]\nseed = 1\nseed = 2\n", 0, "t.ini:3: [run] seed", "first in line 2" },
        { "[layers]\nfc = A()\nFC = B()\n", 0, "t.ini:3", "only in case" },
        { "[run]\n[data]\n[run]\n", 0, "t.ini:3", "first in line 1" },
        { "seed = 1\n[run]\n", 0, "t.ini:1", "before any section" },
        { "[run]\nSeed = 1\n", 0, "t.ini:2: [run] Seed: unknown key", "did you mean 'seed'" },
        { "[run]\nseed\n", 0, "t.ini:2", "key = value" },
        { "[run]\n= 3\n", 0, "t.ini:2", "no key before '='" },
        { "[run]\na b = 3\n", 0, "t.ini:2", "is no key" },
        { "[run]\nx:seed = 3\n", 0, "t.ini:2", "is no key" },
        { "[run]\nseed =\n", 0, "t.ini:2: [run] seed", "empty value" },
        { "[run]\nseed = \"\"\n", 0, "t.ini:2", "empty value" },
        { "[model]\ntypo = 3\n", 0, "[model] typo: unknown key", "no ${typo} uses it" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = rows[i].n ? rows[i].n : strlen(rows[i].text);
        refused(rows[i].text, rows[i].text, n, rows[i].want1, rows[i].want2);
    }
}

static void test_long_line(void **state) {
    (void)state;
    char text[4096];
    int n = snprintf(text, sizeof text, "[plugins]\npath = ");
    memset(text + n, 'a', 2000);
    strcpy(text + n + 2000, "\n");
    refused("long line", text, strlen(text), "t.ini:2", "bytes long");
    n = snprintf(text, sizeof text, BASE_HEAD "[plugins]\npath = ");
    memset(text + n, 'a', 990);
    strcpy(text + n + 990, "\n");
    accepted("a line of 997 bytes", text);
}

static void test_files(void **state) {
    (void)state;
    hk__conf *c = hk__conf_new(&hk__train_schema);
    assert_int_equal(hk__conf_load(c, "/tmp"), HK_ECONFIG);
    assert_non_null(strstr(hk__conf_error(c), "directory"));
    hk__conf_free(c);
    c = hk__conf_new(&hk__train_schema);
    assert_int_equal(hk__conf_load(c, "/nonexistent/config.ini"), HK_ECONFIG);
    assert_non_null(strstr(hk__conf_error(c), "cannot be opened"));
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

/* ---- every key with every mistake ---- */

static const char *sample(const hk__key *k) {
    return k->kind == HK__TEXT ? "X()" : k->kind == HK__SWITCH ? "on" : k->kind == HK__CHOICE ? NULL : k->kind == HK__REAL ? "1.5" : "1";
}

/* A file with all that is required, and `line` (may be NULL) in place of section.key. *at: line number of it. */
static void build(char *out, size_t size, const char *section, const char *key, const char *line, int *at) {
    size_t n = 0;
    int no = 0;
    for (int s = 0; s < hk__train_schema.n; s++) {
        const hk__section *sec = &hk__train_schema.sections[s];
        n += (size_t)snprintf(out + n, size - n, "[%s]\n", sec->name), no++;
        for (int k = 0; k < sec->n_keys; k++) {
            int here = !strcmp(sec->name, section) && !strcmp(sec->keys[k].name, key);
            if (here && line) n += (size_t)snprintf(out + n, size - n, "%s\n", line), *at = ++no;
            else if (!here && !sec->keys[k].def) n += (size_t)snprintf(out + n, size - n, "%s = %s\n", sec->keys[k].name, sample(&sec->keys[k])), no++;
        }
    }
}

static void mistake(const char *section, const hk__key *k, const char *name, const char *value, const char *want) {
    char text[4096], line[512], where[512];
    int at = 0;
    snprintf(line, sizeof line, "%s = %s", name, value);
    build(text, sizeof text, section, k->name, line, &at);
    snprintf(where, sizeof where, "t.ini:%d: [%s] %s: ", at, section, name);
    refused(line, text, strlen(text), where, want);
}

static void good(const char *section, const hk__key *k, const char *value) {
    char text[4096], line[512];
    int at;
    snprintf(line, sizeof line, "%s = %s", k->name, value);
    build(text, sizeof text, section, k->name, line, &at);
    accepted(line, text);
}

static void one_key(const char *section, const hk__key *k) {
    char v[64];
    mistake(section, k, k->name, "", "empty value");
    if (k->kind != HK__TEXT) mistake(section, k, k->name, "wrong", "expected "), mistake(section, k, k->name, "1 1", "expected ");
    if (k->kind == HK__INT || k->kind == HK__REAL || k->kind == HK__BYTES) {
        snprintf(v, sizeof v, "%.0f", k->lo - 1), mistake(section, k, k->name, v, "expected ");
        snprintf(v, sizeof v, "%.0f", k->hi + 1), mistake(section, k, k->name, v, "expected ");
        snprintf(v, sizeof v, "%.0f", k->lo), good(section, k, v);
        snprintf(v, sizeof v, "%.0f", k->hi), good(section, k, v);
    }
    char dup[600];
    const char *value = k->kind == HK__CHOICE ? k->def : sample(k);
    snprintf(dup, sizeof dup, "%s\n%s = %s", value, k->name, value);
    {
        char text[4096], line[700];
        int at;
        snprintf(line, sizeof line, "%s = %s", k->name, dup);
        build(text, sizeof text, section, k->name, line, &at);
        refused(line, text, strlen(text), "comes twice", k->name);
    }
    char typo[64];
    snprintf(typo, sizeof typo, "%s%c", k->name, k->name[strlen(k->name) - 1]);
    {
        char text[4096], line[700];
        int at;
        snprintf(line, sizeof line, "%s = %s", typo, value);
        build(text, sizeof text, section, k->name, line, &at);
        if (k->def || strcmp(section, "model")) refused(line, text, strlen(text), "unknown key", strlen(k->name) > 2 ? "did you mean" : typo);
    }
    char text[4096];
    int at;
    build(text, sizeof text, section, k->name, NULL, &at);
    if (k->def) accepted(k->name, text);
    else refused(k->name, text, strlen(text), "missing; expected", k->name);
}

static void test_every_key(void **state) {
    (void)state;
    for (int s = 0; s < hk__train_schema.n; s++)
        for (int k = 0; k < hk__train_schema.sections[s].n_keys; k++) one_key(hk__train_schema.sections[s].name, &hk__train_schema.sections[s].keys[k]);
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

static void set_refused(const char *assignment, const char *want) {
    hk__conf *c = hk__conf_new(&hk__train_schema);
    assert_int_equal(hk__conf_load_text(c, "t.ini", BASE_HEAD, strlen(BASE_HEAD)), HK_OK);
    hk_status st = hk__conf_set(c, assignment);
    if (!st) st = hk__conf_check(c);
    if (st != HK_ECONFIG || !strstr(hk__conf_error(c), want) || !strstr(hk__conf_error(c), "--set"))
        fail_msg("--set %s: %d '%s'", assignment, st, hk__conf_error(c));
    hk__conf_free(c);
}

static void test_set(void **state) {
    (void)state;
    set_refused("seed=1", "section.key=value");
    set_refused("run.seed", "section.key=value");
    set_refused(".seed=1", "section.key=value");
    set_refused("run.=1", "section.key=value");
    set_refused("run.seed=", "empty value");
    set_refused("run.seed=x", "--set: [run] seed: expected an integer");
    set_refused("run.sead=1", "did you mean 'seed'");
    set_refused("ran.seed=1", "did you mean 'run'");
    set_refused("plugins.path=a\nb", "control character");
    set_refused("plugins.path=\"a'b", "both kinds of quotes");
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
        cmocka_unit_test(test_a8),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
