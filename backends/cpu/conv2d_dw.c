/* conv2d_dw.c - the weight gradient of conv2d: a partial sum per group of samples, or with direct = 1 the sum over all groups.
 *
 * A unit is a group of samples and a part of the weight: a span of the outputs and of the inputs of a channel group. For each image,
 * band by band, g is packed into tiles [place][6] and x, padded, into panels of channels [row][column][width]; the micro-kernel adds
 * up over the places for one tap, going on from the accumulators in scratch. With few channels it is the other way round: the columns
 * (channel, tap) of x are packed into tiles and g is read in panels, in place. Order: t, sample, places in row-major order. */
#include "gemm.h"
#include "spikes.h"
#include "window.h"
#pragma GCC optimize("O3")

enum {
    ACC = 160 << 8,
    BAND = 24 << 8 /* numbers of the accumulators, and of a panel of a band */,
    PLACES = 128,
    SPIKES_COLUMNS = 20 /* per cent of spikes from which columns are faster */
};

typedef struct dw_plan {
    cpu_plan base;
    const cpu_gemm *g;
    cpu_window h, w;
    int64_t C, H, W, O, OH, OW, Cg, Og, groups;
    int columns, direct;
    int64_t taps, cols; /* columns: 1 tap, Cg * kernel columns */
    int64_t c_span, c_spans, o_span, o_spans;
    int64_t band, in_cols; /* rows of places, columns of the padded band */
    spike_dw spikes;
    int64_t most; /* per cent of spikes up to which their lists are taken */
    int asked;    /* for that, in place of what is usual */
} dw_plan;

static int64_t dw_units(const cpu_plan *p, const hk_bind *b) {
    const dw_plan *P = (const dw_plan *)p;
    return (P->direct ? 1 : b->groups) * P->groups * P->c_spans * P->o_spans;
}

CPU_BODY add_up_body(int64_t n, const float *restrict x, float *restrict y) {
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}
CPU_CLONES(add_up, (int64_t n, const float *restrict x, float *restrict y), (n, x, y));

/* to[tile][place][mr] */
static void pack_g(int64_t places, const float *g, int64_t O, int64_t n, float *to) {
    for (int64_t o = 0, mr; o < n; o += mr) {
        mr = cpu_gemm_rows(n - o);
        const float *from = g + o;
        if (mr == 6)
            for (int64_t q = 0; q < places; q++, from += O, to += 6) memcpy(to, from, 24);
        else
            for (int64_t q = 0; q < places; q++, from += O, to += mr)
                for (int64_t i = 0; i < mr; i++) to[i] = from[i];
    }
}

static int64_t in_rows(const dw_plan *P, int64_t rows) { return (rows - 1) * P->h.stride + (P->h.kernel - 1) * P->h.dil + 1; }

/* to[tile][place][mr] of the columns [c0, c0 + n), by way of the padded band in tmp */
static void pack_columns(const dw_plan *P, const cpu_image *x, int64_t c_first, int64_t c0, int64_t n, int64_t q0, int64_t rows, float *tmp, float *to) {
    int64_t kernel = P->h.kernel * P->w.kernel, line = P->in_cols * P->Cg;
    cpu_cut(P->base.isa, x, c_first, P->Cg, P->Cg, q0 * P->h.stride - P->h.pad, in_rows(P, rows), -P->w.pad, P->in_cols, tmp);
    for (int64_t c = c0, mr; c < c0 + n; c += mr) {
        int64_t at[CPU_MR];
        mr = cpu_gemm_rows(c0 + n - c);
        for (int64_t j = 0; j < mr; j++) {
            int64_t k = (c + j) % kernel;
            at[j] = k / P->w.kernel * P->h.dil * line + k % P->w.kernel * P->w.dil * P->Cg + (c + j) / kernel;
        }
        for (int64_t q = 0; q < rows; q++) {
            const float *from = tmp + q * P->h.stride * line;
            if (mr == 6)
                for (int64_t v = 0; v < P->OW; v++, to += 6, from += P->w.stride * P->Cg)
                    for (int j = 0; j < 6; j++) to[j] = from[at[j]];
            else
                for (int64_t v = 0; v < P->OW; v++, to += mr, from += P->w.stride * P->Cg)
                    for (int64_t j = 0; j < mr; j++) to[j] = from[at[j]];
        }
    }
}

