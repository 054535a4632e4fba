/* test_metrics_csv.c - metrics.csv says what the epochs' lines of metrics.jsonl say: after an epoch, after a cut, and when a line brings a new key. */
#include "trainer.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/hillock_csv_XXXXXX", jsonl[64], csv[64];
static char text[8192];

static const char *slurp(void) {
    FILE *f = fopen(csv, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

/* Cell of a row (0: the header) in a column by name. */
static const char *cell(int row, const char *column) {
    static char out[256];
    const char *line = slurp();
    int at = -1, k = 0;
    for (const char *p = line; *p && *p != '\n'; k++) {
        size_t n = strcspn(p, ",\n");
        if (n == strlen(column) && !memcmp(p, column, n)) at = k;
        p += n + (p[n] == ',');
    }
    if (at < 0) fail_msg("there is no column %s in:\n%s", column, line);
    for (; row; row--) {
        line = strchr(line, '\n');
        if (!line || !line[1]) fail_msg("there is no row %d in:\n%s", row, text);
        line++;
    }
    for (; at; at--) line += strcspn(line, ",\n") + 1;
    snprintf(out, sizeof out, "%.*s", (int)strcspn(line, ",\n"), line);
    return out;
}

static void append(const char *line) {
    FILE *f = fopen(jsonl, "a");
    assert_non_null(f);
    fputs(line, f);
    assert_int_equal(fclose(f), 0);
}

static int rows(void) {
    int n = -1;
    for (const char *p = slurp(); *p; p++) n += *p == '\n';
    return n;
}

static void test_follow(void **state) {
    (void)state;
    hk__metrics m = { NULL };
    hk__csv *c;
    hk__epoch_metrics e = { .epoch = 1, .train_loss = 0.25, .train_acc5 = NAN, .test_acc = 0.123456789, .test_acc5 = NAN, .peak_memory = 1234567890123 };
    assert_int_equal(hk__metrics_open(&m, jsonl), HK_OK);
    assert_int_equal(hk__csv_open(jsonl, csv, &c), HK_OK);
    assert_int_equal(rows(), 0);
    assert_int_equal(hk__metrics_step(&m, 1, 5, 0.1, 0.2, 0.3, 4), HK_OK);
    assert_int_equal(hk__metrics_epoch(&m, &e), HK_OK);
    assert_int_equal(hk__csv_follow(c), HK_OK);
    assert_int_equal(rows(), 1); /* steps have no row */
    assert_string_equal(cell(1, "epoch"), "1");
    assert_string_equal(cell(1, "train_loss"), "0.25");
    assert_string_equal(cell(1, "train_acc5"), "");
    assert_string_equal(cell(1, "test_acc"), "0.123456789");
    assert_string_equal(cell(1, "peak_memory"), "1234567890123");

    append("{\"epoch\": 2, \"train_loss\": 0.125, \"note\": \"a, \\\"b\\\"\", \"rates\": {\"net.1\": 0.5}}\n"); /* new columns: the table is made anew */
    assert_int_equal(hk__csv_follow(c), HK_OK);
    assert_int_equal(rows(), 2);
    assert_string_equal(cell(1, "train_loss"), "0.25");
    assert_string_equal(cell(1, "rates.net.1"), "");
    assert_string_equal(cell(2, "epoch"), "2");
    assert_non_null(strstr(text, ",\"a, \"\"b\"\"\",0.5\n"));
    append("{\"epoch\": 3, \"train_loss\": 0.0625"); /* not whole yet */
    assert_int_equal(hk__csv_follow(c), HK_OK);
    assert_int_equal(rows(), 2);
    append(", \"rates\": {\"net.1\": 0.75}}\n");
    assert_int_equal(hk__csv_follow(c), HK_OK);
    assert_int_equal(rows(), 3);
    assert_string_equal(cell(3, "rates.net.1"), "0.75");
    hk__csv_free(c), hk__metrics_close(&m);
}

/* Both are cut alike. */
static void test_resume(void **state) {
    (void)state;
    hk__metrics m = { NULL };
    hk__csv *c;
    append("{\"epoch\": 4, \"tr");
    assert_int_equal(hk__metrics_resume(&m, jsonl, 2, 10), HK_OK);
    assert_int_equal(hk__csv_open(jsonl, csv, &c), HK_OK);
    assert_int_equal(rows(), 2);
    assert_string_equal(cell(2, "train_loss"), "0.125");
    hk__csv_free(c), hk__metrics_close(&m);
}

static void test_errors(void **state) {
    (void)state;
    hk__csv *c;
    assert_int_equal(hk__csv_open("/nonexistent/metrics.jsonl", csv, &c), HK_EIO);
    hk__csv_free(c);
    assert_int_equal(hk__csv_open(jsonl, "/nonexistent/metrics.csv", &c), HK_EIO);
    hk__csv_free(c);
    assert_int_equal(hk__csv_follow(NULL), HK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_follow), cmocka_unit_test(test_resume), cmocka_unit_test(test_errors) };
    if (!mkdtemp(dir)) return 1;
    snprintf(jsonl, sizeof jsonl, "%s/metrics.jsonl", dir), snprintf(csv, sizeof csv, "%s/metrics.csv", dir);
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(jsonl), unlink(csv), rmdir(dir);
    return bad;
}
