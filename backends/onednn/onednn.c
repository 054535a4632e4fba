/* onednn.c - the plugin's entry: device, instruction set level, plans, and dealing units out to threads. Memory and blocks are cpu's. */
#include "onednn.h"
#include <omp.h>
#include <stdio.h>
#include <string.h>

static int onednn_probe(char *why, size_t size) {
    const dnnl_version_t *v = dnnl_version();
    if (v->major != DNNL_VERSION_MAJOR)
        return snprintf(why, size, "libdnnl %d.%d.%d is loaded; this plugin was built for %d.x", v->major, v->minor, v->patch, DNNL_VERSION_MAJOR), 0;
    if (v->cpu_runtime != DNNL_RUNTIME_OMP) return snprintf(why, size, "libdnnl was built without OpenMP: its threads would fight with Hillock's"), 0;
    snprintf(why, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return 5;
}

static void onednn_close(hk_device *dev) {
    if (!dev) return;
    if (dev->engine) dnnl_engine_destroy(dev->engine);
    if (dev->base) dev->cpu->close(dev->base);
    dev->host->free(dev->host->ctx, dev);
}

/* oneDNN's level can be set only once in a process, before its first primitive; DNNL_MAX_CPU_ISA is overruled. AVX-512 stops short of the extensions for
 * bf16 and matrices, which f32 has no use for. Returns the hk_isa that oneDNN keeps to, or UINT32_MAX. */
static uint32_t hold_level(uint32_t isa) {
    static const dnnl_cpu_isa_t level[] = { dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core };
    dnnl_set_max_cpu_isa(level[isa]);
    return dnnl_get_effective_cpu_isa() == level[isa] ? isa : UINT32_MAX;
}

static hk_status onednn_open(const hk_host *host, const hk_backend_config *config, hk_device **out) {
    *out = NULL;
    char why[256] = "";
    const hk_backend *cpu = host->get(host->ctx, "hk.backend/1", "cpu");
    if (!cpu) return host->fail(host->ctx, HK_EPLUGIN, "onednn: it extends backend 'cpu', which is not loaded: put backend_cpu.so on the plugin path");
    if (cpu->real_bytes != 4) return host->fail(host->ctx, HK_EPLUGIN, "onednn: cpu stores numbers of %u bytes, expected 4", (unsigned)cpu->real_bytes);
    if (cpu->probe(why, sizeof why) <= 0) return host->fail(host->ctx, HK_EUNSUPPORTED, "onednn: backend 'cpu' cannot be used here: %s", why);
    hk_device *dev = host->alloc(host->ctx, sizeof *dev, sizeof(void *));
    if (!dev) return host->fail(host->ctx, HK_ENOMEM, "onednn: no memory for the device");
    *dev = (hk_device){ .host = host, .cpu = cpu, .threads = config && config->threads > 0 ? config->threads : omp_get_num_procs() };
    hk_status st = cpu->open(host, config, &dev->base);
    if (st != HK_OK) {
        onednn_close(dev);
        return st;
    }
    uint32_t isa = config && config->isa < host->isa ? config->isa : host->isa;
    dev->isa = hold_level(isa);
    if (dev->isa != isa)
        host->log(host->ctx, 1,
            "onednn: oneDNN cannot be held to this instruction set level now (an earlier network of this process set another, or the CPU "
            "lacks it); all operations go to cpu");
    dnnl_status_t s = dnnl_engine_create(&dev->engine, dnnl_cpu, 0);
    if (s != dnnl_success) {
        onednn_close(dev);
        return host->fail(host->ctx, HK_EUNSUPPORTED, "onednn: no engine for the CPU (oneDNN's status %d)", (int)s);
    }
    od_check_runtimes(host);
    *out = dev;
    return HK_OK;
}

static hk_device *onednn_base(hk_device *dev) { return dev->base; }
static hk_status onednn_buf_new(hk_device *dev, size_t bytes, void **out) { return dev->cpu->buf_new(dev->base, bytes, out); }
static void onednn_buf_free(hk_device *dev, void *buf) { dev->cpu->buf_free(dev->base, buf); }
static hk_status onednn_upload(hk_device *dev, void *dst, const void *src, size_t bytes) { return dev->cpu->upload(dev->base, dst, src, bytes); }
static hk_status onednn_download(hk_device *dev, void *dst, const void *src, size_t bytes) { return dev->cpu->download(dev->base, dst, src, bytes); }
static int64_t onednn_block(hk_device *dev, int64_t N, int64_t T, int64_t row_bytes) { return dev->cpu->block(dev->base, N, T, row_bytes); }

/* ---- plans ------------------------------------------------------------------------------------------------------------------- */

hk_status od_plan_new(hk_device *dev, const hk_opdesc *o, size_t size, hk_op_plan **out) {
    hk_op_plan *p = *out = dev->host->alloc(dev->host->ctx, size, 64);
    if (!p) return od_fail(dev, HK_ENOMEM, "%s: no memory for the plan", o->op);
    memset(p, 0, size);
    p->dev = dev, p->scope = o->scope;
    snprintf(p->path, sizeof p->path, "%s: %s", o->path, o->op);
    return HK_OK;
}

static void onednn_plan_free(hk_op_plan *p) {
    if (!p) return;
    if (p->free) p->free(p);
    p->dev->host->free(p->dev->host->ctx, p);
}

/* Primitives are made as if there were one thread. */
static hk_status onednn_plan_new(hk_device *dev, const hk_opdesc *o, hk_op_plan **out) {
#define OD_ENTRY(op) { #op, od_##op##_new },
    static const struct {
        const char *name;
        od_new_fn *plan_new;
    } ops[] = { OD_OPS(OD_ENTRY) };
    *out = NULL;
    if (o->isa != dev->isa || (o->way && strcmp(o->way, "primitive") != 0)) return HK_EUNSUPPORTED;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].name, o->op) != 0) continue;
        int before = omp_get_max_threads();
        omp_set_num_threads(1);
        hk_status st = ops[i].plan_new(dev, o, out);
        omp_set_num_threads(before);
        if (st != HK_OK) onednn_plan_free(*out), *out = NULL;
        return st;
    }
    return HK_EUNSUPPORTED;
}