/* Adds a band of one image to acc[column][o]; first: to nothing. Panels of g lie `panel` numbers apart. */
static void add_columns(
    const dw_plan *P, int64_t places, const float *g, int64_t ldg, int64_t panel, int64_t on, const float *x, int64_t cn, float *acc, int first) {
    int64_t vw = P->g->vw, nr = 2 * vw, wide = cpu_up(on, nr);
    for (int64_t o = 0; o < on; o += nr, g += panel)
        for (int64_t c = 0, mr; c < cn; c += mr) {
            mr = cpu_gemm_rows(cn - c);
            P->g->outer[mr][on - o > vw ? 2 : 1](1, places, x + c * places, mr, 0, g, ldg, 0, acc + c * wide + o, wide, on - o > vw ? nr : vw, !first);
        }
}

/* Adds a band of one image to acc[panel][tap][o][nr]; first: to nothing. */
static void add_band(const dw_plan *P, int64_t rows, const float *g, int64_t on, const float *x, int64_t cn, float *acc, int first) {
    int64_t vw = P->g->vw, nr = 2 * vw, places = rows * P->OW, panel = in_rows(P, rows) * P->in_cols * nr;
    for (int64_t c = 0; c < cn; c += nr, x += panel, acc += P->taps * on * nr)
        for (int64_t o = 0, mr; o < on; o += mr) {
            mr = cpu_gemm_rows(on - o);
            cpu_micro_t *kernel = P->g->outer[mr][cn - c > vw ? 2 : 1];
            int64_t width = cn - c > vw ? nr : vw;
            int64_t step = P->w.stride * nr, jump = P->h.stride * P->in_cols * nr - P->OW * step;
            for (int64_t k = 0; k < P->taps; k++) {
                int64_t at = (k / P->w.kernel * P->h.dil * P->in_cols + k % P->w.kernel * P->w.dil) * nr;
                kernel(rows, P->OW, g + o * places, mr, 0, x + at, step, jump, acc + (k * on + o) * nr, nr, width, !first);
            }
        }
}

/* Do patterns of steps save more additions than their lists and tiles cost? n: spikes of the group. What is saved depends on the group's own numbers alone. */
static int pay_patterns(const dw_plan *P, const hk_bind *b, int64_t group, int64_t T, int64_t n, void *scratch) {
    const hk_desc *dx = &P->base.d[1];
    int64_t end = cpu_min((group + 1) * HK_GROUP, b->n), image = P->H * P->W * P->C, taps = P->h.kernel * P->w.kernel, chunks = 0;
    if (!P->spikes.patterns || P->base.dev->steps == CPU_STEPS_PATTERNS) return P->spikes.patterns;
    for (int64_t t = 0; t < T; t += SPIKE_STEPS, chunks++)
        for (int64_t i = group * HK_GROUP; i < end; i++) {
            const uint8_t *x[SPIKE_STEPS];
            int64_t steps = cpu_min(SPIKE_STEPS, T - t);
            for (int64_t k = 0; k < steps; k++) x[k] = (const uint8_t *)b->ptr[1] + cpu_row(dx, b, t + k, i) * image;
            cpu_spike_patterns(P->base.isa, image, steps, x, scratch);
            n -= cpu_pattern_count(image, scratch);
        }
    return n * taps > chunks * (end - group * HK_GROUP) * (SPIKE_PATTERNS - SPIKE_STEPS) * (P->C * 3 * taps + P->H * P->W * 6);
}

