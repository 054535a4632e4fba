/* test_registry.c - registration, its roll-back, the plugin handshake, and which files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* a slot of our tables */

#include "core.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)b, (void)self, (void)n_in, (void)n_out;
    out[0] = in[0];
    return HK_OK;
}
static const hk_module_type layer = { .struct_size = sizeof layer, .role = HK_LAYER, .doc = "test", .build = build };

static const hk_host *kept_host;
static hk_status init_a(const hk_host *h) {
    kept_host = h;
    return h->add(h->ctx, "hk.module/1", "TestA", &layer);
}
static hk_status init_b(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "TestB", &layer); }
static hk_status init_same(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "TestA", &layer); }
static hk_status init_fails_late(const hk_host *h) {
    h->add(h->ctx, "hk.module/1", "TestLate", &layer);
    return h->fail(h->ctx, HK_EIO, "the %s is missing", "firmware");
}
static hk_status init_ignores_failure(const hk_host *h) {
    h->add(h->ctx, "hk.module/1", "TestGood", &layer);
    h->add(h->ctx, "hk.module/7", "TestOdd", &layer);
    return HK_OK;
}
static hk_status init_bad_type(const hk_host *h) {
    hk_module_type t = layer;
    t.build = NULL;
    return h->add(h->ctx, "hk.module/1", "TestBad", &t);
}
static hk_status init_short(const hk_host *h) {
    hk_module_type t = layer;
    t.struct_size = 16;
    return h->add(h->ctx, "hk.module/1", "TestShort", &t);
}
static hk_status init_longer(const hk_host *h) {
    struct {
        hk_module_type t;
        uint64_t newer;
    } t = { layer, 7 };
    t.t.struct_size = sizeof t;
    return h->add(h->ctx, "hk.module/1", "TestLonger", &t);
}
static hk_status init_bad_default(const hk_host *h) {
    static const hk_field f[] = { { "k", HK_INT, 0, "3)", 0, 0, NULL, "" } };
    hk_module_type t = layer;
    t.fields = f, t.n_fields = 1;
    return h->add(h->ctx, "hk.module/1", "TestDefault", &t);
}

static hk_plugin_entry entry(const char *id, hk_status (*init)(const hk_host *)) {
    return (hk_plugin_entry){ HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, id, "1.2", "Apache-2.0", NULL, init, NULL };
}

static hk_context *ctx;
static int setup(void **state) {
    (void)state;
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, NULL, 1, 0 };
    return hk_context_new(&config, &ctx);
}
static int teardown(void **state) {
    (void)state;
    hk_context_free(ctx);
    return 0;
}

/* Adds the plugin, expects `want`, and that the error has the text. */
static void add_expecting(hk_plugin_entry e, hk_status want, const char *text) {
    hk_status st = hk_plugin_add(ctx, &e);
    if (st != want || (text && !strstr(hk_error(ctx), text))) print_error("got %s: %s\n", hk_status_name(st), hk_error(ctx));
    assert_int_equal(st, want);
    if (text) assert_non_null(strstr(hk_error(ctx), text));
}

static void a_type_is_found_after_init(void **state) {
    (void)state;
    const char *plugin = NULL;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    assert_non_null(hk__registry_get(ctx, "hk.module/1", "TestA", &plugin));
    assert_string_equal(plugin, "test.a");
    assert_null(hk_type_get(ctx, "hk.module/1", "testa"));
    assert_null(hk_type_get(ctx, "hk.surrogate/1", "TestA"));
}

static void registration_outside_init_is_refused(void **state) {
    (void)state;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    assert_int_equal(kept_host->add(ctx, "hk.module/1", "TestLater", &layer), HK_ESTATE);
    assert_null(hk_type_get(ctx, "hk.module/1", "TestLater"));
}

static void a_duplicate_names_both_plugins(void **state) {
    (void)state;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    add_expecting(entry("test.same", init_same), HK_EPLUGIN, "'test.same' adds module 'TestA', which plugin 'test.a'");
}

