/* cpu.c - the plugin's entry: device, buffers, block size, and finding the table entry of an operation. */
#include "tables.h"
#include "bf16.h"
#include <unistd.h>

static int cpu_probe(char *why, size_t size) {
    if (size) why[0] = 0;
    return 10;
}

enum { OPTION_VALUES = 3 };
#define OPTIONS "conv=auto|direct|winograd, steps=auto|single|patterns and bf16=off|on|winograd"

/* On another processor the same configuration trains too, in f32: said, not refused. */
static void set_bf16(hk_device *dev, int value) {
    dev->bf16 = value ? cpu_bf16_kernels(dev->isa) : NULL, dev->bf16_points = value == 2;
    if (value && !dev->bf16)
        dev->host->log(dev->host->ctx, 1, "cpu: bf16=on needs a processor with AVX512_BF16 and [run] max_isa = avx512; without them all products are of f32");
}

static hk_status read_options(hk_device *dev, const char *text) {
    static const struct {
        const char *key, *value[OPTION_VALUES];
    } option[] = { { "conv", { "auto", "direct", "winograd" } }, { "steps", { "auto", "single", "patterns" } }, { "bf16", { "off", "on", "winograd" } } };
    enum { N_OPTION = sizeof option / sizeof *option };
    int chosen[N_OPTION] = { 0 };
    for (const char *at = text ? text + strspn(text, ", ") : NULL; at && *at; at += strspn(at, ", ")) {
        size_t key = strcspn(at, "=, "), value = at[key] == '=' ? strcspn(at + key + 1, ", ") : 0;
        const char *v = at + key + 1;
        int i = 0, k = 0;
        while (i < N_OPTION && (strlen(option[i].key) != key || memcmp(at, option[i].key, key))) i++;
        if (i == N_OPTION) return cpu_fail(dev, HK_ECONFIG, "cpu: there is no option '%.*s'; there are " OPTIONS, (int)key, at);
        while (k < OPTION_VALUES && (!value || strlen(option[i].value[k]) != value || memcmp(v, option[i].value[k], value))) k++;
        if (k == OPTION_VALUES)
            return cpu_fail(dev, HK_ECONFIG, "cpu: option %s: expected %s, %s or %s, got '%.*s'", option[i].key, option[i].value[0], option[i].value[1], option[i].value[2], (int)value,
                value ? v : "");
        chosen[i] = k;
        at = v + value;
    }
    dev->conv = (cpu_conv)chosen[0], dev->steps = (cpu_steps_way)chosen[1];
    set_bf16(dev, chosen[2]);
    return HK_OK;
}

static hk_status cpu_open(const hk_host *host, const hk_backend_config *config, hk_device **out) {
    *out = NULL;
    hk_device *dev = host->alloc(host->ctx, sizeof *dev, 64);
    if (!dev) return host->fail(host->ctx, HK_ENOMEM, "cpu: no memory for the device");
    long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = sysconf(_SC_LEVEL3_CACHE_SIZE), cpus = sysconf(_SC_NPROCESSORS_ONLN);
    memset(dev, 0, sizeof *dev);
    dev->host = host;
    dev->isa = config && config->isa < host->isa ? config->isa : host->isa;
    dev->threads = config && config->threads > 0 ? config->threads : cpus > 0 ? (int)cpus : 1;
    dev->l2 = l2 > 0 ? (size_t)l2 : (size_t)512 << 10;
    dev->l3 = l3 > 0 ? (size_t)l3 : (size_t)8 << 20;
    hk_status s = read_options(dev, config ? config->options : NULL);
    if (s == HK_OK) *out = dev;
    else host->free(host->ctx, dev);
    return s;
}

static void cpu_close(hk_device *dev) {
    if (dev) dev->host->free(dev->host->ctx, dev);
}

static hk_status cpu_buf_new(hk_device *dev, size_t bytes, void **out) {
    *out = dev->host->alloc(dev->host->ctx, bytes ? bytes : 64, 64);
    if (!*out) return cpu_fail(dev, HK_ENOMEM, "cpu: no memory for a buffer of %zu bytes", bytes);
    memset(*out, 0, bytes);
    return HK_OK;
}

static void cpu_buf_free(hk_device *dev, void *buf) { dev->host->free(dev->host->ctx, buf); }

static hk_status cpu_copy(hk_device *dev, void *dst, const void *src, size_t bytes) {
    (void)dev;
    if (bytes) memcpy(dst, src, bytes);
    return HK_OK;
}

/* 16 to 64 samples: as many as keep the block's rows in half of L2 (when not even 16 do: in a thread's half of L3), with as many
 * blocks for each thread. row_bytes: all values of one sample at one step. */
