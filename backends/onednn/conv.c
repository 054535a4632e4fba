/* conv.c - conv2d, conv2d_dx and conv2d_dw of f32.
 *
 * A unit of conv2d and conv2d_dx is (step, group of 16 samples): one run of a primitive on rows where they lie. Weights are turned into oneDNN's
 * format once per call. A unit of conv2d_dw is a group: a run for each step, added up in oneDNN's format, t ascending; with direct = 1 the groups are
 * then added up in order, `threads` groups at a time, which gives the bits of the partial sums and their merge. */
#include "onednn.h"
#include <string.h>

enum { FEW_CHANNELS = 16, FEW_PRODUCTS = 16 };

typedef struct conv_plan {
    hk_op_plan base;
    od_kind kind;
    od_prim prim[2],
        pack; /* [0]: of 16 samples, or of all when there are fewer; [1]: of the last group when that is smaller. pack: weights to or from oneDNN's format */
    int64_t group, rest; /* samples of prim[0], prim[1] */
    od_md plain;
    int n_in, has_bias, steps; /* steps: rows vary with t */
    int64_t nb, x, y, w;       /* samples per block; numbers of a row of the images, of the outputs, of the weight */
    int direct;
    size_t packed, pad; /* bytes of the weights in oneDNN's format, of a scratchpad */
} conv_plan;

/* First of the rows of the group g at step t. */
static int64_t row_of(const conv_plan *P, const hk_bind *b, int64_t t, int64_t g) {
    int64_t i = g * HK_GROUP, first = P->direct ? i / P->nb * P->nb : 0, n = P->direct ? od_min(P->nb, b->n - first) : b->n;
    return (first * (P->steps ? b->T : 1)) + t * n + i - first;
}

static int64_t steps_of(const conv_plan *P, const hk_bind *b) { return P->steps ? b->T : 1; }

static const od_prim *prim_of(const conv_plan *P, const hk_bind *b, int64_t g) {
    return od_min(HK_GROUP, b->n - g * HK_GROUP) == P->group ? &P->prim[0] : &P->prim[1];
}

/* The memory objects of a piece; made for the primitive of the first unit, and moved from there. */
typedef struct memories {
    dnnl_memory_t src, weights, bias, dst, pad;
} memories;

static void memories_free(memories *m) {
    dnnl_memory_t all[] = { m->src, m->weights, m->bias, m->dst, m->pad };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]) dnnl_memory_destroy(all[i]);
}

static hk_status memories_new(const conv_plan *P, const od_prim *k, void *src, void *weights, void *bias, void *dst, void *pad, memories *m) {
    dnnl_engine_t e = P->base.dev->engine;
    memset(m, 0, sizeof *m);
    dnnl_status_t s = od_memory_new(e, &k->src, src, &m->src);
    if (s == dnnl_success) s = od_memory_new(e, &k->weights, weights, &m->weights);
    if (s == dnnl_success && bias) s = od_memory_new(e, &k->bias, bias, &m->bias);
    if (s == dnnl_success) s = od_memory_new(e, &k->dst, dst, &m->dst);
    if (s == dnnl_success) s = od_memory_new(e, &k->scratchpad, pad, &m->pad);
    if (s == dnnl_success) return HK_OK;
    memories_free(m);
    return od_failed(&P->base, "describe memory", s);
}

static hk_status reorder(const conv_plan *P, dnnl_stream_t stream, const od_md *from_md, void *from, const od_md *to_md, void *to, void *pad) {
    dnnl_memory_t m[3] = { NULL, NULL, NULL };
    dnnl_engine_t e = P->base.dev->engine;
    dnnl_status_t s = od_memory_new(e, from_md, from, &m[0]);
    if (s == dnnl_success) s = od_memory_new(e, to_md, to, &m[1]);
    if (s == dnnl_success) s = od_memory_new(e, &P->pack.scratchpad, pad, &m[2]);
    const dnnl_exec_arg_t arg[] = { { DNNL_ARG_FROM, m[0] }, { DNNL_ARG_TO, m[1] }, { DNNL_ARG_SCRATCHPAD, m[2] } };
    hk_status st = s == dnnl_success ? od_execute(&P->base, &P->pack, stream, 3, arg) : od_failed(&P->base, "describe memory", s);
    for (int k = 0; k < 3; k++)
        if (m[k]) dnnl_memory_destroy(m[k]);
    return st;
}

