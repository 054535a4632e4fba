/* test_tensorboard.c - event files: CRC32C's known answers, record framing, and a round trip of scalars, a histogram, a picture and the marks of a resumed run,
 * read back by a reader of its own. */
#include "tensorboard/tensorboard.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a reader of protocol buffers: the n-th value of a field ---- */
typedef struct view {
    const uint8_t *p, *end;
} view;
static uint64_t read_varint(view *v) {
    uint64_t out = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(v->p < v->end && shift < 64);
        out |= (uint64_t)(*v->p & 127) << shift;
        if (!(*v->p++ & 128)) return out;
    }
}
static uint64_t read_little(view *v, int n) {
    uint64_t out = 0;
    assert_true(v->end - v->p >= n);
    for (int i = 0; i < n; i++) out |= (uint64_t)*v->p++ << (8 * i);
    return out;
}
static int find(view v, int field, int nth, uint64_t *number, view *bytes) {
    while (v.p < v.end) {
        const uint64_t key = read_varint(&v);
        uint64_t n = 0;
        view b = { NULL, NULL };
        switch (key & 7) {
        case 0: n = read_varint(&v); break;
        case 1: n = read_little(&v, 8); break;
        case 5: n = read_little(&v, 4); break;
        case 2:
            n = read_varint(&v);
            assert_true((uint64_t)(v.end - v.p) >= n);
            b = (view){ v.p, v.p + n };
            v.p += n;
            break;
        default: fail_msg("wire type %d", (int)(key & 7));
        }
        if ((int)(key >> 3) != field || nth--) continue;
        if (number) *number = n;
        if (bytes) *bytes = b;
        return 1;
    }
    return 0;
}
static double as_double(uint64_t u) {
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}
static double number_of(view v, int field) {
    uint64_t n;
    if (!find(v, field, 0, &n, NULL)) fail_msg("field %d is not there", field);
    return as_double(n);
}
static view part(view v, int field, int nth) {
    view b;
    if (!find(v, field, nth, NULL, &b)) fail_msg("field %d is not there", field);
    return b;
}
static void is_text(view v, const char *text) {
    if ((size_t)(v.end - v.p) != strlen(text) || memcmp(v.p, text, strlen(text))) fail_msg("expected '%s', got '%.*s'", text, (int)(v.end - v.p), (const char *)v.p);
}

/* The next record of a file; its CRCs must hold. */
static int next_record(view *file, view *out) {
    if (file->p == file->end) return 0;
    view head = *file;
    const uint64_t n = read_little(&head, 8), crc = read_little(&head, 4);
    assert_int_equal(crc, hk__crc32c_masked(file->p, 8));
    *out = (view){ head.p, head.p + n };
    head.p += n;
    assert_int_equal(read_little(&head, 4), hk__crc32c_masked(out->p, n));
    file->p = head.p;
    return 1;
}

static char dir[] = "/tmp/hillock_tb_XXXXXX";
static uint8_t buf[65536];

/* The k-th file, by name. */
static view file_of(const char *folder, int k) {
    struct dirent **list;
    char path[512];
    int n = scandir(folder, &list, NULL, alphasort);
    assert_true(n > k + 2);
    snprintf(path, sizeof path, "%s/%s", folder, list[k + 2]->d_name);
    for (int i = 0; i < n; i++) free(list[i]);
    free(list);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t got = fread(buf, 1, sizeof buf, f);
    fclose(f);
    return (view){ buf, buf + got };
}

static void test_crc(void **state) {
    (void)state;
    const uint8_t zeros[32] = { 0 };
    assert_int_equal(hk__crc32c("123456789", 9), 0xE3069283u); /* RFC 3720, B.4, and its usual check value */
    assert_int_equal(hk__crc32c(zeros, 32), 0x8A9136AAu);
    assert_int_equal(hk__crc32c("", 0), 0);
    const uint32_t c = 0xE3069283u;
    assert_int_equal(hk__crc32c_masked("123456789", 9), (uint32_t)((c >> 15 | c << 17) + 0xA282EAD8u));
}

