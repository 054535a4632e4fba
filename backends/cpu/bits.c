/* bits.c - pack and unpack: eight bytes of small numbers in 1, 2 or 4 bytes, and back. A unit is a row.
 *
 * Eight bytes are one word; three shifts halve the distance between its numbers until they lie side by side. */
#include "cpu.h"
#pragma GCC optimize("O3")

typedef struct bits_plan {
    cpu_plan base;
    int64_t E, bytes; /* numbers and packed bytes of a row */
    int bits;
} bits_plan;

static int64_t bits_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(&p->d[0], b) * cpu_steps(&p->d[0], b); }

#define ONES(width, every) (((UINT64_C(1) << (width)) - 1) * (every))
#define M8 UINT64_C(0x0101010101010101)
#define M16 UINT64_C(0x0001000100010001)
#define M32 UINT64_C(0x0000000100000001)

#define PACK(bits, type)                                                                                                                                       \
    CPU_BODY pack##bits##_body(int64_t words, const uint8_t *restrict x, uint8_t *restrict y) {                                                                \
        for (int64_t i = 0; i < words; i++) {                                                                                                                  \
            uint64_t v;                                                                                                                                        \
            memcpy(&v, x + 8 * i, 8);                                                                                                                          \
            v = (v | v >> (8 - (bits))) & ONES(2 * (bits), M16);                                                                                               \
            v = (v | v >> (16 - 2 * (bits))) & ONES(4 * (bits), M32);                                                                                          \
            const type low = (type)(v | v >> (32 - 4 * (bits)));                                                                                               \
            memcpy(y + (bits)*i, &low, sizeof low);                                                                                                            \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    CPU_BODY unpack##bits##_body(int64_t words, const uint8_t *restrict x, uint8_t *restrict y) {                                                              \
        for (int64_t i = 0; i < words; i++) {                                                                                                                  \
            type low;                                                                                                                                          \
            memcpy(&low, x + (bits)*i, sizeof low);                                                                                                            \
            uint64_t v = low;                                                                                                                                  \
            v = (v | v << (32 - 4 * (bits))) & ONES(4 * (bits), M32);                                                                                          \
            v = (v | v << (16 - 2 * (bits))) & ONES(2 * (bits), M16);                                                                                          \
            v = (v | v << (8 - (bits))) & ONES(bits, M8);                                                                                                      \
            memcpy(y + 8 * i, &v, 8);                                                                                                                          \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    CPU_CLONES(pack##bits, (int64_t words, const uint8_t *x, uint8_t *y), (words, x, y));                                                                      \
    CPU_CLONES(unpack##bits, (int64_t words, const uint8_t *x, uint8_t *y), (words, x, y))
PACK(1, uint8_t);
PACK(2, uint16_t);
PACK(4, uint32_t);

static void words_of(const bits_plan *P, int unpack, int64_t words, const uint8_t *x, uint8_t *y) {
    uint32_t isa = P->base.isa;
    switch (P->bits) {
    case 1: (unpack ? unpack1 : pack1)[isa](words, x, y); break;
    case 2: (unpack ? unpack2 : pack2)[isa](words, x, y); break;
    default: (unpack ? unpack4 : pack4)[isa](words, x, y); break;
    }
}

/* Rows [lo, hi); where rows are whole words, all of them are one. */
static hk_status pack_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const bits_plan *P = (const bits_plan *)p;
    const uint8_t *x = (const uint8_t *)b->ptr[0] + lo * P->E;
    uint8_t *y = (uint8_t *)b->ptr[1] + lo * P->bytes, last[8];
    int64_t whole = P->E / 8, rest = P->E % 8;
    (void)scratch;
    if (!rest) words_of(P, 0, (hi - lo) * whole, x, y);
    for (int64_t r = lo; rest && r < hi; r++, x += P->E, y += P->bytes) {
        words_of(P, 0, whole, x, y);
        memset(last, 0, sizeof last);
        memcpy(last, x + 8 * whole, (size_t)rest);
        words_of(P, 0, 1, last, y + P->bits * whole);
    }
    return HK_OK;
}

static hk_status unpack_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const bits_plan *P = (const bits_plan *)p;
    const uint8_t *x = (const uint8_t *)b->ptr[0] + lo * P->bytes;
    uint8_t *y = (uint8_t *)b->ptr[1] + lo * P->E, last[8];
    int64_t whole = P->E / 8, rest = P->E % 8;
    (void)scratch;
    if (!rest) words_of(P, 1, (hi - lo) * whole, x, y);
    for (int64_t r = lo; rest && r < hi; r++, x += P->bytes, y += P->E) {
        words_of(P, 1, whole, x, y);
        words_of(P, 1, 1, x + P->bits * whole, last);
        memcpy(y + 8 * whole, last, (size_t)rest);
    }
    return HK_OK;
}

static hk_status bits_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int unpack = !strcmp(o->op, "unpack");
    const hk_desc *wide = unpack ? &o->out[0] : &o->in[0], *narrow = unpack ? &o->in[0] : &o->out[0];
    int64_t bits = cpu_attr(o, "bits")->i, E = hk_desc_elems(wide);
    if (cpu_size(wide->dtype) != 1 || wide->flags != narrow->flags || (bits != 1 && bits != 2 && bits != 4) || hk_desc_elems(narrow) != (E + 7) / 8 * bits)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: rows of bytes, in 1, 2 or 4 bits each", o->path, o->op);
    hk_status s = cpu_plan_new(dev, o, sizeof(bits_plan), out);
    if (s != HK_OK) return s;
    bits_plan *P = (bits_plan *)*out;
    P->E = E, P->bytes = hk_desc_elems(narrow), P->bits = (int)bits;
    P->base.units = bits_units, P->base.run = unpack ? unpack_run : pack_run;
    P->base.grain = cpu_max(1, 65536 / (E + 16));
    return HK_OK;
}

const cpu_op cpu_ops_bits[] = { { "pack", bits_new }, { "unpack", bits_new }, { NULL, NULL } };
