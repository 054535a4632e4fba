/* test_plugins_bad.c - every plugin of tests/plugins_bad/ and every spoilt file is refused, with the reason that its source asks for,
 * and leaves nothing behind: the types are the same as before, and a good plugin loads afterwards in the same process. */
#include "hillock/hillock.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SOURCES HILLOCK_SOURCE_DIR "/tests/plugins_bad"
enum { MAX_BAD = 256, MAX_TEXT = 8, TEXT = 4096 };

/* ---- what is expected: the first comment of each source ---- */

typedef struct bad {
    char name[64], file[512];
    char text[MAX_TEXT][256];
    char when[MAX_TEXT]; /* 's'ays, 'n'amed, 'f'ound */
    int n;
} bad;
static bad all[MAX_BAD];
static int n_all, n_refused;

static void read_expected(bad *b, const char *path) {
    static const char *const keys[] = { " * says: ", " * named: ", " * found: " };
    char line[512];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int open = 1; open && fgets(line, sizeof line, f);) {
        line[strcspn(line, "\n")] = 0;
        char *end = strstr(line, " */");
        if (end) *end = 0, open = 0;
        for (int k = 0; k < 3; k++) {
            size_t n = strlen(keys[k]);
            if (strncmp(line, keys[k], n) != 0) continue;
            assert_true(b->n < MAX_TEXT);
            b->when[b->n] = keys[k][3];
            snprintf(b->text[b->n++], sizeof b->text[0], "%s", line + n);
        }
    }
    fclose(f);
    if (b->n == 0) print_error("%s says nothing about the reason\n", path);
    assert_true(b->n > 0);
}

static int by_name(const void *a, const void *b) { return strcmp(((const bad *)a)->name, ((const bad *)b)->name); }

static int read_all(void **state) {
    (void)state;
    char path[1024];
    DIR *dir = opendir(SOURCES);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (n < 3 || strcmp(e->d_name + n - 2, ".c") != 0) continue;
        assert_true(n_all < MAX_BAD && n < sizeof all[0].name);
        bad *b = &all[n_all++];
        memcpy(b->name, e->d_name, n - 2);
        snprintf(b->file, sizeof b->file, "%s/%.*s.so", HILLOCK_BAD_DIR, (int)n - 2, e->d_name);
        snprintf(path, sizeof path, "%s/%s", SOURCES, e->d_name);
        read_expected(b, path);
    }
    closedir(dir);
    qsort(all, (size_t)n_all, sizeof all[0], by_name);
    return 0;
}

/* A reason that lacks a text is printed with it; returns how many. */
static int lacking(const bad *b, char when, const char *reason) {
    int bad_texts = 0;
    for (int i = 0; i < b->n; i++) {
        if ((b->when[i] != 's' && b->when[i] != when) || strstr(reason, b->text[i])) continue;
        print_error("%s: expected '%s' in the reason, got '%s'\n", b->name, b->text[i], reason);
        bad_texts++;
    }
    return bad_texts;
}

/* ---- contexts ---- */

static hk_context *context(const char *path) {
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, path, 1, 0 };
    hk_context *ctx = NULL;
    hk_status st = hk_context_new(&config, &ctx);
    if (st) print_error("%s\n", hk_error(ctx));
    assert_int_equal(st, HK_OK);
    return ctx;
}

static void add_line(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    char *list = arg;
    (void)vtable;
    size_t used = strlen(list);
    snprintf(list + used, TEXT - used, "%s %s %s\n", iface, id, plugin);
}
static void list_types(const hk_context *ctx, char list[TEXT]) {
    list[0] = 0;
    hk_type_each(ctx, NULL, add_line, list);
}

typedef struct reason {
    const char *file;
    char text[TEXT];
    int loaded;
} reason;
static void find_reason(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    reason *r = arg;
    (void)version;
    if (strcmp(file, r->file) != 0) return;
    if (id && !refused) r->loaded++;
    if (refused) snprintf(r->text, sizeof r->text, "%s", refused);
}

/* ---- built plugins ---- */

static const char good_types[] = "hk.module/1 Good good\n", both_types[] = "hk.module/1 After after\nhk.module/1 Good good\n";

