/* fire.c - fire and fire_bwd as operations of their own: the step, or the surrogate's forward or primitive, and its derivative. */
#include "noise.h"
#pragma GCC optimize("O3")

enum { TILE = 1024, UNIT = 64 };

typedef struct fire_plan {
    cpu_plan base;
    void (*shape)(int64_t, const float *, const float *, float *); /* fire: forward or primitive, NULL: the step; fire_bwd: the derivative */
    void (*step)(int64_t, const float *, uint8_t *, int);
    void (*times)(int64_t, const float *, float *);
    float p[HK_MAX_P];
    int strict;
    cpu_noise noise;
    cpu_src in[2];
} fire_plan;

CPU_BODY step_body(int64_t n, const float *z, uint8_t *y, int strict) {
    if (strict)
        for (int64_t i = 0; i < n; i++) y[i] = z[i] > 0.0f;
    else
        for (int64_t i = 0; i < n; i++) y[i] = z[i] >= 0.0f;
}
CPU_CLONES(step, (int64_t n, const float *z, uint8_t *y, int strict), (n, z, y, strict));

CPU_BODY times_body(int64_t n, const float *g, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = g[i] * y[i];
}
CPU_CLONES(times, (int64_t n, const float *g, float *y), (n, g, y));

static int64_t fire_count(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * hk_desc_elems(cpu_out(p, 0)); }
static int64_t fire_units(const cpu_plan *p, const hk_bind *b) { return (fire_count(p, b) + UNIT - 1) / UNIT; }

static hk_status fire_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const fire_plan *P = (const fire_plan *)p;
    int64_t count = fire_count(p, b), end = cpu_min(hi * UNIT, count);
    float *tmp = scratch;
    uint8_t *bytes = (uint8_t *)(tmp + TILE);
    for (int64_t t = 0; t < cpu_steps(cpu_out(p, 0), b); t++)
        for (int64_t j = lo * UNIT; j < end; j += TILE) {
            int64_t m = cpu_min(TILE, end - j), at = t * count + j;
            const float *z = cpu_src_get(&P->in[0], b->ptr[0], b, t, j, m, tmp);
            if (P->shape) P->shape(m, z, P->p, (float *)b->ptr[1] + at);
            else if (cpu_out(p, 0)->dtype != HK_F32) P->step(m, z, (uint8_t *)b->ptr[1] + at, P->strict);
            else P->step(m, z, bytes, P->strict), cpu_from_u8[p->isa](m, bytes, (float *)b->ptr[1] + at);
        }
    return HK_OK;
}

static hk_status fire_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const fire_plan *P = (const fire_plan *)p;
    int64_t count = fire_count(p, b), end = cpu_min(hi * UNIT, count);
    float *tmp[3] = { scratch, (float *)scratch + TILE, (float *)scratch + 2 * TILE };
    for (int64_t t = 0; t < cpu_steps(cpu_out(p, 0), b); t++)
        for (int64_t j = lo * UNIT; j < end; j += TILE) {
            int64_t m = cpu_min(TILE, end - j);
            const float *g = cpu_src_get(&P->in[0], b->ptr[0], b, t, j, m, tmp[0]);
            const float *z = cpu_src_get(&P->in[1], b->ptr[1], b, t, j, m, tmp[1]);
            P->shape(m, z, P->p, tmp[2]); /* not into the output, which may be g */
            if (P->noise.scale != 0.0f) cpu_noise_add(&P->noise, b, 0, t, j, m, z, tmp[2]);
            P->times(m, g, tmp[2]);
            memcpy((float *)b->ptr[2] + t * count + j, tmp[2], (size_t)m * 4);
        }
    return HK_OK;
}

static hk_status fire_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int bwd = !strcmp(o->op, "fire_bwd");
    const hk_surrogate *s = cpu_attr(o, "surrogate")->p;
    hk_status st = cpu_plan_new(dev, o, sizeof(fire_plan), out);
    if (st != HK_OK) return st;
    fire_plan *P = (fire_plan *)*out;
    const hk_surrogate_kernel *k = s->type->kernels, *last = k + s->type->n_kernel - 1;
    while (k < last && k->isa > P->base.isa) k++;
    int spiking = cpu_attr(o, "spiking")->i != 0;
    if (!bwd && !spiking && !k->primitive)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: the surrogate has no primitive: spiking = false is not possible", o->path);
    P->shape = bwd ? k->grad : spiking ? k->forward : k->primitive;
    P->strict = cpu_attr(o, "strict")->i != 0;
    if (bwd && spiking) cpu_noise_init(&P->noise, o, s, &o->out[0]);
    for (int i = 0; i < HK_MAX_P; i++) P->p[i] = (float)s->p[i];
    for (uint32_t i = 0; i < o->n_in; i++)
        if (!cpu_src_init(&P->in[i], &o->in[i], &o->out[0])) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operands do not fit", o->path, o->op);
    P->step = step[P->base.isa], P->times = times[P->base.isa];
    P->base.units = fire_units, P->base.run = bwd ? fire_bwd_run : fire_run;
    P->base.grain = 16;
    P->base.scratch = 3 * TILE * sizeof(float);
    return HK_OK;
}

const cpu_op cpu_ops_fire[] = { { "fire", fire_new }, { "fire_bwd", fire_new }, { NULL, NULL } };
