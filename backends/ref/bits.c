/* bits.c - pack and unpack. Rows are taken as they are stored. */
#include "ref.h"

/* i[0]: bits */
static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    p->i[0] = ref_attr(o, "bits")->i;
    return HK_OK;
}

static int64_t rows(const ref_plan *p, const hk_bind *b) { return ref_steps(&p->d[0], b) * ref_count(&p->d[0], b); }

static hk_status pack(const ref_plan *p, const hk_bind *b) {
    for (int64_t r = 0; r < rows(p, b); r++) {
        const uint8_t *x = (const uint8_t *)b->ptr[0] + r * p->E[0];
        uint8_t *y = (uint8_t *)b->ptr[1] + r * p->E[1];
        memset(y, 0, (size_t)p->E[1]);
        for (int64_t e = 0; e < p->E[0]; e++) y[e * p->i[0] / 8] |= (uint8_t)(x[e] << e * p->i[0] % 8);
    }
    return HK_OK;
}

static hk_status unpack(const ref_plan *p, const hk_bind *b) {
    for (int64_t r = 0; r < rows(p, b); r++) {
        const uint8_t *x = (const uint8_t *)b->ptr[0] + r * p->E[0];
        uint8_t *y = (uint8_t *)b->ptr[1] + r * p->E[1];
        for (int64_t e = 0; e < p->E[1]; e++) y[e] = (uint8_t)(x[e * p->i[0] / 8] >> e * p->i[0] % 8 & ((1 << p->i[0]) - 1));
    }
    return HK_OK;
}

const ref_op ref_ops_bits[] = { { "pack", 1, 1, pack, prepare }, { "unpack", 1, 1, unpack, prepare }, { 0 } };
