/* registry.c - types by interface and id.
 *
 * Registration happens inside a plugin's init only, is taken back when init fails, and ends when the first network is built.
 * Vtables are copied into structs of the host's size, zero where the plugin's is shorter, so that nobody else has to look at
 * struct_size. Ids are kept by pointer: plugins are never unloaded. */
#include "plugin/registry.h"
#include "plugin/context.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* size: the host's; first: of the struct when the interface was published. They differ once a member is appended. */
static const struct interface {
    const char *name, *noun;
    size_t size, first;
} interfaces[] = {
    { "hk.backend/1", "backend", sizeof(hk_backend), sizeof(hk_backend) },
    { "hk.dataset/1", "data set", sizeof(hk_dataset_type), offsetof(hk_dataset_type, class_name) },
    { "hk.learner/1", "learner", sizeof(hk_learner_type), sizeof(hk_learner_type) },
    { "hk.module/1", "module", sizeof(hk_module_type), sizeof(hk_module_type) },
    { "hk.neuron/1", "neuron", sizeof(hk_neuron_type), sizeof(hk_neuron_type) },
    { "hk.op/1", "operation", sizeof(hk_op_type), sizeof(hk_op_type) },
    { "hk.optimizer/1", "optimizer", sizeof(hk_optimizer_type), sizeof(hk_optimizer_type) },
    { "hk.scheduler/1", "scheduler", sizeof(hk_scheduler_type), sizeof(hk_scheduler_type) },
    { "hk.surrogate/1", "surrogate", sizeof(hk_surrogate_type), sizeof(hk_surrogate_type) },
};
enum { N_INTERFACES = sizeof interfaces / sizeof interfaces[0] };
static const char module_iface[] = "hk.module/1", neuron_iface[] = "hk.neuron/1";

static const struct interface *interface_find(const char *name) {
    for (int i = 0; i < N_INTERFACES; i++)
        if (name && strcmp(interfaces[i].name, name) == 0) return &interfaces[i];
    return NULL;
}

static int type_compare(const hk__type *t, const char *iface, const char *id) {
    int c = strcmp(t->iface, iface);
    return c ? c : strcmp(t->id, id);
}

/* Index of the type, or of the place where it belongs. */
static int type_place(const hk_context *ctx, const char *iface, const char *id, bool *there) {
    int lo = 0, hi = ctx->n_types;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (type_compare(&ctx->types[mid], iface, id) < 0) lo = mid + 1;
        else hi = mid;
    }
    *there = lo < ctx->n_types && type_compare(&ctx->types[lo], iface, id) == 0;
    return lo;
}

static const hk__type *type_find(const hk_context *ctx, const char *iface, const char *id) {
    bool there;
    int i = type_place(ctx, iface, id, &there);
    return there ? &ctx->types[i] : NULL;
}

