/* test_idx_cases.c - IDX files that must be refused: one clear error with the file's path, what was expected, what was got and what to do;
 * exit code 3 from the command. The files are made here in the true format, plain and gzip. */
#include "command_run.h"
#include "little_memory.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

enum { N = 3, SIZE = 28 * 28, IMAGES = 16 + N * SIZE, LABELS = 8 + N };
#define IMAGE_FILE "train-images-idx3-ubyte"
#define LABEL_FILE "train-labels-idx1-ubyte"

static hk_context *ctx;
static const hk_dataset_type *type;
static hk_module *module;
static char dir[] = "/tmp/hillock-idx-cases-XXXXXX";
static int n_cases;
static uint8_t images[IMAGES], labels[LABELS], work[1 << 20];

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void clear(void) {
    static const char *const names[] = { IMAGE_FILE, LABEL_FILE, IMAGE_FILE ".gz", LABEL_FILE ".gz" };
    for (int i = 0; i < 4; i++) unlink(names[i]), rmdir(names[i]);
}

/* Both files as they should be. */
static void fresh(void) {
    clear();
    put32(images, 0x803), put32(images + 4, N), put32(images + 8, 28), put32(images + 12, 28);
    put32(labels, 0x801), put32(labels + 4, N);
    for (int i = 0; i < N * SIZE; i++) images[16 + i] = (uint8_t)(i * 31 + i / SIZE);
    for (int i = 0; i < N; i++) labels[8 + i] = (uint8_t)(9 - i);
    write_text(IMAGE_FILE, images, IMAGES), write_text(LABEL_FILE, labels, LABELS);
}

/* One gzip member in `work`; its size. */
static size_t gzip(const void *data, size_t n) {
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data, z.avail_in = (uInt)n, z.next_out = work, z.avail_out = sizeof work;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = sizeof work - z.avail_out;
    deflateEnd(&z);
    return size;
}

/* By the library: EDATA and words. */
static void refused_here(const char *what, const char *path, const char *word) {
    void *ds = &ds;
    hk_status st = type->open(module, 1, &ds);
    if (st != HK_EDATA) fail_msg("%s: expected status EDATA, got %s: %s", what, hk_status_name(st), hk_error(ctx));
    assert_null(ds);
    if (!strstr(hk_error(ctx), path) || !strstr(hk_error(ctx), word) || !strstr(hk_error(ctx), "expected") || !strstr(hk_error(ctx), "got"))
        fail_msg("%s: expected the file %s, '%s', and what was expected and got in: %s", what, path, word, hk_error(ctx));
    n_cases++;
}

/* By the command too: exit code 3, one line, with what to do. */
static void refused(const char *what, const char *path, const char *word) {
    ran r;
    char at[128];
    refused_here(what, path, word);
    snprintf(at, sizeof at, "t.ini:4: [data] name: 'MNIST': ./%s", path);
    run_command(&r, (const char *const[]){ "plan", "t.ini", NULL });
    check_refused(&r, what, 3, at, (const char *const[]){ word, NULL });
    if (!strchr(r.err, ';')) fail_msg("%s: does not say what to do: %s", what, r.err);
}

static int accepted(void) {
    void *ds = NULL;
    int64_t y[N];
    const int64_t index[N] = { 0, 1, 2 };
    static float x[N * SIZE];
    if (type->open(module, 1, &ds)) return 0;
    int ok = type->size(ds) == N && !type->read(ds, N, index, x, y);
    for (int i = 0; ok && i < N; i++) ok &= y[i] == 9 - i;
    for (int i = 0; ok && i < N * SIZE; i++) ok &= x[i] == (float)images[16 + i] / 255.0f;
    type->close(ds);
    if (!ok) fail_msg("accepted with other data");
    return 1;
}

static void truncated(void **state) {
    (void)state;
    static const int at[] = { 0, 1, 3, 4, 7, 8, 11, 12, 15, 16, 17, 16 + SIZE - 1, 16 + SIZE, 16 + SIZE + 1, IMAGES - 1 };
    fresh();
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char word[96];
        if (at[i] < 16) snprintf(word, sizeof word, "expected a header of 16 bytes, got %d: the file is truncated", at[i]);
        else snprintf(word, sizeof word, "expected data of %d bytes, got ", N * SIZE);
        write_text(IMAGE_FILE, images, (size_t)at[i]), refused("images cut", IMAGE_FILE, word);
    }
    for (size_t n = 0; n < IMAGES; n += 37) write_text(IMAGE_FILE, images, n), refused_here("images cut", IMAGE_FILE, "truncated");
    fresh();
    for (size_t n = 0; n < LABELS; n++) write_text(LABEL_FILE, labels, n), refused("labels cut", LABEL_FILE, "the file is truncated; get the file again");
}