/* A unit by the spikes of its images; 0: there are too many of them. */
static int run_spikes(const dw_plan *P, const hk_bind *b, int64_t group, int64_t c0, int64_t cn, int64_t o0, int64_t on, void *scratch) {
    const hk_desc *dg = &P->base.d[0], *dx = &P->base.d[1];
    int64_t T = (dg->flags | dx->flags) & HK_T ? b->T : 1, end = cpu_min((group + 1) * HK_GROUP, b->n), image = P->H * P->W * P->C, n = 0, all = 0;
    for (int64_t t = 0; t < T; t++, all += (end - group * HK_GROUP) * image)
        n += cpu_spike_count((end - group * HK_GROUP) * image, (const uint8_t *)b->ptr[1] + cpu_row(dx, b, t, group * HK_GROUP) * image);
    if (P->asked && n > all * P->most / 100) return 0;
    int patterns = pay_patterns(P, b, group, T, n, scratch);
    if (!patterns && !P->asked && n > all / 100 * P->most) return 0;
    cpu_spike_dw_start(&P->spikes, cn, on, scratch);
    for (int64_t t = 0; patterns && t < T; t += SPIKE_STEPS)
        for (int64_t i = group * HK_GROUP; i < end; i++) {
            const float *g[SPIKE_STEPS];
            const uint8_t *x[SPIKE_STEPS];
            int64_t steps = cpu_min(SPIKE_STEPS, T - t);
            for (int64_t k = 0; k < steps; k++)
                g[k] = (const float *)b->ptr[0] + cpu_row(dg, b, t + k, i) * P->OH * P->OW * P->O, x[k] = (const uint8_t *)b->ptr[1] + cpu_row(dx, b, t + k, i) * image;
            cpu_spike_dw_add_steps(&P->spikes, steps, g, x, c0, cn, o0, on, scratch);
        }
    for (int64_t t = 0; !patterns && t < T; t++)
        for (int64_t i = group * HK_GROUP; i < end; i++)
            cpu_spike_dw_add(&P->spikes, (const float *)b->ptr[0] + cpu_row(dg, b, t, i) * P->OH * P->OW * P->O,
                (const uint8_t *)b->ptr[1] + cpu_row(dx, b, t, i) * image, c0, cn, o0, on, scratch);
    cpu_spike_dw_end(&P->spikes, c0, cn, o0, on, (float *)cpu_out_ptr(&P->base, b, 0) + group * hk_desc_elems(cpu_out(&P->base, 0)), scratch);
    return 1;
}