/* One way, where oneDNN can do it and cpu neither skips zeros, which no measuring on drawn numbers would see, nor rounds as the user asked. */
static int onednn_ways(hk_device *dev, const hk_opdesc *o, int max, hk_way *to) {
    hk_opdesc asked = *o;
    hk_op_plan *plan = NULL;
    asked.way = "primitive";
    if (max < 1 || onednn_plan_new(dev, &asked, &plan) != HK_OK) return 0;
    onednn_plan_free(plan);
    if (od_cpu_traits(dev, o) & (HK_SKIPS_ZEROS | HK_ROUNDS)) return 0;
    to[0] = (hk_way){ "primitive", 0, 0 };
    return 1;
}

static void onednn_plan_query(const hk_op_plan *p, hk_query *q) {
    q->scratch = p->shared + p->own * (p->scope == HK_SCOPE_TEAM ? (size_t)p->dev->threads : 1);
    q->impl = p->impl;
}

const hk_attr *od_attr(const hk_opdesc *o, const char *name) {
    static const hk_attr none = { "", 0, 0, NULL };
    for (uint32_t i = 0; i < o->n_attr; i++)
        if (!strcmp(o->attr[i].name, name)) return &o->attr[i];
    return &none;
}

uint32_t od_cpu_traits(hk_device *dev, const hk_opdesc *o) {
    hk_op_plan *plan = NULL;
    hk_query q = { .struct_size = sizeof q };
    if (dev->cpu->plan_new(dev->base, o, &plan) != HK_OK) return UINT32_MAX;
    dev->cpu->plan_query(plan, &q);
    dev->cpu->plan_free(plan);
    return q.traits;
}

int od_name_impl(hk_op_plan *p, const od_prim *prim) {
    snprintf(p->impl, sizeof p->impl, "onednn: %s", prim->impl);
    return strncmp(prim->impl, "ref", 3) != 0 && strncmp(prim->impl, "simple", 6) != 0;
}

/* ---- running ----------------------------------------------------------------------------------------------------------------- */

hk_status od_failed(const hk_op_plan *p, const char *what, dnnl_status_t s) {
    return od_fail(p->dev, s == dnnl_out_of_memory ? HK_ENOMEM : HK_EINTERNAL, "%s: oneDNN failed to %s (status %d)", p->path, what, (int)s);
}

