/* moment.c - max_t, first_spike, their adjoint at_moment, since. A unit is the row of one sample, or of one step and sample. */
#include "cpu.h"
#pragma GCC optimize("O3")

typedef struct moment_plan {
    cpu_plan base;
    int first;
    float scale;
    int64_t E;
    cpu_src x; /* since, at_moment's g */
} moment_plan;

static int64_t row_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b); }
static int64_t step_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static inline float at(const hk_desc *d, const void *base, int64_t k) {
    return d->dtype == HK_F32 ? ((const float *)base)[k] : (float)((const uint8_t *)base)[k];
}

/* when[e]: the step that number e of sample i is about: its first largest, or its first one that is not 0 (T - 1 if there is none); value[e]: the number. */
static void moments(const moment_plan *P, const hk_desc *d, const void *x, const hk_bind *b, int64_t i, int32_t *when, float *value) {
    const int64_t E = P->E;
    for (int64_t e = 0; e < E; e++) when[e] = P->first ? (int32_t)(b->T - 1) : 0, value[e] = P->first ? 0.0f : at(d, x, cpu_row(d, b, 0, i) * E + e);
    for (int64_t t = P->first ? 0 : 1; t < b->T; t++) {
        const int64_t row = cpu_row(d, b, t, i) * E;
        for (int64_t e = 0; e < E; e++) {
            float v = at(d, x, row + e);
            int take = P->first ? value[e] == 0.0f && v != 0.0f : v > value[e];
            when[e] = take ? (int32_t)t : when[e];
            value[e] = take ? v : value[e];
        }
    }
}

static hk_status over_t_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const moment_plan *P = (const moment_plan *)p;
    int32_t *when = scratch;
    float *value = (float *)(when + P->E);
    for (int64_t i = lo; i < hi; i++) {
        float *y = (float *)b->ptr[1] + cpu_row(cpu_out(p, 0), b, 0, i) * P->E;
        moments(P, &p->d[0], b->ptr[0], b, i, when, value);
        for (int64_t e = 0; e < P->E; e++) y[e] = P->first ? (float)when[e] : value[e];
    }
    return HK_OK;
}

static hk_status at_moment_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) { /* g, x */
    const moment_plan *P = (const moment_plan *)p;
    const hk_desc *out = cpu_out(p, 0);
    const int64_t E = P->E;
    int32_t *when = scratch;
    float *value = (float *)(when + E), *tmp = value + E;
    for (int64_t i = lo; i < hi; i++) {
        moments(P, &p->d[1], b->ptr[1], b, i, when, value);
        for (int64_t t = 0; t < b->T; t++) {
            const float *g = cpu_src_get(&P->x, b->ptr[0], b, t, i * E, E, tmp);
            float *y = (float *)b->ptr[2] + cpu_row(out, b, t, i) * E;
            for (int64_t e = 0; e < E; e++) y[e] = when[e] == t ? P->scale * g[e] : 0.0f;
        }
    }
    return HK_OK;
}

static hk_status since_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const moment_plan *P = (const moment_plan *)p;
    const hk_desc *out = cpu_out(p, 0);
    const int64_t n = cpu_count(out, b);
    for (int64_t r = lo; r < hi; r++) {
        const float *x = cpu_src_get(&P->x, b->ptr[0], b, r / n, r % n * P->E, P->E, scratch), now = (float)(b->t0 + r / n);
        float *y = (float *)b->ptr[1] + r * P->E;
        for (int64_t e = 0; e < P->E; e++) y[e] = now - x[e];
    }
    return HK_OK;
}

static hk_status moment_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const int since = !strcmp(o->op, "since"), adjoint = !strcmp(o->op, "at_moment");
    hk_status s = cpu_plan_new(dev, o, sizeof(moment_plan), out);
    if (s != HK_OK) return s;
    moment_plan *P = (moment_plan *)*out;
    P->E = hk_desc_elems(&o->out[0]);
    P->first = adjoint ? cpu_attr(o, "first")->i != 0 : !strcmp(o->op, "first_spike");
    P->scale = (float)cpu_attr(o, "scale")->f;
    if ((since || adjoint) && !cpu_src_init(&P->x, &o->in[0], &o->out[0]))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: the operand does not fit the result's shape", o->path, o->op);
    P->base.units = since ? step_units : row_units;
    P->base.run = since ? since_run : adjoint ? at_moment_run : over_t_run;
    P->base.grain = cpu_max(1, 4096 / (P->E * (since ? 1 : cpu_max(1, o->T)) + 1));
    P->base.scratch = 3 * (size_t)P->E * sizeof(float);
    return HK_OK;
}

const cpu_op cpu_ops_moment[] = { { "max_t", moment_new }, { "first_spike", moment_new }, { "at_moment", moment_new }, { "since", moment_new },
    { NULL, NULL } };
