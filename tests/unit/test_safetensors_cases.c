/* test_safetensors_cases.c - safetensors files that must be refused, and what must be accepted: a part of what the reference (safetensors
 * 0.8) accepts. Each refused file gives one clear error in the library and exit code 5 from `hillock eval`, and makes it allocate little.
 * With HILLOCK_CASES=FOLDER the files are left there, for tests/python_safetensors.sh to show them to the reference. */
#include "command_run.h"
#include "file/file.h"
#include "little_memory.h"
#include <fcntl.h>
#include <sys/stat.h>

static hk_context *ctx;
static char dir[] = "/tmp/hillock-cases-XXXXXX";
static const char *keep;
static int n_refused, n_accepted, n_written;
static const char path[] = "case.safetensors";
static uint8_t bytes[1 << 16];
static const char data[64];

#define T(name, dtype, shape, from, to) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"
#define ONE(dtype, shape, to) "{" T("a", dtype, shape, 0, to) "}"

/* A copy for the reference; `what` is the file's first word. */
static void keep_case(const char *what, int n) {
    char name[512];
    if (!keep) return;
    snprintf(name, sizeof name, "%s/%s-%04d.safetensors", keep, what, n);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    write_text(name, bytes, size);
}

/* Writes the length `length`, n bytes of header and `size` bytes of data. */
static void put(uint64_t length, const void *header, size_t n, const void *d, size_t size) {
    assert_true(8 + n + size <= sizeof bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(length >> 8 * i);
    memcpy(bytes + 8, header, n), memcpy(bytes + 8 + n, d, size);
    write_text(path, bytes, 8 + n + size);
}

static void refused_by_library(const char *what, const char *word) {
    hk_file *f = (hk_file *)1;
    hk_status st = hk_file_read(ctx, path, &f);
    if (st != HK_ECHECKPOINT) fail_msg("%s: expected status ECHECKPOINT, got %s: %s", what, hk_status_name(st), hk_error(ctx));
    assert_null(f);
    if (strncmp(hk_error(ctx), path, sizeof path - 1)) fail_msg("%s: the error does not begin with the file: %s", what, hk_error(ctx));
    if (!strstr(hk_error(ctx), word)) fail_msg("%s: expected '%s' in: %s", what, word, hk_error(ctx));
    keep_case("refused", ++n_refused);
}

static void refused(const char *what, const char *word) {
    refused_by_library(what, word);
    ran r;
    run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", path, NULL });
    check_refused(&r, what, 5, path, (const char *const[]){ word, NULL });
}

typedef struct row {
    const char *header;
    size_t size; /* of the data */
    const char *word;
} row;

static const row bad[] = {
    /* the header as text */
    { " {}", 0, "expected '{' as its first byte, got 0x20" },
    { "\n{}", 0, "expected '{' as its first byte, got 0x0a" },
    { "\xef\xbb\xbf{}", 0, "expected '{' as its first byte, got 0xef" },
    { "[]", 0, "expected '{' as its first byte" },
    { "", 0, "expected '{' as its first byte" },
    { "null", 0, "expected '{' as its first byte" },
    { "\"a\"", 0, "expected '{' as its first byte" },
    { "{}x", 0, "expected '}' and spaces at its end, got 0x78" },
    { "{}\n", 0, "expected '}' and spaces at its end, got 0x0a" },
    { "{} \t", 0, "expected '}' and spaces at its end" },
    { "{}{}", 0, "expected JSON in UTF-8, got at byte" },
    { "{} {}", 0, "expected JSON in UTF-8, got at byte" },
    { "{", 0, "expected '}'" },
    { "{}}", 0, "expected JSON in UTF-8, got at byte" },
    { "{\"a\":}", 0, "expected JSON in UTF-8, got at byte" },
    { "{a:1}", 0, "expected JSON in UTF-8, got at byte" },
    { "{'a':{}}", 0, "expected JSON in UTF-8, got at byte" },
    { "{\"a\":{},}", 0, "expected JSON in UTF-8, got at byte" },
    { "{/* */}", 0, "expected JSON in UTF-8, got at byte" },
    { "{" T("\xff", "U8", "[1]", 0, 1) "}", 1, "unable to decode byte" },
    { "{" T("\xc3", "U8", "[1]", 0, 1) "}", 1, "unable to decode byte" },
    { "{" T("\xc0\xaf", "U8", "[1]", 0, 1) "}", 1, "unable to decode byte" },             /* overlong */
    { "{" T("\xed\xa0\x80", "U8", "[1]", 0, 1) "}", 1, "unable to decode byte" },         /* a surrogate */
    { "{" T("\xf4\x90\x80\x80", "U8", "[1]", 0, 1) "}", 1, "unable to decode byte" },     /* above U+10FFFF */
    { "{" T("\\ud800", "U8", "[1]", 0, 1) "}", 1, "expected JSON in UTF-8, got at byte" },           /* half a pair */
    { "{\"__metadata__\":{\"a\":\"\xff\"}}", 0, "unable to decode byte" },
    { "{\"__metadata__\":{\"a\":\"\x01\"}}", 0, "expected JSON in UTF-8, got at byte" },
    { "{\"__metadata__\":{\"a\":[[[[[[[[[[]]]]]]]]]]}}", 0, "at most 8 levels" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"m\":[[[[[[[[1]]]]]]]]}}", 1, "at most 8 levels" },
    /* keys that come twice: the reference takes the last of some */
    { "{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 0, 1) "}", 1, "duplicate" },
    { "{" T("a", "U8", "[1]", 0, 1) "," T("\\u0061", "U8", "[1]", 0, 1) "}", 1, "duplicate" },
    { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "duplicate" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"m\":0,\"m\":1}}", 1, "duplicate" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate" },
    { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "duplicate" },
    /* metadata */
    { "{\"__metadata__\":{\"a\":1}}", 0, "expected a string for 'a'" },
    { "{\"__metadata__\":{\"a\":null}}", 0, "expected a string for 'a'" },
    { "{\"__metadata__\":{\"a\":{}}}", 0, "expected a string for 'a'" },
    { "{\"__metadata__\":{\"\\u001b[31m\\n\":1}}", 0, "expected a string for '?[31m?'" },
    { "{\"__metadata__\":[]}", 0, "expected an object of strings" },
    { "{\"__metadata__\":\"\"}", 0, "expected an object of strings" },
    { "{\"__metadata__\":" "{\"hk.xxh3.a\":\"00\"}," T("a", "U8", "[1]", 0, 1) "}", 1, "the file is damaged" },
    { "{\"__metadata__\":" "{\"a\":\"b\",\"hk.xxh3\":\"00\"}," T("a", "U8", "[1]", 0, 1) "}", 1, "the file is damaged" },
    { "{\"__metadata__\":{\"hk.xxh3\":\"00000000000000000000000000000000\"}," T("a", "U8", "[1]", 0, 1) "}", 1, "expected the hash 0000" },
    /* names */
    { "{" T("", "U8", "[1]", 0, 1) "}", 1, "expected a name for each tensor, got one that is empty" },
    { "{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, "expected JSON in UTF-8, got at byte" },
    { "{" T("a\\nb", "U8", "[1]", 0, 1) "}", 1, "control character" },
    { "{" T("a\\u001f", "U8", "[1]", 0, 1) "}", 1, "control character" },
    { "{" T("a\x7f", "U8", "[1]", 0, 1) "}", 1, "control character" },
    /* entries */
    { "{\"a\":null}", 0, "expected an object" },
    { "{\"a\":7}", 0, "expected an object" },
    { "{\"a\":[]}", 0, "expected an object" },
    { "{\"a\":{}}", 0, "expected a string 'dtype'" },
    { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "expected a string 'dtype'" },
    { "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "expected a string 'dtype'" },
    { "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "expected an array 'shape'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "two integers 'data_offsets'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "two integers 'data_offsets'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, "two integers 'data_offsets'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":{}}}", 1, "two integers 'data_offsets'" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\"0\",\"1\"]}}", 1, "two integers 'data_offsets'" },
    /* dtypes that Hillock does not store, and that nobody does */
    { ONE("F33", "[1]", 4), 4, "got the unknown F33" },
    { ONE("f32", "[1]", 4), 4, "got the unknown f32" },
    { ONE("", "[1]", 4), 4, "expected dtype F32, F64, I64, U8 or BOOL" },
    { ONE("F32 ", "[1]", 4), 4, "got the unknown F32 " },
    { ONE("F16", "[1]", 2), 2, "got F16" },
    { ONE("BF16", "[1]", 2), 2, "got BF16" },
    { ONE("I32", "[1]", 4), 4, "got I32" },
    { ONE("U64", "[1]", 8), 8, "got U64" },
    { ONE("C64", "[1]", 8), 8, "got C64" },
    { ONE("F4", "[2]", 1), 1, "got F4" },
    { ONE("F8_E4M3", "[1]", 1), 1, "got F8_E4M3" },
    /* shapes */
    { ONE("U8", "[1.0]", 1), 1, "expected integers in shape" },
    { ONE("U8", "[1e0]", 1), 1, "expected integers in shape" },
    { ONE("U8", "[true]", 1), 1, "expected integers in shape" },
    { ONE("U8", "[\"1\"]", 1), 1, "expected integers in shape" },
    { ONE("U8", "[[1]]", 1), 1, "expected integers in shape" },
    { ONE("U8", "[null]", 1), 1, "expected integers in shape" },
    { ONE("U8", "1", 1), 1, "expected an array 'shape'" },
    { ONE("U8", "{}", 1), 1, "expected an array 'shape'" },
    { ONE("U8", "[-1]", 1), 1, "expected 0 to 2^40 for axis 0, got -1" },
    { ONE("U8", "[1,-1,-1]", 1), 1, "expected 0 to 2^40 for axis 1, got -1" },
    { ONE("U8", "[01]", 1), 1, "expected JSON in UTF-8, got at byte" },
    { ONE("U8", "[99999999999999999999]", 1), 1, "expected JSON in UTF-8, got at byte" },
    { ONE("U8", "[1,1,1,1,1,1,1,1,1]", 1), 1, "at most 8 axes, got 9" },
    { ONE("U8", "[0,9223372036854775807,9223372036854775807]", 0), 0, "expected 0 to 2^40" },
    { ONE("U8", "[9223372036854775807,9223372036854775807,0]", 0), 0, "expected 0 to 2^40" },
    { ONE("U8", "[0,1099511627777]", 0), 0, "expected 0 to 2^40 for axis 1, got 1099511627777" },
    { ONE("U8", "[0,1099511627776,1099511627776]", 0), 0, "an overflow" },
    { ONE("F32", "[4294967296,4294967296]", 0), 0, "an overflow" },
    { ONE("F64", "[1099511627776,1048576]", 0), 0, "an overflow" }, /* 2^63 bytes */
    { ONE("F32", "[1099511627776,16777216]", 64), 64, "an overflow" },
    { ONE("U8", "[1099511627776]", 1), 1, "expected 1099511627776 bytes for its shape, got 1" },
    /* sizes and places */
    { ONE("F32", "[2]", 4), 4, "expected 8 bytes for its shape, got 4" },
    { ONE("F32", "[1]", 8), 8, "expected 4 bytes for its shape, got 8" },
    { ONE("F32", "[3]", 8), 8, "expected 12 bytes for its shape, got 8" },
    { ONE("F32", "[]", 0), 0, "expected 4 bytes for its shape, got 0" },
    { ONE("U8", "[1]", 2), 1, "data_offsets inside the 1 bytes" },
    { ONE("U8", "[2]", 2), 1, "data_offsets inside the 1 bytes" },
    { ONE("U8", "[1]", 1), 2, "expected 1 bytes of data, got 2" },
    { "{}", 1, "expected 0 bytes of data, got 1" },
    { "{" T("a", "U8", "[1]", 0.0, 1) "}", 1, "two integers" },
    { "{" T("a", "U8", "[1]", -1, 0) "}", 1, "data_offsets inside" },
    { "{" T("a", "U8", "[1]", 1, 0) "}", 1, "data_offsets inside" },
    { "{" T("a", "U8", "[1]", 9223372036854775807, -9223372036854775808) "}", 1, "data_offsets inside" },
    { "{" T("a", "U8", "[1]", 0, 18446744073709551617) "}", 1, "expected JSON in UTF-8, got at byte" },
    { "{" T("a", "U8", "[1]", 1, 2) "}", 2, "a hole before it" },
    { "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3, "a hole before it" },
    { "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[0]", 2, 2) "}", 2, "a hole before it" },
    { "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3, "overlaps another tensor" },
    { "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 0, 2) "}", 2, "overlaps another tensor" },
    { "{" T("a", "U8", "[3]", 0, 3) "," T("b", "U8", "[0]", 1, 1) "}", 3, "overlaps another tensor" },
    { "{" T("a", "U8", "[3]", 0, 3) "," T("b", "U8", "[1]", 1, 2) "," T("c", "U8", "[1]", 3, 4) "}", 4, "overlaps another tensor" },
};

static const row good[] = {
    { "{}", 0, NULL },
    { "{}      ", 0, NULL },
    { "{ }", 0, NULL },
    { "{" T("a", "F32", "[2,1]", 0, 8) "}", 8, NULL },
    { "{" T("a", "F32", "[]", 0, 4) "}", 4, NULL },
    { "{" T("a", "F64", "[1]", 0, 8) "}", 8, NULL },
    { "{" T("a", "I64", "[1]", 0, 8) "}", 8, NULL },
    { "{" T("a", "U8", "[3]", 0, 3) "}", 3, NULL },
    { "{" T("a", "BOOL", "[3]", 0, 3) "}", 3, NULL },
    { "{" T("a", "F32", "[0]", 0, 0) "}", 0, NULL },
    { "{" T("a", "U8", "[1,1,1,1,1,1,1,1]", 0, 1) "}", 1, NULL },
    { "{" T("a", "U8", "[1099511627776,0]", 0, 0) "}", 0, NULL },
    { "{\"__metadata__\":null}", 0, NULL },
    { "{\"__metadata__\":{}}", 0, NULL },
    { "{\"__metadata__\":{\"a\":\"b\"}," T("t", "U8", "[1]", 0, 1) "}", 1, NULL },
    { "{\"__metadata__\":{\"\":\"\"}," T("t", "U8", "[1]", 0, 1) "}", 1, NULL },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":[1]}}", 1, NULL },                    /* an unknown field */
    { "{" T("u", "U8", "[1]", 0, 1) "," T("f", "F32", "[1]", 1, 5) "}", 5, NULL },                                  /* unaligned */
    { "{" T("u", "U8", "[1]", 0, 1) "," T("f", "F64", "[2]", 1, 17) "}", 17, NULL },                                /* unaligned */
    { "{" T("a", "U8", "[4]", 0, 4) "," T("e", "F32", "[0]", 4, 4) "," T("z", "F32", "[3,0]", 0, 0) "}", 4, NULL }, /* zero sizes share an offset */
    { "{" T("b", "U8", "[1]", 1, 2) "," T("a", "U8", "[1]", 0, 1) "}", 2, NULL },                                   /* not in order of offsets */
    { "{" T("\xc3\xa4", "U8", "[1]", 0, 1) "}", 1, NULL },
    { "{" T("\\u00e4 \\\"", "U8", "[1]", 0, 1) "}", 1, NULL },
    { "{" T("\\ud83d\\ude00", "U8", "[1]", 0, 1) "}", 1, NULL }, /* a whole pair */
};

static void read_bad(void) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(strlen(bad[i].header), bad[i].header, strlen(bad[i].header), data, bad[i].size);
        refused(bad[i].header, bad[i].word);
    }
}
static void bad_headers(void **state) {
    (void)state;
    ran r;
    run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", "weights.safetensors", NULL }); /* plugins are loaded before memory is short */
    if (r.code) fail_msg("%s", r.err);
    begin_little_memory(64u << 20); /* more than any of these files is worth */
    read_bad();
}