static void failing_init_is_rolled_back(void **state) {
    (void)state;
    add_expecting(entry("test.late", init_fails_late), HK_EPLUGIN, "its init failed: the firmware is missing");
    assert_null(hk_type_get(ctx, "hk.module/1", "TestLate"));
}

static void an_ignored_failure_counts(void **state) {
    (void)state;
    add_expecting(entry("test.ignores", init_ignores_failure), HK_EPLUGIN, "'hk.module/7'");
    assert_null(hk_type_get(ctx, "hk.module/1", "TestGood"));
}

static void bad_vtables_are_refused(void **state) {
    (void)state;
    add_expecting(entry("test.1", init_bad_type), HK_EPLUGIN, "module 'TestBad': build is NULL");
    add_expecting(entry("test.2", init_short), HK_EPLUGIN, "struct_size is 16, expected at least");
    add_expecting(entry("test.3", init_bad_default), HK_EPLUGIN, "default of field 'k': column 2");
}

static void a_newer_longer_vtable_is_cut(void **state) {
    (void)state;
    add_expecting(entry("test.longer", init_longer), HK_OK, NULL);
    const hk_module_type *t = hk_type_get(ctx, "hk.module/1", "TestLonger");
    assert_int_equal(t->struct_size, sizeof *t);
}

static void nothing_is_added_after_the_freeze(void **state) {
    (void)state;
    hk__registry_freeze(ctx);
    add_expecting(entry("test.a", init_a), HK_ESTATE, "before the first network");
}

static void handshake_says_both_numbers(void **state) {
    (void)state;
    hk_plugin_entry e = entry("test.a", init_a);
    e.abi_major = HK_ABI_MAJOR + 1;
    add_expecting(e, HK_EPLUGIN, "expected 0.1 or older of the same major, got 1.1");
    e = entry("test.a", init_a);
    e.abi_minor = HK_ABI_MINOR + 1;
    add_expecting(e, HK_EPLUGIN, "install a newer Hillock");
    e = entry("test.a", init_a);
    e.abi_print ^= 1;
    add_expecting(e, HK_EPLUGIN, "laid out differently");
    e = entry("test.a", init_a);
    e.magic = 1;
    add_expecting(e, HK_EPLUGIN, "got 00000001");
    assert_null(hk_type_get(ctx, "hk.module/1", "TestA"));
}

static void one_id_is_loaded_once(void **state) {
    (void)state;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    add_expecting(entry("test.a", init_b), HK_EPLUGIN, "was found before");
}

static void needs_must_be_there(void **state) {
    (void)state;
    static const char *const needs[] = { "test.a", NULL };
    hk_plugin_entry e = entry("test.b", init_b);
    e.needs = needs;
    add_expecting(e, HK_EPLUGIN, "needs plugin 'test.a', expected before it, and got none");
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    add_expecting(e, HK_OK, NULL);
}

static void a_plugin_that_needs_itself_is_a_circle(void **state) {
    (void)state;
    static const char *const needs[] = { "test.b", NULL };
    hk_plugin_entry e = entry("test.b", init_b);
    e.needs = needs;
    add_expecting(e, HK_EPLUGIN, "got test.b -> test.b");
}

static void collect(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    (void)iface, (void)plugin, (void)vtable;
    strcat(arg, id);
}
static void types_come_in_order_of_id(void **state) {
    (void)state;
    char all[64] = "";
    add_expecting(entry("test.b", init_b), HK_OK, NULL);
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    hk_type_each(ctx, "hk.module/1", collect, all);
    assert_string_equal(all, "TestATestB");
}

static void a_missing_type_says_what_is_there(void **state) {
    (void)state;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    assert_int_equal(hk__registry_missing(ctx, "hk.module/1", "Testa"), HK_ENOTFOUND);
    assert_string_equal(hk_error(ctx), "no module 'Testa' (did you mean 'TestA'?); there are TestA");
    assert_int_equal(hk__registry_missing(ctx, "hk.surrogate/1", "X"), HK_ENOTFOUND);
}

