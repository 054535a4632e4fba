/* backend_harness.h - runs one operation of a backend with no core around it: a host of a few functions, values in whole-batch storage,
 * a runner that cuts them into blocks in device memory, and access by (t, sample, border position). Used by test_backend_cpu*.c.
 * $HILLOCK_TEST_BACKEND names a backend that runs cpu's kernels in memory of its own, or extends cpu; it is opened in cpu's place. */
#ifndef HILLOCK_TEST_BACKEND_HARNESS_H
#define HILLOCK_TEST_BACKEND_HARNESS_H

#include "hillock/plugin.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct { const char *id; const hk_backend *vtable; } hn_added[2];
static const hk_backend *hn_backend; /* the one under test */
static hk_device *hn_device;
static char hn_message[512];

static hk_status hn_add(hk_context *c, const char *iface, const char *id, const void *vtable) {
    (void)c;
    int k = hn_added[0].id != NULL;
    if (!strcmp(iface, "hk.backend/1")) hn_added[k].id = id, hn_added[k].vtable = hn_backend = vtable;
    return HK_OK;
}
static const void *hn_get(hk_context *c, const char *iface, const char *id) {
    (void)c;
    for (int k = 0; k < 2; k++)
        if (!strcmp(iface, "hk.backend/1") && hn_added[k].id && !strcmp(hn_added[k].id, id)) return hn_added[k].vtable;
    return NULL;
}
static hk_status hn_fail(hk_context *c, hk_status s, const char *fmt, ...) {
    (void)c;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(hn_message, sizeof hn_message, fmt, ap);
    va_end(ap);
    return s;
}
static void hn_log(hk_context *c, int level, const char *fmt, ...) {
    (void)c, (void)level;
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}
static void *hn_alloc(hk_context *c, size_t bytes, size_t align) {
    (void)c;
    void *p = NULL;
    return posix_memalign(&p, align < sizeof p ? sizeof p : align, bytes) ? NULL : p; /* ends where it should, for AddressSanitizer */
}
static void hn_free(hk_context *c, void *p) {
    (void)c;
    free(p);
}
static hk_host hn_host = { sizeof(hk_host), HK_ABI_MAJOR, HK_ABI_MINOR, 0, NULL, hn_add, hn_get, hn_fail, hn_log, hn_alloc, hn_free };

static uint32_t hn_isa(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return 1;
#endif
    return 0;
}

static int hn_load(const char *file) {
    void *lib = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const hk_plugin_entry *entry = lib ? dlsym(lib, "hk_plugin") : NULL;
    if (!entry) return fprintf(stderr, "%s: %s\n", file, dlerror()), 1;
    return entry->init(&hn_host) != HK_OK;
}

static const char *hn_options; /* the backend's */
/* 0 when the backend is there and open. */
static int hn_open(const char *file, int threads) {
    const char *instead = getenv("HILLOCK_TEST_BACKEND");
    char other[4096];
    hn_host.isa = hn_isa();
    if (hn_load(file)) return 1;
    if (instead && instead[0]) {
        snprintf(other, sizeof other, "%.*s/backend_%s.so", (int)(strrchr(file, '/') - file), file, instead);
        if (hn_load(other)) return 1;
    }
    hk_backend_config config = { sizeof config, HK_ISA_AVX512, threads, 0, hn_options };
    if (hn_backend && hn_backend->open(&hn_host, &config, &hn_device) == HK_OK) return 0;
    return fprintf(stderr, "%s\n", hn_message), 1;
}

/* The plan of the backend under test, or what it declines, of the one it extends; *be: whose it is. */
static hk_status hn_plan_new(const hk_opdesc *o, const hk_backend **be, hk_op_plan **plan) {
    hk_status s = (*be = hn_backend)->plan_new(hn_device, o, plan);
    if (s != HK_EUNSUPPORTED || !hn_backend->extends) return s;
    return (*be = hn_get(NULL, "hk.backend/1", hn_backend->extends))->plan_new(hn_backend->base(hn_device), o, plan);
}

/* ---- device memory ---------------------------------------------------------------------------------------------------------- */

static char *hn_buf(size_t bytes) {
    void *p;
    if (hn_backend->buf_new(hn_device, bytes, &p) == HK_OK) return p;
    return fprintf(stderr, "%s\n", hn_message), exit(1), NULL;
}
/* An operand's: aligned to 16 bytes and no better, as the rows of a block are, and with nothing of the buffer behind it. */
enum { HN_SHIFT = 16 };
static char *hn_operand(size_t bytes) { return hn_buf(bytes + HN_SHIFT) + HN_SHIFT; }
static void hn_operand_free(char *p) {
    if (p) hn_backend->buf_free(hn_device, p - HN_SHIFT);
}
static void hn_put(void *dst, const void *src, size_t bytes) {
    if (hn_backend->upload(hn_device, dst, src, bytes) != HK_OK) fprintf(stderr, "%s\n", hn_message), exit(1);
}
static void hn_take(void *dst, const void *src, size_t bytes) {
    if (hn_backend->download(hn_device, dst, src, bytes) != HK_OK) fprintf(stderr, "%s\n", hn_message), exit(1);
}

