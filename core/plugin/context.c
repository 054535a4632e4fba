/* context.c - the context: making and freeing it, the instruction set of this CPU, and the function table given to plugins. */
#include "plugin/context.h"
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

/* ---- instruction set ---- */

static uint64_t xcr0(void) {
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* A level counts only when the operating system saves its registers too (XCR0): else they are lost at a thread switch. */
static uint32_t detect_isa(void) {
    enum { OSXSAVE = 1u << 27, AVX = 1u << 28, FMA = 1u << 12 };                                          /* leaf 1, ecx */
    enum { BMI2 = 1u << 8, AVX2 = 1u << 5, F = 1u << 16, DQ = 1u << 17, BW = 1u << 30, VL = 1u << 31 };   /* leaf 7, ebx */
    enum { YMM_STATE = 0x6, ZMM_STATE = 0xe6 };
    const uint32_t avx2 = BMI2 | AVX2, avx512 = (uint32_t)F | (uint32_t)DQ | (uint32_t)BW | (uint32_t)VL;
    uint32_t a, b, c, d, b7, c7;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return HK_ISA_BASELINE;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return HK_ISA_BASELINE;
    if (!(c & OSXSAVE) || !(c & AVX) || !(c & FMA) || (b7 & avx2) != avx2) return HK_ISA_BASELINE;
    uint64_t saved = xcr0();
    if ((saved & YMM_STATE) != YMM_STATE) return HK_ISA_BASELINE;
    if ((b7 & avx512) != avx512 || (saved & ZMM_STATE) != ZMM_STATE) return HK_ISA_AVX2;
    return HK_ISA_AVX512;
}

/* ---- the host table ---- */

static void *host_alloc(hk_context *ctx, size_t bytes, size_t align) {
    void *p = NULL;
    (void)ctx;
    if (align < sizeof(void *)) align = sizeof(void *);
    return posix_memalign(&p, align, bytes ? bytes : 1) == 0 ? p : NULL;
}

static void host_free(hk_context *ctx, void *p) {
    (void)ctx;
    free(p);
}

static const void *host_get(hk_context *ctx, const char *iface, const char *id) { return ctx ? hk__registry_get(ctx, iface, id, NULL) : NULL; }

/* Plugins may keep the table they are given, so it must outlive its context. A freed context's table waits here for the next one. */
struct host_slot {
    hk_host host;
    struct host_slot *next;
};
static struct host_slot *hosts;
static pthread_mutex_t hosts_lock = PTHREAD_MUTEX_INITIALIZER;

static hk_host *host_take(hk_context *ctx, uint32_t isa) {
    struct host_slot *slot;
    pthread_mutex_lock(&hosts_lock);
    for (slot = hosts; slot && slot->host.ctx; slot = slot->next) {}
    if (!slot && (slot = calloc(1, sizeof *slot))) slot->next = hosts, hosts = slot;
    if (slot)
        slot->host = (hk_host){ sizeof(hk_host), HK_ABI_MAJOR, HK_ABI_MINOR, isa, ctx, hk__registry_add, host_get, hk__fail, hk__log, host_alloc, host_free };
    pthread_mutex_unlock(&hosts_lock);
    return slot ? &slot->host : NULL;
}

static void host_give_back(hk_host *host) {
    pthread_mutex_lock(&hosts_lock);
    if (host) host->ctx = NULL;
    pthread_mutex_unlock(&hosts_lock);
}

const hk_host *hk__host(hk_context *ctx) { return ctx->host; }

uint32_t hk_context_isa(const hk_context *ctx) { return ctx->host->isa; }

/* ---- life ---- */

hk_status hk_context_new(const hk_context_config *config, hk_context **out) {
    hk_context_config c = HK_CONTEXT_CONFIG_DEFAULT;
    if (!out) return HK_EINVAL;
    *out = NULL;
    if (config) { /* a program built with older headers knows fewer members */
        size_t n = config->struct_size < sizeof c ? config->struct_size : sizeof c;
        if (n < offsetof(hk_context_config, plugin_path)) return HK_EINVAL;
        memcpy(&c, config, n);
    }
    hk_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return HK_ENOMEM;
    uint32_t isa = detect_isa();
    ctx->host = host_take(ctx, isa < c.max_isa ? isa : c.max_isa);
    if (!ctx->host) {
        free(ctx);
        return HK_ENOMEM;
    }
    pthread_mutex_init(&ctx->error_lock, NULL);
    ctx->log_level = c.log_level;
    ctx->initialising = -1;
    *out = ctx;
    if (c.no_default_plugins && !c.plugin_path) return HK_OK;
    return hk__loader_search(ctx, c.plugin_path, !c.no_default_plugins);
}

void hk_context_free(hk_context *ctx) {
    if (!ctx) return;
    for (int i = ctx->n_plugins - 1; i >= 0; i--) {
        hk__plugin *p = &ctx->plugins[i];
        if (p->state == HK__PLUGIN_LOADED && p->entry.deinit) p->entry.deinit();
    }
    for (int i = 0; i < ctx->n_types; i++) free(ctx->types[i].vtable);
    for (int i = 0; i < ctx->n_plugins; i++) {
        free(ctx->plugins[i].file);
        free(ctx->plugins[i].refused);
    }
    for (int i = 0; i < ctx->n_places; i++) free(ctx->places[i].path);
    free(ctx->types);
    free(ctx->plugins);
    free(ctx->places);
    host_give_back(ctx->host);
    pthread_mutex_destroy(&ctx->error_lock);
    free(ctx);
}
