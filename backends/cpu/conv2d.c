/* conv2d.c - conv2d and conv2d_dx, which is the same work with the roles of input and output changed.
 *
 * Places of the output fall into phases that use the same taps (one phase; in conv2d_dx one for each residue modulo the stride). A unit
 * is a band of rows of one image, or a few small images: it is cut out of the source with its padding, as f32; then a micro-kernel walks for 6 places and a
 * panel of channels over the window in place: taps that lie side by side are one segment. No column matrix is made.
 * Weights are packed in each run, in inference when they were written, [phase][group][panel][tap][channel][width of the panel]. Each output has one accumulator. */
#include "gemm.h"
#include "spikes.h"
#include "window.h"
#include "winograd.h"
#pragma GCC optimize("O3")

enum { BAND = 96 << 8, PLACES = 48 /* numbers of a band of the source; places worth a walk over the weights */ };

typedef struct conv_phase {
    int64_t lo, hi; /* places q; the output is at out + q * out_step */
    int64_t out, taps, first;
} conv_phase;
typedef struct conv_axis {
    int64_t size, in_step, out_step, org, reach; /* tap of place q lies at q * in_step + org + at of the source; 0 <= at <= reach */
    int64_t lo, hi, phases;
    conv_phase *phase;
    int64_t *at, *k; /* taps: where, and which of the kernel; `at` ascends */
} conv_axis;

typedef struct conv_plan {
    cpu_plan base;
    const cpu_gemm *g;
    int64_t C, O, Cg, Og, groups, taps; /* channels of the source and of the output, and of a group */
    int64_t w_in, w_out;                /* steps in the weight from channel to channel */
    int64_t wide;                       /* Og up to whole vectors */
    conv_axis a[2];
    int64_t OW, band, bands, images, rows, cols; /* images > 1 only when there is one band */
    int in_place;
    spike_conv spikes;
    sparse_dx sparse;
    size_t dense_scratch;
    cpu_winograd winograd; /* of images of many spikes */
    size_t list_at, winograd_at;
    int64_t most; /* per cent of spikes of an image up to which it goes by their lists, where Winograd's filtering is the other way */
} conv_plan;

/* ---- phases ---------------------------------------------------------------------------------------------------------------------- */

static void axis_forward(conv_axis *a, const cpu_window *w, int64_t size, int64_t out) {
    a->size = size, a->in_step = w->stride, a->out_step = 1, a->org = -w->pad, a->reach = (w->kernel - 1) * w->dil;
    a->phase[0] = (conv_phase){ 0, out, 0, w->kernel, 0 };
    for (int64_t k = 0; k < w->kernel; k++) a->at[k] = k * w->dil, a->k[k] = k;
    a->phases = 1, a->lo = 0, a->hi = out;
}

/* Output i takes from source (i + pad - k dil) / stride where that divides. */
static void axis_backward(conv_axis *a, const cpu_window *w, int64_t size, int64_t out) {
    int64_t last = (w->kernel - 1) * w->dil / w->stride, n = 0;
    a->size = size, a->in_step = 1, a->out_step = w->stride, a->org = -last, a->reach = last;
    a->phases = 0, a->lo = INT64_MAX, a->hi = 0;
    for (int64_t r = 0; r < w->stride; r++) {
        conv_phase f = { r < w->pad ? (w->pad - r + w->stride - 1) / w->stride : 0, (out - 1 + w->pad - r + w->stride) / w->stride, r - w->pad, 0, n };
        if (f.lo >= f.hi) continue;
        for (int64_t k = w->kernel - 1; k >= 0; k--)
            if (k * w->dil % w->stride == r) a->at[n] = last - k * w->dil / w->stride, a->k[n++] = k, f.taps++;
        a->lo = cpu_min(a->lo, f.lo), a->hi = cpu_max(a->hi, f.hi);
        a->phase[a->phases++] = f;
    }
}

static int side_by_side(const conv_axis *a, const conv_phase *f) {
    for (int64_t k = 1; k < f->taps; k++)
        if (a->at[f->first + k] != a->at[f->first + k - 1] + 1) return 0;
    return 1;
}

/* ---- running ----------------------------------------------------------------------------------------------------------------------- */

static int64_t conv_units(const cpu_plan *p, const hk_bind *b) {
    const conv_plan *P = (const conv_plan *)p;
    int64_t rows = cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b);
    return (rows + P->images - 1) / P->images * P->bands;
}

