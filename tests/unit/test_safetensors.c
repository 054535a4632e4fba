/* test_safetensors.c - files that must be refused or accepted (reference/ecosystem.md A1, the probe table), round trips, atomic writing. */
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
static const char zeros[64];

/* A file of this header (n_header bytes) and so many bytes of zeros; `length` is what its first eight bytes say. */
static void put(const void *header, size_t n_header, uint64_t length, const void *data, size_t bytes) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++) fputc((int)(length >> 8 * i & 0xff), f);
    assert_int_equal(fwrite(header, 1, n_header, f), n_header);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static void reject_now(const char *what) {
    hk_file *f = (hk_file *)1;
    hk_status st = hk_file_read(ctx, path, &f);
    if (st != HK_ECHECKPOINT) fail_msg("%s: status %d, expected ECHECKPOINT", what, st);
    assert_null(f);
    if (strncmp(hk_error(ctx), path, strlen(path))) fail_msg("%s: the error does not begin with the file: %s", what, hk_error(ctx));
}

static void reject(const char *header, size_t bytes) {
    put(header, strlen(header), strlen(header), zeros, bytes);
    reject_now(header);
}

static hk_file *accept(const char *header, size_t bytes) {
    hk_file *f = NULL;
    put(header, strlen(header), strlen(header), zeros, bytes);
    if (hk_file_read(ctx, path, &f)) fail_msg("%s: %s", header, hk_error(ctx));
    return f;
}

#define T(name, dtype, shape, from, to) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void accepted(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
    } good[] = {
        { "{}", 0 },
        { "{}      ", 0 },
        { "{" T("a", "F32", "[2,1]", 0, 8) "}", 8 },
        { "{" T("a", "F32", "[]", 0, 4) "}", 4 },
        { "{" T("a", "F64", "[1]", 0, 8) "}", 8 },
        { "{" T("a", "I64", "[1]", 0, 8) "}", 8 },
        { "{" T("a", "U8", "[3]", 0, 3) "}", 3 },
        { "{" T("a", "BOOL", "[3]", 0, 3) "}", 3 },
        { "{" T("a", "F32", "[0]", 0, 0) "}", 0 },
        { "{\"__metadata__\":null}", 0 },
        { "{\"__metadata__\":{}}", 0 },
        { "{\"__metadata__\":{\"a\":\"b\"}," T("t", "U8", "[1]", 0, 1) "}", 1 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":[1]}}", 1 },                    /* an unknown field */
        { "{" T("u", "U8", "[1]", 0, 1) "," T("f", "F32", "[1]", 1, 5) "}", 5 },                                  /* unaligned */
        { "{" T("a", "U8", "[4]", 0, 4) "," T("e", "F32", "[0]", 4, 4) "," T("z", "F32", "[3,0]", 0, 0) "}", 4 }, /* zero sizes share an offset */
        { "{" T("b", "U8", "[1]", 1, 2) "," T("a", "U8", "[1]", 0, 1) "}", 2 },                                   /* not in order of offsets */
        { "{" T("\xc3\xa4", "U8", "[1]", 0, 1) "}", 1 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) hk_file_free(accept(good[i].header, good[i].bytes));
}

