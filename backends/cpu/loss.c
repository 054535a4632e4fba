/* loss.c - one_hot, cross_entropy and its adjoint, correct, first_max. A unit is a row (t, sample) of the output; the scores [C,...] of a row
 * with several places lie channels-last, those of each place one after the other, and classes and losses [places] in the order of the places. Outputs are assigned (=). */
#include "cpu.h"
#pragma GCC optimize("O3", "no-trapping-math") /* changes no result; lets loops over hk_exp vectorise */

typedef struct loss_plan {
    cpu_plan base;
    int64_t C, P, top; /* classes; places of a row: each has its own scores, one after the other, and its own class */
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

/* Where place q of row r of operand k lies, in places. */
static int64_t place_at(const cpu_plan *p, const hk_bind *b, int k, int64_t r, int64_t q) { return row_at(p, b, k, r) * ((const loss_plan *)p)->P + q; }

/* The class at place q of row r, or -1 after saying what is wrong. */
static int64_t target(const cpu_plan *p, const hk_bind *b, int k, int64_t r, int64_t q) {
    int64_t C = ((const loss_plan *)p)->C, y = ((const int64_t *)b->ptr[k])[place_at(p, b, k, r, q)];
    if (y >= 0 && y < C) return y;
    cpu_fail(p->dev, HK_EDATA, "a target is %lld; expected 0 to %lld", (long long)y, (long long)(C - 1));
    return -1;
}

static hk_status one_hot_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    int64_t C = ((const loss_plan *)p)->C;
    for (int64_t r = lo; r < hi; r++) {
        int64_t y = target(p, b, 0, r, 0);
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

/* loss = (1-s) w[y] nll[y] + (s/C) sum_c w[c] nll[c], nll = log sum exp z - z; weight = w[y]; of each place */
static hk_status cross_entropy_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *loss = cpu_out_ptr(p, b, 0), *weight = cpu_out_ptr(p, b, 1), *e = scratch, max;
    for (int64_t at = lo * P->P; at < hi * P->P; at++) {
        const int64_t r = at / P->P, q = at % P->P, y = target(p, b, 1, r, q);
        const float *z = (const float *)b->ptr[0] + place_at(p, b, 0, r, q) * P->C;
        if (y < 0) return HK_EDATA;
        float wy = w ? w[y] : 1.0f;
        if (weight) weight[at] = wy;
        if (!loss) continue;
        float log_sum = hk_log(exp_row(P->C, z, e, &max)) + max, all = 0.0f;
        loss[at] = (1.0f - P->smoothing) * wy * (log_sum - z[y]);
        if (P->smoothing == 0.0f) continue;
        for (int64_t c = 0; c < P->C; c++) all += (w ? w[c] : 1.0f) * (log_sum - z[c]);
        loss[at] += P->smoothing / (float)P->C * all;
    }
    return HK_OK;
}

/* out[k] = g ((1-s) w[y] (q[k] - [k = y]) + (s/C) (q[k] sum_c w[c] - w[k])), q = softmax z */
static hk_status cross_entropy_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *out = b->ptr[4], *e = scratch, max, all = 0.0f, s = P->smoothing, each = s / (float)P->C;
    for (int64_t c = 0; c < P->C; c++) all += w ? w[c] : 1.0f;
    for (int64_t at = lo * P->P; at < hi * P->P; at++) {
        const int64_t r = at / P->P, place = at % P->P, y = target(p, b, 1, r, place);
        const float *z = (const float *)b->ptr[0] + place_at(p, b, 0, r, place) * P->C;
        if (y < 0) return HK_EDATA;
        float g = ((const float *)b->ptr[3])[place_at(p, b, 3, r, place)], wy = (1.0f - s) * (w ? w[y] : 1.0f);
        float over = 1.0f / exp_row(P->C, z, e, &max), *to = out + at * P->C;
        for (int64_t c = 0; c < P->C; c++) {
            float q = e[c] * over;
            to[c] = g * (wy * (q - (c == y ? 1.0f : 0.0f)) + each * (q * all - (w ? w[c] : 1.0f)));
        }
    }
    return HK_OK;
}

/* With shares y[c] of the classes nll[c] counts a[c] = ((1-s) y[c] + s/C) w[c]. */
static hk_status soft_cross_entropy_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL, s = P->smoothing, each = s / (float)P->C;
    float *loss = cpu_out_ptr(p, b, 0), *weight = cpu_out_ptr(p, b, 1), *e = scratch, max;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * P->C, *y = (const float *)b->ptr[1] + row_at(p, b, 1, r) * P->C;
        float log_sum = hk_log(exp_row(P->C, z, e, &max)) + max, sum = 0.0f, picked = 0.0f;
        for (int64_t c = 0; c < P->C; c++) {
            float wc = w ? w[c] : 1.0f;
            sum += ((1.0f - s) * y[c] + each) * wc * (log_sum - z[c]), picked += y[c] * wc;
        }
        if (loss) loss[r] = sum;
        if (weight) weight[r] = picked;
    }
    return HK_OK;
}