/* ---- values: whole-batch storage [T][N][row] ------------------------------------------------------------------------------ */

typedef struct hn_value {
    hk_desc d;
    int64_t T, N, rows, elems;
    size_t size, bytes; /* of a number, of all */
    char *mem;
} hn_value;

static uint32_t hn_seed = 1;
static double hn_uniform(void) { return (double)((hn_seed = hn_seed * 1664525u + 1013904223u) >> 8) / 16777216.0; }

/* A value filled with numbers of [-1, 1), spikes or small counts. */
static hn_value hn_new(hk_dtype dtype, uint32_t flags, int64_t T, int64_t N, int rank, const int64_t *shape) {
    hn_value v = { .d = { (uint8_t)dtype, (uint8_t)flags, (uint8_t)rank, 0, 0, { 0 } }, .T = T, .N = N };
    for (int i = 0; i < rank; i++) v.d.shape[i] = shape[i];
    v.elems = hk_desc_elems(&v.d);
    v.rows = (flags & HK_T ? T : 1) * (flags & HK_N ? N : flags & HK_G ? (N + 15) / 16 : 1);
    v.size = dtype == HK_F32 ? 4 : dtype == HK_I64 ? 8 : 1;
    v.bytes = (size_t)(v.rows * v.elems) * v.size;
    v.mem = malloc(v.bytes + 1);
    for (int64_t k = 0; k < v.rows * v.elems; k++) {
        if (dtype == HK_F32) ((float *)v.mem)[k] = (float)(2 * hn_uniform() - 1);
        else if (dtype == HK_I64) ((int64_t *)v.mem)[k] = (int64_t)(hn_uniform() * 3);
        else v.mem[k] = hn_uniform() < 0.4;
    }
    return v;
}
static __attribute__((unused)) hn_value hn_absent(void) { return (hn_value){ .mem = NULL }; }

static int64_t hn_index(const hn_value *v, int64_t t, int64_t i, int64_t e) {
    if ((v->d.flags & HK_N) && v->d.rank >= 2) {
        int64_t C = v->d.shape[0], P = v->elems / C;
        e = e % P * C + e / P;
    }
    int64_t row = v->d.flags & HK_G ? i * (v->d.flags & HK_T ? v->T : 1) + (v->d.flags & HK_T ? t : 0)
                                    : (v->d.flags & HK_T ? t : 0) * (v->d.flags & HK_N ? v->N : 1) + (v->d.flags & HK_N ? i : 0);
    return row * v->elems + e;
}
/* Number at step t, sample (group) i, border position e. */
static __attribute__((unused)) double hn_at(const hn_value *v, int64_t t, int64_t i, int64_t e) {
    int64_t k = hn_index(v, t, i, e);
    return v->d.dtype == HK_F32 ? (double)((float *)v->mem)[k] : v->d.dtype == HK_I64 ? (double)((int64_t *)v->mem)[k] : (double)((uint8_t *)v->mem)[k];
}
/* The element of v, of the shape or less (scalar, one for each channel), that goes with element e of ref. */
static inline int64_t hn_other(const hn_value *v, const hn_value *ref, int64_t e) {
    return v->elems == ref->elems ? e : v->elems == 1 ? 0 : e / (ref->elems / ref->d.shape[0]);
}
#define HN_EACH(v, t, i, e)                                                                                                                                    \
    for (int64_t t = 0; t < ((v).d.flags & HK_T ? (v).T : 1); t++)                                                                                             \
        for (int64_t i = 0; i < ((v).d.flags & HK_N ? (v).N : (v).d.flags & HK_G ? ((v).N + 15) / 16 : 1); i++)                                                \
            for (int64_t e = 0; e < (v).elems; e++)

/* ---- running ---------------------------------------------------------------------------------------------------------------- */

static int hn_threads = 3;
/* The pieces one after the other, last first, so that nothing can depend on their order. */
static void hn_parallel_for(hk_stream *st, int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *arg) {
    (void)st, (void)grain;
    for (int64_t k = hn_threads - 1; k >= 0; k--)
        if (n * k / hn_threads < n * (k + 1) / hn_threads) body(arg, n * k / hn_threads, n * (k + 1) / hn_threads);
}

/* Copies the samples [s, s + n) of v between whole-batch storage and a block's; G: their groups. */
static void hn_block(const hn_value *v, int64_t s, int64_t n, char *block, int to_block) {
    size_t row = (size_t)v->elems * v->size;
    if (v->d.flags & HK_G) {
        if (v->d.flags & HK_T) row *= (size_t)v->T;
        char *whole = v->mem + (size_t)(s / 16) * row;
        size_t bytes = (size_t)((n + 15) / 16) * row;
        memcpy(to_block ? block : whole, to_block ? whole : block, bytes);
    } else if (v->d.flags & HK_N) {
        for (int64_t t = 0; t < (v->d.flags & HK_T ? v->T : 1); t++) {
            char *whole = v->mem + (size_t)(t * v->N + s) * row, *part = block + (size_t)(t * n) * row;
            memcpy(to_block ? part : whole, to_block ? whole : part, (size_t)n * row);
        }
    } else {
        memcpy(to_block ? block : v->mem, to_block ? v->mem : block, v->bytes);
    }
}