static void pack_weights(const conv_plan *P, const float *w, float *to) {
    const conv_axis *h = &P->a[0], *v = &P->a[1];
    int64_t kw = cpu_max(P->base.d[1].shape[3], 1), nr = 2 * P->g->vw;
    for (int64_t a = 0; a < h->phases; a++)
        for (int64_t c = 0; c < v->phases; c++) {
            const conv_phase *fh = &h->phase[a], *fw = &v->phase[c];
            int64_t K = fh->taps * fw->taps * P->Cg;
            for (int64_t g = 0; g < P->groups; g++)
                for (int64_t o = 0, width; o < P->wide; o += width, to += K * width) {
                    width = cpu_min(nr, P->wide - o);
                    int64_t n = cpu_min(width, P->Og - o);
                    if (n < width) memset(to, 0, (size_t)(K * width) * 4);
                    for (int64_t i = 0; i < P->Cg; i++)
                        for (int64_t j = 0; j < n; j++) {
                            const float *from = w + g * P->Cg * P->Og * P->taps + i * P->w_in + (o + j) * P->w_out;
                            float *dst = to + i * width + j;
                            for (int64_t y = 0; y < fh->taps; y++)
                                for (int64_t x = 0; x < fw->taps; x++, dst += P->Cg * width) *dst = from[h->k[fh->first + y] * kw + v->k[fw->first + x]];
                        }
                }
        }
}

/* The places of a phase in the rows [q0, q1): where their windows start, counted from `from`, and where their outputs lie. Returns how many. */
static int64_t list_places(
    const conv_plan *P, const conv_phase *fh, const conv_phase *fw, int64_t q0, int64_t q1, int64_t line, int64_t from, int64_t *at, int64_t *to) {
    const conv_axis *h = &P->a[0], *v = &P->a[1];
    int64_t n = 0;
    for (int64_t q = cpu_max(q0, fh->lo); q < cpu_min(q1, fh->hi); q++)
        for (int64_t x = fw->lo; x < fw->hi; x++, n++) {
            at[n] = from + (q - q0) * h->in_step * line + (x - v->lo) * v->in_step * P->C;
            to[n] = ((fh->out + q * h->out_step) * P->OW + fw->out + x * v->out_step) * P->O;
        }
    return n;
}

