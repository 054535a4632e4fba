/* fence.c - the plugin's entry: cpu's plans behind addresses that nobody else can touch (fence.h).
 *
 * It has no kernels. A plan holds one of cpu's; a run gives it the same bindings with the memory in place of the addresses. */
#include "fence.h"
#include <stdio.h>
#include <string.h>

struct hk_op_plan {
    const hk_device *dev;
    hk_op_plan *inner; /* cpu's */
    size_t scratch, kept;
    uint32_t traits;
    char impl[64], op[32], path[64];
};

static void fence_close(hk_device *dev) {
    if (!dev) return;
    fence_unmap(dev);
    if (dev->inner) dev->cpu->close(dev->inner);
    dev->host->free(dev->host->ctx, dev);
}

static hk_status fence_open(const hk_host *host, const hk_backend_config *config, hk_device **out) {
    *out = NULL;
    char why[256] = "";
    const hk_backend *cpu = host->get(host->ctx, "hk.backend/1", "cpu");
    if (!cpu) return host->fail(host->ctx, HK_EPLUGIN, "fence: it runs plans of backend 'cpu', which is not loaded: put backend_cpu.so on the plugin path");
    if (cpu->real_bytes != 4) return host->fail(host->ctx, HK_EPLUGIN, "fence: cpu stores numbers of %u bytes, expected 4", (unsigned)cpu->real_bytes);
    if (cpu->probe(why, sizeof why) <= 0) return host->fail(host->ctx, HK_EUNSUPPORTED, "fence: backend 'cpu' cannot be used here: %s", why);
    hk_device *dev = host->alloc(host->ctx, sizeof *dev, sizeof(void *));
    if (!dev) return host->fail(host->ctx, HK_ENOMEM, "fence: no memory for the device");
    *dev = (hk_device){ .host = host, .cpu = cpu };
    hk_status st = cpu->open(host, config, &dev->inner);
    if (st == HK_OK) st = fence_map(dev);
    if (st == HK_OK) *out = dev;
    else fence_close(dev);
    return st;
}

static int64_t fence_block(hk_device *dev, int64_t N, int64_t T, int64_t row_bytes) { return dev->cpu->block(dev->inner, N, T, row_bytes); }

static hk_status fence_plan_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    *out = NULL;
    hk_op_plan *inner = NULL;
    if (o->n_in + o->n_out > HK_MAX_OPERANDS) return fence_fail(dev, HK_EINVAL, "%s: %u operands; at most %d", o->op, o->n_in + o->n_out, HK_MAX_OPERANDS);
    hk_status st = dev->cpu->plan_new(dev->inner, o, &inner);
    if (st != HK_OK) return st;
    hk_op_plan *p = dev->host->alloc(dev->host->ctx, sizeof *p, sizeof(void *));
    if (!p) {
        dev->cpu->plan_free(inner);
        return fence_fail(dev, HK_ENOMEM, "%s: no memory for the plan", o->op);
    }
    hk_query q = { .struct_size = sizeof q };
    dev->cpu->plan_query(inner, &q);
    *p = (hk_op_plan){ .dev = dev, .inner = inner, .scratch = q.scratch, .kept = q.kept, .traits = q.traits };
    snprintf(p->impl, sizeof p->impl, "fence: %s", q.impl ? q.impl : "?");
    snprintf(p->op, sizeof p->op, "%s", o->op);
    snprintf(p->path, sizeof p->path, "%s", o->path);
    *out = p;
    return HK_OK;
}

static void fence_plan_query(const hk_op_plan *p, hk_query *q) {
    q->scratch = p->scratch, q->kept = p->kept, q->traits = p->traits;
    q->impl = p->impl;
}

typedef hk_status run_fn(const hk_op_plan *, hk_stream *, const hk_bind *);

static hk_status run(const hk_op_plan *p, hk_stream *st, const hk_bind *b, run_fn *f) {
    void *ptr[HK_MAX_OPERANDS];
    hk_bind inner = *b;
    if (b->n_ptr > HK_MAX_OPERANDS) return fence_fail(p->dev, HK_EINTERNAL, "fence: '%s' of %s: %u operands", p->op, p->path, b->n_ptr);
    for (uint32_t i = 0; i < b->n_ptr; i++) {
        ptr[i] = fence_memory(p->dev, b->ptr[i]);
        if (b->ptr[i] && !ptr[i]) return fence_fail(p->dev, HK_EINTERNAL, "fence: '%s' of %s: operand %u (%p) is not device memory", p->op, p->path, i, b->ptr[i]);
    }
    inner.ptr = ptr, inner.scratch = fence_memory(p->dev, b->scratch), inner.kept = fence_memory(p->dev, b->kept);
    if (p->scratch && !inner.scratch) return fence_fail(p->dev, HK_EINTERNAL, "fence: '%s' of %s: its scratch (%p) is not device memory", p->op, p->path, b->scratch);
    if (b->kept && !inner.kept) return fence_fail(p->dev, HK_EINTERNAL, "fence: '%s' of %s: what it keeps (%p) is not in device memory", p->op, p->path, b->kept);
    return f(p->inner, st, &inner);
}

static hk_status fence_plan_run(const hk_op_plan *p, hk_stream *st, const hk_bind *b) { return run(p, st, b, p->dev->cpu->plan_run); }
static hk_status fence_plan_prepare(const hk_op_plan *p, hk_stream *st, const hk_bind *b) { return run(p, st, b, p->dev->cpu->plan_prepare); }

static int fence_ways(hk_device *dev, const hk_opdesc *o, int max, hk_way *w) { return dev->cpu->ways ? dev->cpu->ways(dev->inner, o, max, w) : 0; }

static void fence_plan_free(hk_op_plan *p) {
    if (!p) return;
    p->dev->cpu->plan_free(p->inner);
    p->dev->host->free(p->dev->host->ctx, p);
}

static const hk_backend fence_backend = {
    .struct_size = sizeof(hk_backend),
    .real_bytes = 4,
    .doc = "for tests: cpu's plans behind addresses that nobody else can read or write; what touches them dies",
    .probe = fence_probe,
    .open = fence_open,
    .close = fence_close,
    .buf_new = fence_buf_new,
    .buf_free = fence_buf_free,
    .upload = fence_upload,
    .download = fence_download,
    .block = fence_block,
    .plan_new = fence_plan_new,
    .plan_query = fence_plan_query,
    .plan_run = fence_plan_run,
    .plan_free = fence_plan_free,
    .plan_prepare = fence_plan_prepare,
    .ways = fence_ways,
};

static hk_status fence_init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "fence", &fence_backend); }

HK_PLUGIN("hillock.backend.fence", "0.1.0", "Apache-2.0", fence_init);
