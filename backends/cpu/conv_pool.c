/* conv_pool.c - operation conv2d_pool: the plans of conv2d and maxpool2d in turn, a few images at a time, whose numbers between the two stay in cache.
 *
 * Not where the convolution would go by Winograd's filtering, which wants all images at once. A unit is an image. */
#include "tables.h"
#include "window.h"
#pragma GCC optimize("O3")

enum { BETWEEN = 64 << 10 /* bytes between the two, at most, if more than one image */ };

typedef struct conv_pool_plan {
    cpu_plan base;
    const cpu_plan *conv, *pool;
    int64_t images, between; /* at a time; numbers of one image between the two */
} conv_pool_plan;

static int64_t image_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status conv_pool_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const conv_pool_plan *P = (const conv_pool_plan *)p;
    float *between = scratch;
    void *rest = (char *)scratch + cpu_up(P->images * P->between * 4, 64);
    int64_t size_x = hk_desc_elems(&p->d[0]), size_y = hk_desc_elems(cpu_out(p, 0));
    hk_status s = HK_OK;
    for (int64_t r = lo; r < hi && s == HK_OK; r += P->images) {
        void *const conv[4] = { (uint8_t *)b->ptr[0] + r * size_x, b->ptr[1], b->ptr[2], between };
        void *const pool[2] = { between, (float *)cpu_out_ptr(p, b, 0) + r * size_y };
        hk_bind c = *b;
        c.T = 1, c.n = cpu_min(P->images, hi - r);
        c.ptr = conv;
        s = P->conv->run(P->conv, &c, 0, P->conv->units(P->conv, &c), rest);
        c.ptr = pool;
        if (s == HK_OK) s = P->pool->run(P->pool, &c, 0, c.n, rest);
    }
    return s;
}

static hk_status conv_pool_prepare(const cpu_plan *p, const hk_bind *b) {
    const conv_pool_plan *P = (const conv_pool_plan *)p;
    return P->conv->prepare(P->conv, b);
}

static hk_status inner(hk_device *dev, const hk_opdesc *o, const cpu_op *table, cpu_plan **to) {
    for (; table->name; table++)
        if (!strcmp(table->name, o->op)) return table->plan_new(dev, o, to);
    return HK_EUNSUPPORTED;
}

static hk_status conv_pool_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    int64_t pool[2] = { cpu_attr(o, "pool_h")->i, cpu_attr(o, "pool_w")->i };
    if (o->n_in != 3 || o->in[0].dtype != HK_SPIKE || o->in[0].rank != 3 || o->in[1].rank != 4 || o->out[0].rank != 3 || pool[0] < 1 || pool[1] < 1)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: conv2d_pool: takes spikes [C,H,W] and windows", o->path);
    hk_status s = cpu_plan_new(dev, o, sizeof(conv_pool_plan), out);
    if (s != HK_OK) return s;
    conv_pool_plan *P = (conv_pool_plan *)*out;
    hk_desc between = o->out[0];
    for (int k = 0; k < 2; k++)
        between.shape[1 + k] = (o->in[0].shape[1 + k] + win[k].pad + win[k].pad_end - win[k].dil * (o->in[1].shape[2 + k] - 1) - 1) / win[k].stride + 1;
    const hk_attr windows[4] = { { "kernel_h", pool[0], 0, NULL }, { "kernel_w", pool[1], 0, NULL }, { "stride_h", pool[0], 0, NULL }, { "stride_w", pool[1], 0, NULL } };
    hk_opdesc conv = *o, max = *o;
    conv.op = "conv2d", conv.out = &between;
    max.op = "maxpool2d", max.n_in = 1, max.in = &between, max.attr = windows, max.n_attr = 4, max.constant = 0;
    s = inner(dev, &conv, cpu_ops_conv2d, &P->base.inner[0]);
    if (s == HK_OK) s = inner(dev, &max, cpu_ops_pool, &P->base.inner[1]);
    if (s == HK_OK && P->base.inner[0]->traits & HK_TRANSFORMS) s = HK_EUNSUPPORTED;
    if (s != HK_OK) return s;
    P->conv = P->base.inner[0], P->pool = P->base.inner[1];
    P->between = hk_desc_elems(&between);
    P->images = cpu_max(1, BETWEEN / 4 / P->between);
    P->base.units = image_units, P->base.run = conv_pool_run, P->base.grain = P->images;
    P->base.impl = P->base.isa == HK_ISA_AVX512 ? "spikes, pool, avx512" : P->base.isa == HK_ISA_AVX2 ? "spikes, pool, avx2" : "spikes, pool, baseline";
    P->base.scratch = (size_t)cpu_up(P->images * P->between * 4, 64) + (P->conv->scratch > P->pool->scratch ? P->conv->scratch : P->pool->scratch);
    if (!P->conv->kept) return HK_OK;
    P->base.kept = P->conv->kept, P->base.prepare = conv_pool_prepare;
    return HK_OK;
}

const cpu_op cpu_ops_conv_pool[] = { { "conv2d_pool", conv_pool_new }, { NULL, NULL } };
