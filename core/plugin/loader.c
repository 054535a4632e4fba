/* loader.c - opens plugins: the file's check, dlopen, the handshake, init in the order of needs.
 *
 * Two steps, so that plugins of different folders can need each other: open (a record, PENDING or REFUSED with its reason), then
 * init of all PENDING ones. Plugins are never unloaded: threads, ids and vtables of theirs may still be in use. */
#include "plugin/context.h"
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hk__plugin *record_new(hk_context *ctx, const char *file, bool named) {
    if (ctx->n_plugins == ctx->cap_plugins) {
        int cap = ctx->cap_plugins ? 2 * ctx->cap_plugins : 16;
        hk__plugin *grown = realloc(ctx->plugins, (size_t)cap * sizeof *grown);
        if (!grown) return NULL;
        ctx->plugins = grown, ctx->cap_plugins = cap;
    }
    hk__plugin *p = &ctx->plugins[ctx->n_plugins];
    *p = (hk__plugin){ .file = strdup(file), .state = HK__PLUGIN_PENDING, .named = named };
    if (!p->file) return NULL;
    ctx->n_plugins++;
    return p;
}

__attribute__((format(printf, 3, 4))) static hk_status refuse(hk_context *ctx, hk__plugin *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&p->refused, fmt, ap);
    va_end(ap);
    p->state = HK__PLUGIN_REFUSED;
    if (n < 0) {
        p->refused = NULL;
        return hk__fail(ctx, HK_ENOMEM, "out of memory while loading '%s'", p->file);
    }
    if (!p->named) hk__log(ctx, p->shadowed ? 2 : 1, "plugin '%s' is refused: %s", p->file, p->refused);
    return HK_OK;
}

hk_status hk__loader_refuse_file(hk_context *ctx, const char *file, bool named, const char *why) {
    hk__plugin *p = record_new(ctx, file, named);
    return p ? refuse(ctx, p, "%s", why) : hk__fail(ctx, HK_ENOMEM, "out of memory while loading '%s'", file);
}

/* Another plugin of this id, or NULL. */
static const hk__plugin *find_id(const hk_context *ctx, const char *id, const hk__plugin *but) {
    for (int i = 0; i < ctx->n_plugins; i++) {
        const hk__plugin *p = &ctx->plugins[i];
        if (p != but && p->entry.id && p->state != HK__PLUGIN_REFUSED && strcmp(p->entry.id, id) == 0) return p;
    }
    return NULL;
}

/* Looks at the entry's data only: no code of the plugin is called before all of it fits. */
static hk_status handshake(hk_context *ctx, hk__plugin *p, const hk_plugin_entry *e) {
    const size_t needed = offsetof(hk_plugin_entry, deinit);
    if (e->magic != HK_PLUGIN_MAGIC)
        return refuse(ctx, p, "its symbol hk_plugin begins with %08" PRIx32 ", expected %08" PRIx32 ": define it with HK_PLUGIN", e->magic, HK_PLUGIN_MAGIC);
    if (e->abi_major != HK_ABI_MAJOR || e->abi_minor > HK_ABI_MINOR)
        return refuse(ctx, p, "it was built for plugin ABI %u.%u, this Hillock has %u.%u: %s", (unsigned)e->abi_major, (unsigned)e->abi_minor,
                      HK_ABI_MAJOR, HK_ABI_MINOR,
                      (int)e->abi_major < (int)HK_ABI_MAJOR ? "rebuild the plugin with this Hillock's headers"
                                                            : "install a newer Hillock, or rebuild the plugin with this one's headers");
    if (e->struct_size < needed)
        return refuse(ctx, p, "its entry has %u bytes, expected at least %zu: define it with HK_PLUGIN", (unsigned)e->struct_size, needed);
    if (e->abi_print != HK_ABI_PRINT)
        return refuse(ctx, p, "its structs are laid out differently (print %016" PRIx64 ", this Hillock's is %016" PRIx64
                              "): rebuild the plugin with this Hillock's headers", e->abi_print, (uint64_t)HK_ABI_PRINT);
    if (!e->id || !e->id[0] || !e->version || !e->init) return refuse(ctx, p, "its entry lacks an id, a version or init");
    memcpy(&p->entry, e, e->struct_size < sizeof p->entry ? e->struct_size : sizeof p->entry);
    const hk__plugin *other = find_id(ctx, e->id, p);
    p->shadowed = other != NULL;
    if (other) return refuse(ctx, p, "a plugin '%s' (version %s) was found before, in '%s'", e->id, other->entry.version, other->file);
    return HK_OK;
}

hk_status hk__loader_open(hk_context *ctx, const char *file, bool named) {
    char real[PATH_MAX], why[PATH_MAX + 256];
    if (!realpath(file, real)) return hk__loader_refuse_file(ctx, file, named, strerror(errno));
    for (int i = 0; i < ctx->n_plugins; i++) /* found twice, by two paths: once is enough */
        if ((ctx->plugins[i].state != HK__PLUGIN_REFUSED || !named) && strcmp(ctx->plugins[i].file, real) == 0) return HK_OK;
    hk__plugin *p = record_new(ctx, real, named);
    if (!p) return hk__fail(ctx, HK_ENOMEM, "out of memory while loading '%s'", file);
    if (!hk__file_check(real, why, sizeof why)) return refuse(ctx, p, "%s", why);
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *text = dlerror();
        return refuse(ctx, p, "it can't be loaded: %s", text ? text : "unknown reason");
    }
    const hk_plugin_entry *e = dlsym(handle, "hk_plugin");
    if (!e) return refuse(ctx, p, "it has no symbol hk_plugin: it is not a Hillock plugin, or HK_PLUGIN is missing");
    return handshake(ctx, p, e);
}

