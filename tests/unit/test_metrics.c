/* test_metrics.c - metrics.jsonl: each line is one JSON object with the keys that are promised. */
#include "trainer.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_lines(void **state) {
    (void)state;
    char path[] = "/tmp/hillock_metrics_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    hk__metrics m = { NULL };
    assert_int_equal(hk__metrics_open(&m, path), HK_OK);
    hk__epoch_metrics e = { 1, 0.25, 0.5, NAN, 0.125, 12345.678, .train_acc5 = NAN, .test_acc5 = 0.75, .lr = 0.001, .test_img_per_s = 2e5, .seconds = 3, .train_s = 2,
        .data_s = 0.25, .test_s = 0.5, .peak_memory = 123456789 };
    assert_int_equal(hk__metrics_step(&m, 1, 50, 0.1, 0.75, 1e-3, 1e5), HK_OK);
    assert_int_equal(hk__metrics_epoch(&m, &e), HK_OK);
    FILE *f = fopen(path, "r"); /* lines are there before close */
    assert_non_null(f);
    char line[512];
    json_error_t err;

    assert_non_null(fgets(line, sizeof line, f));
    json_t *o = json_loads(line, 0, &err);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "step")), 50);
    assert_int_equal(json_integer_value(json_object_get(o, "epoch")), 1);
    assert_true(json_number_value(json_object_get(o, "train_loss")) == 0.1);
    assert_true(json_number_value(json_object_get(o, "lr")) == 1e-3);
    json_decref(o);

    assert_non_null(fgets(line, sizeof line, f));
    o = json_loads(line, 0, &err);
    assert_non_null(o);
    assert_int_equal(json_object_size(o), 15);
    assert_null(json_object_get(o, "train_acc5"));
    assert_true(json_number_value(json_object_get(o, "test_acc5")) == 0.75);
    assert_true(json_number_value(json_object_get(o, "data_s")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(o, "peak_memory")), 123456789);
    assert_int_equal(json_string_length(json_object_get(o, "time")), 20);
    assert_null(json_object_get(o, "step"));
    assert_int_equal(json_integer_value(json_object_get(o, "epoch")), 1);
    assert_true(json_number_value(json_object_get(o, "train_loss")) == 0.25);
    assert_true(json_number_value(json_object_get(o, "train_acc")) == 0.5);
    assert_true(json_is_null(json_object_get(o, "test_loss")));
    assert_true(json_number_value(json_object_get(o, "test_acc")) == 0.125);
    assert_true(json_number_value(json_object_get(o, "img_per_s")) == 12345.678);
    json_decref(o);
    assert_null(fgets(line, sizeof line, f));
    fclose(f);
    assert_int_equal(hk__metrics_close(&m), HK_OK);
    assert_int_equal(hk__metrics_close(&m), HK_OK);
    unlink(path);
}

static void test_errors(void **state) {
    (void)state;
    hk__metrics m = { NULL };
    assert_int_equal(hk__metrics_open(&m, "/nonexistent/metrics.jsonl"), HK_EIO);
    hk__epoch_metrics e = { .epoch = 1 };
    assert_int_equal(hk__metrics_epoch(&m, &e), HK_OK); /* no file: nothing to do */
    if (access("/dev/full", W_OK)) return;
    assert_int_equal(hk__metrics_open(&m, "/dev/full"), HK_OK);
    assert_int_equal(hk__metrics_epoch(&m, &e), HK_EIO);
    hk__metrics_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_errors) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