static void test_events(void **state) {
    (void)state;
    char folder[128];
    const float v[] = { -1.0f, -1.0f, 0.0f, 0.25f, 0.26f, 1000.0f, NAN, INFINITY };
    const uint8_t pixels[2 * 3 * 3] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
    hk__tb *t;
    snprintf(folder, sizeof folder, "%s/tb/name", dir);
    assert_int_equal(hk__tb_open(folder, -1, &t), HK_OK);
    hk__tb_begin(t, 300);
    hk__tb_scalar(t, "loss/train", 0.5), hk__tb_histogram(t, "weights", v, 8), hk__tb_histogram(t, "nothing", v + 6, 2), hk__tb_image(t, "picture", 3, 2, 3, pixels);
    assert_int_equal(hk__tb_end(t), HK_OK);
    assert_int_equal(hk__tb_flush(t), HK_OK);
    hk__tb_free(t);

    view file = file_of(folder, 0), e;
    uint64_t step;
    assert_true(next_record(&file, &e));
    is_text(part(e, 3, 0), "brain.Event:2");
    assert_false(find(e, 7, 0, NULL, NULL));
    assert_true(number_of(e, 1) > 1.6e9);
    assert_true(next_record(&file, &e));
    assert_true(find(e, 2, 0, &step, NULL));
    assert_int_equal(step, 300);
    const view summary = part(e, 5, 0), scalar = part(summary, 1, 0), histogram = part(summary, 1, 1), image = part(summary, 1, 2);
    uint64_t bits;
    assert_false(find(summary, 1, 3, NULL, NULL)); /* of no finite number there is no histogram */
    is_text(part(scalar, 1, 0), "loss/train");
    assert_true(find(scalar, 2, 0, &bits, NULL));
    assert_int_equal(bits, 0x3F000000u);
    is_text(part(histogram, 1, 0), "weights");
    const view h = part(histogram, 5, 0);
    assert_true(number_of(h, 1) == -1 && number_of(h, 2) == 1000 && number_of(h, 3) == 6);
    assert_true(fabs(number_of(h, 4) - 998.51) < 1e-4);
    view limits = part(h, 6, 0), counts = part(h, 7, 0);
    assert_int_equal(limits.end - limits.p, counts.end - counts.p);
    double below = -INFINITY, sum = 0;
    while (limits.p < limits.end) { /* each bucket holds the numbers from the limit before to below its own */
        const double limit = as_double(read_little(&limits, 8)), count = as_double(read_little(&counts, 8));
        int want = 0;
        for (int i = 0; i < 6; i++) want += (double)v[i] >= below && (double)v[i] < limit;
        if (count != want) fail_msg("%g to %g: expected %d, got %g", below, limit, want, count);
        assert_true(limit > below);
        below = limit, sum += count;
    }
    assert_true(sum == 6);
    is_text(part(image, 1, 0), "picture");
    const view im = part(image, 4, 0);
    uint64_t height, width, channels;
    assert_true(find(im, 1, 0, &height, NULL) && find(im, 2, 0, &width, NULL) && find(im, 3, 0, &channels, NULL));
    assert_true(height == 2 && width == 3 && channels == 3);
    const view png = part(im, 4, 0);
    assert_memory_equal(png.p, "\x89PNG\r\n\x1a\n", 8);
    assert_true(png.end - png.p > 50 && !memcmp(png.end - 8, "IEND", 4));
    assert_false(next_record(&file, &e));
}

/* A run taken up: another file, behind the first by name, that begins with the step from which on older events no longer count. */
static void test_resume(void **state) {
    (void)state;
    char folder[128];
    hk__tb *t;
    snprintf(folder, sizeof folder, "%s/tb/name", dir);
    assert_int_equal(hk__tb_open(folder, 21, &t), HK_OK);
    hk__tb_free(t);
    view file = file_of(folder, 1), e;
    uint64_t step, status;
    assert_true(next_record(&file, &e));
    is_text(part(e, 3, 0), "brain.Event:2");
    assert_true(next_record(&file, &e));
    assert_true(find(e, 2, 0, &step, NULL));
    assert_int_equal(step, 21);
    assert_true(find(part(e, 7, 0), 1, 0, &status, NULL));
    assert_int_equal(status, 1); /* START */
    assert_false(next_record(&file, &e));
}

static void test_errors(void **state) {
    (void)state;
    hk__tb *t;
    assert_int_equal(hk__tb_open("/dev/null/tb", -1, &t), HK_EIO);
    hk__tb_free(t);
    if (access("/dev/full", W_OK)) return;
    FILE *f = fopen("/dev/full", "w");
    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0);
    assert_int_equal(hk__record_write(f, "abc", 3), -1);
    fclose(f);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_crc), cmocka_unit_test(test_events), cmocka_unit_test(test_resume), cmocka_unit_test(test_errors) };
    char command[128];
    if (!mkdtemp(dir)) return 1;
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) || bad;
}