/* ---- conv2d, conv2d_dx ---------------------------------------------------------------------------------------------------------- */

static int64_t rows_units(const hk_op_plan *p, const hk_bind *b) { return b->groups * steps_of((const conv_plan *)p, b); }

static hk_status rows_begin(const hk_op_plan *p, od_piece *piece) {
    const conv_plan *P = (const conv_plan *)p;
    return P->pack.prim ? reorder(P, piece->stream, &P->plain, piece->b->ptr[1], &P->prim[0].weights, piece->shared, piece->own) : HK_OK;
}

static hk_status rows_run(const hk_op_plan *p, od_piece *piece, int64_t lo, int64_t hi) {
    const conv_plan *P = (const conv_plan *)p;
    const hk_bind *b = piece->b;
    int forward = P->kind == OD_FORWARD;
    float *in = b->ptr[0], *out = b->ptr[P->n_in];
    void *weights = P->pack.prim ? (void *)piece->shared : b->ptr[1], *bias = P->has_bias ? b->ptr[2] : NULL;
    hk_status st = HK_OK;
    for (int tail = 0; tail < 2 && st == HK_OK; tail++) { /* units of one primitive, then of the other */
        const od_prim *k = &P->prim[tail];
        memories m = { NULL, NULL, NULL, NULL, NULL };
        for (int64_t u = lo; u < hi && st == HK_OK; u++) {
            int64_t g = u % b->groups, r = row_of(P, b, u / b->groups, g);
            if (prim_of(P, b, g) != k) continue;
            float *from = in + r * (forward ? P->x : P->y), *to = out + r * (forward ? P->y : P->x);
            if (!m.src) st = memories_new(P, k, forward ? from : to, weights, bias, forward ? to : from, piece->own, &m);
            else dnnl_memory_set_data_handle(m.src, forward ? from : to), dnnl_memory_set_data_handle(m.dst, forward ? to : from);
            if (st != HK_OK) break;
            const dnnl_exec_arg_t arg[] = { { forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_SRC, m.src }, { DNNL_ARG_WEIGHTS, m.weights },
                { forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, m.dst }, { DNNL_ARG_SCRATCHPAD, m.pad }, { DNNL_ARG_BIAS, m.bias } };
            st = od_execute(p, k, piece->stream, bias ? 5 : 4, arg);
        }
        memories_free(&m);
    }
    return st;
}

/* ---- conv2d_dw ------------------------------------------------------------------------------------------------------------------ */

static int64_t group_units(const hk_op_plan *p, const hk_bind *b) {
    (void)p;
    return b->groups;
}

/* acc = the sum over steps of the gradients of group g, in oneDNN's format. */
static hk_status group_sum(const conv_plan *P, od_piece *piece, int64_t g, float *acc, float *part) {
    const hk_bind *b = piece->b;
    const od_prim *k = prim_of(P, b, g);
    memories m = { NULL, NULL, NULL, NULL, NULL };
    hk_status st = HK_OK;
    for (int64_t t = 0; t < steps_of(P, b) && st == HK_OK; t++) {
        int64_t r = row_of(P, b, t, g);
        float *dy = (float *)b->ptr[0] + r * P->y, *x = (float *)b->ptr[1] + r * P->x;
        if (!m.src) st = memories_new(P, k, x, acc, NULL, dy, (char *)part + P->packed, &m);
        else dnnl_memory_set_data_handle(m.src, x), dnnl_memory_set_data_handle(m.dst, dy);
        if (st == HK_OK && t == 1) dnnl_memory_set_data_handle(m.weights, part);
        const dnnl_exec_arg_t arg[] = { { DNNL_ARG_SRC, m.src }, { DNNL_ARG_DIFF_WEIGHTS, m.weights }, { DNNL_ARG_DIFF_DST, m.dst },
            { DNNL_ARG_SCRATCHPAD, m.pad } };
        if (st == HK_OK) st = od_execute(&P->base, k, piece->stream, 4, arg);
        for (size_t i = 0; t > 0 && st == HK_OK && i < P->packed / 4; i++) acc[i] += part[i];
    }
    memories_free(&m);
    return st;
}