static hk_status conv_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const conv_plan *P = (const conv_plan *)p;
    const conv_axis *h = &P->a[0], *v = &P->a[1];
    const float *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    int64_t vw = P->g->vw, nr = 2 * vw, places = P->images * P->band * (v->hi - v->lo), rows = cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b);
    int64_t *at = scratch, *to = at + places, *seg = to + places;
    float *packed = (float *)(seg + P->taps), *pad_bias = packed + P->taps * P->Cg * P->wide * P->groups, *band = pad_bias + P->wide * P->groups;
    float *spike_w = (float *)(void *)((char *)scratch + P->dense_scratch), *spike_tmp = spike_w + P->taps * P->C * P->spikes.wide,
          *sparse_tmp = spike_w + P->sparse.packed;
    const float *dense_w = packed;
    int have_dense = 0, have_spikes = 0;
    if (b->kept && P->spikes.s) spike_w = b->kept, have_spikes = 1;
    if (b->kept && !P->spikes.s) dense_w = b->kept, have_dense = 1;
    if (bias) memset(pad_bias, 0, (size_t)(P->wide * P->groups) * 4);
    for (int64_t g = 0; bias && g < P->groups; g++) memcpy(pad_bias + g * P->wide, bias + g * P->Og, (size_t)P->Og * 4);
    for (int64_t u = lo; u < hi; u++) {
        int64_t r = u / P->bands * P->images, images = cpu_min(P->images, rows - r), q0 = h->lo + u % P->bands * P->band, q1 = cpu_min(q0 + P->band, h->hi);
        int64_t h0 = q0 * h->in_step + h->org, w0 = v->lo * v->in_step + v->org, line = (P->in_place ? v->size : P->cols) * P->C;
        int64_t image = h->size * v->size * P->C, step = P->in_place ? image : P->rows * line, size_y = hk_desc_elems(cpu_out(p, 0));
        cpu_image x = { (const char *)b->ptr[0] + (size_t)(r * image) * cpu_size(p->d[0].dtype), p->d[0].dtype != HK_F32, h->size, v->size, P->C };
        float *y = (float *)cpu_out_ptr(p, b, 0) + r * size_y;
        const float *src = P->in_place ? (const float *)x.x + h0 * line + w0 * P->C : band, *w = dense_w;
        int64_t few = 0; /* images done by their spikes */
        for (; P->spikes.s && few < images; few++) {
            if (!cpu_spike_conv_list(&P->spikes, (const uint8_t *)x.x + few * image, q0, q1, spike_tmp)) break;
            if (!have_spikes) cpu_spike_conv_pack(&P->spikes, b->ptr[1], spike_w), have_spikes = 1;
            cpu_spike_conv_run(&P->spikes, q0, q1, spike_w, bias, y + few * size_y, spike_tmp);
        }
        for (; P->sparse.s && few < images; few++) {
            if (!cpu_sparse_dx_list(&P->sparse, (const float *)x.x + few * image, sparse_tmp)) break;
            if (!have_spikes) cpu_sparse_dx_pack(&P->sparse, b->ptr[1], spike_w), have_spikes = 1;
            cpu_sparse_dx_run(&P->sparse, spike_w, y + few * size_y, sparse_tmp);
        }
        if (few == images) continue;
        if (!have_dense) pack_weights(P, b->ptr[1], packed), have_dense = 1;
        for (int64_t k = 0; k < images && !P->in_place; k++, x.x = (const char *)x.x + (size_t)image * cpu_size(p->d[0].dtype))
            cpu_cut(p->isa, &x, 0, P->C, P->C, h0, (q1 - 1 - q0) * h->in_step + h->reach + 1, w0, P->cols, band + k * step);
        for (int64_t a = 0; a < h->phases; a++)
            for (int64_t c = 0; c < v->phases; c++) {
                const conv_phase *fh = &h->phase[a], *fw = &v->phase[c];
                int joined = P->groups == 1 && side_by_side(v, fw) && fw->taps;
                int64_t n = 0, segs = 0, run = P->Cg * (joined ? fw->taps : 1), K = fh->taps * fw->taps * P->Cg;
                for (int64_t k = 0; k < images; k++) {
                    int64_t more = list_places(P, fh, fw, q0, q1, line, k * step, at + n, to + n);
                    for (int64_t i = 0; i < more; i++) to[n + i] += k * size_y;
                    n += more;
                }
                for (int64_t i = 0; i < fh->taps; i++)
                    for (int64_t j = 0; j < (joined ? 1 : fw->taps); j++) seg[segs++] = h->at[fh->first + i] * line + v->at[fw->first + j] * P->C;
                for (int64_t g = 0; g < P->groups; g++)
                    for (int64_t o = 0, width; o < P->wide; o += width, w += K * width) {
                        width = cpu_min(nr, P->wide - o);
                        const float *pb = bias ? pad_bias + g * P->wide + o : NULL;
                        for (int64_t i = 0, mr; i < n; i += mr) {
                            mr = cpu_gemm_rows(n - i);
                            P->g->segs[mr][width / vw](segs, seg, run, src + g * P->Cg, at + i, w, pb, y + g * P->Og + o, to + i, cpu_min(width, P->Og - o));
                        }
                    }
            }
    }
    return HK_OK;
}

/* Spikes, where Winograd's filtering is possible: image by image, by their lists or, when there are many, by that. A unit is an image. */
static int64_t image_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status spikes_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const conv_plan *P = (const conv_plan *)p;
    int64_t size_x = hk_desc_elems(&p->d[0]), size_y = hk_desc_elems(cpu_out(p, 0)), Q = P->a[0].hi, many = 0;
    int64_t most = P->most < 0 ? -1 : size_x * P->most / 100;
    const float *bias = cpu_has_in(p, 2) ? b->ptr[2] : NULL;
    float *packed = b->kept ? b->kept : scratch, *y = cpu_out_ptr(p, b, 0);
    void *tmp = (float *)scratch + P->taps * P->C * P->spikes.wide;
    int32_t *list = (int32_t *)(void *)((char *)scratch + P->list_at);
    int have_weights = b->kept != NULL;
    for (int64_t r = lo; r < hi; r++) {
        const uint8_t *x = (const uint8_t *)b->ptr[0] + r * size_x;
        if (cpu_spike_count(size_x, x) > most) {
            list[many++] = (int32_t)r;
            continue;
        }
        if (!have_weights) cpu_spike_conv_pack(&P->spikes, b->ptr[1], packed), have_weights = 1;
        for (int64_t q = 0; q < Q; q += P->band) {
            cpu_spike_conv_list(&P->spikes, x, q, cpu_min(q + P->band, Q), tmp);
            cpu_spike_conv_run(&P->spikes, q, cpu_min(q + P->band, Q), packed, bias, y + r * size_y, tmp);
        }
    }
    if (many) cpu_winograd_run(&P->winograd, list, 0, many * P->winograd.tiles_h * P->winograd.tiles_w, b->ptr[0], b->ptr[1], bias, y, (char *)scratch + P->winograd_at);
    return HK_OK;
}