static bool id_is_valid(const char *id) {
    if (!id || !(isalpha((unsigned char)id[0]) || id[0] == '_')) return false;
    for (const char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.') return false;
    return true;
}

static hk_status interface_unknown(hk_context *ctx, const char *plugin, const char *id, const char *iface) {
    char list[512] = "";
    for (int i = 0, used = 0; i < N_INTERFACES && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i ? ", " : "", interfaces[i].name);
    return hk__fail(ctx, HK_EPLUGIN, "plugin '%s' adds type '%s' to an interface that this Hillock does not have: expected one of %s, got '%s': rebuild it with "
                    "this Hillock's headers", plugin, id ? id : "(null)", list, iface ? iface : "(null)");
}

static hk_status registry_add(hk_context *ctx, const char *iface, const char *id, const void *vtable) {
    if (ctx->initialising < 0 || ctx->frozen)
        return hk__fail(ctx, HK_ESTATE, "type '%s' was added outside a plugin's init: call host->add only while init runs", id ? id : "(null)");
    const char *plugin = ctx->plugins[ctx->initialising].entry.id;
    const struct interface *in = interface_find(iface);
    if (!in)
        return interface_unknown(ctx, plugin, id, iface);
    /* Constructor text could not name it otherwise. */
    bool backend = strcmp(iface, "hk.backend/1") == 0;
    if (!backend && !id_is_valid(id))
        return hk__fail(ctx, HK_EPLUGIN, "plugin '%s': expected as %s's id letters, digits, '_' and '.', not beginning with a digit or '.', got '%s': rename it",
                        plugin, in->noun, id ? id : "(null)");
    if (!id || !id[0] || !vtable) return hk__fail(ctx, HK_EPLUGIN, "plugin '%s': expected %s of %s, got nothing: give it to add", plugin,
                                                id && id[0] ? "a vtable" : "an id", iface);
    uint32_t given;
    memcpy(&given, vtable, sizeof given);
    if (given < in->first)
        return hk__fail(ctx, HK_EPLUGIN, "plugin '%s', type '%s': struct_size is %u, expected at least %zu for %s: fill it with sizeof", plugin, id,
                        (unsigned)given, in->first, iface);
    const hk__type *other = type_find(ctx, iface, id);
    /* A constructor's name must mean one thing, and modules and neurons stand in the same places. */
    if (!other && strcmp(iface, module_iface) == 0) other = type_find(ctx, neuron_iface, id);
    if (!other && strcmp(iface, neuron_iface) == 0) other = type_find(ctx, module_iface, id);
    if (other)
        return hk__fail(ctx, HK_EPLUGIN, "plugin '%s' adds %s '%s', which plugin '%s' has added already (%s): load one of the two", plugin, in->noun, id,
                        ctx->plugins[other->plugin].entry.id, ctx->plugins[other->plugin].file);
    if (ctx->n_types == ctx->cap_types) {
        int cap = ctx->cap_types ? 2 * ctx->cap_types : 64;
        hk__type *grown = realloc(ctx->types, (size_t)cap * sizeof *grown);
        if (!grown) return hk__fail(ctx, HK_ENOMEM, "out of memory while adding type '%s'", id);
        ctx->types = grown, ctx->cap_types = cap;
    }
    void *copy = calloc(1, in->size);
    if (!copy) return hk__fail(ctx, HK_ENOMEM, "out of memory while adding type '%s'", id);
    memcpy(copy, vtable, given < in->size ? given : in->size);
    uint32_t size = (uint32_t)in->size;
    memcpy(copy, &size, sizeof size);
    hk_status st = hk__type_check(ctx, in->name, id, copy);
    if (st) {
        free(copy);
        return hk__fail_in(ctx, st, "plugin '%s', %s '%s'", plugin, in->noun, id);
    }
    bool there;
    int place = type_place(ctx, iface, id, &there);
    memmove(ctx->types + place + 1, ctx->types + place, (size_t)(ctx->n_types - place) * sizeof *ctx->types);
    ctx->types[place] = (hk__type){ in->name, id, copy, ctx->initialising };
    ctx->n_types++;
    return HK_OK;
}

hk_status hk__registry_add(hk_context *ctx, const char *iface, const char *id, const void *vtable) {
    if (!ctx) return HK_ESTATE;
    hk_status st = registry_add(ctx, iface, id, vtable);
    if (st && !ctx->add_failed) ctx->add_failed = st;
    return st;
}

void hk__registry_remove(hk_context *ctx, int plugin) {
    int kept = 0;
    for (int i = 0; i < ctx->n_types; i++) {
        if (ctx->types[i].plugin == plugin) free(ctx->types[i].vtable);
        else ctx->types[kept++] = ctx->types[i];
    }
    ctx->n_types = kept;
}

void hk__registry_freeze(hk_context *ctx) { ctx->frozen = true; }

const void *hk__registry_get(const hk_context *ctx, const char *iface, const char *id, const char **plugin) {
    const hk__type *t = iface && id ? type_find(ctx, iface, id) : NULL;
    if (plugin) *plugin = t ? ctx->plugins[t->plugin].entry.id : NULL;
    return t ? t->vtable : NULL;
}

const void *hk__registry_resolve(const hk_context *ctx, const char *iface, const char *id, const char **found, const char **own_id) {
    const hk__type *t = iface && id ? type_find(ctx, iface, id) : NULL;
    if (!t && iface && id && strcmp(iface, module_iface) == 0) t = type_find(ctx, neuron_iface, id);
    if (found) *found = t ? t->iface : NULL;
    if (own_id) *own_id = t ? t->id : NULL;
    return t ? t->vtable : NULL;
}

const void *hk_type_get(const hk_context *ctx, const char *iface, const char *id) { return hk__registry_get(ctx, iface, id, NULL); }

void hk_type_each(const hk_context *ctx, const char *iface, void (*cb)(void *, const char *, const char *, const char *, const void *), void *arg) {
    for (int i = 0; i < ctx->n_types; i++) {
        const hk__type *t = &ctx->types[i];
        if (!iface || strcmp(iface, t->iface) == 0) cb(arg, t->iface, t->id, ctx->plugins[t->plugin].entry.id, t->vtable);
    }
}

/* "; refused: a.so, b.so (...)", as what is missing may be in one of them; "" when nothing was. A plugin found twice is not meant. */
static void refused_text(const hk_context *ctx, char *text, size_t size) {
    enum { NAMED = 4 };
    const hk__plugin *last = NULL;
    size_t used = 0;
    int n = 0;
    for (int i = 0; i < ctx->n_plugins; i++) {
        const hk__plugin *p = &ctx->plugins[i];
        if (p->state != HK__PLUGIN_REFUSED || p->shadowed) continue;
        const char *slash = strrchr(p->file, '/');
        if (n++ < NAMED && used < size) used += (size_t)snprintf(text + used, size - used, "%s'%s'", n > 1 ? ", " : "; refused: ", slash ? slash + 1 : p->file);
        last = p;
    }
    if (used >= size || n == 0) return;
    if (n == 1) snprintf(text + used, size - used, " (%s)", last->refused ? last->refused : "");
    else if (n <= NAMED) snprintf(text + used, size - used, "; 'hillock plugins' says why");
    else snprintf(text + used, size - used, " and %d more; 'hillock plugins' says why", n - NAMED);
}

hk_status hk__registry_missing(hk_context *ctx, const char *iface, const char *id) {
    const struct interface *in = interface_find(iface);
    char list[HK__ERROR_SIZE / 2] = "", refused[HK__ERROR_SIZE / 4] = "";
    int n = 0;
    if (!in) return hk__fail(ctx, HK_EINVAL, "there is no interface '%s'", iface ? iface : "(null)");
    if (!id) id = "";
    const char **ids = calloc((size_t)ctx->n_types + 1, sizeof *ids);
    if (!ids) return hk__fail(ctx, HK_ENOMEM, "out of memory");
    bool both = strcmp(iface, module_iface) == 0;
    size_t used = 0;
    for (int i = 0; i < ctx->n_types; i++) {
        const hk__type *t = &ctx->types[i];
        if (strcmp(t->iface, iface) != 0 && !(both && strcmp(t->iface, neuron_iface) == 0)) continue;
        if (used < sizeof list) used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", n ? ", " : "", t->id);
        ids[n++] = t->id;
    }
    refused_text(ctx, refused, sizeof refused);
    const char *near = hk__suggest(id, ids, n);
    hk_status st;
    /* What was refused comes before the list, which may be long and is then cut off. */
    if (!n) st = hk__fail(ctx, HK_ENOTFOUND, "no %s '%s': no plugin with a %s is loaded%s", in->noun, id, in->noun, refused);
    else if (near) st = hk__fail(ctx, HK_ENOTFOUND, "no %s '%s' (did you mean '%s'?)%s; there are %s", in->noun, id, near, refused, list);
    else st = hk__fail(ctx, HK_ENOTFOUND, "no %s '%s'%s; there are %s", in->noun, id, refused, list);
    free(ids);
    return st;
}