static void named_ones_are_errors(void **state) {
    (void)state;
    int wrong = 0;
    for (int i = 0; i < n_all; i++) {
        const bad *b = &all[i];
        char list[TEXT];
        hk_context *ctx = context(HILLOCK_BAD_DIR "/good/good.so");
        hk_status st = hk_plugin_load(ctx, b->file);
        if (st != HK_EPLUGIN) print_error("%s: expected HK_EPLUGIN, got %s\n", b->name, hk_status_name(st)), wrong++;
        wrong += lacking(b, 'n', hk_error(ctx));
        if (!strstr(hk_error(ctx), b->file)) print_error("%s: its file is not named: %s\n", b->name, hk_error(ctx)), wrong++;
        list_types(ctx, list);
        if (strcmp(list, good_types) != 0) print_error("%s: expected the types\n%sgot\n%s", b->name, good_types, list), wrong++;
        reason r = { .file = b->file };
        hk_plugin_each(ctx, find_reason, &r);
        if (r.loaded || !r.text[0]) print_error("%s: the list of plugins does not have it as refused\n", b->name), wrong++;
        st = hk_plugin_load(ctx, HILLOCK_BAD_DIR "/good/after.so");
        list_types(ctx, list);
        if (st || strcmp(list, both_types) != 0) print_error("%s: a good plugin does not load after it: %s\n%s", b->name, hk_error(ctx), list), wrong++;
        hk_context_free(ctx);
    }
    n_refused += n_all;
    assert_true(n_all >= 40);
    assert_int_equal(wrong, 0);
}

static void found_ones_are_kept_with_their_reason(void **state) {
    (void)state;
    char list[TEXT];
    int wrong = 0;
    hk_context *ctx = context(HILLOCK_BAD_DIR "/good:" HILLOCK_BAD_DIR); /* after.so comes before good.so, which it needs */
    list_types(ctx, list);
    assert_string_equal(list, both_types);
    for (int i = 0; i < n_all; i++) {
        reason r = { .file = all[i].file };
        hk_plugin_each(ctx, find_reason, &r);
        if (r.loaded) print_error("%s is loaded\n", all[i].name), wrong++;
        wrong += lacking(&all[i], 'f', r.text);
    }
    assert_int_equal(wrong, 0);

    hk_module *m = NULL;
    assert_int_equal(hk_module_new_from_text(ctx, "hk.module/1", "Bad_other_major()", &m), HK_ENOTFOUND);
    if (!strstr(hk_error(ctx), "more; 'hillock plugins' says why")) print_error("%s\n", hk_error(ctx));
    assert_non_null(strstr(hk_error(ctx), "; refused: '"));
    assert_non_null(strstr(hk_error(ctx), "more; 'hillock plugins' says why"));
    hk_context_free(ctx);
}

/* ---- files made from a good one ---- */

/* dlopen knows files by their number, so nothing here is deleted before the end. */
static char folder[512], good_bytes[1 << 20];
static size_t n_good;
static int n_files;

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/hillock-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    FILE *f = fopen(HILLOCK_BAD_DIR "/good/good.so", "rb");
    assert_non_null(f);
    n_good = fread(good_bytes, 1, sizeof good_bytes, f);
    fclose(f);
    assert_true(n_good > 4096 && n_good < sizeof good_bytes);
    return 0;
}
static int remove_folder(void **state) {
    (void)state;
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* The first n bytes of good.so with `patch` put at `at`. Returns its path. */
static const char *make(size_t n, size_t at, const void *patch, size_t patch_bytes, mode_t mode) {
    static char path[600];
    snprintf(path, sizeof path, "%s/%03d.so", folder, n_files++);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(good_bytes, 1, n, f), n);
    if (patch_bytes) assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    if (patch_bytes) assert_int_equal(fwrite(patch, 1, patch_bytes, f), patch_bytes);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void refused(const char *path, const char *text, const char *advice) {
    n_refused++;
    char list[TEXT];
    hk_context *ctx = context(NULL);
    hk_status st = hk_plugin_load(ctx, path);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') : path;
    if (st != HK_EPLUGIN || !strstr(hk_error(ctx), text) || !strstr(hk_error(ctx), advice) || !strstr(hk_error(ctx), name))
        print_error("%s: expected '%s' and '%s', got %s: %s\n", path, text, advice, hk_status_name(st), hk_error(ctx));
    assert_int_equal(st, HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), text));
    assert_non_null(strstr(hk_error(ctx), advice));
    assert_non_null(strstr(hk_error(ctx), name));
    list_types(ctx, list);
    assert_string_equal(list, "");
    assert_int_equal(hk_plugin_load(ctx, HILLOCK_BAD_DIR "/good/good.so"), HK_OK);
    hk_context_free(ctx);
}

static void accepted(const char *path) {
    hk_context *ctx = context(NULL);
    hk_status st = hk_plugin_load(ctx, path);
    if (st) print_error("%s: %s\n", path, hk_error(ctx));
    assert_int_equal(st, HK_OK);
    assert_non_null(hk_type_get(ctx, "hk.module/1", "Good"));
    hk_context_free(ctx);
}

static void a_copy_is_accepted(void **state) {
    (void)state;
    accepted(make(n_good, 0, NULL, 0, 0644));
}

