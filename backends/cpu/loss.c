/* loss.c - one_hot, cross_entropy and its adjoint, correct, first_max. A unit is a row (t, sample) of the output. Outputs are assigned (=). */
#include "cpu.h"
#pragma GCC optimize("O3", "no-trapping-math") /* changes no result; lets loops over hk_exp vectorise */

typedef struct loss_plan {
    cpu_plan base;
    int64_t C;
    float smoothing;
    const hk_desc *rows; /* whose rows are run over */
} loss_plan;

static int64_t loss_units(const cpu_plan *p, const hk_bind *b) {
    const hk_desc *d = ((const loss_plan *)p)->rows;
    return cpu_count(d, b) * cpu_steps(d, b);
}

/* Row of operand k that goes with row r. */
static int64_t row_at(const cpu_plan *p, const hk_bind *b, int k, int64_t r) {
    const hk_desc *d = ((const loss_plan *)p)->rows;
    int64_t n = cpu_count(d, b);
    return p->d[k].flags == d->flags ? r : cpu_row(&p->d[k], b, r / n, r % n);
}

/* The class of row r, or -1 after saying what is wrong. */
static int64_t target(const cpu_plan *p, const hk_bind *b, int k, int64_t r) {
    int64_t C = ((const loss_plan *)p)->C, y = ((const int64_t *)b->ptr[k])[row_at(p, b, k, r)];
    if (y >= 0 && y < C) return y;
    cpu_fail(p->dev, HK_EDATA, "a target is %lld; expected 0 to %lld", (long long)y, (long long)(C - 1));
    return -1;
}

static hk_status one_hot_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t C = ((const loss_plan *)p)->C;
    for (int64_t r = lo; r < hi; r++) {
        int64_t y = target(p, b, 0, r);
        if (y < 0) return HK_EDATA;
        float *out = (float *)b->ptr[1] + r * C;
        memset(out, 0, (size_t)C * 4);
        out[y] = 1.0f;
    }
    return HK_OK;
}

/* e[c] = exp(z[c] - max z); returns their sum, and max z */
static float exp_row(int64_t C, const float *z, float *e, float *max) {
    float m = z[0], sum = 0.0f;
    for (int64_t c = 1; c < C; c++) m = z[c] > m ? z[c] : m;
    for (int64_t c = 0; c < C; c++) e[c] = hk_exp(z[c] - m);
    for (int64_t c = 0; c < C; c++) sum += e[c];
    *max = m;
    return sum;
}

/* loss = (1-s) w[y] nll[y] + (s/C) sum_c w[c] nll[c], nll = log sum exp z - z; weight = w[y] */
static hk_status cross_entropy_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *loss = cpu_out_ptr(p, b, 0), *weight = cpu_out_ptr(p, b, 1), *e = scratch, max;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * P->C;
        int64_t y = target(p, b, 1, r);
        if (y < 0) return HK_EDATA;
        float wy = w ? w[y] : 1.0f;
        if (weight) weight[r] = wy;
        if (!loss) continue;
        float log_sum = hk_log(exp_row(P->C, z, e, &max)) + max, all = 0.0f;
        loss[r] = (1.0f - P->smoothing) * wy * (log_sum - z[y]);
        if (P->smoothing == 0.0f) continue;
        for (int64_t c = 0; c < P->C; c++) all += (w ? w[c] : 1.0f) * (log_sum - z[c]);
        loss[r] += P->smoothing / (float)P->C * all;
    }
    return HK_OK;
}

/* out[k] = g ((1-s) w[y] (q[k] - [k = y]) + (s/C) (q[k] sum_c w[c] - w[k])), q = softmax z */
static hk_status cross_entropy_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *out = b->ptr[4], *e = scratch, max, all = 0.0f, s = P->smoothing, each = s / (float)P->C;
    for (int64_t c = 0; c < P->C; c++) all += w ? w[c] : 1.0f;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * P->C;
        int64_t y = target(p, b, 1, r);
        if (y < 0) return HK_EDATA;
        float g = ((const float *)b->ptr[3])[row_at(p, b, 3, r)], wy = (1.0f - s) * (w ? w[y] : 1.0f);
        float over = 1.0f / exp_row(P->C, z, e, &max), *to = out + r * P->C;
        for (int64_t c = 0; c < P->C; c++) {
            float q = e[c] * over;
            to[c] = g * (wy * (q - (c == y ? 1.0f : 0.0f)) + each * (q * all - (w ? w[c] : 1.0f)));
        }
    }
    return HK_OK;
}

static hk_status correct_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t C = ((const loss_plan *)p)->C;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * C;
        int64_t best = 0;
        for (int64_t c = 1; c < C; c++) best = z[c] > z[best] ? c : best;
        ((float *)b->ptr[2])[r] = best == ((const int64_t *)b->ptr[1])[row_at(p, b, 1, r)];
    }
    return HK_OK;
}

static hk_status first_max_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t C = ((const loss_plan *)p)->C;
    for (int64_t r = lo; r < hi; r++) {
        const float *x = (const float *)b->ptr[0] + r * C;
        int64_t best = 0;
        for (int64_t c = 1; c < C; c++) best = x[c] > x[best] ? c : best;
        float *out = (float *)b->ptr[1] + r * C;
        memset(out, 0, (size_t)C * 4);
        out[best] = 1.0f;
    }
    return HK_OK;
}

static hk_status loss_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    static const struct {
        const char *op;
        cpu_units_fn *run;
        uint32_t n_in;
    } list[] = { { "one_hot", one_hot_run, 1 }, { "cross_entropy", cross_entropy_run, 3 }, { "cross_entropy_bwd", cross_entropy_bwd_run, 4 },
        { "correct", correct_run, 2 }, { "first_max", first_max_run, 1 } };
    hk_status s = cpu_plan_new(dev, o, sizeof(loss_plan), out);
    if (s != HK_OK) return s;
    loss_plan *P = (loss_plan *)*out;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].op, o->op)) {
            P->base.run = list[i].run;
            if (o->n_in != list[i].n_in) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %u operands, got %u", o->path, o->op, list[i].n_in, o->n_in);
        }
    P->C = !strcmp(o->op, "one_hot") ? cpu_attr(o, "classes")->i : hk_desc_elems(&o->in[0]);
    P->smoothing = (float)cpu_attr(o, "smoothing")->f;
    P->rows = cpu_has_out(&P->base, 0) || o->n_out < 2 ? cpu_out(&P->base, 0) : cpu_out(&P->base, 1);
    P->base.units = loss_units;
    P->base.grain = cpu_max(1, 2048 / P->C);
    P->base.scratch = (size_t)P->C * 4;
    return HK_OK;
}

const cpu_op cpu_ops_loss[] = { { "one_hot", loss_new }, { "cross_entropy", loss_new }, { "cross_entropy_bwd", loss_new }, { "correct", loss_new },
    { "first_max", loss_new },     { NULL, NULL } };