static void flipped(void **state) {
    (void)state;
    fresh();
    for (int bit = 0; bit < 8 * 16; bit++) {
        images[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_text(IMAGE_FILE, images, IMAGES), refused_here("a flipped bit in the header of the images", IMAGE_FILE, bit < 32 ? "magic 0x00000803" : "expected");
        images[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    fresh();
    for (int bit = 0; bit < 8 * 8; bit++) {
        labels[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_text(LABEL_FILE, labels, LABELS), refused_here("a flipped bit in the header of the labels", LABEL_FILE, bit < 32 ? "magic 0x00000801" : "expected 3 for axis 0");
        labels[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void other_headers(void **state) {
    (void)state;
    static const struct {
        int at;
        uint32_t v;
        const char *word;
    } head[] = {
        { 0, 0x801, "with 3 axes (magic 0x00000803), got magic 0x00000801; is it another file?" }, /* the labels */
        { 0, 0x802, "got magic 0x00000802" },
        { 0, 0x804, "got magic 0x00000804" },
        { 0, 0x800, "got magic 0x00000800" },
        { 0, 0x903, "got magic 0x00000903" }, /* signed bytes, shorts, ints, floats, doubles */
        { 0, 0xb03, "got magic 0x00000b03" },
        { 0, 0xc03, "got magic 0x00000c03" },
        { 0, 0xd03, "got magic 0x00000d03" },
        { 0, 0xe03, "got magic 0x00000e03" },
        { 0, 0x03080000, "got magic 0x03080000" }, /* the other byte order */
        { 0, 0, "got magic 0x00000000" },
        { 0, 0xffffffff, "got magic 0xffffffff" },
        { 4, 0, "expected a positive size for axis 0, got 0" },
        { 4, N - 1, "expected 1568 bytes after the header, got more" },
        { 4, N + 1, "expected data of 3136 bytes, got a file of 2368" },
        { 4, 0x7fffffff, "expected data of 1683627179248 bytes" },
        { 4, 0x80000000, "expected data of 1683627180032 bytes" },
        { 4, 0xffffffff, "expected data of 3367254359280 bytes" },
        { 8, 27, "expected 28 for axis 1, got 27; is it of another data set?" },
        { 8, 0xffffffff, "expected 28 for axis 1, got 4294967295" },
        { 12, 0, "expected 28 for axis 2, got 0" },
        { 12, 32, "expected 28 for axis 2, got 32" },
    };
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) fresh(), put32(images + head[i].at, head[i].v), write_text(IMAGE_FILE, images, IMAGES), refused("header", IMAGE_FILE, head[i].word);
    static const struct {
        uint32_t v;
        size_t n;
        const char *word;
    } count[] = { { N - 1, LABELS - 1, "expected 3 for axis 0, got 2" }, { N + 1, LABELS, "expected 3 for axis 0, got 4" }, { 0, 8, "expected 3 for axis 0, got 0" },
        { 0xffffffff, LABELS, "expected 3 for axis 0, got 4294967295" } };
    for (size_t i = 0; i < sizeof count / sizeof *count; i++) fresh(), put32(labels + 4, count[i].v), write_text(LABEL_FILE, labels, count[i].n), refused("count", LABEL_FILE, count[i].word);
    fresh(), write_text(LABEL_FILE, images, IMAGES), refused("images as labels", LABEL_FILE, "with 1 axes (magic 0x00000801), got magic 0x00000803");
}

static void wrong_data(void **state) {
    (void)state;
    static const int wrong[] = { 10, 11, 127, 128, 255 };
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < N; i++) {
            char word[96];
            snprintf(word, sizeof word, "expected labels 0 to 9, got %d for sample %d; get the file again", wrong[k], i);
            fresh(), labels[8 + i] = (uint8_t)wrong[k], write_text(LABEL_FILE, labels, LABELS), refused("label", LABEL_FILE, word);
        }
    static const size_t more[] = { 1, 2, SIZE, 5 * SIZE };
    for (int k = 0; k < 4; k++) {
        memset(work, 0, sizeof work);
        fresh(), memcpy(work, images, IMAGES), write_text(IMAGE_FILE, work, IMAGES + more[k]), refused("bytes behind the images", IMAGE_FILE, "expected 2352 bytes after the header, got more");
        fresh(), memcpy(work, labels, LABELS), write_text(LABEL_FILE, work, LABELS + more[k]), refused("bytes behind the labels", LABEL_FILE, "expected 3 bytes after the header, got more");
    }
}

static void bad_gzip(void **state) {
    (void)state;
    static uint8_t good[1 << 16];
    fresh(), unlink(IMAGE_FILE);
    size_t n = gzip(images, IMAGES);
    assert_true(n < sizeof good);
    memcpy(good, work, n);
    write_text(IMAGE_FILE ".gz", good, n);
    assert_true(accepted());
    for (size_t cut = 0; cut < n; cut++) {
        write_text(IMAGE_FILE ".gz", good, cut);
        if (cut % 50) refused_here("gzip cut", IMAGE_FILE ".gz", "");
        else refused("gzip cut", IMAGE_FILE ".gz", "get the file again");
    }
    int harmless = 0;
    for (size_t bit = 0; bit < 8 * n; bit++) { /* the date in gzip's header and bits of padding mean nothing; all others are seen */
        good[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_text(IMAGE_FILE ".gz", good, n);
        if (accepted()) harmless++;
        else refused_here("a flipped bit of a gzip file", IMAGE_FILE ".gz", "");
        good[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    if (harmless > 6 * 8 + 8 + 7) fail_msg("%d flipped bits of a gzip file changed nothing", harmless); /* date, XFL, OS; flags; padding */
    for (size_t i = 1; i <= 8; i++) { /* CRC-32 and length */
        memcpy(work, good, n), work[n - i] ^= 0x40;
        write_text(IMAGE_FILE ".gz", work, n), refused("wrong CRC or length", IMAGE_FILE ".gz", i > 4 ? "incorrect data check" : "incorrect length check");
    }
    memcpy(work, "not a gzip file, and no IDX file", 32), write_text(IMAGE_FILE ".gz", work, 32), refused("text", IMAGE_FILE ".gz", "got magic 0x6e6f7420");
    memcpy(work, "PK\3\4 of another packer", 22), write_text(IMAGE_FILE ".gz", work, 22), refused("zip", IMAGE_FILE ".gz", "got magic 0x504b0304");
    memcpy(work, good, n), memcpy(work + n, good, n), write_text(IMAGE_FILE ".gz", work, 2 * n), refused("two members", IMAGE_FILE ".gz", "got more");
}

/* 128 MiB of zeros in about 0.6 MB: what the header does not name is not unpacked. */
static void bombs(void **state) {
    (void)state;
    const uint32_t says[] = { 1, N, 0xffffffff };
    static const uint8_t zeros[1 << 20];
    fresh(), unlink(IMAGE_FILE);
    for (int k = 0; k < 3; k++) {
        z_stream z = { 0 };
        FILE *f = fopen(IMAGE_FILE ".gz", "wb");
        put32(images + 4, says[k]);
        put32(labels + 4, says[k]), write_text(LABEL_FILE, labels, 8 + (says[k] == 1 ? 1 : N));
        assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        for (int i = 0; i <= (k == 2 ? 1 : 128); i++) {
            z.next_in = (Bytef *)(uintptr_t)(i ? zeros : images), z.avail_in = i ? sizeof zeros : 16;
            do {
                z.next_out = work, z.avail_out = sizeof work;
                deflate(&z, i == (k == 2 ? 1 : 128) ? Z_FINISH : Z_NO_FLUSH);
                fwrite(work, 1, sizeof work - z.avail_out, f);
            } while (!z.avail_out);
        }
        deflateEnd(&z), fclose(f);
        begin_little_memory(32u << 20);
        refused("a gzip bomb", IMAGE_FILE ".gz", k == 2 ? "expected data of 3367254359280 bytes, got a file of" : "got more");
        assert_int_equal(give_memory_back(NULL), 0);
    }
}

static void no_files(void **state) {
    (void)state;
    static const char *const name[] = { IMAGE_FILE, LABEL_FILE };
    for (int i = 0; i < 2; i++) {
        fresh(), unlink(name[i]), refused("missing", name[i], "expected this file, or the same with .gz, got no such file; set root to the folder");
        fresh(), unlink(name[i]), mkdir(name[i], 0700), refused("a directory", name[i], "expected a file, got a directory; set root");
        fresh(), unlink(name[i]), mkfifo(name[i], 0600), refused("a pipe", name[i], "expected a file, got a special file; set root");
        fresh(), unlink(name[i]), assert_int_equal(symlink("/none/at/all", name[i]), 0), refused("a link to nothing", name[i], "no such file");
        fresh(), unlink(name[i]), assert_int_equal(symlink(name[i], name[i]), 0);
        void *ds = &ds;
        assert_int_equal(type->open(module, 1, &ds), HK_EDATA);
        if (!strstr(hk_error(ctx), "symbolic links")) fail_msg("a link to itself: %s", hk_error(ctx));
        n_cases++;
    }
    static const struct {
        const char *root, *word;
    } root[] = { { "none", "none/train-images-idx3-ubyte: expected this file" }, { "t.ini", "Not a directory; set root to the folder" },
        { "/dev/null", "Not a directory" } };
    fresh();
    for (size_t i = 0; i < sizeof root / sizeof *root; i++) {
        ran r;
        char set[128];
        snprintf(set, sizeof set, "data.name=MNIST(root=\"%s\")", root[i].root);
        run_command(&r, (const char *const[]){ "plan", "t.ini", "--set", set, NULL });
        check_refused(&r, set, 3, "--set 1: [data] name: ", (const char *const[]){ root[i].word, NULL });
        n_cases++;
    }
    clear();
    ran r; /* the split for tests is opened by eval */
    run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", "none", NULL });
    check_refused(&r, "no test split", 3, "t.ini:4: [data] name: 'MNIST': ./t10k-images-idx3-ubyte: expected this file", (const char *const[]){ NULL });
    n_cases++;
}

static void unreadable(void **state) {
    (void)state;
    const uid_t me = geteuid();
    if (me == 0) { /* root reads everything: nobody tries */
        assert_int_equal(chmod(dir, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    for (int i = 0; i < 2; i++) {
        const char *name = i ? LABEL_FILE : IMAGE_FILE;
        void *ds = &ds;
        assert_int_equal(seteuid(me), 0);
        fresh(), assert_int_equal(chmod(name, 0), 0);
        assert_int_equal(chmod(i ? IMAGE_FILE : LABEL_FILE, 0644), 0);
        if (me == 0) assert_int_equal(seteuid(65534), 0);
        hk_status st = type->open(module, 1, &ds);
        assert_int_equal(seteuid(me), 0);
        if (st != HK_EDATA || !strstr(hk_error(ctx), name) || !strstr(hk_error(ctx), "cannot open: Permission denied")) fail_msg("unreadable: %d %s", st, hk_error(ctx));
        n_cases++;
    }
}

static int begin(void **state) {
    (void)state;
    static const char ini[] = "[run]\nthreads = 1\n[data]\nname = MNIST(root=\".\")\n[model]\nT = 1\n[layers]\nflat = Flatten()\nfc = Linear(784, 10)\n"
                              "[train]\nbatch = 2\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n";
    if (!mkdtemp(dir) || chdir(dir) || hk_context_new(NULL, &ctx)) return -1;
    write_text("t.ini", ini, sizeof ini - 1);
    type = hk_type_get(ctx, "hk.dataset/1", "MNIST");
    if (!type || hk_module_new_from_text(ctx, "hk.dataset/1", "MNIST(root=\".\")", &module)) return -1;
    fresh();
    if (!accepted()) fail_msg("the files that are then broken are not good: %s", hk_error(ctx));
    ran r; /* everything is loaded before memory is short */
    run_command(&r, (const char *const[]){ "plan", "t.ini", NULL });
    if (r.code) fail_msg("%s", r.err);
    return 0;
}
static int end(void **state) {
    (void)state;
    printf("count: idx %d\n", n_cases);
    clear(), unlink("t.ini");
    hk_module_free(module), hk_context_free(ctx);
    return chdir("/") || rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated),
        cmocka_unit_test(flipped),
        cmocka_unit_test(other_headers),
        cmocka_unit_test(wrong_data),
        cmocka_unit_test(bad_gzip),
        cmocka_unit_test(bombs),
        cmocka_unit_test(no_files),
        cmocka_unit_test(unreadable),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
