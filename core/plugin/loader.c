/* loader.c - opens plugins: the file's check, dlopen, the handshake, init in the order of needs.
 *
 * Two steps, so that plugins of different folders can need each other: open (a record, PENDING or REFUSED with its reason), then
 * init of all PENDING ones. Plugins are never unloaded: threads, ids and vtables of theirs may still be in use. */
#include "plugin/context.h"
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
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

#define ENTRY_MIN offsetof(hk_plugin_entry, deinit) /* of the first published entry */

/* The entry must be data, and as long as it says. Only the symbol table is looked at. */
static hk_status symbol_check(hk_context *ctx, hk__plugin *p, const hk_plugin_entry *e) {
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (!dladdr1(e, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
        return refuse(ctx, p, "its symbol hk_plugin is not data: expected a constant hk_plugin_entry, got %s: define it with HK_PLUGIN",
                      symbol && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ? "a function" : "something else");
    if (symbol->st_size < ENTRY_MIN || (e->magic == HK_PLUGIN_MAGIC && e->struct_size > symbol->st_size))
        return refuse(ctx, p, "its symbol hk_plugin is too small: expected at least %zu bytes, got %zu: define it with HK_PLUGIN",
                      symbol->st_size < ENTRY_MIN ? ENTRY_MIN : (size_t)e->struct_size, (size_t)symbol->st_size);
    return HK_OK;
}

/* Looks at the entry's data only: no code of the plugin is called before all of it fits. */
static hk_status handshake(hk_context *ctx, hk__plugin *p, const hk_plugin_entry *e) {
    if (e->magic != HK_PLUGIN_MAGIC)
        return refuse(ctx, p, "its symbol hk_plugin is no entry: expected it to begin with %08" PRIx32 ", got %08" PRIx32 ": define it with HK_PLUGIN",
                      HK_PLUGIN_MAGIC, e->magic);
    if (e->abi_major != HK_ABI_MAJOR || e->abi_minor > HK_ABI_MINOR)
        return refuse(ctx, p, "it was built for another plugin ABI: expected %u.%u or older of the same major, got %u.%u: %s", HK_ABI_MAJOR, HK_ABI_MINOR,
                      (unsigned)e->abi_major, (unsigned)e->abi_minor,
                      (int)e->abi_major < (int)HK_ABI_MAJOR ? "rebuild the plugin with this Hillock's headers"
                                                            : "install a newer Hillock, or rebuild the plugin with this one's headers");
    if (e->struct_size < ENTRY_MIN)
        return refuse(ctx, p, "its entry is too small: expected at least %zu bytes, got %u: define it with HK_PLUGIN", ENTRY_MIN, (unsigned)e->struct_size);
    if (e->abi_print != HK_ABI_PRINT)
        return refuse(ctx, p, "its structs are laid out differently: expected layout print %016" PRIx64 ", got %016" PRIx64
                              ": rebuild the plugin with this Hillock's headers", (uint64_t)HK_ABI_PRINT, e->abi_print);
    const char *lacks = !e->id || !e->id[0] ? "an id" : !e->version ? "a version" : !e->init ? "an init function" : NULL;
    if (lacks) return refuse(ctx, p, "its entry is not complete: expected %s, got %s: fill it with HK_PLUGIN", lacks, e->id && !e->id[0] ? "\"\"" : "NULL");
    memcpy(&p->entry, e, e->struct_size < sizeof p->entry ? e->struct_size : sizeof p->entry);
    const hk__plugin *other = find_id(ctx, e->id, p);
    p->shadowed = other != NULL;
    if (other)
        return refuse(ctx, p, "a plugin '%s' (version %s) was found before, in '%s': expected each id once; remove one of the two from the path", e->id,
                      other->entry.version, other->file);
    return HK_OK;
}

hk_status hk__loader_open(hk_context *ctx, const char *file, bool named) {
    char real[PATH_MAX], why[PATH_MAX + 256];
    if (!realpath(file, real)) {
        snprintf(why, sizeof why, "%s: check its name", strerror(errno));
        return hk__loader_refuse_file(ctx, file, named, why);
    }
    for (int i = 0; i < ctx->n_plugins; i++) /* found twice, by two paths: once is enough */
        if ((ctx->plugins[i].state != HK__PLUGIN_REFUSED || !named) && strcmp(ctx->plugins[i].file, real) == 0) return HK_OK;
    hk__plugin *p = record_new(ctx, real, named);
    if (!p) return hk__fail(ctx, HK_ENOMEM, "out of memory while loading '%s'", file);
    if (!hk__file_check(real, why, sizeof why)) return refuse(ctx, p, "%s", why);
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *text = dlerror();
        return refuse(ctx, p, "it can't be loaded: %s: %s", text ? text : "unknown reason",
                      text && strstr(text, "undefined symbol") ? "link what it uses (-Wl,-z,defs names it at link time); Hillock's functions come in tables"
                                                               : "ldd lists what it needs");
    }
    const hk_plugin_entry *e = dlsym(handle, "hk_plugin");
    if (!e)
        return refuse(ctx, p, "it is not a Hillock plugin: expected the symbol hk_plugin, got none: define it with HK_PLUGIN, or take the file off the path");
    hk_status st = symbol_check(ctx, p, e);
    return st || p->state == HK__PLUGIN_REFUSED ? st : handshake(ctx, p, e);
}

static hk_status init_one(hk_context *ctx, int index) {
    hk__plugin *p = &ctx->plugins[index];
    ctx->initialising = index;
    ctx->add_failed = HK_OK;
    hk__error_clear(ctx);
    hk_status st = p->entry.init(ctx->host);
    ctx->initialising = -1;
    p = &ctx->plugins[index];
    if (ctx->add_failed) st = ctx->add_failed;
    if (!st) {
        p->state = HK__PLUGIN_LOADED;
        hk__log(ctx, 2, "plugin '%s' %s is loaded from '%s'", p->entry.id, p->entry.version, p->file);
        return HK_OK;
    }
    hk__registry_remove(ctx, index);
    const char *text = hk_error(ctx);
    if (st == HK_ENOMEM) return hk__fail(ctx, st, "plugin '%s': %s", p->file, text[0] ? text : "out of memory"); /* nothing is wrong with it: it stays PENDING */
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

/* Whether p stands in a circle of needs, and then which: "a -> b -> a". */
static bool in_circle(const hk_context *ctx, const hk__plugin *p, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "%s", p->entry.id);
    const hk__plugin *at = p;
    for (int step = 0; step <= ctx->n_plugins; step++) {
        const char *next = unmet(ctx, at);
        at = next ? find_id(ctx, next, NULL) : NULL;
        if (!at) return false;
        if (used < size) used += (size_t)snprintf(text + used, size - used, " -> %s", next);
        if (at == p) return true;
    }
    return false; /* p only leads into a circle of others */
}

static hk_status refuse_unmet(hk_context *ctx, hk__plugin *p) {
    const char *need = unmet(ctx, p);
    for (int i = 0; i < ctx->n_plugins; i++) {
        const hk__plugin *q = &ctx->plugins[i];
        if (q->state == HK__PLUGIN_REFUSED && q->entry.id && strcmp(q->entry.id, need) == 0)
            return refuse(ctx, p, "it needs plugin '%s', which was refused: %s", need, q->refused ? q->refused : "");
    }
    return refuse(ctx, p, "it needs plugin '%s', expected before it, and got none: put it on the plugin path, or load it first", need);
}

/* What could not be initialised: first the circles, while all of their members stand; then, from the missing end, what needs others. */
static hk_status refuse_pending(hk_context *ctx) {
    char circle[512];
    hk_status st = HK_OK;
    for (int i = 0; i < ctx->n_plugins && !st; i++)
        if (ctx->plugins[i].state == HK__PLUGIN_PENDING && in_circle(ctx, &ctx->plugins[i], circle, sizeof circle))
            st = refuse(ctx, &ctx->plugins[i], "plugins need each other in a circle: expected an order to load them in, got %s: take one of the needs away", circle);
    for (bool more = true; more && !st;) {
        more = false;
        for (int i = 0; i < ctx->n_plugins && !st; i++) {
            hk__plugin *p = &ctx->plugins[i];
            if (p->state != HK__PLUGIN_PENDING || find_id(ctx, unmet(ctx, p), NULL)) continue;
            st = refuse_unmet(ctx, p);
            more = true;
        }
    }
    return st;
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
    if (!st) st = refuse_pending(ctx);
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
    if (!st) st = hk__bare_name(file) ? hk__loader_refuse_file(ctx, file, true, HK__BARE_NAME) : hk__loader_open(ctx, file, true);
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
        else cb(arg, p->file, p->shadowed ? p->entry.id : NULL, p->shadowed ? p->entry.version : NULL, p->refused ? p->refused : "refused");
    }
}
