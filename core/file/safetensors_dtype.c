/* safetensors_dtype.c - dtypes, sizes and names of the safetensors format, for reader and writer. */
#include "file/file.h"
#include <string.h>

static const struct {
    const char *name;
    hk_dtype dtype; /* HK_ABSENT: known, not stored by Hillock */
    int bytes;
} table[] = {
    /* in the reference's order, low to high */
    { "BOOL", HK_SPIKE, 1 },
    { "F4", HK_ABSENT, 0 },
    { "F6_E2M3", HK_ABSENT, 0 },
    { "F6_E3M2", HK_ABSENT, 0 },
    { "U8", HK_SPIKE, 1 },
    { "I8", HK_ABSENT, 1 },
    { "F8_E5M2", HK_ABSENT, 1 },
    { "F8_E4M3", HK_ABSENT, 1 },
    { "F8_E8M0", HK_ABSENT, 1 },
    { "F8_E4M3FNUZ", HK_ABSENT, 1 },
    { "F8_E5M2FNUZ", HK_ABSENT, 1 },
    { "I16", HK_ABSENT, 2 },
    { "U16", HK_ABSENT, 2 },
    { "F16", HK_ABSENT, 2 },
    { "BF16", HK_ABSENT, 2 },
    { "I32", HK_ABSENT, 4 },
    { "U32", HK_ABSENT, 4 },
    { "F32", HK_F32, 4 },
    { "C64", HK_ABSENT, 8 },
    { "F64", HK_F64, 8 },
    { "I64", HK_I64, 8 },
    { "U64", HK_ABSENT, 8 },
};
enum { N_TABLE = sizeof table / sizeof *table };

hk_dtype hk__st_dtype(const char *text, bool *known) {
    for (int i = 0; i < N_TABLE; i++)
        if (!strcmp(table[i].name, text)) {
            *known = true;
            return table[i].dtype;
        }
    *known = false;
    return HK_ABSENT;
}

static int find(hk_dtype d) { /* from above: a byte is U8, never BOOL */
    if (d == HK_COUNT) d = HK_SPIKE;
    for (int i = N_TABLE - 1; i >= 0 && d != HK_ABSENT; i--)
        if (table[i].dtype == d) return i;
    return -1;
}

const char *hk__st_dtype_name(hk_dtype d) {
    int i = find(d);
    return i < 0 ? NULL : table[i].name;
}

int hk__st_dtype_order(hk_dtype d) { return find(d); }

int64_t hk__st_nbytes(hk_dtype dtype, int rank, const int64_t *shape) {
    int at = find(dtype);
    if (at < 0 || rank < 0 || rank > 8) return -1;
    int64_t product = table[at].bytes; /* of the non-zero dimensions: a zero doesn't make the others harmless */
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || shape[i] > HK__MAX_DIM) return -1;
        if (shape[i] == 0) empty = true;
        else if (__builtin_mul_overflow(product, shape[i], &product)) return -1;
    }
    return empty ? 0 : product;
}

const char *hk__st_name_fault(const char *name) {
    if (!*name) return "is empty";
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p < 0x20 || *p == 0x7f) return "has a control character";
    return strcmp(name, HK__META_KEY) ? NULL : "is reserved";
}