static hk_status init_one(hk_context *ctx, int index) {
    hk__plugin *p = &ctx->plugins[index];
    ctx->initialising = index;
    ctx->add_failed = false;
    hk__error_clear(ctx);
    hk_status st = p->entry.init(ctx->host);
    ctx->initialising = -1;
    p = &ctx->plugins[index];
    if (!st && !ctx->add_failed) {
        p->state = HK__PLUGIN_LOADED;
        hk__log(ctx, 2, "plugin '%s' %s is loaded from '%s'", p->entry.id, p->entry.version, p->file);
        return HK_OK;
    }
    hk__registry_remove(ctx, index);
    const char *text = hk_error(ctx);
    hk_status got = refuse(ctx, p, "its init failed: %s", text[0] ? text : hk_status_text(st));
    hk__error_clear(ctx);
    return got;
}

/* The first of p's needs that is not loaded, or NULL. */
static const char *unmet(const hk_context *ctx, const hk__plugin *p) {
    for (const char *const *need = p->entry.needs; need && *need; need++) {
        const hk__plugin *other = find_id(ctx, *need, NULL);
        if (!other || other->state != HK__PLUGIN_LOADED) return *need;
    }
    return NULL;
}

/* p can't be loaded: what it needs is missing, refused, or needs p in turn. */
static hk_status refuse_unmet(hk_context *ctx, hk__plugin *p) {
    const char *need = unmet(ctx, p);
    char circle[512];
    size_t used = (size_t)snprintf(circle, sizeof circle, "%s", p->entry.id);
    const hk__plugin *at = p;
    for (int step = 0; step <= ctx->n_plugins; step++) {
        const char *next = unmet(ctx, at);
        at = next ? find_id(ctx, next, NULL) : NULL;
        if (!at) break;
        if (used < sizeof circle) used += (size_t)snprintf(circle + used, sizeof circle - used, " -> %s", next);
        if (at == p) return refuse(ctx, p, "plugins need each other in a circle: %s", circle);
    }
    for (int i = 0; i < ctx->n_plugins; i++) {
        const hk__plugin *q = &ctx->plugins[i];
        if (q->state == HK__PLUGIN_REFUSED && q->entry.id && strcmp(q->entry.id, need) == 0)
            return refuse(ctx, p, "it needs plugin '%s', which was refused: %s", need, q->refused ? q->refused : "");
    }
    return refuse(ctx, p, "it needs plugin '%s', which was not found: put it on the plugin path, or load it before", need);
}

hk_status hk__loader_init_all(hk_context *ctx, int first) {
    hk_status st = HK_OK;
    for (bool more = true; more && !st;) {
        more = false;
        for (int i = 0; i < ctx->n_plugins && !st; i++) {
            if (ctx->plugins[i].state != HK__PLUGIN_PENDING || unmet(ctx, &ctx->plugins[i])) continue;
            st = init_one(ctx, i);
            more = true;
        }
    }
    /* Circles first, while all of their members still stand; then, in turn, what needs a refused one. */
    for (int i = 0; i < ctx->n_plugins && !st; i++)
        if (ctx->plugins[i].state == HK__PLUGIN_PENDING) st = refuse_unmet(ctx, &ctx->plugins[i]);
    for (int i = first; i < ctx->n_plugins && !st; i++) {
        const hk__plugin *p = &ctx->plugins[i];
        if (p->named && p->state == HK__PLUGIN_REFUSED) st = hk__fail(ctx, HK_EPLUGIN, "plugin '%s': %s", p->file, p->refused ? p->refused : "refused");
    }
    return st;
}

static hk_status closed_to_plugins(hk_context *ctx, const char *what) {
    if (ctx->initialising >= 0) return hk__fail(ctx, HK_ESTATE, "plugin '%s' can't be loaded while another one's init runs: use needs", what);
    if (ctx->frozen) return hk__fail(ctx, HK_ESTATE, "plugin '%s' can't be loaded any more: load plugins before the first network is built", what);
    return HK_OK;
}

hk_status hk_plugin_load(hk_context *ctx, const char *file) {
    if (!ctx || !file) return hk__fail(ctx, HK_EINVAL, "a plugin's file name is missing");
    hk_status st = closed_to_plugins(ctx, file);
    int first = ctx->n_plugins;
    if (!st) st = hk__loader_open(ctx, file, true);
    return st ? st : hk__loader_init_all(ctx, first);
}

hk_status hk_plugin_add(hk_context *ctx, const hk_plugin_entry *entry) {
    if (!ctx || !entry) return hk__fail(ctx, HK_EINVAL, "a plugin's entry is missing");
    hk_status st = closed_to_plugins(ctx, "(linked)");
    if (st) return st;
    int first = ctx->n_plugins;
    hk__plugin *p = record_new(ctx, "(linked)", true);
    if (!p) return hk__fail(ctx, HK_ENOMEM, "out of memory while adding a plugin");
    st = handshake(ctx, p, entry);
    if (!st) st = hk__loader_init_all(ctx, first);
    if (st == HK_EPLUGIN && entry->magic == HK_PLUGIN_MAGIC && entry->id) st = hk__fail_in(ctx, st, "'%s'", entry->id);
    return st;
}

void hk_plugin_each(const hk_context *ctx, void (*cb)(void *, const char *, const char *, const char *, const char *), void *arg) {
    for (int i = 0; i < ctx->n_plugins; i++) {
        const hk__plugin *p = &ctx->plugins[i];
        if (p->state == HK__PLUGIN_LOADED) cb(arg, p->file, p->entry.id, p->entry.version, NULL);
        else cb(arg, p->file, NULL, NULL, p->refused ? p->refused : "refused");
    }
}
