/* linear_dx.c - linear_dx of f32 by oneDNN's sgemm.
 *
 * The last bits of sgemm depend on how many rows a call has. So a call has those of one group of 16 samples over at most STEPS steps, put side by side in
 * scratch unless they lie so: bits depend on neither threads nor blocks. A unit is such a call. linear and linear_dw are cpu's (docs/performance.md): with so
 * few rows sgemm by the transposed weight gained 7 % on one processor and took 1.5 times as long on another, and the gradient of the weight, a product for
 * each group, took 1.5 times as long. */
#include "onednn.h"
#include <string.h>

enum { STEPS = 16, FEWEST = 4 /* steps: fewer rows do not pay for reading the weight */, SMALL = 64 /* rows and columns of the weight */ };

typedef struct linear_plan {
    hk_op_plan base;
    int64_t K, O, chunk; /* numbers of a row of the weight, rows; steps of a call */
} linear_plan;

static int64_t linear_units(const hk_op_plan *p, const hk_bind *b) {
    int64_t chunk = ((const linear_plan *)p)->chunk;
    return b->groups * ((b->T + chunk - 1) / chunk);
}

static void move(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t steps, int64_t numbers) {
    for (int64_t t = 0; t < steps; t++) memcpy(to + t * to_step, from + t * from_step, (size_t)numbers * 4);
}

static hk_status linear_run(const hk_op_plan *p, od_piece *piece, int64_t lo, int64_t hi) {
    const linear_plan *P = (const linear_plan *)p;
    const hk_bind *b = piece->b;
    const float *w = b->ptr[1];
    float *g = (float *)(void *)piece->own, *gx = g + P->chunk * HK_GROUP * P->O;
    for (int64_t u = lo; u < hi; u++) {
        int64_t t = u / b->groups * P->chunk, steps = od_min(P->chunk, b->T - t), i = u % b->groups * HK_GROUP, n = od_min(HK_GROUP, b->n - i);
        const float *from = (const float *)b->ptr[0] + (t * b->n + i) * P->O;
        float *to = (float *)b->ptr[2] + (t * b->n + i) * P->K;
        int in_place = n == b->n;
        if (!in_place) move(g, n * P->O, from, b->n * P->O, steps, n * P->O);
        dnnl_status_t s = dnnl_sgemm('N', 'N', steps * n, P->K, P->O, 1.0f, in_place ? from : g, P->O, w, P->K, 0.0f, in_place ? to : gx, P->K);
        if (s != dnnl_success) return od_failed(p, "multiply", s);
        if (!in_place) move(to, b->n * P->K, gx, n * P->K, steps, n * P->K);
    }
    return HK_OK;
}

hk_status od_linear_dx_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    const hk_desc *g = &o->in[0], *gx = &o->out[0], *w = &o->in[1];
    if (g->dtype != HK_F32 || gx->dtype != HK_F32 || g->flags != HK_SEQ || gx->flags != HK_SEQ || w->flags != HK_STATIC || w->rank != 2) return HK_EUNSUPPORTED;
    if (o->nb < o->N && o->nb % HK_GROUP) return HK_EUNSUPPORTED;
    if (!o->way && (o->T < FEWEST || w->shape[0] < SMALL || w->shape[1] < SMALL)) return HK_EUNSUPPORTED;
    if (!o->way && od_cpu_traits(dev, o) & HK_ROUNDS) return HK_EUNSUPPORTED; /* twice as fast, by cpu's option bf16=on */
    hk_status st = od_plan_new(dev, o, sizeof(linear_plan), out);
    if (st != HK_OK) return st;
    linear_plan *P = (linear_plan *)*out;
    hk_op_plan *p = &P->base;
    P->O = w->shape[0], P->K = w->shape[1], P->chunk = od_min(STEPS, o->T);
    p->units = linear_units, p->run = linear_run;
    p->own = od_up((size_t)(P->chunk * HK_GROUP * (P->O + P->K)) * 4);
    memcpy(p->impl, "onednn: sgemm", sizeof "onednn: sgemm");
    return HK_OK;
}
