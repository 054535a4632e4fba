/* test_subset.c - Subset: every n-th sample of another set, from idx on, also of sequences with lengths; what it refuses. */
#include "hillock/hillock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A set that tells which sample it was asked for: 23 (test: 7) sequences of T = 3 steps of 2 numbers. */
static hk_status open_set(const hk_module *self, int train, void **ds) {
    static const int64_t n[] = { 7, 23 };
    (void)self;
    *ds = (void *)(uintptr_t)&n[train];
    return HK_OK;
}
static void close_set(void *ds) { (void)ds; }
static int64_t size(const void *ds) { return *(const int64_t *)ds; }
static int shape(const void *ds, int64_t *dims) {
    (void)ds;
    dims[0] = 2;
    return 1;
}
static int64_t classes(const void *ds) {
    (void)ds;
    return 23;
}
static int64_t steps(const void *ds) {
    (void)ds;
    return 3;
}
static hk_status read_set(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    (void)ds;
    for (int64_t i = 0; i < n; i++) {
        for (int k = 0; k < 6; k++) x[6 * i + k] = (float)(10 * index[i] + k);
        y[i] = index[i];
    }
    return HK_OK;
}
static hk_status lengths(const void *ds, int64_t n, const int64_t *index, int64_t *len) {
    (void)ds;
    for (int64_t i = 0; i < n; i++) len[i] = 1 + index[i] % 3;
    return HK_OK;
}
static const hk_dataset_type telling = { .struct_size = sizeof telling, .doc = "tells", .source = "none", .open = open_set, .close = close_set, .size = size,
    .shape = shape, .classes = classes, .read = read_set, .steps = steps, .lengths = lengths };
static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.dataset/1", "Telling", &telling); }
static const hk_plugin_entry entry = { HK_PLUGIN_MAGIC, sizeof entry, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.telling", "1", "Apache-2.0", NULL, init, NULL };

static hk_context *ctx;
static int begin(void **state) {
    (void)state;
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.plugin_path = HILLOCK_BUILD_PLUGIN_DIR, cc.no_default_plugins = 1;
    return hk_context_new(&cc, &ctx) || hk_plugin_add(ctx, &entry);
}
static int end(void **state) {
    (void)state;
    hk_context_free(ctx);
    return 0;
}

static void check_subset(const char *text, int train, int64_t want_n, int64_t first, int64_t every) {
    hk_module *m;
    void *ds;
    float x[6 * 23];
    int64_t y[23], len[23], index[23];
    if (hk_module_new_from_text(ctx, "hk.dataset/1", text, &m)) fail_msg("%s: %s", text, hk_error(ctx));
    const hk_dataset_type *t = m->api->type(m);
    assert_int_equal(t->open(m, train, &ds), HK_OK);
    if (t->size(ds) != want_n) fail_msg("%s: expected %lld samples, got %lld", text, (long long)want_n, (long long)t->size(ds));
    assert_int_equal(t->steps(ds), 3);
    assert_int_equal(t->classes(ds), 23);
    for (int64_t i = 0; i < want_n; i++) index[i] = want_n - 1 - i;
    assert_int_equal(t->read(ds, want_n, index, x, y), HK_OK);
    assert_int_equal(t->lengths(ds, want_n, index, len), HK_OK);
    for (int64_t i = 0; i < want_n; i++) {
        const int64_t whole = first + every * index[i];
        if (y[i] != whole || (int64_t)x[6 * i + 5] != 10 * whole + 5 || len[i] != 1 + whole % 3)
            fail_msg("%s: sample %lld: expected number %lld of the whole set, got label %lld, x %g, length %lld", text, (long long)index[i], (long long)whole, (long long)y[i],
                (double)x[6 * i + 5], (long long)len[i]);
    }
    t->close(ds);
    hk_module_free(m);
}

static void test_every(void **state) {
    (void)state;
    check_subset("Subset(Telling(), 10)", 1, 3, 0, 10);            /* 0, 10, 20 */
    check_subset("Subset(Telling(), 10)", 0, 1, 0, 10);            /* of seven */
    check_subset("Subset(Telling(), subset=4, idx=3)", 1, 5, 3, 4); /* 3, 7, 11, 15, 19 */
    check_subset("Subset(Telling(), 1)", 1, 23, 0, 1);
    check_subset("Subset(Subset(Telling(), 2), 3, idx=1)", 1, 4, 2, 6); /* of 0, 2, ..: 2, 8, 14, 20 */
}

static void test_refused(void **state) {
    (void)state;
    hk_module *m;
    void *ds;
    assert_int_equal(hk_module_new_from_text(ctx, "hk.dataset/1", "Subset(Telling(), 0)", &m), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(ctx, "hk.dataset/1", "Subset()", &m), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(ctx, "hk.dataset/1", "Subset(Telling(), 2, idx=7)", &m), HK_OK);
    const hk_dataset_type *t = m->api->type(m);
    assert_int_equal(t->open(m, 0, &ds), HK_EDATA); /* seven samples, the first wanted is number 7 */
    assert_non_null(strstr(hk_error(ctx), "expected less than 7"));
    hk_module_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, begin, end);
}
