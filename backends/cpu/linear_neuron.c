/* linear_neuron.c - operation linear_neuron: the plans of linear, neuron and sum_t in turn, a few samples at a time, whose numbers between them stay in
 * cache: a product of all steps is made as [T][samples][O], the neuron's row kernels go over its steps.
 *
 * The parts are the backend's own for the operations one by one, and so are the bits. Where linear_neuron_lanes.c has the neuron's step, the product is not even
 * stored. A unit is a tile of samples. */
#include "linear_neuron.h"
#include "tables.h"
#pragma GCC optimize("O3")

enum { N_LINEAR = 5, BETWEEN = 64 << 10 /* bytes between linear and neuron, at most, if more than one sample */ };

typedef struct linear_neuron_plan {
    cpu_plan base;
    const cpu_plan *linear, *sum; /* sum: NULL: not wanted */
    const neuron_plan *neuron;
    float scale;
    int64_t O, tile, steps; /* samples at a time; steps of the product */
    int lanes;              /* the neuron's step can be taken where the product is made */
} linear_neuron_plan;

static int64_t tile_units(const cpu_plan *p, const hk_bind *b) {
    const linear_neuron_plan *P = (const linear_neuron_plan *)p;
    return (b->n + P->tile - 1) / P->tile;
}

/* Where samples from i0 on of an operand begin. */
static inline void *from_sample(const hk_desc *d, void *base, int64_t i0) {
    return base && d->flags & HK_N ? (char *)base + i0 * hk_desc_elems(d) * (int64_t)cpu_size(d->dtype) : base;
}

/* Samples [i0, i1) by linear_neuron_lanes.c; 0: it can't. */
static int by_lanes(const linear_neuron_plan *P, const hk_bind *b, int64_t i0, int64_t i1, void *scratch) {
    const cpu_plan *p = &P->base;
    const neuron_plan *N = P->neuron;
    void *ptr[2] = { NULL, b->ptr[N_LINEAR] };
    hk_bind state = *b;
    state.ptr = ptr;
    cpu_lanes a = { .charge = N->type->charge, .T = b->T, .n = b->n, .i0 = i0, .i1 = i1, .K = p->d[1].shape[1], .O = P->O, .bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL,
        .v1 = cpu_out_ptr(p, b, 1), .y_ld = b->n * P->O, .neuron = N, .bind = &state };
    for (int k = 0; k < N->np; k++) a.p[k] = b->ptr[N_LINEAR + N->ns + k];
    if (P->sum) a.sum = b->ptr[p->n_in + 1 + 2 * N->ns], a.scale = P->scale;
    else a.y = cpu_out_ptr(p, b, 0);
    if (!a.y && !a.sum) return 0;
    if (P->linear->begin) P->linear->begin(P->linear, b, scratch);
    if (cpu_has_in(p, 3) ? !cpu_table_lanes(P->linear, b, &a) : !cpu_columns_lanes(P->linear, b, scratch, &a)) return 0;
    return cpu_lanes_run(&a);
}

static hk_status linear_neuron_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const linear_neuron_plan *P = (const linear_neuron_plan *)p;
    const neuron_plan *N = P->neuron;
    const int64_t O = P->O, n_out = 1 + 2 * N->ns;
    if (P->lanes && by_lanes(P, b, lo * P->tile, cpu_min(hi * P->tile, b->n), scratch)) return HK_OK;
    float *product = scratch;
    char *y = (char *)scratch + cpu_up(P->steps * P->tile * O * 4, 64), *rest = y + (P->sum ? cpu_up(p->T * P->tile * O * 4, 64) : 0);
    char *work = rest + cpu_up((int64_t)P->linear->scratch, 64), *last = work + cpu_up((int64_t)N->base.scratch, 64);
    void *ptr[HK_MAX_OPERANDS];
    hk_bind c = *b, l = *b;
    neuron_work w;
    c.ptr = ptr;
    neuron_work_init(N, 0, b->T, &c, work, &w);
    if (P->linear->begin) P->linear->begin(P->linear, &l, rest);
    for (int64_t i0 = lo * P->tile, end = cpu_min(hi * P->tile, b->n); i0 < end; i0 += P->tile) {
        int64_t m = cpu_min(P->tile, end - i0), at = 0;
        P->linear->part(P->linear, &l, i0, m, product, rest);
        ptr[at++] = product;
        for (int k = N_LINEAR; k < p->n_in; k++) ptr[at++] = from_sample(&p->d[k], b->ptr[k], i0);
        for (int k = 0; k < n_out; k++) ptr[at++] = k || !P->sum ? from_sample(cpu_out(p, k), cpu_out_ptr(p, b, k), i0) : y;
        c.n = m;
        w.seq_all = b->n * O, w.y_all = P->sum ? m * O : w.seq_all;
        for (int64_t j = 0; j < m * O; j += N->outer) neuron_forward_block(N, &c, &w, j, cpu_min(j + N->outer, m * O));
        if (!P->sum) continue;
        ptr[0] = y, ptr[1] = from_sample(cpu_out(p, (int)n_out), b->ptr[p->n_in + n_out], i0);
        hk_status s = P->sum->run(P->sum, &c, 0, P->sum->units(P->sum, &c), last);
        if (s != HK_OK) return s;
    }
    return HK_OK;
}