static void good_headers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        hk_file *f = NULL;
        put(strlen(good[i].header), good[i].header, strlen(good[i].header), data, good[i].size);
        if (hk_file_read(ctx, path, &f)) fail_msg("%s: %s", good[i].header, hk_error(ctx));
        for (int k = 0; k < hk_file_n(f); k++) { /* the data can be read where it lies, as what it is */
            const hk_tensor *t = hk_file_at(f, k);
            int64_t n = hk__st_nbytes(t->dtype, t->rank, t->shape);
            for (int64_t b = 0; b < n; b++) assert_int_equal(((const uint8_t *)t->data)[b], 0);
            assert_int_equal((uintptr_t)t->data % 16, 0);
        }
        hk_file_free(f);
        keep_case("accepted", ++n_accepted);
    }
}

static void read_lengths(void) {
    static const struct {
        uint64_t length;
        const char *header;
        size_t n;
        const char *word;
    } len[] = {
        { 3, "{}\0", 3, "got 0x00" },
        { 3, "{}", 2, "expected a header of 3 bytes, got only 2" },
        { 1, "{}", 2, "expected '}' and spaces at its end, got 0x7b" },
        { 100000000, "{}", 2, "got only 2 after the length" },
        { 100000001, "{}", 2, "at most 100000000 bytes, got 100000001" },
        { UINT64_C(1) << 31, "{}", 2, "at most 100000000 bytes" },
        { UINT64_C(1) << 32, "{}", 2, "at most 100000000 bytes" },
        { (UINT64_C(1) << 32) + 2, "{}", 2, "at most 100000000 bytes" },
        { (UINT64_C(1) << 63) - 1, "{}", 2, "at most 100000000 bytes" },
        { UINT64_C(1) << 63, "{}", 2, "at most 100000000 bytes, got 9223372036854775808" },
        { (UINT64_C(1) << 63) + 2, "{}", 2, "at most 100000000 bytes" },
        { UINT64_MAX - 7, "{}", 2, "at most 100000000 bytes" },
        { UINT64_MAX, "{}", 2, "at most 100000000 bytes, got 18446744073709551615" },
        { 0, "", 0, "first byte" },
    };
    for (size_t i = 0; i < sizeof len / sizeof *len; i++) {
        char what[64];
        snprintf(what, sizeof what, "header of %llu bytes", (unsigned long long)len[i].length);
        put(len[i].length, len[i].header, len[i].n, data, 0);
        refused(what, len[i].word);
    }
    for (size_t n = 0; n < 8; n++) write_text(path, data, n), refused("shorter than eight bytes", "expected at least 8 bytes");
    static const struct {
        const char *const path, *word;
    } no_file[] = { { "none.safetensors", "No such file" }, { "folder", "expected a file" }, { "fifo", "expected a file" }, { "t.ini/x", "Not a directory" } };
    for (size_t i = 0; i < sizeof no_file / sizeof *no_file; i++) {
        ran r;
        run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", no_file[i].path, NULL });
        check_refused(&r, no_file[i].path, 5, no_file[i].path, (const char *const[]){ no_file[i].word, NULL });
        n_refused++;
    }
}
static void bad_lengths(void **state) {
    (void)state;
    begin_little_memory(64u << 20); /* more than any of these files is worth */
    read_lengths();
}