hk_status od_execute(const hk_op_plan *p, const od_prim *prim, dnnl_stream_t stream, int n, const dnnl_exec_arg_t *arg) {
    dnnl_status_t s = dnnl_primitive_execute(prim->prim, stream, n, arg);
    return s == dnnl_success ? HK_OK : od_failed(p, "run", s);
}

typedef hk_status part_fn(const hk_op_plan *, od_piece *, int64_t lo, int64_t hi);
typedef struct job {
    const hk_op_plan *p;
    const hk_bind *b;
    part_fn *part;
    int64_t first, units, slots;
    hk_status status;
} job;

/* What the slot of this thread does. Outside a parallel region oneDNN would start threads of its own. */
static hk_status run_slot(const job *j, int64_t slot) {
    const hk_op_plan *p = j->p;
    int64_t from = j->first + j->units * slot / j->slots, to = j->first + j->units * (slot + 1) / j->slots;
    od_piece piece = { .b = j->b, .shared = j->b->scratch, .own = (char *)j->b->scratch + p->shared + (size_t)slot * p->own };
    if (from == to) return HK_OK;
    dnnl_status_t s = dnnl_stream_create(&piece.stream, p->dev->engine, dnnl_stream_default_flags);
    if (s != dnnl_success) return od_failed(p, "make a stream", s);
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    hk_status st = j->part(p, &piece, from, to);
    omp_set_num_threads(before);
    dnnl_stream_destroy(piece.stream);
    return st;
}

static void run_slots(void *arg, int64_t lo, int64_t hi) {
    job *j = arg;
    for (int64_t s = lo; s < hi; s++) {
        hk_status st = run_slot(j, s);
        if (st != HK_OK) __atomic_store_n(&j->status, st, __ATOMIC_RELAXED);
    }
}

static hk_status begin(const hk_op_plan *p, od_piece *piece, int64_t lo, int64_t hi) {
    (void)lo, (void)hi;
    return p->begin(p, piece);
}
static hk_status end(const hk_op_plan *p, od_piece *piece, int64_t lo, int64_t hi) {
    (void)lo, (void)hi;
    return p->end(p, piece);
}

static hk_status onednn_plan_run(const hk_op_plan *p, hk_stream *stream, const hk_bind *b) {
    int64_t units = p->units(p, b), threads = stream && p->scope == HK_SCOPE_TEAM ? p->dev->threads : 1, round = p->merge ? threads : units;
    job j = { .p = p, .b = b, .part = begin, .units = 1, .slots = 1 };
    hk_status st = p->begin ? run_slot(&j, 0) : HK_OK;
    for (j.part = p->run; j.first < units && st == HK_OK; j.first += round) {
        j.units = od_min(round, units - j.first), j.slots = od_min(threads, j.units);
        if (j.slots > 1) hk_parallel_for(stream, j.slots, 1, run_slots, &j);
        else run_slots(&j, 0, 1);
        st = j.status;
        if (p->merge && st == HK_OK) p->merge(p, b->scratch, (const char *)b->scratch + p->shared, j.slots);
    }
    j.part = end, j.units = 1, j.slots = 1;
    return st == HK_OK && p->end ? run_slot(&j, 0) : st;
}

static const hk_backend onednn_backend = {
    .struct_size = sizeof(hk_backend),
    .real_bytes = 4,
    .doc = "oneDNN's convolutions of f32 and gradients of products, where they are faster than cpu's; the rest is cpu",
    .extends = "cpu",
    .probe = onednn_probe,
    .open = onednn_open,
    .close = onednn_close,
    .buf_new = onednn_buf_new,
    .buf_free = onednn_buf_free,
    .upload = onednn_upload,
    .download = onednn_download,
    .block = onednn_block,
    .plan_new = onednn_plan_new,
    .plan_query = onednn_plan_query,
    .plan_run = onednn_plan_run,
    .plan_free = onednn_plan_free,
    .base = onednn_base,
    .ways = onednn_ways,
};

static hk_status onednn_init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "onednn", &onednn_backend); }

HK_PLUGIN("hillock.backend.onednn", "0.1.0", "Apache-2.0", onednn_init);