static hk_status dw_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const dw_plan *P = (const dw_plan *)p;
    const hk_desc *dg = &p->d[0], *dx = &p->d[1];
    uint32_t flags = dg->flags | dx->flags;
    int64_t nr = 2 * P->g->vw, T = flags & HK_T ? b->T : 1, nb = P->direct ? cpu_max(p->nb, 1) : b->n, size = P->taps * P->o_span * P->c_span;
    float *acc = scratch, *sum = acc + size, *g = sum + (P->direct ? size : 0), *x = g + P->band * P->OW * P->o_span;
    float *tmp = x + (P->columns ? P->band * P->OW : in_rows(P, P->band) * P->in_cols) * P->c_span;
    for (int64_t u = lo; u < hi; u++) {
        int64_t c0 = u % P->c_spans * P->c_span, cn = cpu_min(P->c_span, P->cols - c0), v = u / P->c_spans;
        int64_t o0 = v % P->o_spans * P->o_span, on = cpu_min(P->o_span, P->Og - o0);
        int64_t cg = v / P->o_spans % P->groups, group = v / P->o_spans / P->groups, wide = cpu_up(on, nr),
                used = P->columns ? cn * wide : cpu_up(cn, nr) * P->taps * on;
        if (P->spikes.s && run_spikes(P, b, group, P->columns ? 0 : c0, P->columns ? P->Cg : cn, o0, on, scratch)) continue;
        if (P->direct) memset(sum, 0, (size_t)used * 4);
        for (int64_t k = group; k < (P->direct ? b->groups : group + 1); k++) {
            int first = 1;
            for (int64_t t = 0; t < T; t++)
                for (int64_t i = k * HK_GROUP; i < cpu_min((k + 1) * HK_GROUP, b->n); i++)
                    for (int64_t q = 0; q < P->OH; q += P->band, first = 0) {
                        int64_t rows = cpu_min(P->band, P->OH - q), xr = cpu_row_blocks(dx, b, nb, t, i) * P->H * P->W * P->C;
                        const float *from = (const float *)b->ptr[0] + (cpu_row_blocks(dg, b, nb, t, i) * P->OH + q) * P->OW * P->O + cg * P->Og + o0;
                        cpu_image image = { (const char *)b->ptr[1] + (size_t)xr * cpu_size(dx->dtype), dx->dtype != HK_F32, P->H, P->W, P->C };
                        if (P->columns) {
                            int in_place = on % P->g->vw == 0;
                            int64_t places = rows * P->OW;
                            cpu_image gi = { from, 0, rows, P->OW, P->O };
                            for (int64_t o = 0; o < on && !in_place; o += nr)
                                cpu_cut(p->isa, &gi, o, cpu_min(nr, on - o), nr, 0, rows, 0, P->OW, g + o * places);
                            pack_columns(P, &image, cg * P->Cg, c0, cn, q, rows, tmp, x);
                            add_columns(P, places, in_place ? from : g, in_place ? P->O : nr, in_place ? nr : nr * places, on, x, cn, acc, first);
                            continue;
                        }
                        pack_g(rows * P->OW, from, P->O, on, g);
                        for (int64_t c = 0; c < cn; c += nr)
                            cpu_cut(p->isa, &image, cg * P->Cg + c0 + c, cpu_min(nr, cn - c), nr, q * P->h.stride - P->h.pad, in_rows(P, rows), -P->w.pad,
                                P->in_cols, x + c * in_rows(P, rows) * P->in_cols);
                        add_band(P, rows, g, on, x, cn, acc, first);
                    }
            if (P->direct) add_up[p->isa](used, acc, sum);
        }
        const float *from = P->direct ? sum : acc;
        float *out = (float *)cpu_out_ptr(p, b, 0) + (P->direct ? 0 : group * hk_desc_elems(cpu_out(p, 0))) + (cg * P->Og + o0) * P->cols * P->taps;
        for (int64_t o = 0; o < on; o++)
            for (int64_t c = 0; c < cn; c++)
                for (int64_t k = 0; k < P->taps; k++)
                    out[(o * P->cols + c0 + c) * P->taps + k] = from[P->columns ? c * wide + o : ((c / nr * P->taps + k) * on + o) * nr + c % nr];
    }
    return HK_OK;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

/* At least `want` parts of n, in whole steps; returns how many. */
static int64_t divide(int64_t n, int64_t step, int64_t want, int64_t *span) {
    int64_t parts = cpu_min(cpu_max((n + *span - 1) / *span, want), (n + step - 1) / step);
    *span = cpu_up((n + parts - 1) / parts, step);
    return (n + *span - 1) / *span;
}