/* A file that is as large as its header says, and holds 90 MB of zeros. */
static void empty_header(void **state) {
    (void)state;
    put(90000000, "", 0, data, 0);
    assert_int_equal(truncate(path, 90000008), 0);
    ran r;
    run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", path, NULL });
    check_refused(&r, "a header of 90 MB of zeros", 5, path, (const char *const[]){ "expected '{'", NULL });
    n_refused++;
}

static void bool_bytes(void **state) {
    (void)state;
    const char *header = ONE("BOOL", "[3]", 3);
    put(strlen(header), header, strlen(header), "\1\0\7", 3);
    refused("BOOL 7", "tensor 'a': expected bytes 0 and 1 in a BOOL, got 7 at index 2");
}

/* A sealed file: every cut, every flipped bit and every byte put in or taken out is seen by the library, each 97th also by the command. */
static void damaged(void **state) {
    (void)state;
    static float w[10 * 28 * 28], b[10];
    static uint8_t whole[1 << 16];
    const hk_tensor t[] = { { .name = "fc.weight", .dtype = HK_F32, .rank = 2, .shape = { 3, 7 }, .data = w },
        { .name = "fc.bias", .dtype = HK_F32, .rank = 1, .shape = { 3 }, .data = b },
        { .name = "n", .dtype = HK_I64, .rank = 0, .data = w } };
    const char *const meta[] = { "hk.format", "1", "format", "pt" };
    assert_int_equal(hk__file_write_sealed(ctx, path, NULL, 3, t, 2, meta), HK_OK);
    FILE *f = fopen(path, "rb");
    size_t n = fread(whole, 1, sizeof whole, f);
    fclose(f);
    keep_case("written", ++n_written);
    const char *k = keep;
    keep = NULL; /* too many for the reference, which knows no seal */
    for (size_t cut = 0; cut < n; cut++) {
        write_text(path, whole, cut);
        if (cut % 97) refused_by_library("cut", path);
        else refused("cut", path);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_text(path, whole, n);
        if (bit % 97) refused_by_library("a flipped bit", path);
        else refused("a flipped bit", path);
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t at = 0; at < n; at++) {
        memcpy(bytes, whole, at), bytes[at] = whole[at], memcpy(bytes + at + 1, whole + at, n - at);
        write_text(path, bytes, n + 1), refused_by_library("a byte twice", path);
        memcpy(bytes, whole, at), memcpy(bytes + at, whole + at + 1, n - at - 1);
        write_text(path, bytes, n - 1), refused_by_library("a byte left out", path);
    }
    memcpy(bytes, whole, n), bytes[n] = 0;
    write_text(path, bytes, n + 1), refused("a byte more", "expected");
    keep = k;
    write_text(path, whole, n);
    hk_file *whole_file = NULL;
    assert_int_equal(hk_file_read(ctx, path, &whole_file), HK_OK);
    hk_file_free(whole_file);
}

