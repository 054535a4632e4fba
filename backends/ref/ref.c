/* ref.c - the plugin's entry: device, buffers, and finding the table entry of an operation. */
#include "ref.h"

static int probe(char *why, size_t size) {
    if (size) why[0] = 0;
    return 1;
}

static hk_status open_device(const hk_host *host, const hk_backend_config *config, hk_device **out) {
    *out = NULL;
    if (config && config->options && config->options[0])
        return host->fail(host->ctx, HK_ECONFIG, "ref: it has no options, got '%s'", config->options);
    *out = host->alloc(host->ctx, sizeof **out, 64);
    if (!*out) return host->fail(host->ctx, HK_ENOMEM, "ref: no memory for the device");
    (*out)->host = host;
    return HK_OK;
}

static void close_device(hk_device *dev) {
    if (dev) dev->host->free(dev->host->ctx, dev);
}

static hk_status buf_new(hk_device *dev, size_t bytes, void **out) {
    *out = dev->host->alloc(dev->host->ctx, bytes ? bytes : 64, 64);
    if (!*out) return ref_fail(dev, HK_ENOMEM, "ref: no memory for a buffer of %zu bytes", bytes);
    memset(*out, 0, bytes);
    return HK_OK;
}

static void buf_free(hk_device *dev, void *buf) { dev->host->free(dev->host->ctx, buf); }

static hk_status copy(hk_device *dev, void *dst, const void *src, size_t bytes) {
    (void)dev;
    if (bytes) memcpy(dst, src, bytes);
    return HK_OK;
}

static int64_t block(hk_device *dev, int64_t N, int64_t T, int64_t row_bytes) {
    (void)dev, (void)T, (void)row_bytes;
    return N;
}

const hk_attr *ref_attr(const hk_opdesc *o, const char *name) {
    static const hk_attr none = { "", 0, 0, NULL };
    for (uint32_t i = 0; i < o->n_attr; i++)
        if (!strcmp(o->attr[i].name, name)) return &o->attr[i];
    return &none;
}

static const ref_op *find(const char *name) {
#define REF_TABLE_ADDRESS(table) table,
    static const ref_op *const tables[] = { REF_TABLES(REF_TABLE_ADDRESS) };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const ref_op *op = tables[i]; op->name; op++)
            if (!strcmp(op->name, name)) return op;
    return NULL;
}

static hk_status plan_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
    const ref_op *op = find(o->op);
    if (!op) op = ref_plugin_op(o);
    *out = NULL;
    if (!op) return HK_EUNSUPPORTED;
    if (o->n_in < op->n_in || o->n_out < op->n_out || o->n_in + o->n_out > HK_MAX_OPERANDS)
        return ref_fail(dev, HK_EINVAL, "%s: %s: expected at least %u and %u operands, got %u and %u", o->path, o->op, op->n_in, op->n_out, o->n_in, o->n_out);
    ref_plan *p = dev->host->alloc(dev->host->ctx, sizeof *p, 64);
    if (!p) return ref_fail(dev, HK_ENOMEM, "%s: %s: no memory for the plan", o->path, o->op);
    memset(p, 0, sizeof *p);
    p->dev = dev, p->op = op;
    p->n_in = (int)o->n_in, p->n_out = (int)o->n_out, p->stream = o->stream;
    for (int k = 0; k < p->n_in + p->n_out; k++) {
        p->d[k] = k < p->n_in ? o->in[k] : o->out[k - p->n_in];
        p->E[k] = p->d[k].dtype == HK_ABSENT ? 0 : hk_desc_elems(&p->d[k]);
    }
    hk_status st = op->prepare ? op->prepare(p, o) : HK_OK;
    if (st) dev->host->free(dev->host->ctx, p);
    else *out = p;
    return st;
}

static void plan_query(const hk_op_plan *p, hk_query *q) {
    q->scratch = p->scratch;
    q->impl = "ref";
}

static hk_status plan_run(const hk_op_plan *p, hk_stream *st, const hk_bind *b) {
    (void)st;
    return p->op->run(p, b);
}

static void plan_free(hk_op_plan *p) {
    if (p) p->dev->host->free(p->dev->host->ctx, p);
}

static const hk_backend ref_backend = {
    .struct_size = sizeof(hk_backend),
    .real_bytes = 8,
    .doc = "for tests: every operation in plain loops, in double; needs a C compiler at run time (cc, or $CC)",
    .probe = probe,
    .open = open_device,
    .close = close_device,
    .buf_new = buf_new,
    .buf_free = buf_free,
    .upload = copy,
    .download = copy,
    .block = block,
    .plan_new = plan_new,
    .plan_query = plan_query,
    .plan_run = plan_run,
    .plan_free = plan_free,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "ref", &ref_backend); }

HK_PLUGIN("hillock.backend.ref", "0.1.0", "Apache-2.0", init);
