/* linear.c - linear and linear_dx of f32 by oneDNN's sgemm.
 *
 * The last bits of sgemm depend on how many rows a call has. So a call has those of one group of 16 samples over at most STEPS steps, put side by side in
 * scratch unless they lie so: bits depend on neither threads nor blocks. A unit is such a call. linear_dw is cpu's: a product for each group, with
 * as few rows, took 1.5 times as long by sgemm. */
#include "onednn.h"
#include <string.h>

enum { STEPS = 16, FEWEST = 4 /* steps: fewer rows do not pay for reading the weight */, SMALL = 64 /* rows and columns of the weight */ };

typedef struct linear_plan {
    hk_op_plan base;
    int64_t K, O, in, out, chunk; /* numbers of a row of the weight, rows; of a row of the operand, of the result; steps of a call */
    int n_in, dx, has_bias;
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
    const float *bias = P->has_bias ? b->ptr[2] : NULL, *w = b->ptr[1];
    float *x = (float *)(void *)piece->own, *y = x + P->chunk * HK_GROUP * P->in;
    for (int64_t u = lo; u < hi; u++) {
        int64_t t = u / b->groups * P->chunk, steps = od_min(P->chunk, b->T - t), i = u % b->groups * HK_GROUP, n = od_min(HK_GROUP, b->n - i);
        const float *from = (const float *)b->ptr[0] + (t * b->n + i) * P->in;
        float *to = (float *)b->ptr[P->n_in] + (t * b->n + i) * P->out;
        int in_place = n == b->n;
        if (!in_place) move(x, n * P->in, from, b->n * P->in, steps, n * P->in);
        float *c = in_place ? to : y;
        dnnl_status_t s = dnnl_sgemm('N', P->dx ? 'N' : 'T', steps * n, P->out, P->in, 1.0f, in_place ? from : x, P->in, w, P->K, 0.0f, c, P->out);
        if (s != dnnl_success) return od_failed(p, "multiply", s);
        for (int64_t r = 0; bias && r < steps * n; r++)
            for (int64_t o = 0; o < P->O; o++) c[r * P->O + o] += bias[o];
        if (!in_place) move(to, b->n * P->out, y, n * P->out, steps, n * P->out);
    }
    return HK_OK;
}

static hk_status linear_new(hk_device *dev, const hk_opdesc *o, int dx, hk_op_plan **out) {
    const hk_desc *x = &o->in[0], *y = &o->out[0], *w = &o->in[1];
    if (x->dtype != HK_F32 || y->dtype != HK_F32 || x->flags != HK_SEQ || y->flags != HK_SEQ || w->flags != HK_STATIC || w->rank != 2) return HK_EUNSUPPORTED;
    if (o->T < FEWEST || w->shape[0] < SMALL || w->shape[1] < SMALL || (o->nb < o->N && o->nb % HK_GROUP)) return HK_EUNSUPPORTED;
    hk_status st = od_plan_new(dev, o, sizeof(linear_plan), out);
    if (st != HK_OK) return st;
    linear_plan *P = (linear_plan *)*out;
    hk_op_plan *p = &P->base;
    P->O = w->shape[0], P->K = w->shape[1], P->dx = dx, P->n_in = (int)o->n_in;
    P->in = dx ? P->O : P->K, P->out = dx ? P->K : P->O;
    P->has_bias = !dx && o->n_in > 2 && o->in[2].dtype != HK_ABSENT;
    P->chunk = od_min(STEPS, o->T);
    p->units = linear_units, p->run = linear_run;
    p->own = od_up((size_t)(P->chunk * HK_GROUP * (P->in + P->out)) * 4);
    memcpy(p->impl, "onednn: sgemm", sizeof "onednn: sgemm");
    return HK_OK;
}

hk_status od_linear_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) { return linear_new(dev, o, 0, out); }
hk_status od_linear_dx_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) { return linear_new(dev, o, 1, out); }
