/* @name@.c - the backend `@name@`: it extends cpu, shares its memory, and takes one operation itself: `affine`, y = a x + b, of real numbers.
 *
 * plan_new declines everything else with HK_EUNSUPPORTED and no message; the core then asks cpu, and `hillock plan` shows who took what. */
#include <hillock/plugin.h>

struct hk_device {
    const hk_host *host;
    const hk_backend *cpu;
    hk_device *inner; /* cpu's: memory is its */
};
struct hk_op_plan {
    const hk_host *host;
    uint32_t scope;
    hk_desc x;
    float a, b;
};

static int probe(char *why, size_t size) { return (void)why, (void)size, 1; }

static void close_device(hk_device *dev) {
    if (!dev) return;
    if (dev->inner) dev->cpu->close(dev->inner);
    dev->host->free(dev->host->ctx, dev);
}
static hk_status open_device(const hk_host *host, const hk_backend_config *config, hk_device **out) {
    *out = NULL;
    const hk_backend *cpu = host->get(host->ctx, "hk.backend/1", "cpu");
    if (!cpu) return host->fail(host->ctx, HK_EPLUGIN, "@name@: it extends backend 'cpu', which is not loaded");
    hk_device *dev = host->alloc(host->ctx, sizeof *dev, sizeof(void *));
    if (!dev) return host->fail(host->ctx, HK_ENOMEM, "@name@: no memory for the device");
    *dev = (hk_device){ .host = host, .cpu = cpu };
    hk_status st = cpu->open(host, config, &dev->inner);
    if (st) close_device(dev);
    else *out = dev;
    return st;
}

static hk_device *base(hk_device *dev) { return dev->inner; }
static hk_status buf_new(hk_device *dev, size_t bytes, void **out) { return dev->cpu->buf_new(dev->inner, bytes, out); }
static void buf_free(hk_device *dev, void *p) { dev->cpu->buf_free(dev->inner, p); }
static hk_status upload(hk_device *dev, void *dst, const void *src, size_t bytes) { return dev->cpu->upload(dev->inner, dst, src, bytes); }
static hk_status download(hk_device *dev, void *dst, const void *src, size_t bytes) { return dev->cpu->download(dev->inner, dst, src, bytes); }
static int64_t block(hk_device *dev, int64_t N, int64_t T, int64_t row_bytes) { return dev->cpu->block(dev->inner, N, T, row_bytes); }

static hk_status plan_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    const hk_attr *a = hk_attr_find(o->attr, o->n_attr, "a"), *b = hk_attr_find(o->attr, o->n_attr, "b");
    *out = NULL;
    for (const char *p = "affine", *q = o->op; *p || *q; p++, q++)
        if (*p != *q) return HK_EUNSUPPORTED;
    if (o->in[0].dtype != HK_F32 || !a || !b) return HK_EUNSUPPORTED;
    hk_op_plan *p = dev->host->alloc(dev->host->ctx, sizeof *p, sizeof(void *));
    if (!p) return dev->host->fail(dev->host->ctx, HK_ENOMEM, "@name@: no memory for the plan of %s", o->path);
    *p = (hk_op_plan){ dev->host, o->scope, o->in[0], (float)a->f, (float)b->f };
    *out = p;
    return HK_OK;
}
static void plan_query(const hk_op_plan *p, hk_query *q) {
    (void)p;
    q->scratch = 0;
    q->impl = "@name@: a x + b";
}

typedef struct job {
    const hk_op_plan *p;
    const hk_bind *b;
} job;
static void run_part(void *arg, int64_t lo, int64_t hi) {
    const job *j = arg;
    const float *x = j->b->ptr[0];
    float *y = j->b->ptr[1];
    for (int64_t i = lo; i < hi; i++) y[i] = j->p->a * x[i] + j->p->b;
}
/* BLOCK scope: one thread of many calls this with bindings of its own; TEAM: one call, whose work is dealt out here. */
static hk_status plan_run(const hk_op_plan *p, hk_stream *st, const hk_bind *b) {
    job j = { p, b };
    const int64_t rows = (p->x.flags & HK_T ? b->T : 1) * (p->x.flags & HK_N ? b->n : p->x.flags & HK_G ? b->groups : 1), n = rows * hk_desc_elems(&p->x);
    if (p->scope == HK_SCOPE_BLOCK) run_part(&j, 0, n);
    else hk_parallel_for(st, n, 4096, run_part, &j);
    return HK_OK;
}
static void plan_free(hk_op_plan *p) {
    if (p) p->host->free(p->host->ctx, p);
}

static const hk_backend backend = {
    .struct_size = sizeof(hk_backend),
    .real_bytes = 4,
    .doc = "cpu, with an affine of its own",
    .extends = "cpu",
    .base = base,
    .probe = probe,
    .open = open_device,
    .close = close_device,
    .buf_new = buf_new,
    .buf_free = buf_free,
    .upload = upload,
    .download = download,
    .block = block,
    .plan_new = plan_new,
    .plan_query = plan_query,
    .plan_run = plan_run,
    .plan_free = plan_free,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "@name@", &backend); }

HK_PLUGIN_NEEDS("@name@", "0.1", "Apache-2.0", init, "hillock.backend.cpu");
