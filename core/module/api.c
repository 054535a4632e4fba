/* api.c - the function table behind hk_module: how a type's code reads its fields and declares parameters.
 *
 * Asking for a field that is not in the type's table is a mistake of the plugin: it is logged, and reads as zero or none. */
#include "module/module.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The argument, when the field exists and its kind is in `kinds` (bits 1 << kind); else NULL. */
static const struct hk__arg *arg_of(const hk_module *base, const char *field, uint32_t kinds) {
    const hk__module *m = hk__mod(base);
    for (int i = 0; i < m->n_fields; i++) {
        if (strcmp(m->fields[i].name, field) != 0) continue;
        if (kinds & 1u << m->fields[i].kind) return &m->args[i];
        hk__log(m->ctx, 0, "type '%s' reads its field '%s' as another kind than its table says", m->id, field);
        return NULL;
    }
    hk__log(m->ctx, 0, "type '%s' reads the field '%s', which is not in its table", m->id, field);
    return NULL;
}

static int64_t get_int(const hk_module *m, const char *field) {
    const struct hk__arg *a = arg_of(m, field, 1u << HK_BOOL | 1u << HK_INT | 1u << HK_ENUM);
    return a ? a->integer : 0;
}

static double get_real(const hk_module *base, const char *field) {
    const struct hk__arg *a = arg_of(base, field, 1u << HK_REAL | 1u << HK_INT);
    if (!a || a->none) return NAN;
    const hk__module *m = hk__mod(base);
    return m->fields[a - m->args].kind == HK_INT ? (double)a->integer : a->real;
}

static const char *get_str(const hk_module *m, const char *field) {
    const struct hk__arg *a = arg_of(m, field, 1u << HK_STR | 1u << HK_ENUM | 1u << HK_INTS | 1u << HK_REALS);
    return a ? a->string : NULL;
}

static int get_ints(const hk_module *m, const char *field, int64_t *v, int max) {
    const struct hk__arg *a = arg_of(m, field, 1u << HK_INTS);
    if (!a || !a->ints) return 0;
    for (int i = 0; i < a->n && i < max; i++) v[i] = a->ints[i];
    return a->n;
}

static int get_reals(const hk_module *m, const char *field, double *v, int max) {
    const struct hk__arg *a = arg_of(m, field, 1u << HK_REALS);
    if (!a || !a->reals) return 0;
    for (int i = 0; i < a->n && i < max; i++) v[i] = a->reals[i];
    return a->n;
}

static int is_none(const hk_module *m, const char *field) {
    const struct hk__arg *a = arg_of(m, field, ~0u);
    return !a || a->none;
}

static const hk_module *get_object(const hk_module *m, const char *field) {
    const struct hk__arg *a = arg_of(m, field, 1u << HK_OBJECT);
    return a && a->object ? &a->object->base : NULL;
}

static int n_child(const hk_module *m) { return hk__mod(m)->n_children; }

static const hk_module *child(const hk_module *base, int i) {
    const hk__module *m = hk__mod(base);
    return i >= 0 && i < m->n_children ? &m->children[i]->base : NULL;
}

static const char *path(const hk_module *m) { return hk__mod(m)->path; }
static const void *type(const hk_module *m) { return hk__mod(m)->type; }
static void *user(const hk_module *m) { return hk__mod(m)->user; }

__attribute__((format(printf, 3, 4))) static hk_status fail(const hk_module *base, hk_status st, const char *fmt, ...) {
    const hk__module *m = hk__mod(base);
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return hk__fail(m->ctx, st, "%s%s'%s': %s", m->path, m->path[0] ? " " : "", m->id, text);
}

