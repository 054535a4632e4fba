/* test_safetensors.c - round trips, what the writer refuses, atomic writing. What the reader refuses: test_safetensors_cases.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "file/file.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

static hk_context *ctx;
static char dir[] = "/tmp/hillock-st-XXXXXX";
static char path[64];

static void round_trip(void **state) {
    (void)state;
    float w[6] = { 1, -2, 3.5f, 0, 1e-30f, -0.0f };
    double d = 0.1;
    int64_t n[2] = { -5, INT64_MAX };
    uint8_t m[3] = { 0, 1, 255 };
    const hk_tensor t[] = {
        { .name = "b", .dtype = HK_F32, .rank = 2, .shape = { 2, 3 }, .data = w },
        { .name = "d", .dtype = HK_F64, .rank = 0, .data = &d },
        { .name = "a", .dtype = HK_F32, .rank = 1, .shape = { 0 }, .data = NULL },
        { .name = "n", .dtype = HK_I64, .rank = 1, .shape = { 2 }, .data = n },
        { .name = "m \"x\" \xc3\xa4", .dtype = HK_COUNT, .rank = 1, .shape = { 3 }, .data = m },
    };
    const char *meta[] = { "format", "pt", "hk.text", "line\n\"two\" \x01" };
    const char *const order[] = { "n", "d", "a", "b", "m \"x\" \xc3\xa4" };
    hk_file *f;
    if (hk_file_write(ctx, path, 5, t, 2, meta) || hk_file_read(ctx, path, &f)) fail_msg("%s", hk_error(ctx));
    assert_int_equal(hk_file_n(f), 5);
    for (int i = 0; i < 5; i++) assert_string_equal(hk_file_at(f, i)->name, order[i]);
    assert_memory_equal(hk_file_find(f, "b")->data, w, sizeof w);
    assert_true(hk_file_find(f, "b")->rank == 2 && hk_file_find(f, "b")->shape[1] == 3);
    assert_memory_equal(hk_file_find(f, "d")->data, &d, sizeof d);
    assert_memory_equal(hk_file_find(f, "n")->data, n, sizeof n);
    assert_memory_equal(hk_file_find(f, order[4])->data, m, sizeof m);
    assert_null(hk_file_find(f, "none"));
    assert_null(hk_file_at(f, 5));
    assert_string_equal(hk_file_meta(f, "format"), "pt");
    assert_string_equal(hk_file_meta(f, "hk.text"), meta[3]);
    assert_null(hk_file_meta(f, "none"));
    hk_file_free(f);
    hk_file_free(NULL);
    FILE *in = fopen(path, "rb");
    uint8_t head[9];
    assert_int_equal(fread(head, 1, 9, in), 9);
    fclose(in);
    assert_true(head[0] % 8 == 0 && head[8] == '{'); /* data begins at a multiple of 8 */
}

static void write_refused(void **state) {
    (void)state;
    uint8_t m[2] = { 0 };
    const hk_tensor good = { .name = "a", .dtype = HK_SPIKE, .rank = 1, .shape = { 2 }, .data = m };
    const hk_tensor twice[2] = { good, good };
    const char *bad_meta[] = { "a", "\xff" }, *double_meta[] = { "a", "1", "a", "2" };
    hk_tensor t = good;
    assert_int_equal(hk_file_write(ctx, path, 2, twice, 0, NULL), HK_EINVAL);
    assert_int_equal(hk_file_write(ctx, path, 1, &good, 1, bad_meta), HK_EINVAL);
    assert_int_equal(hk_file_write(ctx, path, 1, &good, 2, double_meta), HK_EINVAL);
    static const char *const names[] = { "", "a\nb", "__metadata__", "\xff" };
    for (size_t i = 0; i < 4; i++) t.name = names[i], assert_int_equal(hk_file_write(ctx, path, 1, &t, 0, NULL), HK_EINVAL);
    t = good, t.dtype = HK_ABSENT, assert_int_equal(hk_file_write(ctx, path, 1, &t, 0, NULL), HK_EINVAL);
    t = good, t.rank = 9, assert_int_equal(hk_file_write(ctx, path, 1, &t, 0, NULL), HK_EINVAL);
    t = good, t.shape[0] = -1, assert_int_equal(hk_file_write(ctx, path, 1, &t, 0, NULL), HK_EINVAL);
    t = good, t.data = NULL, assert_int_equal(hk_file_write(ctx, path, 1, &t, 0, NULL), HK_EINVAL);
}