/* What the writer writes, for the reference to read. */
static void written(void **state) {
    (void)state;
    static double d[24];
    static uint8_t u[24];
    static const char *const names[] = { "a", "layer.0.weight", "with \"quotes\" and \\", "\xc3\xa4\xf0\x9f\x98\x80", "a name\xe2\x80\xa8with a line separator" };
    static const char *const meta[] = { "format", "pt", "hk.text", "two\nlines \x01\x7f", "\xc3\xa4", "" };
    for (int i = 0; i < 5; i++)
        for (int sealed = 0; sealed < 2; sealed++) {
            const hk_tensor t[] = {
                { .name = names[i], .dtype = HK_F32, .rank = 2, .shape = { i, 3 }, .data = d },
                { .name = "z.f64", .dtype = HK_F64, .rank = i, .shape = { 1, 2, 3, 1 }, .data = d },
                { .name = "z.i64", .dtype = HK_I64, .rank = 0, .data = d },
                { .name = "z.u8", .dtype = HK_SPIKE, .rank = 1, .shape = { 2 * i + 1 }, .data = u },
                { .name = "z.rank8", .dtype = HK_COUNT, .rank = 8, .shape = { 1, 1, 1, 1, 1, 1, 1, 5 }, .data = u },
                { .name = "z.empty", .dtype = HK_F32, .rank = 1, .shape = { 0 } },
            };
            hk_status st = sealed ? hk__file_write_sealed(ctx, path, NULL, i ? 6 : 0, t, i % 4, meta) : hk_file_write(ctx, path, i ? 6 : 0, t, i % 4, meta);
            if (st) fail_msg("%s", hk_error(ctx));
            hk_file *f = NULL;
            if (hk_file_read(ctx, path, &f)) fail_msg("%s", hk_error(ctx));
            hk_file_free(f);
            keep_case("written", ++n_written);
        }
}