static hk_status declare(hk_module *base, const char *name, int rank, const int64_t *shape, hk__param like, const double *v) {
    hk__module *m = hk__mod(base);
    int64_t elems = 1;
    if (!m->initialising) return fail(base, HK_ESTATE, "parameters are declared in init only");
    if (!name || !name[0]) return fail(base, HK_EINVAL, "a parameter has no name");
    if (rank < 0 || rank > HK_MAX_RANK) return fail(base, HK_EINVAL, "parameter '%s' has %d axes, expected 0 to %d", name, rank, HK_MAX_RANK);
    const uint32_t diagonal = like.law & HK_INIT_DIAGONAL;
    if (diagonal && (rank != 2 || shape[0] != shape[1])) return fail(base, HK_EINVAL, "parameter '%s' has a diagonal, but is no square matrix", name);
    like.law &= ~diagonal;
    if (!v && (like.law < HK_INIT_CONST || like.law > HK_INIT_NORMAL)) return fail(base, HK_EINVAL, "parameter '%s' has the unknown initial law %u", name, (unsigned)like.law);
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 1) return fail(base, HK_ESHAPE, "parameter '%s': axis %d is %lld, expected at least 1", name, i, (long long)shape[i]);
        if (__builtin_mul_overflow(elems, shape[i], &elems) || elems > INT64_MAX / 64)
            return fail(base, HK_ESHAPE, "parameter '%s' is too large: expected below %lld numbers, got more; axis %d has %lld", name, (long long)(INT64_MAX / 64), i, (long long)shape[i]);
    }
    for (int i = 0; i < m->n_params; i++)
        if (strcmp(m->params[i].name, name) == 0) return fail(base, HK_EINVAL, "parameter '%s' is declared twice", name);
    hk__param *grown = realloc(m->params, (size_t)(m->n_params + 1) * sizeof *grown);
    if (grown) m->params = grown;
    char *own = strdup(name);
    double *values = v ? malloc((size_t)elems * sizeof *v) : NULL;
    if (!grown || !own || (v && !values)) {
        free(own);
        free(values);
        return fail(base, HK_ENOMEM, "out of memory");
    }
    if (v) memcpy(values, v, (size_t)elems * sizeof *v);
    hk__param *p = &m->params[m->n_params++];
    *p = like;
    p->name = own, p->rank = rank, p->values = values, p->diagonal = diagonal != 0;
    if (rank) memcpy(p->shape, shape, (size_t)rank * sizeof *shape);
    return HK_OK;
}

static hk_status add_param(hk_module *base, const char *name, int rank, const int64_t *shape, uint32_t law, double a, double b, int learnable) {
    return declare(base, name, rank, shape, (hk__param){ .learnable = learnable != 0, .law = law, .a = a, .b = b }, NULL);
}

static hk_status add_param_values(hk_module *base, const char *name, int rank, const int64_t *shape, const double *v, int learnable) {
    return v ? declare(base, name, rank, shape, (hk__param){ .learnable = learnable != 0 }, v) : fail(base, HK_EINVAL, "parameter '%s': its values are NULL", name ? name : "?");
}

static hk_status add_child(hk_module *base, const char *name, const char *text) {
    hk__module *m = hk__mod(base), *made = NULL;
    if (!m->initialising) return fail(base, HK_ESTATE, "children are added in init only");
    if (!name || !name[0]) return fail(base, HK_EINVAL, "a child has no name");
    char *full = hk__path_join(m->path, name);
    if (!full) return fail(base, HK_ENOMEM, "out of memory");
    hk_status st = hk__module_from_text(m->ctx, "hk.module/1", text, full, &made);
    free(full);
    if (!st && (st = hk__module_add_child(m, made))) hk_module_free(&made->base);
    return st ? hk__fail_in(m->ctx, st, "%s%s'%s', child %s", m->path, m->path[0] ? " " : "", m->id, name) : HK_OK;
}

const hk_module_api hk__module_table = {
    .struct_size = sizeof(hk_module_api),
    .get_int = get_int,
    .get_real = get_real,
    .get_str = get_str,
    .get_ints = get_ints,
    .is_none = is_none,
    .get_object = get_object,
    .n_child = n_child,
    .child = child,
    .path = path,
    .type = type,
    .add_param = add_param,
    .fail = fail,
    .user = user,
    .get_reals = get_reals,
    .add_child = add_child,
    .add_param_values = add_param_values,
};
