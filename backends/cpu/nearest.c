/* nearest.c - nearest2d and its adjoint: rows and columns of pictures again, or left out. A unit is a picture. */
#include "cpu.h"

typedef struct nearest_plan {
    cpu_plan base;
    int64_t C, W, h, w;
    const int64_t *row, *col; /* live as long as the core's plan */
} nearest_plan;

static int64_t pictures(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status nearest_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const nearest_plan *P = (const nearest_plan *)p;
    const size_t place = (size_t)P->C * cpu_size(p->d[0].dtype), from = (size_t)(hk_desc_elems(&p->d[0]) / P->C), to = (size_t)(P->h * P->w);
    for (int64_t r = lo; r < hi; r++)
        for (int64_t i = 0; i < P->h; i++)
            for (int64_t j = 0; j < P->w; j++)
                memcpy((char *)b->ptr[1] + ((size_t)r * to + (size_t)(i * P->w + j)) * place,
                    (const char *)b->ptr[0] + ((size_t)r * from + (size_t)(P->row[i] * P->W + P->col[j])) * place, place);
    return HK_OK;
}

static hk_status nearest_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const nearest_plan *P = (const nearest_plan *)p;
    const int64_t E = hk_desc_elems(cpu_out(p, 0)), from = P->h * P->w * P->C;
    memset((float *)b->ptr[1] + lo * E, 0, (size_t)((hi - lo) * E) * 4);
    for (int64_t r = lo; r < hi; r++)
        for (int64_t i = 0; i < P->h; i++)
            for (int64_t j = 0; j < P->w; j++) {
                const float *g = (const float *)b->ptr[0] + r * from + (i * P->w + j) * P->C;
                float *to = (float *)b->ptr[1] + r * E + (P->row[i] * P->W + P->col[j]) * P->C;
                for (int64_t c = 0; c < P->C; c++) to[c] += g[c];
            }
    return HK_OK;
}

static hk_status nearest_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const int bwd = !strcmp(o->op, "nearest2d_bwd");
    const hk_desc *x = bwd ? &o->out[0] : &o->in[0], *y = bwd ? &o->in[0] : &o->out[0];
    if (x->rank != 3 || y->rank != 3 || !(x->flags & HK_N) || x->flags != y->flags || x->shape[0] != y->shape[0])
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes rows [C,H,W] that vary with n", o->path, o->op);
    hk_status st = cpu_plan_new(dev, o, sizeof(nearest_plan), out);
    if (st != HK_OK) return st;
    nearest_plan *P = (nearest_plan *)*out;
    P->C = x->shape[0], P->W = x->shape[2], P->h = y->shape[1], P->w = y->shape[2];
    P->row = cpu_attr(o, "rows")->p, P->col = cpu_attr(o, "cols")->p;
    if (cpu_attr(o, "rows")->i != P->h || cpu_attr(o, "cols")->i != P->w || !P->row || !P->col)
        return cpu_fail(dev, HK_EINVAL, "%s: %s: expected %lld rows and %lld columns", o->path, o->op, (long long)P->h, (long long)P->w);
    P->base.units = pictures, P->base.run = bwd ? nearest_bwd_run : nearest_run;
    P->base.grain = cpu_max(1, 16384 / (hk_desc_elems(y) + 16));
    return HK_OK;
}

const cpu_op cpu_ops_nearest[] = { { "nearest2d", nearest_new }, { "nearest2d_bwd", nearest_new }, { NULL, NULL } };
