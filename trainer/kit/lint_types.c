/* lint_types.c - the entry, and the tables of the types: what they say, and whether their defaults are within their ranges. */
#include "core.h"
#include "kit/lint.h"
#include "plugin/registry.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void hk__lint_entry(hk__lint *l) {
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.log_level = 0;
    hk_context *other = NULL;
    if (!hk__lint_load(l, HK_ISA_AVX512)) return;
    if (!l->n_type) hk__lint_say(l, HK__LINT_FAIL, "its init registers nothing: call host->add for each type");
    /* Once more, into another context: init must not count on being called once. */
    hk_status st = hk_context_new(&cc, &other);
    double t0 = hk__now();
    if (!st) st = hk_plugin_load(other, l->file);
    double took = hk__now() - t0;
    if (st) hk__lint_say(l, HK__LINT_FAIL, "it loads once, and not again into another context: %s", other ? hk_error(other) : hk_status_text(st));
    else if (took > 0.1)
        hk__lint_say(l, HK__LINT_WARN, "loading took %.0f ms, expected less than 100: every start of the command loads every plugin", took * 1e3);
    hk_context_free(other);
    l->n_compared += l->n_type;
}

static void number(hk__lint *l, const hk__lint_type *t, const hk_field *f) {
    char *end;
    double v = strtod(f->def, &end);
    if (end == f->def || *end || f->lo == f->hi) return;
    if (v < f->lo || v > f->hi)
        hk__lint_say(l, HK__LINT_FAIL, "%s: the default of '%s' is %s, outside its own range from %g to %g", t->id, f->name, f->def, f->lo, f->hi);
}

static void texts(hk__lint *l, const hk__lint_type *t, const char *doc, const char *source) {
    if (!doc || !doc[0]) hk__lint_say(l, HK__LINT_WARN, "%s '%s' has no doc: one line, with its equation", t->iface, t->id);
    if (!source || !source[0]) hk__lint_say(l, HK__LINT_NOTE, "%s '%s' has no source: the paper, or package and class", t->iface, t->id);
}

void hk__lint_tables(hk__lint *l) {
    if (!hk__lint_load(l, HK_ISA_AVX512)) return;
    HK__LINT_EACH(l, t, "") {
        hk__type_info info;
        l->n_compared++;
        const hk__type_doc d = hk__type_doc_of(t->iface, t->vtable);
        texts(l, t, d.doc, strcmp(t->iface, "hk.backend/1") ? d.source : "-"); /* a backend has none */
        if (!hk__type_info_of(t->iface, t->vtable, &info)) continue;
        for (int i = 0; i < info.n_fields; i++) {
            const hk_field *f = &info.fields[i];
            l->n_compared++;
            if (!f->doc || !f->doc[0]) hk__lint_say(l, HK__LINT_WARN, "%s: field '%s' has no doc: its meaning, with the unit", t->id, f->name);
            if (f->def && (f->kind == HK_INT || f->kind == HK_REAL)) number(l, t, f);
            if (f->def && !strcmp(f->def, "none") && !(f->flags & HK_NULLABLE) && f->kind != HK_ENUM)
                hk__lint_say(l, HK__LINT_FAIL, "%s: the default of '%s' is none, and it is not HK_NULLABLE", t->id, f->name);
        }
    }
}

/* ---- data sets and schedulers ---- */

static void samples(hk__lint *l, const hk__lint_type *t, const hk_dataset_type *type, const void *ds, const char *split) {
    int64_t dims[HK_MAX_RANK], n = type->size(ds), classes = type->classes(ds), elems = 1;
    int rank = type->shape(ds, dims);
    if (n < 1 || classes < 1 || rank < 0 || rank > HK_MAX_RANK) {
        hk__lint_say(l, HK__LINT_FAIL, "%s, %s: %lld samples, %lld classes, %d axes", t->id, split, (long long)n, (long long)classes, rank);
        return;
    }
    for (int i = 0; i < rank; i++) elems *= dims[i];
    int64_t index[3] = { 0, n / 2, n - 1 }, y[3], once;
    float *x = malloc((size_t)elems * 3 * sizeof *x + 4), *again = malloc((size_t)elems * sizeof *x + 4);
    if (!x || !again || type->read(ds, 3, index, x, y) || type->read(ds, 1, &index[1], again, &once))
        hk__lint_say(
            l, HK__LINT_FAIL, "%s, %s: samples 0, %lld and %lld cannot be read: %s", t->id, split, (long long)index[1], (long long)index[2], hk_error(l->ctx));
    else {
        if (memcmp(again, x + elems, (size_t)elems * sizeof *x) || once != y[1])
            hk__lint_say(l, HK__LINT_FAIL, "%s, %s: sample %lld is another one when it is read alone", t->id, split, (long long)index[1]);
        for (int i = 0; i < 3; i++)
            if (y[i] < 0 || y[i] >= classes)
                hk__lint_say(l, HK__LINT_FAIL, "%s, %s: label %lld of sample %lld, expected 0 to %lld", t->id, split, (long long)y[i], (long long)index[i],
                    (long long)classes - 1);
        int64_t bad = 0;
        for (int64_t i = 0; i < 3 * elems; i++) bad += !isfinite(x[i]);
        if (bad) hk__lint_say(l, HK__LINT_FAIL, "%s, %s: %lld of %lld numbers are not finite", t->id, split, (long long)bad, (long long)(3 * elems));
        l->n_compared += 3;
    }
    free(x), free(again);
}

void hk__lint_data(hk__lint *l) {
    if (!hk__lint_load(l, HK_ISA_AVX512)) return;
    HK__LINT_EACH(l, t, "hk.dataset/1") {
        const hk_dataset_type *type = t->vtable;
        hk_module *m = NULL;
        char text[128];
        snprintf(text, sizeof text, "%s()", t->id);
        hk_status st = hk_module_new_from_text(l->ctx, "hk.dataset/1", text, &m);
        for (int train = 1; train >= 0 && !st; train--) {
            void *ds = NULL;
            st = type->open(m, train, &ds);
            if (!st) samples(l, t, type, ds, train ? "training" : "test");
            type->close(ds);
        }
        if (st) hk__lint_say(l, HK__LINT_NOTE, "data set '%s' was not read: %s", t->id, hk_error(l->ctx));
        hk_module_free(m);
    }
    HK__LINT_EACH(l, t, "hk.scheduler/1") {
        const hk_scheduler_type *type = t->vtable;
        hk_module *m = NULL;
        char text[128];
        snprintf(text, sizeof text, "%s()", t->id);
        if (hk_module_new_from_text(l->ctx, "hk.scheduler/1", text, &m)) {
            hk__lint_say(l, HK__LINT_NOTE, "scheduler '%s' was not asked: %s", t->id, hk_error(l->ctx));
            continue;
        }
        for (int64_t epoch = 0; epoch < 10; epoch++, l->n_compared++) {
            double lr = type->lr(m, 0.1, epoch, 10);
            if (!isfinite(lr) || lr < 0) hk__lint_say(l, HK__LINT_FAIL, "scheduler '%s': the rate of epoch %lld of 10 is %g", t->id, (long long)epoch, lr);
        }
        hk_module_free(m);
    }
}
