/* module.c - the public functions that make, find and free module trees. */
#include "module/module.h"
#include "plugin/registry.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void hk_module_free(hk_module *base) {
    if (!base) return;
    hk__module *m = hk__mod(base);
    for (int i = 0; i < m->n_children; i++) hk_module_free(&m->children[i]->base);
    for (int i = 0; m->args && i < m->n_fields; i++) hk__arg_clear(&m->args[i]);
    for (int i = 0; i < m->n_params; i++) free(m->params[i].name), free(m->params[i].values);
    free(m->params);
    free(m->children);
    free(m->args);
    free(m->path);
    free(m);
}

hk_status hk__module_from_text(hk_context *ctx, const char *iface, const char *text, const char *path, hk__module **out) {
    const hk__source src = { ctx, text, 0, 0 };
    hk__node *node = NULL;
    char excerpt[128];
    hk_status st = hk__parse(ctx, text, &node);
    if (st) return text ? hk__fail_in(ctx, st, "in \"%s\"", hk__text_excerpt(text, 1, excerpt, sizeof excerpt)) : st;
    st = hk__construct(&src, iface, node, path, out);
    hk__node_free(node);
    return st;
}

hk_status hk_module_new_from_text(hk_context *ctx, const char *iface, const char *text, hk_module **out) {
    hk__module *m = NULL;
    if (!ctx || !iface || !out) return hk__fail(ctx, HK_EINVAL, "hk_module_new_from_text: an argument is NULL");
    *out = NULL;
    hk_status st = hk__module_from_text(ctx, iface, text, "", &m);
    if (!st) *out = &m->base;
    return st;
}

/* ---- a sequence with names ---- */

struct sequence {
    const char *iface, *id;
    const hk_module_type *type;
};

/* The core names no type; a sequence is the container that takes any number of children and nothing else. */
static void find_sequence(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    struct sequence *s = arg;
    const hk_module_type *t = vtable;
    (void)plugin;
    if (!s->type && t->role == HK_CONTAINER && t->min_child == 0 && t->max_child == UINT32_MAX) *s = (struct sequence){ iface, id, t };
}

static hk_status check_name(hk_context *ctx, int n, const char *const *names, int i) {
    const char *name = names[i];
    bool ok = name && name[0] && name[0] != '.' && name[strlen(name) - 1] != '.' && !strstr(name, "..");
    for (const char *c = name; ok && *c; c++) ok = isalnum((unsigned char)*c) || *c == '_' || *c == '.' || *c == '-';
    if (!ok)
        return hk__fail(ctx, HK_ECONFIG, "layer %d of %d: '%s' is not a name: expected letters, digits, '_', '-', with '.' between", i, n,
                        name ? name : "(null)");
    for (int j = 0; j < i; j++)
        if (strcmp(names[j], name) == 0) return hk__fail(ctx, HK_ECONFIG, "two layers are called '%s'", name);
    return HK_OK;
}

hk_status hk_module_new_sequential(hk_context *ctx, int n, const char *const *names, const char *const *texts, hk_module **out) {
    struct sequence s = { NULL, NULL, NULL };
    const hk__source src = { ctx, NULL, 0, 0 };
    hk__module *m = NULL;
    if (!ctx || !out || n < 0 || (n && (!names || !texts))) return hk__fail(ctx, HK_EINVAL, "hk_module_new_sequential: an argument is NULL or negative");
    *out = NULL;
    hk_type_each(ctx, "hk.module/1", find_sequence, &s);
    if (!s.type)
        return hk__fail(ctx, HK_ENOTFOUND, "no container for a sequence of layers is registered: is the plugin of containers there? "
                                           "(`hillock plugins` says what was refused)");
    hk_status st = hk__module_alloc(ctx, s.iface, s.id, s.type, "", &m);
    for (int i = 0; i < n && !st; i++) {
        hk__module *child = NULL;
        st = check_name(ctx, n, names, i);
        if (st) break;
        st = hk__module_from_text(ctx, "hk.module/1", texts[i], names[i], &child);
        if (!st && (st = hk__module_add_child(m, child))) hk_module_free(&child->base);
        if (st) hk__fail_in(ctx, st, "layer %s", names[i]);
    }
    if (!st) st = hk__module_finish(&src, m);
    if (!st) *out = &m->base;
    else hk_module_free(m ? &m->base : NULL);
    return st;
}

/* ---- a program's pointer ---- */

static int set_user(hk__module *m, const char *path, void *user) {
    int n = strcmp(m->path, path) == 0; /* several modules have one path where a child keeps its parent's */
    if (n) m->user = user;
    for (int i = 0; i < m->n_children; i++) n += set_user(m->children[i], path, user);
    return n;
}

hk_status hk_module_set_user(hk_module *root, const char *path, void *user) {
    if (!root || !path) return HK_EINVAL;
    hk__module *m = hk__mod(root);
    return set_user(m, path, user) ? HK_OK : hk__fail(m->ctx, HK_ENOTFOUND, "no module has the path '%s' (the network itself is \"\")", path);
}
