/* construct.c - builds a module from a constructor's tree: which argument is a field, which is a child, what is missing.
 *
 * Positional arguments fill the fields in table order. A positional constructor of a module or neuron is a child instead, unless the
 * field whose turn it is takes such an object. A child can also be given by its name, where the type names its children. */
#include "module/module.h"
#include "plugin/registry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONSTRUCTORS = 64 };
static const char module_iface[] = "hk.module/1";

hk_status hk__bad(const hk__source *src, int column, hk_status st, const char *fmt, ...) {
    char what[2048], excerpt[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (!src->text || column < 1) return hk__fail(src->ctx, st, "%s", what);
    return hk__fail(src->ctx, st, "in \"%s\", column %d: %s", hk__text_excerpt(src->text, column, excerpt, sizeof excerpt), column, what);
}

char *hk__path_join(const char *parent, const char *name) {
    char *path = NULL;
    if (!name[0]) return strdup(parent);
    return asprintf(&path, "%s%s%s", parent, parent[0] ? "." : "", name) < 0 ? NULL : path;
}

static hk_status no_memory(hk_context *ctx) { return hk__fail(ctx, HK_ENOMEM, "out of memory while building a module"); }

/* ---- parts of a module ---- */

hk_status hk__module_alloc(hk_context *ctx, const char *iface, const char *id, const void *type, const char *path, hk__module **out) {
    hk__type_info info;
    *out = NULL;
    if (!hk__type_info_of(iface, type, &info)) return hk__fail(ctx, HK_EINVAL, "'%s' is of interface %s, whose types are not constructed from text", id, iface);
    hk__module *m = calloc(1, sizeof *m);
    if (!m) return no_memory(ctx);
    m->base.api = &hk__module_table;
    m->ctx = ctx, m->iface = iface, m->id = id, m->type = type;
    m->fields = info.fields, m->n_fields = info.n_fields;
    m->path = strdup(path);
    m->args = calloc((size_t)m->n_fields + 1, sizeof *m->args);
    if (!m->path || !m->args) {
        hk_module_free(&m->base);
        return no_memory(ctx);
    }
    *out = m;
    return HK_OK;
}

hk_status hk__module_add_child(hk__module *m, hk__module *child) {
    hk__module **grown = realloc(m->children, (size_t)(m->n_children + 1) * sizeof(hk__module *));
    if (!grown) return no_memory(m->ctx);
    m->children = grown;
    m->children[m->n_children++] = child;
    return HK_OK;
}

/* The members of a module type that say which children it takes; none for other interfaces. */
static uint32_t children_max(const hk__module *m) {
    return strcmp(m->iface, module_iface) == 0 ? ((const hk_module_type *)m->type)->max_child : 0;
}
static uint32_t children_min(const hk__module *m) {
    return strcmp(m->iface, module_iface) == 0 ? ((const hk_module_type *)m->type)->min_child : 0;
}
static const char *child_name(const hk__module *m, int i, char buf[16]) {
    const hk_module_type *t = m->type;
    if (t->child_names) return t->child_names[i];
    snprintf(buf, 16, "%d", i);
    return buf;
}

hk_status hk__module_finish(const hk__source *src, hk__module *m) {
    hk__type_info info;
    for (int i = 0; i < m->n_fields; i++) {
        if (m->args[i].given) continue;
        const hk_field *f = &m->fields[i];
        if (!f->def) return hk__bad(src, src->column, HK_ECONFIG, "%s: the argument '%s' is missing (%s)", m->id, f->name, f->doc ? f->doc : "required");
        hk_status st = hk__arg_default(src, m, i);
        if (st) return st;
    }
    hk__type_info_of(m->iface, m->type, &info);
    if (!info.init) return HK_OK;
    m->initialising = true;
    hk_status st = info.init(&m->base);
    m->initialising = false;
    return st;
}

/* ---- arguments ---- */

static int field_index(const hk__module *m, const char *name) {
    for (int i = 0; i < m->n_fields; i++)
        if (strcmp(m->fields[i].name, name) == 0) return i;
    return -1;
}

/* Adds the child that `node` describes. `slot` -1: the next. */
static hk_status add_child(const hk__source *src, hk__module *m, const hk__node *node) {
    char number[16];
    const uint32_t most = children_max(m);
    if ((uint32_t)m->n_children >= most)
        return hk__bad(src, node->column, HK_ECONFIG, "%s takes %s%u child module%s, got one more: '%s'", m->id,
                       children_min(m) == most ? "" : "at most ", (unsigned)most, most == 1 ? "" : "s", node->text);
    hk__module *child = NULL;
    char *path = hk__path_join(m->path, child_name(m, m->n_children, number));
    if (!path) return no_memory(src->ctx);
    hk_status st = hk__construct(src, module_iface, node, path, &child);
    free(path);
    if (!st && (st = hk__module_add_child(m, child))) hk_module_free(&child->base);
    return st;
}

/* Whether a positional argument is a child rather than the value of field `next` (-1: all fields are filled). */
static bool is_child(const hk__source *src, const hk__module *m, const hk__node *node, int next) {
    const hk_field *f = next < 0 ? NULL : &m->fields[next];
    if (!children_max(m) || (node->kind != HK__CALL && node->kind != HK__WORD)) return false;
    if (f && f->kind == HK_OBJECT && hk__registry_resolve(src->ctx, f->choices, node->text, NULL, NULL)) return false;
    if (f && node->kind == HK__WORD && f->kind != HK_OBJECT && f->choices && hk__choice_index(f->choices, node->text) >= 0) return false;
    if (hk__registry_resolve(src->ctx, module_iface, node->text, NULL, NULL)) return true;
    return node->kind == HK__CALL && !(f && f->kind == HK_OBJECT); /* an unknown constructor: let it say what there is */
}

static hk_status too_many(const hk__source *src, const hk__module *m, const hk__node *node) {
    char got[128];
    return hk__bad(src, node->column, HK_ECONFIG, "%s takes %d argument%s, got one more: %s", m->id, m->n_fields, m->n_fields == 1 ? "" : "s",
                   hk__node_describe(node, got, sizeof got));
}

static hk_status set_positional(const hk__source *src, hk__module *m, const hk__node *node) {
    int next = 0;
    while (next < m->n_fields && m->args[next].given) next++;
    if (next == m->n_fields) next = -1;
    if (is_child(src, m, node, next)) return add_child(src, m, node);
    if (next < 0) return too_many(src, m, node);
    hk_status st = hk__arg_set(src, m, next, node);
    m->args[next].given = true;
    return st;
}

static hk_status unknown_key(const hk__source *src, const hk__module *m, const hk__node *node) {
    char list[1024] = "";
    size_t used = 0;
    const char **names = malloc((size_t)(m->n_fields + 1) * sizeof *names);
    if (!names) return no_memory(src->ctx);
    for (int i = 0; i < m->n_fields; i++) {
        names[i] = m->fields[i].name;
        if (used < sizeof list) used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = hk__suggest(node->key, names, m->n_fields);
    free(names);
    return hk__bad(src, node->key_column, HK_ECONFIG, "%s has no argument '%s'%s%s%s; it takes %s", m->id, node->key, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "", list[0] ? list : "none");
}

static hk_status set_by_key(const hk__source *src, hk__module *m, const hk__node *node) {
    int i = field_index(m, node->key);
    if (i < 0) {
        const hk_module_type *t = m->type;
        const uint32_t most = children_max(m);
        if (!most || !t->child_names) return unknown_key(src, m, node);
        uint32_t k = 0;
        while (k < most && strcmp(t->child_names[k], node->key) != 0) k++;
        if (k == most) return unknown_key(src, m, node);
        if (node->kind != HK__CALL && node->kind != HK__WORD)
            return hk__bad(src, node->column, HK_ECONFIG, "%s: %s must be a module's constructor", m->id, node->key);
        if (k != (uint32_t)m->n_children)
            return hk__bad(src, node->key_column, HK_ECONFIG, "%s: the child '%s' %s", m->id, node->key,
                           k < (uint32_t)m->n_children ? "is given twice" : "comes too early: give the children in order");
        return add_child(src, m, node);
    }
    if (m->args[i].given) return hk__bad(src, node->key_column, HK_ECONFIG, "%s: '%s' is given twice, first by position", m->id, node->key);
    hk_status st = hk__arg_set(src, m, i, node);
    m->args[i].given = true;
    return st;
}

hk_status hk__construct(const hk__source *from, const char *iface, const hk__node *node, const char *path, hk__module **out) {
    const hk__source here = { from->ctx, from->text, from->depth + 1, node->column }, *src = &here;
    const char *found, *id;
    char got[128];
    hk__module *m = NULL;
    *out = NULL;
    if (src->depth > MAX_CONSTRUCTORS) return hk__bad(src, node->column, HK_ECONFIG, "constructors are nested deeper than %d", MAX_CONSTRUCTORS);
    if (node->kind != HK__WORD && node->kind != HK__CALL)
        return hk__bad(src, node->column, HK_ECONFIG, "expected a constructor Name(...), got %s", hk__node_describe(node, got, sizeof got));
    const void *type = hk__registry_resolve(src->ctx, iface, node->text, &found, &id);
    if (!type) {
        hk_status missing = hk__registry_missing(src->ctx, iface, node->text);
        char excerpt[128];
        return hk__fail_in(src->ctx, missing, "in \"%s\", column %d", hk__text_excerpt(src->text, node->column, excerpt, sizeof excerpt), node->column);
    }
    hk_status st = hk__module_alloc(src->ctx, found, id, type, path, &m);
    for (int i = 0; i < node->n && !st; i++) st = node->item[i]->key ? set_by_key(src, m, node->item[i]) : set_positional(src, m, node->item[i]);
    if (!st && (uint32_t)m->n_children < children_min(m))
        st = hk__bad(src, node->column, HK_ECONFIG, "%s takes %s%u child module%s, got %d", m->id, children_max(m) > children_min(m) ? "at least " : "",
                     (unsigned)children_min(m), children_min(m) == 1 ? "" : "s", m->n_children);
    if (!st) st = hk__module_finish(src, m);
    if (st) {
        hk_module_free(m ? &m->base : NULL);
        return st;
    }
    *out = m;
    return HK_OK;
}
