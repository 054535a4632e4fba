/* compare.c - the comparison rule of the golden README, section 2, and the book-keeping of what was compared. */
#include "runner.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void gr_fail(gr_case *c, const char *fmt, ...) {
    va_list ap;
    printf("FAIL %s: ", c->file);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    c->failed = true;
}

bool gr_ok(gr_case *c, hk_status st, const char *what) {
    if (st) gr_fail(c, "%s: %s: %s", what, hk_status_name(st), hk_error(c->ctx));
    return st == HK_OK;
}

const hk_tensor *gr_find(const gr_case *c, const char *fmt, ...) {
    char name[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    return hk_file_find(c->data, name);
}

bool gr_prefix(const char *s, const char *prefix, const char **rest) {
    size_t n = strlen(prefix);
    if (strncmp(s, prefix, n)) return false;
    if (rest) *rest = s + n;
    return true;
}

int64_t gr_elems(const hk_tensor *t) {
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    return n;
}

static double number(const hk_tensor *t, int64_t i) {
    switch (t->dtype) {
    case HK_F32: return ((const float *)t->data)[i];
    case HK_F64: return ((const double *)t->data)[i];
    case HK_I64: return (double)((const int64_t *)t->data)[i];
    default: return ((const uint8_t *)t->data)[i];
    }
}

double *gr_doubles(const hk_tensor *t) {
    int64_t n = gr_elems(t);
    double *v = malloc((size_t)(n + 1) * sizeof *v);
    if (!v) abort();
    for (int64_t i = 0; i < n; i++) v[i] = number(t, i);
    return v;
}

static bool is_exact(const gr_case *c, const char *name) {
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c->spec, "exact"), i, v) if (!strcmp(json_string_value(v), name)) return true;
    return false;
}

void gr_mark(gr_case *c, const hk_tensor *t) {
    for (int i = 0; i < hk_file_n(c->data); i++) {
        if (hk_file_at(c->data, i) != t || c->done[i]) continue;
        c->done[i] = true;
        c->compared++;
    }
}

/* "[1,0,3]" */
static const char *index_text(const hk_tensor *t, int64_t at, char buf[128]) {
    int64_t index[8];
    int used = 0;
    for (int i = t->rank - 1; i >= 0; i--) index[i] = at % t->shape[i], at /= t->shape[i];
    buf[0] = 0;
    for (int i = 0; i < t->rank; i++) used += snprintf(buf + used, 128 - (size_t)used, "%s%lld", i ? "," : "", (long long)index[i]);
    return buf;
}

void gr_compare(gr_case *c, const hk_tensor *want, const double *got) {
    int64_t n = gr_elems(want), bad = 0, first = 0;
    bool exact = is_exact(c, want->name);
    double scale = 0.0, first_tol = 0.0;
    for (int64_t i = 0; i < n; i++) scale = fmax(scale, fabs(number(want, i)));
    if (scale == 0.0) scale = 1.0;
    gr_mark(c, want);
    for (int64_t i = 0; i < n; i++) {
        double w = number(want, i), tol = exact ? 0.0 : c->rtol * fabs(w) + c->atol * scale;
        if (fabs(got[i] - w) <= tol) continue; /* NaN is a failure */
        if (!bad++) first = i, first_tol = tol;
    }
    char at[128];
    if (bad)
        gr_fail(c, "%s[%s]: got %.9g, want %.9g, tolerance %.3g (%lld of %lld elements differ)", want->name, index_text(want, first, at), got[first],
            number(want, first), first_tol, (long long)bad, (long long)n);
}

void gr_check_complete(gr_case *c) {
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const char *name = hk_file_at(c->data, i)->name;
        bool wanted = gr_prefix(name, "out.", NULL) || gr_prefix(name, "grad.", NULL) || gr_prefix(name, "step", NULL);
        if (wanted && !c->done[i]) gr_fail(c, "%s was not compared", name);
    }
}
