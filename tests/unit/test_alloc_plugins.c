/* test_alloc_plugins.c - no memory while a context loads the plugins of the build's folder: an error, never a context that lacks one. */
#include "alloc_fail.h"

static hk_context *ctx;
static int types_whole; /* how many types there are with all plugins */

static void count(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    (void)iface, (void)id, (void)plugin, (void)vtable;
    ++*(int *)arg;
}
static int types(void) {
    int n = 0;
    hk_type_each(ctx, NULL, count, &n);
    return n;
}
static void no_refused(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    (void)arg, (void)id, (void)version;
    if (refused) fail_msg("%s is refused: %s", file, refused);
}

static void count_plugin(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    (void)file, (void)id, (void)version, (void)refused;
    ++*(int *)arg;
}

static void nothing(void) { ctx = NULL; }
static const char *error(void) { return ctx ? hk_error(ctx) : "no memory for the context itself"; }
static void release(void) { hk_context_free(ctx), ctx = NULL; }
static void out_of_memory(hk_status st) { assert_int_equal(st, HK_ENOMEM); }
static void all_there(void) {
    hk_plugin_each(ctx, no_refused, NULL);
    if (!types_whole) types_whole = types();
    assert_int_equal(types(), types_whole);
}

static hk_status load_folder(void) {
    hk_context_config c = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context_free(ctx);
    c.plugin_path = HILLOCK_BUILD_PLUGIN_DIR, c.no_default_plugins = 1, c.log_level = 0;
    return hk_context_new(&c, &ctx);
}

/* One file after the other into a context that stays: what failed can be loaded again, and nothing of it stays registered. */
static const char *const files[] = { "containers", "neurons", "surrogates", "losses" };
static void empty_context(void) {
    hk_context_config c = HK_CONTEXT_CONFIG_DEFAULT;
    c.no_default_plugins = 1, c.log_level = 0;
    assert_int_equal(hk_context_new(&c, &ctx), HK_OK);
}
static int before, attempt;
static hk_status load_files(void) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        before = types();
        snprintf(path, sizeof path, "%s/%s.so", HILLOCK_BUILD_PLUGIN_DIR, files[i]);
        hk_status st = hk_plugin_load(ctx, path);
        if (st) return st;
    }
    return HK_OK;
}
static void none_of_it(hk_status st) {
    out_of_memory(st);
    assert_int_equal(types(), before);
}
static void four_there(void) {
    if (!attempt) attempt = types();
    assert_true(attempt > 20);
    assert_int_equal(types(), attempt);
}

static hk_status add_nothing(const hk_host *h) {
    (void)h;
    return HK_OK;
}
static const hk_plugin_entry linked = { .magic = HK_PLUGIN_MAGIC, .struct_size = sizeof linked, .abi_major = HK_ABI_MAJOR, .abi_minor = HK_ABI_MINOR,
    .abi_print = HK_ABI_PRINT, .id = "linked", .version = "1", .license = "MIT", .init = add_nothing };
static hk_status add_linked(void) { return hk_plugin_add(ctx, &linked); }
static void added(void) { assert_int_equal(types(), 0); }

static void test_folder(void **state) {
    (void)state;
    alloc_scenario s = { "plugin folder", nothing, load_folder, error, out_of_memory, all_there, release, 0, 1 };
    nothing();
    assert_int_equal(load_folder(), HK_OK);
    hk_plugin_each(ctx, count_plugin, &s.optional); /* asprintf of a file's path does without a block of the right size */
    release();
    alloc_scenario_run(&s);
}

static void test_files(void **state) {
    (void)state;
    static const alloc_scenario s = { "plugin files", empty_context, load_files, error, none_of_it, four_there, release, 0, 1 };
    alloc_scenario_run(&s);
}

static void test_linked(void **state) {
    (void)state;
    static const alloc_scenario s = { "linked plugin", empty_context, add_linked, error, out_of_memory, added, release, 0, 1 };
    alloc_scenario_run(&s);
}

int main(void) {
    unsetenv("HILLOCK_PLUGIN_PATH");
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_folder), cmocka_unit_test(test_files), cmocka_unit_test(test_linked) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
