/* test_ini_keys.c - every key of every section with every kind of mistake, once in the file and once by --set. The cases are made from the
 * table of keys (trainer/schema.c), so a new key is covered by itself: empty, wrong type, below, above, twice, misspelt, left out. */
#include "command_run.h"
#include "config/conf.h"
#include "schema.h"
#include <math.h>
#include <ctype.h>

static int n_cases;
enum { LINE = 256 };

static const char *good_value(const hk__key *k) {
    if (k->def) return k->def;
    return k->kind == HK__TEXT ? "X()" : k->kind == HK__REAL ? "0.5" : "1";
}

/* t.ini with every required key, and `line` in place of section.key (key NULL: at the section's end). Returns the line's number; the
 * section's own number when line is NULL. */
static int write_ini(const char *section, const char *key, const char *line) {
    FILE *f = fopen("t.ini", "w");
    int no = 0, at = 0;
    assert_non_null(f);
    for (int s = 0; s < hk__train_schema.n; s++) {
        const hk__section *sec = &hk__train_schema.sections[s];
        int here = !strcmp(sec->name, section);
        fprintf(f, "[%s]\n", sec->name), no++;
        if (here && !line) at = no;
        for (int k = 0; k < sec->n_keys; k++) {
            if (here && key && !strcmp(sec->keys[k].name, key)) continue;
            if (!sec->keys[k].def) fprintf(f, "%s = %s\n", sec->keys[k].name, good_value(&sec->keys[k])), no++;
        }
        if (here && line) {
            fprintf(f, "%s\n", line), at = no + 1;
            for (const char *p = line; p; p = strchr(p + 1, '\n')) no++;
        }
    }
    fclose(f);
    return at;
}

/* The mistake "name = value" in place of `key`: in the file, then by --set. */
static void mistake(const char *section, const char *key, const char *name, const char *value, const char *const *words) {
    char line[LINE], at[LINE], set[LINE];
    ran r;
    snprintf(line, sizeof line, "%s = %s", name, value);
    snprintf(at, sizeof at, "t.ini:%d: [%s] %s: ", write_ini(section, key, line), section, name);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--print-config", NULL });
    check_refused(&r, line, 2, at, words);
    write_ini("", NULL, NULL);
    snprintf(set, sizeof set, "%s.%s=%s", section, name, value);
    snprintf(at, sizeof at, "--set 3: [%s] %s: ", section, name);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--set", "run.seed=1", "--set", "run.threads=1", "--set", set, "--print-config", NULL });
    check_refused(&r, set, 2, at, words);
    n_cases += 2;
}

static void good(const char *section, const hk__key *k, const char *value) {
    char line[LINE];
    ran r;
    snprintf(line, sizeof line, "%s = %s", k->name, value);
    write_ini(section, k->name, line);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--print-config", NULL });
    if (r.code || r.err[0]) fail_msg("[%s] %s: exit code %d, %s", section, line, r.code, r.err);
}

static int is_number(const hk__key *k) { return k->kind == HK__INT || k->kind == HK__REAL || k->kind == HK__BYTES; }

/* A test is a function called for every key. */
typedef void each_key(const hk__section *, const hk__key *);
#define EACH(name) static void name(const hk__section *sec, const hk__key *k)
static void for_each_key(void **state) {
    each_key *f = (each_key *)(uintptr_t)*state;
    for (int s = 0; s < hk__train_schema.n; s++)
        for (int i = 0; i < hk__train_schema.sections[s].n_keys; i++) f(&hk__train_schema.sections[s], &hk__train_schema.sections[s].keys[i]);
}
#define TEST(f) { #f, for_each_key, NULL, NULL, (void *)(uintptr_t)f }

static const char *expected(const hk__key *k) { /* the beginning of what the message must say it wants */
    static char text[300];
    char e[256];
    hk__key_expect(k, e, sizeof e);
    snprintf(text, sizeof text, "expected %s", e);
    return text;
}

static void must_refuse(const hk__section *sec, const hk__key *k, const char *value) {
    char got[LINE];
    snprintf(got, sizeof got, "got '%s'", value);
    mistake(sec->name, k->name, k->name, value, (const char *const[]){ expected(k), got, NULL });
}

EACH(empty) {
    const char *const words[] = { "empty value", expected(k), "got nothing", k->def ? "leave the key out to get its default" : "expected", NULL };
    mistake(sec->name, k->name, k->name, "", words);
    mistake(sec->name, k->name, k->name, "  ", words);
}