/* out[k] = g (q[k] sum_c a[c] - a[k]), q = softmax z */
static hk_status soft_cross_entropy_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const loss_plan *P = (const loss_plan *)p;
    const float *w = cpu_has_in(p, 2) ? b->ptr[2] : NULL, s = P->smoothing, each = s / (float)P->C;
    float *out = b->ptr[4], *e = scratch, max;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * P->C, *y = (const float *)b->ptr[1] + row_at(p, b, 1, r) * P->C;
        float g = ((const float *)b->ptr[3])[row_at(p, b, 3, r)], over = 1.0f / exp_row(P->C, z, e, &max), all = 0.0f, *to = out + r * P->C;
        for (int64_t c = 0; c < P->C; c++) all += ((1.0f - s) * y[c] + each) * (w ? w[c] : 1.0f);
        for (int64_t c = 0; c < P->C; c++) to[c] = g * (e[c] * over * all - ((1.0f - s) * y[c] + each) * (w ? w[c] : 1.0f));
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
        int64_t row = row_at(p, b, 1, r), y = 0;
        if (p->d[1].dtype == HK_F32) { /* shares: the first largest */
            const float *share = (const float *)b->ptr[1] + row * C;
            for (int64_t c = 1; c < C; c++) y = share[c] > share[y] ? c : y;
        } else y = ((const int64_t *)b->ptr[1])[row];
        ((float *)b->ptr[2])[r] = best == y;
    }
    return HK_OK;
}

static hk_status correct_top_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const int64_t C = ((const loss_plan *)p)->C, top = ((const loss_plan *)p)->top;
    for (int64_t r = lo; r < hi; r++) {
        const float *z = (const float *)b->ptr[0] + row_at(p, b, 0, r) * C;
        const int64_t y = ((const int64_t *)b->ptr[1])[row_at(p, b, 1, r)], there = y >= 0 && y < C;
        int64_t before = 0;
        for (int64_t c = 0; c < C && there; c++) before += z[c] > z[y] || (z[c] == z[y] && c < y);
        ((float *)b->ptr[2])[r] = there && before < top && z[y] == z[y];
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
        { "correct", correct_run, 2 }, { "correct_top", correct_top_run, 2 }, { "first_max", first_max_run, 1 } };
    hk_status s = cpu_plan_new(dev, o, sizeof(loss_plan), out);
    if (s != HK_OK) return s;
    loss_plan *P = (loss_plan *)*out;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].op, o->op)) {
            P->base.run = list[i].run;
            if (o->n_in != list[i].n_in) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %u operands, got %u", o->path, o->op, list[i].n_in, o->n_in);
        }
    const int soft = o->n_in > 1 && o->in[1].dtype == HK_F32 && strcmp(o->op, "first_max"); /* shares of classes */
    if (soft && P->base.run != correct_run) P->base.run = P->base.run == cross_entropy_run ? soft_cross_entropy_run : soft_cross_entropy_bwd_run;
    P->C = !strcmp(o->op, "one_hot") ? cpu_attr(o, "classes")->i : hk_desc_elems(&o->in[0]), P->P = 1;
    if (!strncmp(o->op, "cross_entropy", 13) && o->in[0].rank > 1) {
        P->C = o->in[0].shape[0], P->P = hk_desc_elems(&o->in[0]) / cpu_max(P->C, 1);
        if (!cpu_channels_last(&o->in[0])) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: scores of several places that do not vary with the sample", o->path, o->op);
    }
    for (uint32_t k = 1; k < o->n_in; k++)
        if (k != 2 && !(soft && k == 1) && o->in[k].dtype != HK_ABSENT && hk_desc_elems(&o->in[k]) != P->P)
            return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operand %u has not one number for each of the %lld places", o->path, o->op, k, (long long)P->P);
    P->top = cpu_attr(o, "top")->i;
    P->smoothing = (float)cpu_attr(o, "smoothing")->f;
    P->rows = cpu_has_out(&P->base, 0) || o->n_out < 2 ? cpu_out(&P->base, 0) : cpu_out(&P->base, 1);
    P->base.units = loss_units;
    P->base.grain = cpu_max(1, 2048 / (P->C * P->P));
    P->base.scratch = (size_t)P->C * 4;
    return HK_OK;
}

const cpu_op cpu_ops_loss[] = { { "one_hot", loss_new }, { "cross_entropy", loss_new }, { "cross_entropy_bwd", loss_new }, { "correct", loss_new }, { "correct_top", loss_new },
    { "first_max", loss_new },     { NULL, NULL } };