static hk_status unpack(const conv_plan *P, od_piece *piece, float *acc, float *out, void *pad) {
    if (P->pack.prim) return reorder(P, piece->stream, &P->prim[0].weights, acc, &P->plain, out, pad);
    memcpy(out, acc, (size_t)P->w * 4);
    return HK_OK;
}

static hk_status groups_run(const hk_op_plan *p, od_piece *piece, int64_t lo, int64_t hi) {
    const conv_plan *P = (const conv_plan *)p;
    float *acc = (float *)(void *)piece->own, *part = (float *)(void *)(piece->own + P->packed);
    for (int64_t g = lo; g < hi; g++) {
        hk_status st = group_sum(P, piece, g, acc, part);
        if (st == HK_OK && !P->direct) st = unpack(P, piece, acc, (float *)piece->b->ptr[2] + g * P->w, (char *)part + P->packed);
        if (st != HK_OK) return st;
    }
    return HK_OK;
}

static hk_status direct_begin(const hk_op_plan *p, od_piece *piece) { return memset(piece->shared, 0, p->shared), HK_OK; }

static void direct_merge(const hk_op_plan *p, char *shared, const char *own, int64_t n) {
    const conv_plan *P = (const conv_plan *)p;
    float *sum = (float *)(void *)shared;
    for (int64_t k = 0; k < n; k++) {
        const float *acc = (const float *)(const void *)(own + (size_t)k * p->own);
        for (size_t i = 0; i < P->packed / 4; i++) sum[i] += acc[i];
    }
}

static hk_status direct_end(const hk_op_plan *p, od_piece *piece) {
    const conv_plan *P = (const conv_plan *)p;
    return unpack(P, piece, (float *)(void *)piece->shared, piece->b->ptr[2], piece->own + 2 * P->packed);
}

/* ---- plans ---------------------------------------------------------------------------------------------------------------------- */

static void conv_free(hk_op_plan *p) {
    conv_plan *P = (conv_plan *)p;
    od_prim_free(&P->prim[0]), od_prim_free(&P->prim[1]), od_prim_free(&P->pack);
    od_md_free(&P->plain);
}

static od_conv describe(const hk_opdesc *o, const hk_desc *x, const hk_desc *y, const hk_desc *w, int64_t groups) {
    static const char *const names[2][4] = { { "stride_h", "pad_top", "pad_bottom", "dil_h" }, { "stride_w", "pad_left", "pad_right", "dil_w" } };
    od_conv c = { .C = x->shape[0], .H = x->shape[1], .W = x->shape[2], .O = y->shape[0], .OH = y->shape[1], .OW = y->shape[2], .groups = groups };
    for (int k = 0; k < 2; k++) {
        c.kernel[k] = w->shape[2 + k], c.stride[k] = od_max(od_attr(o, names[k][0])->i, 1), c.dil[k] = od_max(od_attr(o, names[k][3])->i, 1);
        c.pad[k] = od_attr(o, names[k][1])->i, c.pad_end[k] = od_attr(o, names[k][2])->i;
    }
    return c;
}

/* What oneDNN refuses or has only its plain loops for is declined. */
static hk_status make_primitives(conv_plan *P, od_conv c) {
    dnnl_engine_t e = P->base.dev->engine;
    dnnl_status_t s = od_plain_weights(&c, &P->plain);
    c.n = P->group;
    if (s == dnnl_success) s = od_conv_new(e, P->kind, &c, NULL, &P->prim[0]);
    if (s == dnnl_success && !od_name_impl(&P->base, &P->prim[0])) return HK_EUNSUPPORTED;
    c.n = P->rest;
    if (s == dnnl_success && P->rest) s = od_conv_new(e, P->kind, &c, &P->prim[0].weights, &P->prim[1]);
    if (s == dnnl_success && !od_same(&P->plain, &P->prim[0].weights))
        s = P->kind == OD_BACKWARD_WEIGHTS ? od_reorder_new(e, &P->prim[0].weights, &P->plain, &P->pack)
                                           : od_reorder_new(e, &P->plain, &P->prim[0].weights, &P->pack);
    return s == dnnl_out_of_memory ? od_failed(&P->base, "make a primitive", s) : s == dnnl_success ? HK_OK : HK_EUNSUPPORTED;
}