static void writable_by_everybody(void **state) {
    (void)state;
    refused(make(n_good, 0, NULL, 0, 0666), "may be written by everybody: expected a mode like 0644, got 0666", "run chmod go-w on it");
    char link[600];
    const char *target = make(n_good, 0, NULL, 0, 0646);
    snprintf(link, sizeof link, "%s/link.so", folder);
    assert_int_equal(symlink(target, link), 0);
    hk_context *ctx = context(NULL);
    assert_int_equal(hk_plugin_load(ctx, link), HK_EPLUGIN); /* a link's own mode says nothing */
    assert_non_null(strstr(hk_error(ctx), "got 0646"));
    hk_context_free(ctx);
}

static void folder_writable_by_everybody(void **state) {
    (void)state;
    const char *path = make(n_good, 0, NULL, 0, 0644);
    assert_int_equal(chmod(folder, 0777), 0);
    refused(path, "may be written by everybody: expected a mode like 0755, got 0777", "run chmod go-w on it");
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, folder, 1, 0 };
    hk_context *ctx = NULL;
    assert_int_equal(hk_context_new(&config, &ctx), HK_EPLUGIN); /* the folder is named by the path */
    assert_non_null(strstr(hk_error(ctx), folder));
    assert_non_null(strstr(hk_error(ctx), "got 0777"));
    hk_context_free(ctx);
    assert_int_equal(chmod(folder, 01777), 0);
    accepted(path); /* sticky: nobody replaces another's file */
    assert_int_equal(chmod(folder, 0700), 0);
}

static void not_a_shared_object(void **state) {
    (void)state;
    refused(make(0, 0, "no plugin", 9, 0644), "no ELF header: expected the bytes 7f 45 4c 46, got 6e 6f 20 70", "give a shared object");
    refused(make(0, 0, NULL, 0, 0644), "no ELF header: expected the bytes 7f 45 4c 46, got 00 00 00 00", "give a shared object");
    refused(make(n_good, 16, "\1", 1, 0644), "expected ELF type 3, got 1", "gcc -shared -fPIC");
    refused(folder, "it is a folder, expected a regular file", "name the .so file itself");
    refused("/dev/null", "it is a device, pipe or socket, expected a regular file", "name the .so file itself");
    char pipe[600];
    snprintf(pipe, sizeof pipe, "%s/pipe.so", folder);
    assert_int_equal(mkfifo(pipe, 0644), 0);
    refused(pipe, "it is a device, pipe or socket", "name the .so file itself"); /* and doesn't wait for a writer */
    refused("/nowhere/x.so", "No such file", "check its name");
}

static void for_another_machine(void **state) {
    (void)state;
    refused(make(n_good, 18, "\xb7\0", 2, 0644), "expected x86-64 (e_machine 62), got ARM, 64-bit (e_machine 183)", "build it for this machine");
    refused(make(n_good, 18, "\3\0", 2, 0644), "got x86, 32-bit (e_machine 3)", "build it for this machine");
    refused(make(n_good, 4, "\1", 1, 0644), "it is for another machine", "build it for this machine");
}

/* Loading such a file would end the process by SIGBUS. */
static void cut_off(void **state) {
    (void)state;
    char text[64];
    for (size_t n = 4; n < n_good; n += n < 80 ? 1 : n_good / 61) {
        snprintf(text, sizeof text, "bytes by its ELF headers, got %zu", n);
        refused(make(n, 0, NULL, 0, 0644), text, "copy or build it again");
    }
    snprintf(text, sizeof text, "expected at least %zu bytes by its ELF headers, got %zu", n_good, n_good - 1);
    refused(make(n_good - 1, 0, NULL, 0, 0644), text, "copy or build it again");
    refused(make(n_good, 32, "\377\377\377\377\377\377\377\377", 8, 0644), "its ELF headers are damaged", "copy or build it again");
}

static void from_the_current_directory(void **state) {
    (void)state;
    char before[1024];
    const char *path = make(n_good, 0, NULL, 0, 0644), *name = strrchr(path, '/') + 1;
    char relative[64];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    refused(name, "a name without a folder would mean the current directory: expected a path", "'./x.so'");
    const hk_context_config config = { sizeof config, HK_ISA_AVX512, name, 1, 0 };
    hk_context *ctx = NULL;
    assert_int_equal(hk_context_new(&config, &ctx), HK_EPLUGIN);
    assert_non_null(strstr(hk_error(ctx), "a name without a folder"));
    assert_null(hk_type_get(ctx, "hk.module/1", "Good"));
    hk_context_free(ctx);
    snprintf(relative, sizeof relative, "./%s", name);
    accepted(relative);
    assert_int_equal(chdir(before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(named_ones_are_errors, read_all, NULL),
        cmocka_unit_test(found_ones_are_kept_with_their_reason),
        cmocka_unit_test(a_copy_is_accepted),
        cmocka_unit_test(writable_by_everybody),
        cmocka_unit_test(folder_writable_by_everybody),
        cmocka_unit_test(not_a_shared_object),
        cmocka_unit_test(for_another_machine),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(from_the_current_directory),
    };
    int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
    printf("count: bad_plugins %d\n", n_refused);
    return failed;
}
