/* group.c - group_mean and group_spread: means of consecutive numbers of a row, and the adjoint. A unit is a row. */
#include "cpu.h"

typedef struct group_plan {
    cpu_plan base;
    int64_t size, n; /* members, groups in a row */
} group_plan;

static int64_t group_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status mean_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const group_plan *P = (const group_plan *)p;
    int64_t size = P->size;
    float *y = b->ptr[1];
    for (int64_t k = lo * P->n; k < hi * P->n; k++) {
        float sum = 0.0f;
        if (p->d[0].dtype == HK_F32)
            for (int64_t j = 0; j < size; j++) sum += ((const float *)b->ptr[0])[k * size + j];
        else
            for (int64_t j = 0; j < size; j++) sum += (float)((const uint8_t *)b->ptr[0])[k * size + j];
        y[k] = sum / (float)size;
    }
    return HK_OK;
}

static hk_status spread_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const group_plan *P = (const group_plan *)p;
    const float *g = b->ptr[0];
    float *y = b->ptr[1];
    for (int64_t k = lo * P->n; k < hi * P->n; k++) {
        float part = g[k] / (float)P->size;
        for (int64_t j = 0; j < P->size; j++) y[k * P->size + j] = part;
    }
    return HK_OK;
}

static hk_status group_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int spread = !strcmp(o->op, "group_spread");
    const hk_desc *wide = spread ? &o->out[0] : &o->in[0], *narrow = spread ? &o->in[0] : &o->out[0];
    int64_t size = cpu_attr(o, "size")->i;
    if (wide->flags != narrow->flags || cpu_channels_last(wide) || cpu_channels_last(narrow))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: rows must have one axis", o->path, o->op);
    if (size < 1 || hk_desc_elems(narrow) * size != hk_desc_elems(wide)) return cpu_fail(dev, HK_ESHAPE, "%s: %s: the shapes do not fit", o->path, o->op);
    hk_status s = cpu_plan_new(dev, o, sizeof(group_plan), out);
    if (s != HK_OK) return s;
    group_plan *P = (group_plan *)*out;
    P->size = size, P->n = hk_desc_elems(narrow);
    P->base.units = group_units, P->base.run = spread ? spread_run : mean_run;
    P->base.grain = cpu_max(1, 16384 / (hk_desc_elems(wide) + 16));
    return HK_OK;
}

typedef struct row_plan {
    cpu_plan base;
    int64_t row;
} row_plan;
static int64_t row_units(const cpu_plan *p, const hk_bind *b) { return p->d[0].flags & HK_G ? b->groups : 1; }
static hk_status row_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t R = p->d[0].shape[0], C = p->d[0].shape[1], row = ((const row_plan *)p)->row;
    for (int64_t g = lo; g < hi; g++) memcpy((float *)b->ptr[1] + g * C, (const float *)b->ptr[0] + (g * R + row) * C, (size_t)C * sizeof(float));
    return HK_OK;
}
static hk_status row_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(row_plan), out);
    if (s != HK_OK) return s;
    row_plan *P = (row_plan *)*out;
    P->row = cpu_attr(o, "row")->i;
    P->base.units = row_units, P->base.run = row_run, P->base.grain = 1024;
    return HK_OK;
}

const cpu_op cpu_ops_group[] = { { "static_row", row_new }, { "group_mean", group_new }, { "group_spread", group_new }, { NULL, NULL } };
