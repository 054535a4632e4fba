/* npy.c - NumPy's .npy: the six bytes 0x93 NUMPY, a version, the length of a header, the header as a Python dictionary, the numbers.
 *
 * Taken: versions 1.0 to 3.0; 'descr' of one number (bool, integers, float16, float32, float64, of either byte order), 'fortran_order', 'shape', each once, in any
 * order. Source: NumPy 2.0, numpy.lib.format ("NPY format"). */
#include "array.h"
#include <stdlib.h>
#include <string.h>

typedef struct cursor {
    const char *p, *end;
} cursor;

static void skip(cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n')) c->p++;
}
static int take(cursor *c, const char *text) {
    const size_t n = strlen(text);
    skip(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n)) return 0;
    c->p += n;
    return 1;
}

/* A quoted text below `size` characters without escapes; 0: none. */
static int quoted(cursor *c, char *to, size_t size) {
    size_t n = 0;
    skip(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return 0;
    const char quote = *c->p++;
    while (c->p < c->end && *c->p != quote && *c->p != '\\' && n + 1 < size) to[n++] = *c->p++;
    to[n] = '\0';
    if (c->p == c->end || *c->p != quote) return 0;
    c->p++;
    return 1;
}

/* (3,) or (3, 4), or () for one number. */
static int shape(cursor *c, array *a) {
    if (!take(c, "(")) return 0;
    for (a->rank = 0; !take(c, ")"); a->rank++) {
        int64_t v = 0;
        if (a->rank == ARRAY_MAX_RANK) return 0;
        if (a->rank && !take(c, ",")) return 0;
        if (a->rank && take(c, ")")) break;
        skip(c);
        if (c->p == c->end || *c->p < '0' || *c->p > '9') return 0;
        while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *c->p++ - '0', &v)) return 0;
        if (c->p < c->end && *c->p == 'L') c->p++; /* written by Python 2 */
        a->shape[a->rank] = v;
    }
    return 1;
}

/* NULL, or what is wrong. descr[16] gets the type's letters. */
static const char *dictionary(const char *text, size_t n, array *a, char *descr, int *fortran) {
    cursor c = { text, text + n };
    int seen = 0;
    if (!take(&c, "{")) return "expected a dictionary";
    while (!take(&c, "}")) {
        char key[16];
        int bit;
        if (!quoted(&c, key, sizeof key) || !take(&c, ":")) return "expected 'descr', 'fortran_order' and 'shape'";
        if (!strcmp(key, "descr")) {
            bit = 1;
            if (!quoted(&c, descr, 16)) return "expected one type of number as '<f4' for 'descr'; structures are not taken";
        } else if (!strcmp(key, "fortran_order")) {
            bit = 2;
            if (!(*fortran = take(&c, "True")) && !take(&c, "False")) return "expected True or False for 'fortran_order'";
        } else if (!strcmp(key, "shape")) {
            bit = 4;
            if (!shape(&c, a)) return "expected at most 8 sizes as (60000, 28, 28) for 'shape'";
        } else
            return "expected 'descr', 'fortran_order' and 'shape' alone";
        if (seen & bit) return "a key comes twice";
        seen |= bit;
        if (!take(&c, ",")) {
            if (!take(&c, "}")) return "expected a comma or the dictionary's end";
            break;
        }
    }
    skip(&c);
    if (c.p != c.end) return "expected nothing behind the dictionary";
    return seen == 7 ? NULL : "expected 'descr', 'fortran_order' and 'shape'";
}

static hk_status parse(const hk_module *self, const char *path, const uint8_t *b, int64_t n, array *a) {
    char descr[16] = "";
    int fortran = 0;
    int64_t head, bytes;
    if (n < 10 || memcmp(b, "\x93NUMPY", 6)) return ARRAY_FAIL(self, "%s: expected an array of NumPy's format, got something else", path);
    if (b[6] < 1 || b[6] > 3) return ARRAY_FAIL(self, "%s: expected version 1 to 3 of NumPy's format, got %d", path, b[6]);
    const int wide = b[6] > 1;
    if (wide && n < 12) return ARRAY_FAIL(self, "%s: the file is truncated", path);
    head = wide ? (int64_t)b[8] | (int64_t)b[9] << 8 | (int64_t)b[10] << 16 | (int64_t)b[11] << 24 : b[8] | b[9] << 8;
    const int64_t at = wide ? 12 : 10;
    if (head > n - at) return ARRAY_FAIL(self, "%s: expected a header of %lld bytes, got %lld: the file is truncated", path, (long long)head, (long long)(n - at));
    const char *wrong = dictionary((const char *)b + at, (size_t)head, a, descr, &fortran);
    if (wrong) return ARRAY_FAIL(self, "%s: header: %s", path, wrong);
    const char order = descr[0];
    if (!strchr("<>|=", order) || !order || !array_type(a, descr + 1) || a->kind == 'B')
        return ARRAY_FAIL(self, "%s: expected numbers (bool, integers, float16, float32 or float64), got type '%.15s'%s", path, descr,
            strchr(descr, 'O') ? ": Python objects, which are not read; save with a type of numbers" : "");
    a->swap = order == '>' && a->size > 1;
    hk_status st = array_layout(self, path, a, fortran, &bytes);
    if (st) return st;
    if (bytes != n - at - head)
        return ARRAY_FAIL(self, "%s: expected %lld bytes of numbers behind the header, got %lld: the file is %s", path, (long long)bytes, (long long)(n - at - head),
            bytes > n - at - head ? "truncated" : "too long");
    a->data = b + at + head;
#ifdef HILLOCK_PLANT_BUG
    void hk__planted(void);
    if (fortran && a->rank == 2 && a->shape[0] == 3) hk__planted();
#endif
    return HK_OK;
}

hk_status npy_parse(const hk_module *self, const char *path, uint8_t *bytes, int64_t n, array *out) {
    *out = (array){ .owned = bytes, .bytes = n };
    hk_status st = parse(self, path, bytes, n, out);
    if (st) array_free(out);
    return st;
}
