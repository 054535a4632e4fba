/* pairs.c - pairs and its adjoint: each two samples' product or squared distance, over steps and places. A unit is a sample. Sums go over steps, then
 * places, in LANES accumulators that are added up in order; those over samples in their order. */
#include "cpu.h"
#pragma GCC optimize("O3")

enum { LANES = 16 };

typedef struct pairs_plan {
    cpu_plan base;
    int64_t E;
    int distance, x; /* x: which operand the rows are */
    void (*sum)(int64_t n, const float *a, const float *b, float *acc);
    void (*add)(int64_t n, float by, const float *a, const float *b, float *out);
} pairs_plan;

/* Whole lanes of a row; the rest is padded by zeros in both. */
CPU_BODY products_body(int64_t n, const float *a, const float *b, float *acc) {
    for (int64_t e = 0; e < n; e += LANES)
        for (int l = 0; l < LANES; l++) acc[l] += a[e + l] * b[e + l];
}
CPU_CLONES(products, (int64_t n, const float *a, const float *b, float *acc), (n, a, b, acc));
CPU_BODY distances_body(int64_t n, const float *a, const float *b, float *acc) {
    for (int64_t e = 0; e < n; e += LANES)
        for (int l = 0; l < LANES; l++) acc[l] += (a[e + l] - b[e + l]) * (a[e + l] - b[e + l]);
}
CPU_CLONES(distances, (int64_t n, const float *a, const float *b, float *acc), (n, a, b, acc));
CPU_BODY add_body(int64_t n, float by, const float *a, const float *b, float *out) {
    (void)a;
    for (int64_t e = 0; e < n; e++) out[e] += by * b[e];
}
CPU_CLONES(add, (int64_t n, float by, const float *a, const float *b, float *out), (n, by, a, b, out));
CPU_BODY add_difference_body(int64_t n, float by, const float *a, const float *b, float *out) {
    for (int64_t e = 0; e < n; e++) out[e] += by * (a[e] - b[e]);
}
CPU_CLONES(add_difference, (int64_t n, float by, const float *a, const float *b, float *out), (n, by, a, b, out));

/* Row t of sample i as f32, with zeros up to whole lanes, in tmp. */
static const float *row(const pairs_plan *P, const hk_bind *b, int64_t t, int64_t i, float *tmp) {
    const hk_desc *x = &P->base.d[P->x];
    const int64_t at = cpu_row_blocks(x, b, P->base.nb, t, i) * P->E;
    if (x->dtype == HK_F32) memcpy(tmp, (const float *)b->ptr[P->x] + at, (size_t)P->E * 4);
    else cpu_from_u8[P->base.isa](P->E, (const uint8_t *)b->ptr[P->x] + at, tmp);
    return tmp;
}

static int64_t pairs_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->n;
}

static hk_status pairs_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const pairs_plan *P = (const pairs_plan *)p;
    const int64_t wide = cpu_up(P->E, LANES), T = cpu_steps(&p->d[P->x], b);
    float *mine = scratch, *other = mine + wide;
    memset(mine, 0, (size_t)(2 * wide) * 4);
    for (int64_t i = lo; i < hi; i++)
        for (int64_t j = 0; j < b->n; j++) {
            float acc[LANES] = { 0 }, sum = 0;
            for (int64_t t = 0; t < T; t++) P->sum(wide, row(P, b, t, i, mine), row(P, b, t, j, other), acc);
            for (int l = 0; l < LANES; l++) sum += acc[l];
            ((float *)b->ptr[1])[i * b->n + j] = sum;
        }
    return HK_OK;
}

/* product: gx[i] = sum_j (g[i,j] + g[j,i]) x[j]; distance: gx[i] = sum_j 2 (g[i,j] + g[j,i]) (x[i] - x[j]) */
static hk_status pairs_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const pairs_plan *P = (const pairs_plan *)p;
    const float *g = b->ptr[0], by = P->distance ? 2.0f : 1.0f;
    float *mine = scratch, *other = mine + cpu_up(P->E, LANES);
    for (int64_t i = lo; i < hi; i++)
        for (int64_t t = 0; t < cpu_steps(&p->d[P->x], b); t++) {
            float *out = (float *)b->ptr[2] + cpu_row_blocks(cpu_out(p, 0), b, p->nb, t, i) * P->E;
            memset(out, 0, (size_t)P->E * 4);
            row(P, b, t, i, mine);
            for (int64_t j = 0; j < b->n; j++) P->add(P->E, by * (g[i * b->n + j] + g[j * b->n + i]), mine, row(P, b, t, j, other), out);
        }
    return HK_OK;
}

static hk_status pairs_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(pairs_plan), out);
    if (s != HK_OK) return s;
    pairs_plan *P = (pairs_plan *)*out;
    const int bwd = !strcmp(o->op, "pairs_bwd");
    P->x = bwd, P->E = hk_desc_elems(&o->in[bwd]), P->distance = (int)cpu_attr(o, "distance")->i;
    P->sum = (P->distance ? distances : products)[P->base.isa], P->add = (P->distance ? add_difference : add)[P->base.isa];
    P->base.units = pairs_units, P->base.run = bwd ? pairs_bwd_run : pairs_run;
    P->base.scratch = (size_t)(2 * cpu_up(P->E, LANES)) * 4;
    return HK_OK;
}

const cpu_op cpu_ops_pairs[] = { { "pairs", pairs_new }, { "pairs_bwd", pairs_new }, { NULL, NULL } };