static void rejected(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
    } bad[] = {
        { " {}", 0 },
        { "\n{}", 0 },
        { "\xef\xbb\xbf{}", 0 },
        { "[]", 0 },
        { "", 0 },
        { "null", 0 },
        { "{}x", 0 },
        { "{}\n", 0 },
        { "{}{}", 0 },
        { "{", 0 },
        { "{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 0, 1) "}", 1 }, /* key twice */
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1 },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0 },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0 },
        { "{\"__metadata__\":{\"a\":1}}", 0 },
        { "{\"__metadata__\":{\"a\":null}}", 0 },
        { "{\"__metadata__\":[]}", 0 },
        { "{\"__metadata__\":\"\"}", 0 },
        { "{" T("a", "U8", "[1.0]", 0, 1) "}", 1 },
        { "{" T("a", "U8", "[1e0]", 0, 1) "}", 1 },
        { "{" T("a", "U8", "[-1]", 0, 1) "}", 1 },
        { "{" T("a", "U8", "[true]", 0, 1) "}", 1 },
        { "{" T("a", "U8", "1", 0, 1) "}", 1 },
        { "{" T("a", "U8", "[1]", 0.0, 1) "}", 1 },
        { "{" T("a", "U8", "[1]", -1, 0) "}", 1 },
        { "{" T("a", "U8", "[1]", 1, 0) "}", 1 },
        { "{" T("a", "F33", "[1]", 0, 4) "}", 4 },
        { "{" T("a", "f32", "[1]", 0, 4) "}", 4 },
        { "{" T("a", "F16", "[1]", 0, 2) "}", 2 },
        { "{" T("a", "I32", "[1]", 0, 4) "}", 4 },
        { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1 },
        { "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1 },
        { "{\"a\":null}", 0 },
        { "{\"a\":7}", 0 },
        { "{" T("\xff", "U8", "[1]", 0, 1) "}", 1 },
        { "{" T("\\ud800", "U8", "[1]", 0, 1) "}", 1 },                         /* bad UTF-8, lone surrogate */
        { "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3 }, /* hole */
        { "{" T("a", "U8", "[1]", 1, 2) "}", 2 },                               /* hole at the front */
        { "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3 }, /* overlap */
        { "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 0, 2) "}", 2 }, /* shared */
        { "{" T("a", "U8", "[1]", 0, 1) "}", 2 },
        { "{" T("a", "U8", "[2]", 0, 2) "}", 1 },
        { "{}", 1 }, /* trailing, short */
        { "{" T("a", "F32", "[1]", 0, 8) "}", 8 },
        { "{" T("a", "F32", "[3]", 0, 8) "}", 8 },
        { "{" T("a", "F32", "[]", 0, 0) "}", 0 },
        { "{" T("a", "U8", "[0,9223372036854775807,9223372036854775807]", 0, 0) "}", 0 },
        { "{" T("a", "U8", "[9223372036854775807,9223372036854775807,0]", 0, 0) "}", 0 },
        { "{" T("a", "U8", "[0,1099511627776,1099511627776]", 0, 0) "}", 0 }, /* each 2^40: the product overflows */
        { "{" T("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0 },
        { "{" T("a", "U8", "[0,1099511627777]", 0, 0) "}", 0 },
        { "{" T("a", "U8", "[99999999999999999999]", 0, 1) "}", 1 },
        { "{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1 },
        { "{" T("", "U8", "[1]", 0, 1) "}", 1 },
        { "{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1 },
        { "{" T("a\\nb", "U8", "[1]", 0, 1) "}", 1 },
        { "{" T("a\x7f", "U8", "[1]", 0, 1) "}", 1 },
        { "{\"__metadata__\":{\"a\":[[[[[[[[[[]]]]]]]]]]}}", 0 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"m\":[[[[[[[[1]]]]]]]]}}", 1 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) reject(bad[i].header, bad[i].bytes);
}

static void bad_lengths(void **state) {
    (void)state;
    put("{}\0", 3, 3, zeros, 0), reject_now("trailing NUL");
    put("{}", 2, 3, zeros, 0), reject_now("header longer than the file");
    put("{}", 2, UINT64_MAX, zeros, 0), reject_now("header of 2^64 - 1 bytes");
    put("{}", 2, 100000001, zeros, 0), reject_now("header above the cap");
    put("", 0, 0, zeros, 0), reject_now("header of no bytes");
    for (int n = 0; n < 8; n++) {
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(zeros, 1, (size_t)n, f), (size_t)n);
        fclose(f);
        reject_now("shorter than eight bytes");
    }
    char missing[80];
    hk_file *f;
    snprintf(missing, sizeof missing, "%s/none", dir);
    assert_int_equal(hk_file_read(ctx, missing, &f), HK_ECHECKPOINT);
    assert_int_equal(hk_file_read(ctx, dir, &f), HK_ECHECKPOINT);
}

static void bool_bytes(void **state) {
    (void)state;
    const char *header = "{" T("a", "BOOL", "[3]", 0, 3) "}";
    put(header, strlen(header), strlen(header), "\1\0\7", 3);
    reject_now("BOOL 7");
    assert_non_null(strstr(hk_error(ctx), "'a'"));
}

static void errors_name_the_tensor(void **state) {
    (void)state;
    reject("{" T("layer.w", "F16", "[1]", 0, 2) "}", 2);
    assert_non_null(strstr(hk_error(ctx), "layer.w"));
    assert_non_null(strstr(hk_error(ctx), "F16"));
    reject("{" T("layer.w", "F32", "[2]", 0, 4) "}", 4);
    assert_non_null(strstr(hk_error(ctx), "expected 8 bytes"));
}

/* Every cut and every flipped bit of a good file is read without harm. */
static void damaged(void **state) {
    (void)state;
    const char *header = "{\"__metadata__\":{\"a\":\"b\"}," T("w", "F32", "[2,3]", 0, 24) "," T("n", "I64", "[]", 24, 32) "}";
    uint8_t good[512];
    size_t n = 8 + strlen(header) + 32;
    memset(good, 0, sizeof good);
    good[0] = (uint8_t)strlen(header);
    memcpy(good + 8, header, strlen(header));
    for (size_t cut = 0; cut < n; cut++) {
        hk_file *f = NULL;
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(good, 1, cut, out), cut);
        fclose(out);
        assert_int_equal(hk_file_read(ctx, path, &f), HK_ECHECKPOINT);
    }
    for (size_t bit = 0; bit < 8 * (n - 32); bit++) {
        hk_file *f = NULL;
        good[bit / 8] ^= (uint8_t)(1 << bit % 8);
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(good, 1, n, out), n);
        fclose(out);
        if (hk_file_read(ctx, path, &f) == HK_OK) hk_file_free(f);
        good[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

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
        cmocka_unit_test(accepted),
        cmocka_unit_test(rejected),
        cmocka_unit_test(bad_lengths),
        cmocka_unit_test(bool_bytes),
        cmocka_unit_test(errors_name_the_tensor),
        cmocka_unit_test(damaged),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(write_refused),
        cmocka_unit_test(failed_write),
        cmocka_unit_test(mode_and_leftovers),
        cmocka_unit_test(killed_writer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