static void the_host_table_outlives_the_context(void **state) {
    (void)state;
    add_expecting(entry("test.a", init_a), HK_OK, NULL);
    const hk_host *host = kept_host;
    hk_context_free(ctx);
    assert_null(host->ctx);
    assert_int_equal(host->fail(host->ctx, HK_EIO, "too late"), HK_EIO);
    assert_int_equal(setup(NULL), 0);
}

static void isa_is_capped(void **state) {
    (void)state;
    const hk_context_config config = { sizeof config, HK_ISA_BASELINE, NULL, 1, 0 };
    hk_context *capped = NULL;
    assert_int_equal(hk_context_new(&config, &capped), HK_OK);
    assert_int_equal(hk_context_isa(capped), HK_ISA_BASELINE);
    hk_context_free(capped);
}

/* ---- files ---- */

static void write_file(const char *path, const char *text, mode_t mode) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void last_refused(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    (void)file, (void)id, (void)version;
    if (refused) snprintf(arg, 512, "%s", refused);
}

static void bad_files_are_refused(void **state) {
    (void)state;
    char folder[] = "/tmp/hillock-test-XXXXXX", file[128], other[128];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/x.so", folder);
    snprintf(other, sizeof other, "%s/readme.txt", folder);
    write_file(file, "not a shared object, but long enough to hold an ELF header: 0123456789", 0644);
    write_file(other, "", 0644);

    assert_int_equal(hk_plugin_load(ctx, file), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), "no ELF header"));
    assert_int_equal(chmod(file, 0666), 0);
    assert_int_equal(hk_plugin_load(ctx, file), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), "may be written by everybody"));
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(hk_plugin_load(ctx, file), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), "may be written by everybody"));
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(hk_plugin_load(ctx, folder), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), "it is a folder, expected a regular file"));
    assert_int_equal(hk_plugin_load(ctx, "/nowhere/x.so"), HK_EPLUGIN);

    /* in a folder the same file is kept with its reason, and is no error */
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, folder, 1, 0 };
    hk_context *searched = NULL;
    char reason[512] = "";
    assert_int_equal(hk_context_new(&config, &searched), HK_OK);
    hk_plugin_each(searched, last_refused, reason);
    assert_non_null(strstr(reason, "no ELF header"));
    hk_context_free(searched);

    unlink(file);
    unlink(other);
    rmdir(folder);
}

static void a_named_folder_must_exist(void **state) {
    (void)state;
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, "/nowhere/at/all", 1, 0 };
    hk_context *searched = NULL;
    assert_int_equal(hk_context_new(&config, &searched), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(searched), "/nowhere/at/all"));
    hk_context_free(searched);
}

static void the_environment_takes_no_relative_path(void **state) {
    (void)state;
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, NULL, 0, 0 };
    hk_context *searched = NULL;
    setenv("HILLOCK_PLUGIN_PATH", "plugins", 1);
    assert_int_equal(hk_context_new(&config, &searched), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(searched), "expected it to begin with '/'"));
    unsetenv("HILLOCK_PLUGIN_PATH");
    hk_context_free(searched);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_type_is_found_after_init),
        TEST(registration_outside_init_is_refused),
        TEST(a_duplicate_names_both_plugins),
        TEST(failing_init_is_rolled_back),
        TEST(an_ignored_failure_counts),
        TEST(bad_vtables_are_refused),
        TEST(a_newer_longer_vtable_is_cut),
        TEST(nothing_is_added_after_the_freeze),
        TEST(handshake_says_both_numbers),
        TEST(one_id_is_loaded_once),
        TEST(needs_must_be_there),
        TEST(a_plugin_that_needs_itself_is_a_circle),
        TEST(types_come_in_order_of_id),
        TEST(a_missing_type_says_what_is_there),
        TEST(the_host_table_outlives_the_context),
        TEST(isa_is_capped),
        TEST(bad_files_are_refused),
        TEST(a_named_folder_must_exist),
        TEST(the_environment_takes_no_relative_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
