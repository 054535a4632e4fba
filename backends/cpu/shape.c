/* shape.c - concat, slice, pad, diagonal and its adjoint, copy, gather, scatter: rows moved, cut and joined. A unit is a row of the output. */
#include "cpu.h"

typedef struct shape_plan {
    cpu_plan base;
    int64_t start, len, outer, from, to; /* slice, pad: `outer` lines of `from` numbers become lines of `to` */
    const int64_t *index;                /* gather, scatter; lives as long as the core's plan */
} shape_plan;

static int64_t shape_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

/* Address of operand d's row that goes with row r of the output. */
static char *row_of(const hk_desc *d, void *base, const hk_desc *out, const hk_bind *b, int64_t r) {
    int64_t n = cpu_count(out, b);
    if (d->flags != out->flags) r = cpu_row(d, b, r / n, r % n);
    return (char *)base + (size_t)(r * hk_desc_elems(d)) * cpu_size(d->dtype);
}

static void put(const cpu_plan *p, const hk_desc *d, const char *from, const hk_desc *out, char *to, int64_t n) {
    if (cpu_size(d->dtype) == cpu_size(out->dtype)) memcpy(to, from, (size_t)n * cpu_size(d->dtype));
    else cpu_from_u8[p->isa](n, (const uint8_t *)from, (float *)to);
}

static hk_status concat_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const hk_desc *out = cpu_out(p, 0);
    for (int64_t r = lo; r < hi; r++) {
        char *to = row_of(out, b->ptr[p->n_in], out, b, r);
        for (int k = 0; k < p->n_in; k++) {
            int64_t n = hk_desc_elems(&p->d[k]);
            put(p, &p->d[k], row_of(&p->d[k], b->ptr[k], out, b, r), out, to, n);
            to += (size_t)n * cpu_size(out->dtype);
        }
    }
    return HK_OK;
}

static hk_status slice_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const shape_plan *P = (const shape_plan *)p;
    const hk_desc *x = &p->d[0], *out = cpu_out(p, 0);
    size_t size = cpu_size(x->dtype);
    for (int64_t r = lo; r < hi; r++) {
        const char *from = row_of(x, b->ptr[0], out, b, r) + (size_t)P->start * size;
        char *to = row_of(out, b->ptr[1], out, b, r);
        for (int64_t k = 0; k < P->outer; k++) memcpy(to + (size_t)(k * P->to) * size, from + (size_t)(k * P->from) * size, (size_t)P->to * size);
    }
    return HK_OK;
}

static hk_status pad_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const shape_plan *P = (const shape_plan *)p;
    const hk_desc *x = &p->d[0], *out = cpu_out(p, 0);
    size_t size = cpu_size(x->dtype);
    for (int64_t r = lo; r < hi; r++) {
        const char *from = row_of(x, b->ptr[0], out, b, r);
        char *to = row_of(out, b->ptr[1], out, b, r);
        memset(to, 0, (size_t)(P->outer * P->to) * size);
        for (int64_t k = 0; k < P->outer; k++) memcpy(to + (size_t)(k * P->to + P->start) * size, from + (size_t)(k * P->from) * size, (size_t)P->from * size);
    }
    return HK_OK;
}

static hk_status copy_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const hk_desc *x = &p->d[0];
    size_t row = (size_t)hk_desc_elems(x) * cpu_size(x->dtype);
    if (b->ptr[0] != b->ptr[1]) memcpy((char *)b->ptr[1] + (size_t)lo * row, (const char *)b->ptr[0] + (size_t)lo * row, (size_t)(hi - lo) * row);
    return HK_OK;
}

static hk_status diagonal_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const hk_desc *x = &p->d[0], *out = cpu_out(p, 0);
    const int64_t K = x->shape[0];
    for (int64_t r = lo; r < hi; r++) {
        const float *from = (const float *)row_of(x, b->ptr[0], out, b, r);
        float *to = (float *)row_of(out, b->ptr[1], out, b, r);
        if (out->rank == 2) memset(to, 0, (size_t)(K * K) * sizeof *to);
        for (int64_t k = 0; k < K; k++)
            if (out->rank == 2) to[k * (K + 1)] = from[k];
            else to[k] = from[k * (K + 1)];
    }
    return HK_OK;
}

/* Lines of slice and pad: what lies behind one index of the axes before the cut one. Axis 0 of a row of several is stored last. */
static void set_lines(shape_plan *P, const hk_opdesc *o) {
    const hk_desc *x = &o->in[0], *y = &o->out[0];
    int64_t axis = cpu_attr(o, "axis")->i ? cpu_attr(o, "axis")->i - 1 : x->rank - 1, inner = 1;
    if (!cpu_channels_last(x))
        for (int64_t k = axis + 1; k < x->rank; k++) inner *= x->shape[k];
    P->start = cpu_attr(o, "start")->i * inner;
    P->from = x->rank ? x->shape[axis] * inner : 1, P->to = y->rank ? y->shape[axis] * inner : 1;
    P->outer = hk_desc_elems(y) / cpu_max(P->to, 1);
}

static hk_status gather_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    const int64_t *index = ((const shape_plan *)p)->index;
    const float *x = b->ptr[0];
    float *y = b->ptr[1];
    for (int64_t j = 0; j < hk_desc_elems(cpu_out(p, 0)); j++) y[j] = index[j] < 0 ? 0.0f : x[index[j]];
    return HK_OK;
}

static hk_status scatter_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    const int64_t *index = ((const shape_plan *)p)->index;
    const float *g = b->ptr[0];
    float *y = b->ptr[1];
    memset(y, 0, (size_t)hk_desc_elems(cpu_out(p, 0)) * 4);
    for (int64_t j = 0; j < hk_desc_elems(&p->d[0]); j++)
        if (index[j] >= 0) y[index[j]] += g[j];
    return HK_OK;
}

static hk_status gather_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(shape_plan), out);
    if (s != HK_OK) return s;
    shape_plan *P = (shape_plan *)*out;
    P->index = cpu_attr(o, "index")->p;
    if (o->in[0].flags || o->out[0].flags) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes one STATIC row", o->path, o->op);
    P->base.units = shape_units, P->base.run = !strcmp(o->op, "gather") ? gather_run : scatter_run;
    return HK_OK;
}

static hk_status shape_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(shape_plan), out);
    if (s != HK_OK) return s;
    shape_plan *P = (shape_plan *)*out;
    const hk_desc *y = &o->out[0];
    int concat = !strcmp(o->op, "concat"), copy = !strcmp(o->op, "copy") || !strcmp(o->op, "detach"), slice = !strcmp(o->op, "slice"), pad = !strcmp(o->op, "pad");
    if (concat && cpu_channels_last(y)) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: rows that vary with n must have one axis", o->path, o->op);
    if (slice || pad) set_lines(P, o);
    P->base.units = shape_units;
    P->base.run = concat ? concat_run : copy ? copy_run : slice ? slice_run : pad ? pad_run : diagonal_run;
    P->base.grain = cpu_max(1, 16384 / (hk_desc_elems(y) + 16));
    return HK_OK;
}

const cpu_op cpu_ops_shape[] = { { "concat", shape_new }, { "slice", shape_new }, { "pad", shape_new }, { "copy", shape_new }, { "detach", shape_new },
    { "diagonal", shape_new }, { "diagonal_bwd", shape_new }, { "gather", gather_new }, { "scatter", gather_new }, { NULL, NULL } };
