/* test_seal.c - every changed bit of a sealed file is seen; generations take each other's place; room is asked for before writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "file/file.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

static hk_context *ctx;
static char dir[] = "/tmp/hillock-seal-XXXXXX";
static char path[64], older[64];

static float weights[] = { 1, 2, 3, 4, 5, 6 }, long_name[] = { 7 };
static const hk_tensor tensors[] = {
    { .name = "fc.weight", .dtype = HK_F32, .rank = 2, .shape = { 3, 2 }, .data = weights },
    { .name = "a.name.that.is.so.long.that.its.hash.needs.a.key.longer.than.most.others.weight",
        .dtype = HK_F32,
        .rank = 1,
        .shape = { 1 },
        .data = long_name },
    { .name = "empty", .dtype = HK_F32, .rank = 1, .shape = { 0 } },
};
static const char *const meta[] = { "hk.format", "1", "hk.note", "eins, zwei \"drei\"\n" };

static hk_status write_it(const char *keep) { return hk__file_write_sealed(ctx, path, keep, 3, tensors, 2, meta); }

static size_t slurp(const char *name, unsigned char *buf, size_t size) {
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    size_t n = fread(buf, 1, size, f);
    fclose(f);
    return n;
}

static void spill(const char *name, const unsigned char *buf, size_t n) {
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(buf, 1, n, f), n);
    fclose(f);
}

/* What a reader of checkpoints asks of a file. */
static int whole(void) {
    hk_file *f = NULL;
    int ok = !hk_file_read(ctx, path, &f) && hk_file_meta(f, HK__SEAL_KEY) && hk_file_meta(f, "hk.format");
    hk_file_free(f);
    return ok;
}

static void every_bit(void **state) {
    (void)state;
    unsigned char good[4096], bad[4096];
    assert_int_equal(write_it(NULL), HK_OK);
    size_t n = slurp(path, good, sizeof good);
    assert_true(n > 300 && n < sizeof good);
    assert_true(whole());
    for (size_t i = 0; i < n; i++)
        for (int b = 0; b < 8; b++) {
            memcpy(bad, good, n);
            bad[i] ^= (unsigned char)(1 << b);
            spill(path, bad, n);
            if (whole()) fail_msg("bit %d of byte %zu changed, and the file counts as whole", b, i);
        }
    for (size_t i = 0; i < n; i++) { /* cut anywhere */
        spill(path, good, i);
        if (whole()) fail_msg("cut to %zu of %zu bytes, and the file counts as whole", i, n);
    }
    memcpy(bad, good, n);
    bad[n - 1] ^= 1; /* the last tensor's data */
    spill(path, bad, n);
    assert_false(whole());
    assert_non_null(strstr(hk_error(ctx), "fc.weight"));
    printf("%zu bits and %zu lengths, each detected\n", 8 * n, n);
}

static void equal_bytes(void **state) {
    (void)state;
    unsigned char a[4096], b[4096];
    assert_int_equal(write_it(NULL), HK_OK);
    size_t n = slurp(path, a, sizeof a);
    assert_int_equal(write_it(NULL), HK_OK);
    assert_int_equal(slurp(path, b, sizeof b), n);
    assert_memory_equal(a, b, n);
    hk_file *f;
    assert_int_equal(hk_file_read(ctx, path, &f), HK_OK);
    assert_string_equal(hk_file_meta(f, "hk.note"), meta[3]);
    assert_memory_equal(hk_file_find(f, "fc.weight")->data, weights, sizeof weights);
    assert_int_equal(strlen(hk_file_meta(f, HK__SEAL_KEY ".fc.weight")), 16);
    assert_non_null(hk_file_meta(f, HK__SEAL_KEY ".a.name.that.is.so.long.that.its.hash.needs.a.key.longer.than.most.others.weight"));
    hk_file_free(f);
}

static float first_of(const char *name) {
    hk_file *f;
    if (hk_file_read(ctx, name, &f)) return -1;
    float v = ((const float *)hk_file_find(f, "fc.weight")->data)[0];
    hk_file_free(f);
    return v;
}

static void generations(void **state) {
    (void)state;
    unlink(path), unlink(older);
    for (int g = 1; g <= 4; g++) {
        weights[0] = (float)g;
        assert_int_equal(write_it(older), HK_OK);
        assert_true(first_of(path) == (float)g);
        assert_true(first_of(older) == (g == 1 ? -1 : (float)(g - 1)));
    }
    /* A trainer killed between the two renames: both names are one file. */
    unlink(older);
    assert_int_equal(link(path, older), 0);
    weights[0] = 5;
    assert_int_equal(write_it(older), HK_OK);
    assert_true(first_of(path) == 5 && first_of(older) == 4);
    weights[0] = 1;
}

/* No room: the error comes before the first byte, both generations stay, nothing is left behind. */
static void no_room(void **state) {
    (void)state;
    struct rlimit old, tiny = { 64, 64 };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny.rlim_max = old.rlim_max;
    float kept = first_of(path);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    hk_status st = write_it(older);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, HK_EIO);
    assert_non_null(strstr(hk_error(ctx), path));
    assert_true(first_of(path) == kept);
}

static int begin(void **state) {
    (void)state;
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.no_default_plugins = 1, cc.log_level = 0;
    if (hk_context_new(&cc, &ctx) || !mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", dir), snprintf(older, sizeof older, "%s/b.safetensors", dir);
    return 0;
}

static int end(void **state) {
    (void)state;
    unlink(path), unlink(older);
    int bad = rmdir(dir); /* fails when something was left behind */
    hk_context_free(ctx);
    return bad;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_bit), cmocka_unit_test(equal_bytes), cmocka_unit_test(generations), cmocka_unit_test(no_room) };
    return cmocka_run_group_tests(tests, begin, end);
}