static hk_status linear_neuron_prepare(const cpu_plan *p, const hk_bind *b) {
    const linear_neuron_plan *P = (const linear_neuron_plan *)p;
    return P->linear->prepare(P->linear, b);
}

/* Samples at a time: as many as BETWEEN holds, but whole units of the neuron's kernel where 64 samples are enough for that. */
static int64_t tile_of(int64_t O, int64_t steps) {
    int64_t whole = 1, most = cpu_max(1, cpu_min(BETWEEN / (4 * O * steps), 64));
    while (whole * O % CPU_NEURON_UNIT && whole < 64) whole *= 2;
    return most < whole ? whole : most / whole * whole;
}

static hk_status inner(hk_device *dev, const hk_opdesc *o, const cpu_op *table, cpu_plan **to) {
    for (; table->name; table++)
        if (!strcmp(table->name, o->op)) return table->plan_new(dev, o, to);
    return HK_EUNSUPPORTED;
}

static hk_status linear_neuron_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_neuron *type = cpu_attr(o, "neuron")->p;
    const hk_attr *sum = cpu_attr(o, "sum");
    if (!type || o->n_in != N_LINEAR + type->type->n_state + type->type->n_param || o->n_out != 1 + 2 * type->type->n_state + (sum->i != 0))
        return cpu_fail(dev, HK_EINVAL, "%s: linear_neuron: %u operands and %u results do not fit its neuron", o->path, o->n_in, o->n_out);
    hk_status s = cpu_plan_new(dev, o, sizeof(linear_neuron_plan), out);
    if (s != HK_OK) return s;
    linear_neuron_plan *P = (linear_neuron_plan *)*out;
    hk_desc product = { .dtype = HK_F32, .flags = (uint8_t)(o->in[0].flags | (cpu_attr(o, "columns")->i ? HK_T : 0)), .rank = 1, .shape = { o->in[1].shape[0] } };
    hk_desc in[HK_MAX_OPERANDS], y[HK_MAX_OPERANDS], each = product;
    each.flags |= HK_T;
    hk_opdesc linear = *o, neuron = *o, total = *o;
    const hk_attr scale[1] = { { "scale", 0, sum->f, NULL } };
    linear.op = "linear", linear.n_in = N_LINEAR, linear.n_out = 1, linear.out = &product;
    s = inner(dev, &linear, cpu_ops_linear, &P->base.inner[0]);
    if (s != HK_OK) return s;
    if (!P->base.inner[0]->part) return HK_EUNSUPPORTED;
    in[0] = product;
    memcpy(in + 1, o->in + N_LINEAR, (o->n_in - N_LINEAR) * sizeof *in);
    memcpy(y, o->out, o->n_out * sizeof *y);
    if (sum->i) y[0] = each;
    neuron.op = "neuron", neuron.n_in = 1 + o->n_in - N_LINEAR, neuron.in = in, neuron.n_out = o->n_out - (sum->i != 0), neuron.out = y, neuron.constant = 0;
    s = neuron_new(dev, &neuron, &P->base.inner[1]);
    if (s != HK_OK) return s;
    P->linear = P->base.inner[0], P->neuron = (const neuron_plan *)P->base.inner[1];
    if (P->neuron->bytes) each.dtype = HK_SPIKE;
    total.op = "sum_t", total.n_in = total.n_out = total.n_attr = 1, total.in = &each, total.out = o->out + o->n_out - 1, total.attr = scale, total.constant = 0;
    if (sum->i) s = inner(dev, &total, cpu_ops_reduce, &P->base.inner[2]);
    if (s != HK_OK) return s;
    P->sum = P->base.inner[2], P->scale = (float)sum->f;
    P->lanes = product.flags & HK_T && o->T > 1 && cpu_lanes_fit(P->neuron); /* one step alone: the row kernels are faster */
    P->O = product.shape[0], P->steps = product.flags & HK_T ? o->T : 1;
    P->tile = tile_of(P->O, P->steps);
    P->base.units = tile_units, P->base.run = linear_neuron_run;
    P->base.grain = cpu_max(1, 200000 / (P->steps * P->tile * hk_desc_elems(&o->in[1]) + 1));
    int columns = cpu_attr(o, "columns")->i != 0;
    P->base.impl = P->lanes ? columns ? "columns, lanes" : "table, lanes" : columns ? "columns, rows" : "table, rows";
    P->base.scratch = (size_t)(cpu_up(P->steps * P->tile * P->O * 4, 64) + (P->sum ? cpu_up(o->T * P->tile * P->O * 4, 64) : 0) +
                               cpu_up((int64_t)P->linear->scratch, 64) + cpu_up((int64_t)P->neuron->base.scratch, 64)) +
                      (P->sum ? P->sum->scratch : 0);
    if (P->linear->kept) P->base.kept = P->linear->kept, P->base.prepare = linear_neuron_prepare;
    return HK_OK;
}

const cpu_op cpu_ops_linear_neuron[] = { { "linear_neuron", linear_neuron_new }, { NULL, NULL } };