EACH(wrong_type) {
    static const char *const wrong[][8] = {
        [HK__INT] = { "word", "1.5", "1e3", "0x10", "010", "1 1", "on" },
        [HK__REAL] = { "word", "0.1.2", "0x10", "nan", "-inf", "1 1", "1e999" },
        [HK__SWITCH] = { "yes", "true", "1", "0", "ON", "on off", "no" },
        [HK__CHOICE] = { "word", "1", "|", "a|b" },
        [HK__BYTES] = { "word", "1.5", "1GB", "1 KiB", "KiB", "0x10", "1e3" },
        [HK__TEXT] = { NULL }, /* the next test */
    };
    for (int i = 0; i < 8 && wrong[k->kind][i]; i++) must_refuse(sec, k, wrong[k->kind][i]);
    if (k->kind == HK__CHOICE) must_refuse(sec, k, k->choices);
}

/* A text's type is known to who reads it: the error comes later, and still has its place. */
EACH(wrong_text) {
    static const char *const any[] = { "run.out", "data.path", /* any text is good; numbers or none, where a number is wrong for none of them: own_data.sh */
        "augment.mean", "augment.std", "train.momentum", "train.weight_decay", "train.label_smoothing", "train.lr_step_size", "train.lr_gamma", "train.lr_t_max", "train.lr_min" };
    char name[LINE], line[LINE], at[LINE];
    ran r;
    if (k->kind != HK__TEXT) return;
    snprintf(name, sizeof name, "%s.%s", sec->name, k->name);
    for (size_t i = 0; i < sizeof any / sizeof any[0]; i++)
        if (!strcmp(any[i], name)) return;
    static const char *const wrong[] = { "((", "12", "/none/of/these", "Nosuch()" };
    for (int w = 0; w < 4; w++) {
        snprintf(line, sizeof line, "%s = %s", k->name, wrong[w]);
        int no = write_ini(sec->name, k->name, line);
        snprintf(at, sizeof at, "t.ini:%d: [%s] %s: ", no, sec->name, k->name);
        const char *args[] = { "plan", "t.ini", "--set", "data.name=MNIST(root=\".\")", "--set", "train.optimizer=SGD()", "--set", "model.type=Linear(1, 1)", NULL };
        int n = 2;
        for (int i = 2; args[i]; i += 2) { /* the others must be right, so that this one is met */
            if (!strncmp(args[i + 1], name, strlen(name))) continue;
            args[n] = args[i], args[n + 1] = args[i + 1], n += 2;
        }
        args[n] = NULL;
        if (!strncmp(name, "backend.", 8)) { /* is looked at when the data is there */
            if (access("/usr/share/datasets/fashion-mnist", R_OK)) return;
            args[3] = "data.name=FashionMNIST()";
        }
        run_command(&r, args);
        int code = !strcmp(name, "plugins.path") || !strcmp(name, "hooks.load") ? 4 : 2;
        check_refused(&r, line, code, at, (const char *const[]){ NULL });
        if (!strstr(r.err, "expected") && !strstr(r.err, "no ") && !strstr(r.err, "No such")) fail_msg("%s: does not say what is wrong: %s", line, r.err);
        n_cases++;
    }
}

/* A bound of a key, or a number just beyond it: a whole one, or for a real a relative distance of 1e-9 (1e-9 itself beside 0). */
static const char *bound(const hk__key *k, double at, int beyond) {
    static char v[64];
    if (k->kind == HK__REAL) snprintf(v, sizeof v, "%.17g", at + beyond * 1e-9 * (at ? fabs(at) : 1));
    else snprintf(v, sizeof v, "%.0f", at + beyond);
    return v;
}

EACH(below_and_above) {
    if (!is_number(k)) return;
    must_refuse(sec, k, bound(k, k->lo, -1));
    must_refuse(sec, k, bound(k, k->hi, 1));
    must_refuse(sec, k, "-9223372036854775808");
    must_refuse(sec, k, "9223372036854775807");
    must_refuse(sec, k, "99999999999999999999");
    good(sec->name, k, bound(k, k->lo, 0));
    good(sec->name, k, bound(k, k->hi, 0));
}

EACH(twice) {
    char line[2 * LINE], at[LINE], word[LINE];
    ran r;
    snprintf(line, sizeof line, "%s = %s\n%s = %s", k->name, good_value(k), k->name, good_value(k));
    int no = write_ini(sec->name, k->name, line);
    snprintf(at, sizeof at, "t.ini:%d: [%s] %s: comes twice", no + 1, sec->name, k->name);
    snprintf(word, sizeof word, "got this one and line %d", no);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--print-config", NULL });
    check_refused(&r, line, 2, at, (const char *const[]){ "expected one line with it", word, NULL });
    n_cases++;
}