static hk_status dw_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_desc *g = &o->in[0], *x = &o->in[1], *w = &o->out[0];
    int64_t groups = cpu_max(cpu_attr(o, "groups")->i, 1);
    int direct = cpu_attr(o, "direct")->i != 0;
    if (x->rank != 3 || g->rank != 3 || !(x->flags & g->flags & HK_N) || g->dtype != HK_F32 || w->rank != 4 || w->flags != (direct ? HK_STATIC : HK_G))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes rows [C,H,W] that vary with n, and gives a sum of rank 4", o->path, o->op);
    if (x->shape[0] != w->shape[1] * groups || g->shape[0] != w->shape[0] || w->shape[0] % groups)
        return cpu_fail(dev, HK_ESHAPE, "%s: %s: the weight does not fit its operands", o->path, o->op);
    hk_status s = cpu_plan_new(dev, o, sizeof(dw_plan), out);
    if (s != HK_OK) return s;
    dw_plan *P = (dw_plan *)*out;
    P->g = cpu_gemm_isa[P->base.isa];
    P->h = cpu_window_of(o, 0), P->w = cpu_window_of(o, 1);
    P->h.kernel = w->shape[2], P->w.kernel = w->shape[3];
    P->C = x->shape[0], P->H = x->shape[1], P->W = x->shape[2], P->O = g->shape[0], P->OH = g->shape[1], P->OW = g->shape[2];
    P->groups = groups, P->Cg = w->shape[1], P->Og = w->shape[0] / groups, P->direct = direct;
    int64_t vw = P->g->vw, nr = 2 * vw, kernel = P->h.kernel * P->w.kernel;
    P->columns = P->Cg < vw;
    P->taps = P->columns ? 1 : kernel, P->cols = P->columns ? P->Cg * kernel : P->Cg;
    P->in_cols = (P->OW - 1) * P->w.stride + (P->w.kernel - 1) * P->w.dil + 1;
    int64_t c_step = P->columns ? CPU_MR : nr, o_step = P->columns ? nr : CPU_MR;
    P->o_span = cpu_min(cpu_up(P->Og, o_step), cpu_max(o_step, ACC / (P->taps * c_step) / o_step * o_step));
    P->c_span = cpu_min(cpu_up(P->cols, c_step), cpu_max(1, ACC / (P->taps * c_step * P->o_span)) * c_step);
    P->o_spans = divide(P->Og, o_step, 1, &P->o_span);
    P->c_spans = divide(P->cols, c_step, direct ? (dev->threads + groups * P->o_spans - 1) / (groups * P->o_spans) : 1, &P->c_span);
    if (direct && groups * P->o_spans * P->c_spans < dev->threads)
        P->o_spans = divide(P->Og, o_step, (dev->threads + groups * P->c_spans - 1) / (groups * P->c_spans), &P->o_span);
    int64_t fit = (BAND / (P->in_cols * nr) - (P->h.kernel - 1) * P->h.dil - 1) / P->h.stride + 1;
    P->band = cpu_min(P->OH, cpu_max(fit, (PLACES + P->OW - 1) / P->OW));
    int64_t parts = (P->OH + P->band - 1) / P->band;
    P->band = (P->OH + parts - 1) / parts;
    P->base.units = dw_units, P->base.run = dw_run;
    P->base.impl = P->columns ? "columns" : "windows";
    int64_t band_in = in_rows(P, P->band) * P->in_cols, acc = P->taps * P->o_span * P->c_span;
    P->base.scratch = (size_t)(acc * (direct ? 2 : 1) + P->band * P->OW * P->o_span + (P->columns ? P->band * P->OW : band_in) * P->c_span +
                          (P->columns ? band_in * P->Cg : 0)) *
        4;
    size_t by_spikes = P->columns && P->c_spans > 1 ? 0 : cpu_spike_dw_init(&P->spikes, dev, o, P->columns ? P->Cg : P->c_span, P->o_span);
    P->base.scratch = by_spikes > P->base.scratch ? by_spikes : P->base.scratch;
    const cpu_way way = cpu_way_of(dev, o);
    P->asked = way.most >= 0, P->most = P->asked ? way.most : P->columns ? SPIKES_COLUMNS : SPIKE_CONV_DENSE;
    if (P->spikes.s) P->base.impl = "spikes", cpu_way_add(*out, "dense", 0), cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    return HK_OK;
}

const cpu_op cpu_ops_conv2d_dw[] = { { "conv2d_dw", dw_new }, { NULL, NULL } };