/* The weights as the way needs them that is likely: that of spikes, else the dense one. */
static hk_status conv_prepare(const cpu_plan *p, const hk_bind *b) {
    const conv_plan *P = (const conv_plan *)p;
    if (P->spikes.s) cpu_spike_conv_pack(&P->spikes, b->ptr[1], b->kept);
    else pack_weights(P, b->ptr[1], b->kept);
    return HK_OK;
}

/* ---- plans ------------------------------------------------------------------------------------------------------------------------- */

static hk_status conv_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int bwd = !strcmp(o->op, "conv2d_dx");
    const hk_desc *x = bwd ? &o->out[0] : &o->in[0], *y = bwd ? &o->in[0] : &o->out[0], *w = &o->in[1];
    int64_t groups = cpu_max(cpu_attr(o, "groups")->i, 1);
    if (x->rank != 3 || y->rank != 3 || !(x->flags & HK_N) || x->flags != y->flags || w->rank != 4 || w->flags != HK_STATIC)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes rows [C,H,W] that vary with n, and a static weight of rank 4", o->path, o->op);
    if (x->shape[0] != w->shape[1] * groups || y->shape[0] != w->shape[0] || w->shape[0] % groups)
        return cpu_fail(dev, HK_ESHAPE, "%s: %s: %lld channels into %lld, groups %lld: the weight does not fit", o->path, o->op, (long long)x->shape[0],
            (long long)y->shape[0], (long long)groups);
    cpu_winograd winograd;
    spike_conv spikes;
    size_t few_products = cpu_winograd_init(&winograd, dev, o);
    const cpu_way way = cpu_way_of(dev, o);
    const int either = few_products && dev->conv == CPU_CONV_AUTO;
    if (either && way.conv == CPU_CONV_DIRECT) few_products = 0;
    if (few_products && (o->in[0].dtype != HK_SPIKE || !cpu_spike_conv_init(&spikes, o->isa, o, 1))) {
        hk_status st = cpu_winograd_new(dev, o, &winograd, few_products, out);
        if (st == HK_OK && either) cpu_way_add(*out, "winograd", 0), cpu_way_add(*out, "direct", 0);
        return st;
    }
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    int64_t kernel[2] = { w->shape[2], w->shape[3] }, extra = 2 * (kernel[0] + kernel[1]);
    size_t phases = (size_t)(win[0].stride + win[1].stride) * sizeof(conv_phase);
    hk_status s = cpu_plan_new(dev, o, sizeof(conv_plan) + phases + (size_t)extra * 8, out);
    if (s != HK_OK) return s;
    conv_plan *P = (conv_plan *)*out;
    conv_phase *phase = (conv_phase *)(P + 1);
    int64_t *taps = (int64_t *)(void *)((char *)phase + phases);
    for (int k = 0; k < 2; k++) {
        conv_axis *a = &P->a[k];
        win[k].kernel = kernel[k];
        a->phase = phase, a->at = taps, a->k = taps + kernel[k];
        phase += win[k].stride, taps += 2 * kernel[k];
        (bwd ? axis_backward : axis_forward)(a, &win[k], bwd ? y->shape[1 + k] : x->shape[1 + k], bwd ? x->shape[1 + k] : y->shape[1 + k]);
    }
    conv_axis *h = &P->a[0], *v = &P->a[1];
    int64_t Cg = w->shape[1], Og = w->shape[0] / groups;
    P->g = cpu_gemm_isa[P->base.isa];
    P->taps = kernel[0] * kernel[1], P->groups = groups;
    P->Cg = bwd ? Og : Cg, P->Og = bwd ? Cg : Og, P->C = P->Cg * groups, P->O = P->Og * groups;
    P->w_in = bwd ? Cg * P->taps : P->taps, P->w_out = bwd ? P->taps : Cg * P->taps;
    P->wide = cpu_up(P->Og, P->g->vw);
    P->OW = cpu_out(*out, 0)->shape[2];
    int64_t Q = h->hi - h->lo;
    P->cols = (v->hi - 1 - v->lo) * v->in_step + v->reach + 1;
    P->band = cpu_max(1, cpu_min(Q, (BAND / cpu_max(P->cols * P->C, 1) - h->reach) / h->in_step));
    P->bands = (Q + P->band - 1) / P->band;
    P->band = (Q + P->bands - 1) / P->bands, P->bands = (Q + P->band - 1) / P->band;
    P->rows = (P->band - 1) * h->in_step + h->reach + 1;
    int64_t per_image = Q * (v->hi - v->lo), buffer = P->rows * P->cols * P->C;
    P->images = P->bands > 1 ? 1 : cpu_max(1, cpu_min(PLACES / cpu_max(per_image, 1), 4 * BAND / cpu_max(buffer, 1)));
    P->in_place = o->in[0].dtype == HK_F32;
    for (int k = 0; k < 2; k++) {
        const conv_axis *a = &P->a[k];
        if (a->lo * a->in_step + a->org < 0 || (a->hi - 1) * a->in_step + a->org + a->reach >= a->size) P->in_place = 0;
    }
    P->base.units = conv_units, P->base.run = conv_run;
    P->base.grain = cpu_max(1, 200000 / (P->images * P->band * (v->hi - v->lo) * P->taps * P->Cg * P->O + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "windows, avx512" : P->base.isa == HK_ISA_AVX2 ? "windows, avx2" : "windows, baseline";
    P->base.scratch = (size_t)(2 * P->images * P->band * (v->hi - v->lo) + P->taps) * 8 +
        (size_t)((P->taps * P->Cg + 1) * P->wide * groups + (P->in_place ? 0 : P->images * buffer)) * 4;
    P->dense_scratch = (size_t)cpu_up((int64_t)P->base.scratch, 64);
    size_t extra_scratch = cpu_spike_conv_init(&P->spikes, P->base.isa, o, P->band);
    if (P->spikes.s) P->base.scratch = P->dense_scratch + (size_t)(P->taps * P->C * P->spikes.wide) * 4 + extra_scratch;
    size_t by_numbers = P->bands == 1 ? cpu_sparse_dx_init(&P->sparse, P->base.isa, o) : 0;
    if (P->sparse.s) P->base.scratch = P->dense_scratch + (size_t)P->sparse.packed * 4 + by_numbers, P->base.impl = "windows, sparse", P->base.traits = HK_SKIPS_ZEROS;
    if (P->spikes.s) P->base.impl = P->base.isa == HK_ISA_AVX512 ? "spikes, avx512" : P->base.isa == HK_ISA_AVX2 ? "spikes, avx2" : "spikes, baseline", P->base.traits = HK_SKIPS_ZEROS;
    if (either) cpu_way_add(*out, "winograd", 0);
    if (either || P->spikes.s) cpu_way_add(*out, "direct", 0);
    if (P->spikes.s && dev->conv != CPU_CONV_WINOGRAD) cpu_way_add(*out, "spikes", HK_WAY_SPIKES);
    if (way.most >= 0) P->spikes.most = way.most;
    if (!bwd && cpu_may_keep(o, 1)) {
        P->base.kept = (size_t)(P->spikes.s ? P->taps * P->C * P->spikes.wide : P->taps * P->Cg * P->wide * groups) * 4;
        P->base.prepare = conv_prepare;
    }
    if (!few_products) return HK_OK;
    P->winograd = winograd, P->spikes.most = 100;
    P->most = way.most >= 0 ? way.most : dev->conv == CPU_CONV_WINOGRAD ? -1 : SPIKE_CONV_WINOGRAD;
    P->list_at = (size_t)cpu_up(P->taps * P->C * P->spikes.wide * 4 + (int64_t)extra_scratch, 64);
    P->winograd_at = (size_t)cpu_up((int64_t)P->list_at + o->T * o->N * 4, 64);
    P->base.scratch = P->winograd_at + few_products;
    P->base.units = image_units, P->base.run = spikes_run;
    P->base.grain = cpu_max(1, 200000 / (P->taps * P->C * hk_desc_elems(y) + 1));
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "spikes or winograd, avx512" : P->base.isa == HK_ISA_AVX2 ? "spikes or winograd, avx2" : "spikes or winograd, baseline";
    P->base.traits = HK_TRANSFORMS | HK_SKIPS_ZEROS;
    return HK_OK;
}

const cpu_op cpu_ops_conv2d[] = { { "conv2d", conv_new }, { "conv2d_dx", conv_new }, { NULL, NULL } };
