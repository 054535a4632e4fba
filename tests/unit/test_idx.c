/* test_idx.c - the IDX data sets: good files, plain and gzip. Bad ones: test_idx_cases.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hillock/hillock.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hk_context *ctx;
static char dir[] = "/tmp/hillock-idx-XXXXXX";

enum { N = 5, SIZE = 28 * 28 };
static uint8_t images[16 + N * SIZE + 8], labels[8 + N + 8];
static const char *const names[] = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void fresh(void) {
    put32(images, 0x803), put32(images + 4, N), put32(images + 8, 28), put32(images + 12, 28);
    put32(labels, 0x801), put32(labels + 4, N);
    for (int i = 0; i < N * SIZE; i++) images[16 + i] = (uint8_t)(i * 31 + i / SIZE);
    for (int i = 0; i < N; i++) labels[8 + i] = (uint8_t)(9 - i);
}

static void write_file(const char *name, const uint8_t *data, size_t n) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void clear(void) {
    char path[256];
    for (size_t i = 0; i < 4; i++)
        for (int gz = 0; gz < 2; gz++) {
            snprintf(path, sizeof path, "%s/%s%s", dir, names[i], gz ? ".gz" : "");
            unlink(path);
        }
}

static void write_good(void) {
    clear();
    fresh();
    write_file(names[0], images, 16 + N * SIZE);
    write_file(names[1], labels, 8 + N);
}

static void shell(const char *fmt, const char *name) {
    char command[512];
    snprintf(command, sizeof command, fmt, dir, name, dir, name, dir, name);
    assert_int_equal(system(command), 0);
}

static hk_status open_set(const char *id, int train, hk_module **m, const hk_dataset_type **type, void **ds) {
    char text[256];
    snprintf(text, sizeof text, "%s(root=\"%s\")", id, dir);
    if (hk_module_new_from_text(ctx, "hk.dataset/1", text, m)) fail_msg("%s", hk_error(ctx));
    *type = hk_type_get(ctx, "hk.dataset/1", id);
    return (*type)->open(*m, train, ds);
}

static void expect_good(const char *id) {
    hk_module *m;
    const hk_dataset_type *type;
    void *ds;
    int64_t shape[HK_MAX_RANK], y[3];
    const int64_t index[3] = { 4, 0, 4 };
    static float x[3 * SIZE];
    if (open_set(id, 1, &m, &type, &ds)) fail_msg("%s", hk_error(ctx));
    assert_int_equal(type->size(ds), N);
    assert_int_equal(type->classes(ds), 10);
    assert_string_equal(type->class_name(ds, 9), strcmp(id, "MNIST") ? "Ankle boot" : "9");
    assert_int_equal(type->shape(ds, shape), 3);
    assert_true(shape[0] == 1 && shape[1] == 28 && shape[2] == 28);
    assert_int_equal(type->read(ds, 3, index, x, y), HK_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(y[i], 9 - index[i]);
        for (int k = 0; k < SIZE; k++) assert_true(x[i * SIZE + k] == (float)images[16 + index[i] * SIZE + k] / 255.0f);
    }
    const int64_t outside = N;
    assert_int_equal(type->read(ds, 1, &outside, x, y), HK_EINVAL);
    type->close(ds);
    type->close(NULL);
    hk_module_free(m);
}

static void good_files(void **state) {
    (void)state;
    write_good();
    expect_good("MNIST");
    expect_good("FashionMNIST");
    shell("gzip -f %s/%s", names[0]);
    shell("gzip -f %s/%s", names[1]);
    expect_good("MNIST");
}

static int setup(void **state) {
    (void)state;
    return !mkdtemp(dir) || hk_context_new(NULL, &ctx);
}
static int teardown(void **state) {
    (void)state;
    clear();
    rmdir(dir);
    hk_context_free(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(good_files) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