static int64_t cpu_block(hk_device *dev, int64_t N, int64_t T, int64_t row_bytes) {
    if (N <= HK_GROUP) return N;
    int64_t sample = cpu_max(row_bytes, 1) * cpu_max(T, 1), room = (int64_t)dev->l2 / 2;
    if (sample > room / HK_GROUP) room = (int64_t)dev->l3 / (2 * dev->threads);
    int64_t nb = cpu_min(cpu_max(room / sample / HK_GROUP * HK_GROUP, HK_GROUP), 4 * HK_GROUP);
    int64_t share = cpu_up((N + dev->threads - 1) / dev->threads, HK_GROUP);
    nb = cpu_min(nb, share);
    int64_t blocks = cpu_up((N + nb - 1) / nb, dev->threads); /* as many for each thread: 3 blocks take two threads as long as 4 */
    nb = cpu_min(nb, cpu_up((N + blocks - 1) / blocks, HK_GROUP));
    return nb >= N ? N : nb;
}

hk_status cpu_plan_new(hk_device *dev, const hk_opdesc *o, size_t size, cpu_plan **out) {
    *out = NULL;
    if (o->n_in + o->n_out > HK_MAX_OPERANDS) return cpu_fail(dev, HK_EINVAL, "%s: %u operands; at most %d", o->op, o->n_in + o->n_out, HK_MAX_OPERANDS);
    cpu_plan *p = dev->host->alloc(dev->host->ctx, size, 64);
    if (!p) return cpu_fail(dev, HK_ENOMEM, "%s: no memory for the plan", o->op);
    memset(p, 0, size);
    p->dev = dev, p->impl = "cpu", p->grain = 1;
    p->scope = o->scope, p->isa = o->isa < dev->isa ? o->isa : dev->isa;
    p->n_in = (int)o->n_in, p->n_out = (int)o->n_out;
    p->T = o->T, p->N = o->N, p->nb = o->nb, p->stream = o->stream;
    memcpy(p->d, o->in, o->n_in * sizeof *o->in);
    memcpy(p->d + o->n_in, o->out, o->n_out * sizeof *o->out);
    *out = p;
    return HK_OK;
}

void cpu_op_free(hk_op_plan *p) {
    for (int k = 0; p && k < 3; k++)
        if (p->inner[k]) p->dev->host->free(p->dev->host->ctx, p->inner[k]);
    if (p) p->dev->host->free(p->dev->host->ctx, p);
}

hk_status cpu_op_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
#define CPU_TABLE_ADDRESS(name) name,
    static const cpu_op *const tables[] = { CPU_TABLES(CPU_TABLE_ADDRESS) };
    *out = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const cpu_op *op = tables[i]; op->name; op++) {
            if (strcmp(op->name, o->op)) continue;
            hk_status s = op->plan_new(dev, o, out);
            if (s == HK_OK && o->way && !cpu_way_fits(*out, o->way)) s = HK_EUNSUPPORTED;
            if (s != HK_OK) cpu_op_free(*out), *out = NULL;
            return s;
        }
    return o->type ? cpu_plugin_new(dev, o, out) : HK_EUNSUPPORTED;
}

static void cpu_query(const hk_op_plan *p, hk_query *q) {
    q->scratch = (size_t)cpu_up((int64_t)p->scratch, 64) * (p->scope == HK_SCOPE_TEAM ? (size_t)p->dev->threads : 1);
    q->impl = p->impl;
    q->kept = p->kept;
    q->traits = p->traits;
}

static hk_status cpu_op_run(const hk_op_plan *p, hk_stream *st, const hk_bind *b) { return cpu_run(p, st, b); }

static hk_status cpu_op_prepare(const hk_op_plan *p, hk_stream *st, const hk_bind *b) {
    (void)st; /* once for each change of the weights: one thread does */
    return p->prepare(p, b);
}

const hk_attr *cpu_attr(const hk_opdesc *o, const char *name) {
    static const hk_attr none = { "", 0, 0, NULL };
    for (uint32_t i = 0; i < o->n_attr; i++)
        if (!strcmp(o->attr[i].name, name)) return &o->attr[i];
    return &none;
}

static const hk_backend cpu_backend = {
    .struct_size = sizeof(hk_backend),
    .real_bytes = 4,
    .doc = "CPU: own kernels for baseline, AVX2 and AVX-512",
    .probe = cpu_probe,
    .open = cpu_open,
    .close = cpu_close,
    .buf_new = cpu_buf_new,
    .buf_free = cpu_buf_free,
    .upload = cpu_copy,
    .download = cpu_copy,
    .block = cpu_block,
    .plan_new = cpu_op_new,
    .plan_query = cpu_query,
    .plan_run = cpu_op_run,
    .plan_free = cpu_op_free,
    .plan_prepare = cpu_op_prepare,
    .ways = cpu_ways,
};

static hk_status cpu_init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "cpu", &cpu_backend); }

HK_PLUGIN("hillock.backend.cpu", "0.1.0", "Apache-2.0", cpu_init);
