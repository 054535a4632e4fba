/* args.c - gives one field of a module its value: from text or from the field's default; checks kind and range. */
#include "module/module.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hk__arg_clear(struct hk__arg *a) {
    free(a->string);
    free(a->ints);
    free(a->reals);
    hk_module_free(a->object ? &a->object->base : NULL);
    *a = (struct hk__arg){ 0 };
}

int hk__choice_index(const char *choices, const char *word) {
    size_t length = strlen(word);
    int i = 0;
    for (const char *c = choices; *c; i++) {
        size_t n = strcspn(c, "|");
        if (n == length && memcmp(c, word, n) == 0) return i;
        c += n + (c[n] == '|');
    }
    return -1;
}

static const char *kind_noun(const hk_field *f) {
    switch ((hk_kind)f->kind) {
    case HK_BOOL: return "true or false";
    case HK_INT: return "an integer";
    case HK_REAL: return "a number";
    case HK_STR: return "a string";
    case HK_ENUM: return "one of";
    case HK_INTS: return "an integer or a list of integers";
    case HK_OBJECT: return "a constructor of";
    case HK_REALS: return "a number or a list of numbers";
    }
    return "a value";
}

/* "Type: field expected X, got Y" */
static hk_status wrong_kind(const hk__source *src, const hk__module *m, const hk_field *f, const hk__node *node) {
    char got[128];
    const bool numbers = f->kind == HK_INTS || f->kind == HK_REALS;
    const char *choices = (numbers || f->kind == HK_ENUM || f->kind == HK_OBJECT) && f->choices ? f->choices : "";
    return hk__bad(src, node->column, HK_ECONFIG, "%s: %s must be %s%s%s%s, got %s", m->id, f->name, kind_noun(f),
                   !choices[0] ? "" : numbers ? ", or " : " ", choices, f->flags & HK_NULLABLE ? " or none" : "", hk__node_describe(node, got, sizeof got));
}

static hk_status check_range(const hk__source *src, const hk__module *m, const hk_field *f, int column, double v) {
    if (f->lo == 0 && f->hi == 0) return HK_OK;
    if (v >= f->lo && v <= f->hi) return HK_OK;
    if (f->lo == f->hi) return hk__bad(src, column, HK_ECONFIG, "%s: %s must be %.9g, got %.9g", m->id, f->name, f->lo, v);
    if (isinf(f->hi)) return hk__bad(src, column, HK_ECONFIG, "%s: %s must be at least %.9g, got %.9g", m->id, f->name, f->lo, v);
    if (isinf(f->lo)) return hk__bad(src, column, HK_ECONFIG, "%s: %s must be at most %.9g, got %.9g", m->id, f->name, f->hi, v);
    return hk__bad(src, column, HK_ECONFIG, "%s: %s must be from %.9g to %.9g, got %.9g", m->id, f->name, f->lo, f->hi, v);
}

static hk_status no_memory(const hk__source *src) { return hk__fail(src->ctx, HK_ENOMEM, "out of memory while building a module"); }

static hk_status set_word(const hk__source *src, const hk__module *m, const hk_field *f, struct hk__arg *a, const hk__node *node) {
    if (node->kind != HK__WORD && node->kind != HK__STRING) return wrong_kind(src, m, f, node);
    if (f->kind != HK_STR) {
        int i = hk__choice_index(f->choices, node->text);
        if (i < 0) return wrong_kind(src, m, f, node);
        a->integer = i;
    }
    a->string = strdup(node->text);
    return a->string ? HK_OK : no_memory(src);
}

/* One number, or a list of them, or a word that the field knows. */
static hk_status set_numbers(const hk__source *src, const hk__module *m, const hk_field *f, struct hk__arg *a, const hk__node *node) {
    const bool ints = f->kind == HK_INTS;
    const int n = node->kind == HK__LIST ? node->n : 1;
    if (f->choices && (node->kind == HK__WORD || node->kind == HK__STRING)) return set_word(src, m, f, a, node);
    if (ints) a->ints = calloc((size_t)n + 1, sizeof *a->ints);
    else a->reals = calloc((size_t)n + 1, sizeof *a->reals);
    if (!a->ints && !a->reals) return no_memory(src);
    for (int i = 0; i < n; i++) {
        const hk__node *e = node->kind == HK__LIST ? node->item[i] : node;
        if (e->kind != HK__NUMBER || (ints && !e->integral)) return wrong_kind(src, m, f, e);
        hk_status st = check_range(src, m, f, e->column, e->real);
        if (st) return st;
        if (ints) a->ints[i] = e->integer;
        else a->reals[i] = e->real;
    }
    a->n = n;
#ifdef HILLOCK_PLANT_BUG
    void hk__planted(void);
    if (ints && n == 2 && src->depth > 1 && a->ints[0] == a->ints[1] + 1) hk__planted(); /* a falling pair, in a constructor within another */
#endif
    return HK_OK;
}

static hk_status set_object(const hk__source *src, const hk__module *m, const hk_field *f, struct hk__arg *a, const hk__node *node) {
    if (node->kind != HK__WORD && node->kind != HK__CALL) return wrong_kind(src, m, f, node);
    char *path = hk__path_join(m->path, f->name);
    if (!path) return no_memory(src);
    hk_status st = hk__construct(src, f->choices, node, path, &a->object);
    free(path);
    return st;
}

hk_status hk__arg_set(const hk__source *src, hk__module *m, int i, const hk__node *node) {
    const hk_field *f = &m->fields[i];
    struct hk__arg *a = &m->args[i];
    hk__arg_clear(a);
    if (node->kind == HK__NONE_WORD) {
        if (f->kind == HK_ENUM && hk__choice_index(f->choices, "none") >= 0) { /* a choice of that name */
            a->integer = hk__choice_index(f->choices, "none");
            a->string = strdup("none");
            return a->string ? HK_OK : no_memory(src);
        }
        if (!(f->flags & HK_NULLABLE)) return wrong_kind(src, m, f, node);
        a->none = true;
        return HK_OK;
    }
    switch ((hk_kind)f->kind) {
    case HK_BOOL:
        if (node->kind != HK__BOOL) return wrong_kind(src, m, f, node);
        a->integer = node->integer;
        return HK_OK;
    case HK_INT:
        if (node->kind != HK__NUMBER || !node->integral) return wrong_kind(src, m, f, node);
        a->integer = node->integer;
        return check_range(src, m, f, node->column, node->real);
    case HK_REAL:
        if (node->kind != HK__NUMBER) return wrong_kind(src, m, f, node);
        a->real = node->real;
        return check_range(src, m, f, node->column, node->real);
    case HK_STR:
    case HK_ENUM: return set_word(src, m, f, a, node);
    case HK_INTS:
    case HK_REALS: return set_numbers(src, m, f, a, node);
    case HK_OBJECT: return set_object(src, m, f, a, node);
    }
    return hk__fail(src->ctx, HK_EINTERNAL, "field '%s' has an unknown kind", f->name);
}

hk_status hk__arg_default(const hk__source *src, hk__module *m, int i) {
    const hk_field *f = &m->fields[i];
    const hk__source own = { src->ctx, f->def, src->depth, 0 };
    hk__node *node = NULL;
    hk_status st = hk__parse(src->ctx, f->def, &node);
    if (!st) st = hk__arg_set(&own, m, i, node);
    hk__node_free(node);
    return st ? hk__fail_in(src->ctx, st, "%s: default of %s", m->id, f->name) : HK_OK;
}