static int files_in_dir(void) {
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

static int64_t value_in(const char *file) {
    hk_file *f;
    if (hk_file_read(ctx, file, &f)) fail_msg("%s", hk_error(ctx));
    int64_t v = ((const int64_t *)hk_file_find(f, "n")->data)[0];
    hk_file_free(f);
    return v;
}

static hk_status write_value(const char *file, int64_t v, int64_t count) {
    int64_t *data = calloc((size_t)count, sizeof *data);
    for (int64_t i = 0; i < count; i++) data[i] = v;
    const hk_tensor t = { .name = "n", .dtype = HK_I64, .rank = 1, .shape = { count }, .data = data };
    hk_status st = hk_file_write(ctx, file, 1, &t, 0, NULL);
    free(data);
    return st;
}

/* A write that fails leaves the old file, and nothing else. */
static void failed_write(void **state) {
    (void)state;
    struct rlimit old, small;
    int before;
    char gone[80];
    assert_int_equal(write_value(path, 1, 4), HK_OK);
    before = files_in_dir();
    getrlimit(RLIMIT_FSIZE, &old);
    small = old, small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    hk_status st = write_value(path, 2, 100000);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(st, HK_EIO);
    assert_non_null(strstr(hk_error(ctx), path));
    assert_int_equal(value_in(path), 1);
    assert_int_equal(files_in_dir(), before);
    snprintf(gone, sizeof gone, "%s/none/x", dir);
    assert_int_equal(write_value(gone, 1, 1), HK_EIO);
    snprintf(gone, sizeof gone, "%s/", dir);
    assert_int_equal(write_value(gone, 1, 1), HK_EIO);
    assert_int_equal(files_in_dir(), before);
}

static void mode_and_leftovers(void **state) {
    (void)state;
    struct stat s;
    char stale[160];
    mode_t mask = umask(027);
    snprintf(stale, sizeof stale, "%s/.a.%ld.0.tmp", dir, (long)getpid()); /* of a killed process of our number */
    FILE *f = fopen(stale, "w");
    fclose(f);
    assert_int_equal(write_value(path, 3, 1), HK_OK);
    umask(mask);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0640);
    assert_int_equal(value_in(path), 3);
    unlink(stale);
}

/* Killed at any moment, the file is the old one or the new one. */
static void killed_writer(void **state) {
    (void)state;
    char file[80];
    snprintf(file, sizeof file, "%s/k", dir);
    assert_int_equal(write_value(file, 1, 1), HK_OK);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int64_t v = 2;; v++)
                if (write_value(file, v, 5000)) _exit(1);
        }
        usleep((useconds_t)(500 * (i + 1)));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_true(value_in(file) >= 1);
    }
}

static int setup(void **state) {
    (void)state;
    hk_context_config cfg = HK_CONTEXT_CONFIG_DEFAULT;
    cfg.no_default_plugins = 1, cfg.log_level = 0;
    if (!mkdtemp(dir)) return 1;
    snprintf(path, sizeof path, "%s/a", dir);
    return hk_context_new(&cfg, &ctx);
}
static int teardown(void **state) {
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(dir);
    hk_context_free(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(write_refused),
        cmocka_unit_test(failed_write),
        cmocka_unit_test(mode_and_leftovers),
        cmocka_unit_test(killed_writer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