static void misspell(const hk__section *sec, const hk__key *k, const char *name) {
    char word[LINE];
    snprintf(word, sizeof word, "did you mean '%s'?", k->name);
    mistake(sec->name, k->name, name, good_value(k), (const char *const[]){ "unknown key", word, NULL });
}

EACH(misspelt) {
    char name[LINE];
    size_t n = strlen(k->name);
    strcpy(name, k->name);
    name[0] = (char)(isupper((unsigned char)name[0]) ? tolower((unsigned char)name[0]) : toupper((unsigned char)name[0]));
    misspell(sec, k, name);
    if (n < 2) return; /* one letter is like any other */
    snprintf(name, sizeof name, "%s%c", k->name, k->name[n - 1]), misspell(sec, k, name);
    if (n < 4) return;
    strcpy(name, k->name), name[n - 1] = 0, misspell(sec, k, name);
    if (k->name[1] != k->name[2]) strcpy(name, k->name), name[1] = k->name[2], name[2] = k->name[1], misspell(sec, k, name);
}

EACH(left_out) {
    char at[LINE];
    ran r;
    int no = write_ini(sec->name, k->name, NULL);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--print-config", NULL });
    if (k->def) {
        if (r.code) fail_msg("[%s] %s left out: exit code %d, %s", sec->name, k->name, r.code, r.err);
        return;
    }
    snprintf(at, sizeof at, "t.ini:%d: [%s] %s: missing: ", no, sec->name, k->name);
    check_refused(&r, k->name, 2, at, (const char *const[]){ expected(k), "got nothing", NULL });
    n_cases++;
}

static void sections(void **state) {
    (void)state;
    char name[LINE], at[LINE], word[LINE], set[LINE];
    ran r;
    for (int s = 0; s < hk__train_schema.n; s++) {
        const hk__section *sec = &hk__train_schema.sections[s];
        write_ini("", NULL, NULL);
        snprintf(name, sizeof name, "%s%c", sec->name, sec->name[strlen(sec->name) - 1]);
        snprintf(word, sizeof word, "did you mean '%s'?", sec->name);
        FILE *f = fopen("t.ini", "w");
        fprintf(f, "\n[%s]\n", name), fclose(f);
        snprintf(at, sizeof at, "t.ini:2: unknown section [%.100s]", name);
        run_command(&r, (const char *const[]){ "train", "t.ini", "--print-config", NULL });
        check_refused(&r, name, 2, at, (const char *const[]){ word, NULL });
        write_ini("", NULL, NULL);
        snprintf(at, sizeof at, "--set 1: unknown section [%.100s]", name);
        snprintf(set, sizeof set, "%.100s.x=1", name);
        run_command(&r, (const char *const[]){ "train", "t.ini", "--set", set, "--print-config", NULL });
        check_refused(&r, set, 2, at, (const char *const[]){ word, NULL });
        n_cases += 2;
        if (sec->rest == HK__CLOSED) continue;
        mistake(sec->name, NULL, "own.name", "", (const char *const[]){ "empty value", "got nothing", NULL });
    }
}

/* By --set a key may come more than once, and over the file's: the last one counts. */
EACH(set_over_set) {
    char line[LINE], set[LINE], *end;
    ran r;
    if (k->kind != HK__INT) return;
    snprintf(line, sizeof line, "%s = %.0f", k->name, k->lo);
    write_ini(sec->name, k->name, line);
    snprintf(set, sizeof set, "%s.%s=%.0f", sec->name, k->name, k->lo + 1);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--set", set, "--set", set, "--print-config", NULL });
    snprintf(line, sizeof line, "[%s]\n", sec->name);
    char *at = strstr(r.out, line);
    assert_non_null(at);
    if ((end = strstr(at, "\n\n"))) *end = 0;
    snprintf(line, sizeof line, "\n%s = %.0f", k->name, k->lo + 1);
    if (r.code || !strstr(at, line)) fail_msg("--set %s: exit code %d, expected '%s' in\n%s%s", set, r.code, line + 1, at, r.err);
}

static char dir[] = "/tmp/hillock-keys-XXXXXX";
static int begin(void **state) {
    (void)state;
    return !mkdtemp(dir) || chdir(dir);
}
static int end(void **state) {
    (void)state;
    printf("count: ini_keys %d\n", n_cases);
    unlink("t.ini");
    return chdir("/") || rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(empty),
        TEST(wrong_type),
        TEST(wrong_text),
        TEST(below_and_above),
        TEST(twice),
        TEST(misspelt),
        TEST(left_out),
        cmocka_unit_test(sections),
        TEST(set_over_set),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