/* ---- a network and data small enough to evaluate hundreds of times ---- */

static void write_data(void) {
    static const char *const prefix[] = { "train", "t10k" };
    uint8_t images[16 + 2 * 784] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28 }, labels[10] = { 0, 0, 8, 1, 0, 0, 0, 2 };
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix[i]), write_text(name, images, sizeof images);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix[i]), write_text(name, labels, sizeof labels);
    }
    static const char ini[] = "[run]\nthreads = 1\n[data]\nname = MNIST(root=\".\")\n[model]\nT = 1\n[layers]\nflat = Flatten()\nfc = Linear(784, 10)\n"
                              "[train]\nbatch = 2\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n";
    write_text("t.ini", ini, sizeof ini - 1);
    static float w[7840], b[10];
    const hk_tensor t[] = { { .name = "fc.weight", .dtype = HK_F32, .rank = 2, .shape = { 10, 784 }, .data = w },
        { .name = "fc.bias", .dtype = HK_F32, .rank = 1, .shape = { 10 }, .data = b } };
    assert_int_equal(hk_file_write(ctx, "weights.safetensors", 2, t, 0, NULL), HK_OK);
}

/* Right as a file, wrong for the network. */
static void other_networks(void **state) {
    (void)state;
    static float w[7840];
    const hk_tensor weight = { .name = "fc.weight", .dtype = HK_F32, .rank = 2, .shape = { 10, 784 }, .data = w },
                    bias = { .name = "fc.bias", .dtype = HK_F32, .rank = 1, .shape = { 10 }, .data = w };
    hk_tensor turned = weight, flat = weight, integers = weight, scalar = bias, other = bias, more = bias;
    turned.shape[0] = 784, turned.shape[1] = 10;
    flat.rank = 1, flat.shape[0] = 7840;
    integers.dtype = HK_COUNT;
    scalar.rank = 0;
    other.name = "fc.Bias", more.name = "fc2.bias";
    const struct {
        hk_tensor t[3];
        int n;
        const char *word;
    } net[] = {
        { { { 0 } }, 0, "2 missing in the file: fc.weight, fc.bias" },
        { { weight }, 1, "1 missing in the file: fc.bias" },
        { { weight, other }, 2, "1 missing in the file: fc.bias; 1 not in the network: fc.Bias" },
        { { weight, bias, more }, 3, "1 not in the network: fc2.bias" },
        { { turned, bias }, 2, "fc.weight: expected [10, 784], got [784, 10]" },
        { { flat, bias }, 2, "fc.weight: expected [10, 784], got [7840]" },
        { { integers, bias }, 2, "got [10, 784] of integers" },
        { { weight, scalar }, 2, "fc.bias: expected [10], got []" },
    };
    for (size_t i = 0; i < sizeof net / sizeof *net; i++) {
        ran r;
        assert_int_equal(hk_file_write(ctx, path, net[i].n, net[i].t, 0, NULL), HK_OK);
        run_command(&r, (const char *const[]){ "eval", "t.ini", "--checkpoint", path, NULL });
        check_refused(&r, net[i].word, 5, path, (const char *const[]){ net[i].word, NULL });
        n_refused++;
    }
}

static int begin(void **state) {
    (void)state;
    hk_context_config cfg = HK_CONTEXT_CONFIG_DEFAULT;
    cfg.no_default_plugins = 1, cfg.log_level = 0;
    keep = getenv("HILLOCK_CASES");
    if (hk_context_new(&cfg, &ctx) || !mkdtemp(dir) || chdir(dir) || mkdir("folder", 0700) || mkfifo("fifo", 0600)) return -1;
    write_data();
    return 0;
}
static int end(void **state) {
    (void)state;
    static const char *const files[] = { "case.safetensors", "weights.safetensors", "t.ini", "fifo", "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };
    hk_context_free(ctx);
    printf("count: safetensors_refused %d\ncount: safetensors_accepted %d\ncount: safetensors_written %d\n", n_refused, n_accepted, n_written);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(files[i]);
    rmdir("folder");
    return chdir("/") || rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bad_headers, give_memory_back),
        cmocka_unit_test(good_headers),
        cmocka_unit_test_teardown(bad_lengths, give_memory_back),
        cmocka_unit_test(empty_header),
        cmocka_unit_test(bool_bytes),
        cmocka_unit_test(damaged),
        cmocka_unit_test(written),
        cmocka_unit_test(other_networks),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