/* Where cpu is faster (docs/performance.md): by its Winograd, and by skipping the zeros that pooling leaves in a gradient; with few channels forward, with few products an output for the gradient of the weight. */
static int cpu_is_faster(hk_device *dev, const hk_opdesc *o, od_kind kind, const hk_desc *w) {
    if (kind == OD_BACKWARD_WEIGHTS) return w->shape[1] * w->shape[2] * w->shape[3] < FEW_PRODUCTS;
    if (kind == OD_FORWARD && w->shape[1] < FEW_CHANNELS) return 1;
    return (od_cpu_traits(dev, o) & (HK_TRANSFORMS | HK_SKIPS_ZEROS | HK_ROUNDS)) != 0; /* fewer products than the plain sum has, or faster ones */
}

static hk_status conv_new(hk_device *dev, const hk_opdesc *o, od_kind kind, const hk_desc *x, const hk_desc *y, const hk_desc *w, hk_op_plan **out) {
    int64_t groups = od_max(od_attr(o, "groups")->i, 1);
    int direct = kind == OD_BACKWARD_WEIGHTS && od_attr(o, "direct")->i;
    if (x->dtype != HK_F32 || y->dtype != HK_F32 || x->rank != 3 || y->rank != 3 || w->rank != 4 || !(x->flags & HK_N) || x->flags != y->flags)
        return HK_EUNSUPPORTED;
    if (x->shape[0] != w->shape[1] * groups || y->shape[0] != w->shape[0] || w->shape[0] % groups) return HK_EUNSUPPORTED; /* cpu says what is wrong */
    if ((direct && o->scope != HK_SCOPE_TEAM) || (o->nb < o->N && o->nb % HK_GROUP)) return HK_EUNSUPPORTED;
    if (!o->way && cpu_is_faster(dev, o, kind, w)) return HK_EUNSUPPORTED;
    hk_status st = od_plan_new(dev, o, sizeof(conv_plan), out);
    if (st != HK_OK) return st;
    conv_plan *P = (conv_plan *)*out;
    hk_op_plan *p = &P->base;
    p->free = conv_free;
    P->kind = kind, P->direct = direct, P->n_in = (int)o->n_in, P->nb = o->nb, P->steps = (x->flags & HK_T) != 0;
    P->has_bias = kind == OD_FORWARD && o->n_in > 2 && o->in[2].dtype != HK_ABSENT;
    P->group = od_min(HK_GROUP, o->N), P->rest = o->N > HK_GROUP ? o->N % HK_GROUP : 0;
    P->x = hk_desc_elems(x), P->y = hk_desc_elems(y), P->w = hk_desc_elems(w);
    od_conv c = describe(o, x, y, w, groups);
    c.bias = P->has_bias;
    if ((st = make_primitives(P, c)) != HK_OK) return st;
    size_t pads[3] = { od_bytes(&P->prim[0].scratchpad), P->rest ? od_bytes(&P->prim[1].scratchpad) : 0, P->pack.prim ? od_bytes(&P->pack.scratchpad) : 0 };
    for (int k = 0; k < 3; k++) P->pad = pads[k] > P->pad ? pads[k] : P->pad;
    P->pad = od_up(P->pad), P->packed = od_up(od_bytes(&P->prim[0].weights));
    if (kind == OD_BACKWARD_WEIGHTS) {
        p->units = group_units, p->run = groups_run, p->own = 2 * P->packed + P->pad;
        if (direct) p->shared = P->packed, p->begin = direct_begin, p->merge = direct_merge, p->end = direct_end;
    } else {
        p->units = rows_units, p->begin = rows_begin, p->run = rows_run;
        p->own = P->pad, p->shared = P->pack.prim ? P->packed : 0;
    }
    return HK_OK;
}

hk_status od_conv2d_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) { return conv_new(dev, o, OD_FORWARD, &o->in[0], &o->out[0], &o->in[1], out); }
hk_status od_conv2d_dx_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    return conv_new(dev, o, OD_BACKWARD_DATA, &o->out[0], &o->in[0], &o->in[1], out);
}
hk_status od_conv2d_dw_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    return conv_new(dev, o, OD_BACKWARD_WEIGHTS, &o->in[1], &o->in[0], &o->out[0], out);
}