/* Bytes of v in a block of n samples. */
static size_t hn_block_bytes(const hn_value *v, int64_t n) {
    int64_t rows = (v->d.flags & HK_T ? v->T : 1) * (v->d.flags & HK_N ? n : v->d.flags & HK_G ? (n + 15) / 16 : 1);
    return (size_t)(rows * v->elems) * v->size;
}

static const char *hn_way; /* hk_opdesc.way of the plans that hn_run makes */
static int hn_keep; /* static operands may be packed before the run */
static hk_step hn_step = { 42, 7, { 0 } };

/* An operation of N samples at the level under test. in and out are kept by pointer. */
static inline hk_opdesc hn_opdesc(const char *op, hk_scope scope, int64_t T, int64_t N, int n_in, const hk_desc *in, int n_out, const hk_desc *out, int n_attr, const hk_attr *attr) {
    return (hk_opdesc){ .struct_size = sizeof(hk_opdesc), .scope = scope, .op = op, .path = "test", .n_in = (uint32_t)n_in, .n_out = (uint32_t)n_out, .n_attr = (uint32_t)n_attr, .isa = hn_isa(),
        .in = in, .out = out, .attr = attr, .T = T, .N = N, .nb = N };
}

/* Runs `op` on blocks of nb samples (nb 0: all at once, groups of all samples: a whole-batch operation). */
static hk_status hn_run(const char *op, hk_scope scope, uint32_t isa, int64_t nb, int64_t T, int64_t N, int n_in, hn_value *in, int n_out, hn_value *out,
    int n_attr, const hk_attr *attr) {
    hk_desc din[HK_MAX_OPERANDS], dout[HK_MAX_OPERANDS];
    for (int k = 0; k < n_in; k++) din[k] = in[k].d;
    for (int k = 0; k < n_out; k++) dout[k] = out[k].d;
    hk_opdesc o = hn_opdesc(op, scope, T, N, n_in, din, n_out, dout, n_attr, attr);
    o.isa = isa, o.nb = nb ? nb : N, o.stream = 1234567, o.way = hn_way;
    for (int k = 0; k < n_in && hn_keep; k++)
        if (din[k].flags == HK_STATIC && din[k].dtype != HK_ABSENT) o.constant |= 1u << k;
    hk_op_plan *plan = NULL;
    const hk_backend *be;
    hk_status s = hn_plan_new(&o, &be, &plan);
    if (s != HK_OK) return s;
    hk_query q = { .struct_size = sizeof q };
    be->plan_query(plan, &q);
    size_t most = q.scratch;
    for (int k = 0; k < n_in + n_out; k++) {
        size_t bytes = k < n_in ? in[k].bytes : out[k - n_in].bytes;
        if (bytes > most) most = bytes;
    }
    char *scratch = hn_buf(q.scratch), *kept = q.kept ? hn_buf(q.kept) : NULL, *host = malloc(most + 1);
    memset(host, 0xff, most);
    hn_put(scratch, host, q.scratch);
    hk_stream stream = { hn_parallel_for, hn_threads };
    for (int64_t at = 0; at < N && s == HK_OK; at += nb ? nb : N) {
        int64_t n = !nb || N - at < nb ? N - at : nb;
        void *ptr[HK_MAX_OPERANDS];
        for (int k = 0; k < n_in + n_out; k++) {
            hn_value *v = k < n_in ? &in[k] : &out[k - n_in];
            size_t bytes = v->mem ? hn_block_bytes(v, n) : 0;
            ptr[k] = v->mem ? hn_operand(bytes) : NULL;
            if (!v->mem) continue;
            memset(host, 0xff, bytes);
            if (k < n_in) hn_block(v, at, n, host, 1);
            hn_put(ptr[k], host, bytes);
        }
        hk_bind b = { sizeof b, (uint32_t)(n_in + n_out), T, n, 0, at, (n + 15) / 16, ptr, scratch, &hn_step, kept };
        if (kept && at == 0) { /* once, and without the operands that vary */
            void *all[HK_MAX_OPERANDS];
            memcpy(all, ptr, sizeof all);
            for (int k = 0; k < n_in + n_out; k++)
                if (k >= n_in || !(o.constant >> k & 1)) ptr[k] = NULL;
            s = be->plan_prepare(plan, &stream, &b);
            memcpy(ptr, all, sizeof all);
            if (s != HK_OK) break;
        }
        s = be->plan_run(plan, scope == HK_SCOPE_TEAM ? &stream : NULL, &b);
        for (int k = 0; k < n_in + n_out; k++) {
            hn_value *v = k < n_in ? &in[k] : &out[k - n_in];
            if (v->mem && k >= n_in) {
                hn_take(host, ptr[k], hn_block_bytes(v, n));
                hn_block(v, at, n, host, 0);
            }
            hn_operand_free(ptr[k]);
        }
    }
    free(host);
    hn_backend->buf_free(hn_device, scratch);
    if (kept) hn_backend->buf_free(hn_device, kept);
    be->plan_free(plan);
    return s;
}

#endif
