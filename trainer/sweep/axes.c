/* axes.c - `--set train.lr=0.1,0.01`: lists of values, their product, and a folder's name for each run. */
#include "sweep/sweep.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Length up to the next comma outside of brackets and quotes, or to the end. */
static size_t one(const char *s) {
    int depth = 0, quoted = 0;
    size_t i = 0;
    for (; s[i]; i++) {
        if (s[i] == '"') quoted = !quoted;
        if (quoted) continue;
        depth += (strchr("([{", s[i]) != NULL) - (strchr(")]}", s[i]) != NULL);
        if (s[i] == ',' && depth <= 0) break;
    }
    return i;
}

int hk__axes_is_list(const char *values) { return values[one(values)] != 0; }

static char *trimmed(const char *s, size_t n) {
    while (n && isspace((unsigned char)*s)) s++, n--;
    while (n && isspace((unsigned char)s[n - 1])) n--;
    return strndup(s, n);
}

static int add_axis(hk__axes *a, const char *set, const char *values, char *why, size_t size) {
    if (a->n == HK__MAX_AXES) return snprintf(why, size, "expected at most %d lists of values", HK__MAX_AXES), -1;
    hk__axis *x = &a->axis[a->n++];
    *x = (hk__axis){ .key = trimmed(set, (size_t)(values - set - 1)) };
    for (const char *s = values;; s++) {
        const size_t n = one(s);
        char **grown = realloc(x->value, (size_t)(x->n + 1) * sizeof *grown);
        if (!x->key || !grown || !((x->value = grown)[x->n] = trimmed(s, n))) return snprintf(why, size, "out of memory"), -1;
        if (!x->value[x->n++][0]) return snprintf(why, size, "--set %s: a value is missing beside a comma", set), -1;
        for (int k = 0; k + 1 < x->n; k++)
            if (!strcmp(x->value[k], x->value[x->n - 1])) return snprintf(why, size, "--set %s: %s is there twice", set, x->value[k]), -1;
        s += n;
        if (!*s) return 0;
    }
}

static int add_fixed(hk__axes *a, const char *set, const char *values) {
    const size_t n = strlen(values);
    const int quoted = n >= 2 && values[0] == '"' && values[n - 1] == '"' && !memchr(values + 1, '"', n - 2);
    char *text = NULL;
    if (asprintf(&text, "%.*s%.*s", (int)(values - set), set, (int)(quoted ? n - 2 : n), values + quoted) < 0) return -1;
    a->fixed[a->n_fixed++] = text;
    return 0;
}

int hk__axes_read(hk__axes *a, int n_set, char *const *set, char *why, size_t size) {
    *a = (hk__axes){ 0 };
    for (int i = 0; i < n_set; i++) {
        const char *eq = strchr(set[i], '=');
        if (!eq || eq == set[i]) return snprintf(why, size, "--set: expected SECTION.KEY=VALUE or SECTION.KEY=VALUE,VALUE,..., got '%s'", set[i]), -1;
        if (hk__axes_is_list(eq + 1)) {
            if (add_axis(a, set[i], eq + 1, why, size)) return -1;
        } else if (add_fixed(a, set[i], eq + 1)) return snprintf(why, size, "out of memory"), -1;
    }
    double runs = 1;
    for (int i = 0; i < a->n; i++) {
        hk__axis *x = &a->axis[i];
        const char *end = strrchr(x->key, '.');
        int clash = 0;
        for (int k = 0; k < a->n; k++) {
            const char *other = strrchr(a->axis[k].key, '.');
            if (k == i) continue;
            if (!strcmp(a->axis[k].key, x->key)) return snprintf(why, size, "--set %s: expected one list, got two", x->key), -1;
            clash |= end && other && !strcmp(end, other);
        }
        if (!(x->label = strdup(end && !clash ? end + 1 : x->key))) return snprintf(why, size, "out of memory"), -1;
        runs *= x->n;
    }
    if (runs > HK__MAX_RUNS) return snprintf(why, size, "expected at most %d runs, got %.0f", HK__MAX_RUNS, runs), -1;
    return 0;
}

int hk__axes_runs(const hk__axes *a) {
    int n = 1;
    for (int i = 0; i < a->n; i++) n *= a->axis[i].n;
    return n;
}

int hk__axes_value(const hk__axes *a, int run, int axis) {
    for (int i = a->n - 1; i > axis; i--) run /= a->axis[i].n;
    return run % a->axis[axis].n;
}

/* Letters, digits and "._+-=," stay, whatever else is '-', so that a name needs no quotes; long values are cut, and numbered where they would be the same. */
char *hk__axes_name(const hk__axes *a, int run) {
    char *name = NULL;
    size_t size;
    FILE *f = open_memstream(&name, &size);
    if (!f) return NULL;
    for (int i = 0; i < a->n; i++) {
        const hk__axis *x = &a->axis[i];
        const int v = hk__axes_value(a, run, i);
        enum { LONG = 40 };
        int same = 0, n = 0;
        char last = 0;
        fprintf(f, "%s%s=", i ? "," : "", x->label);
        for (const char *s = x->value[v]; *s && n < LONG; s++) {
            const char c = isalnum((unsigned char)*s) || strchr("._+-", *s) ? *s : '-';
            if (c != '-' || last != '-') putc(c, f), n++;
            last = c;
        }
        for (int k = 0; k < x->n; k++) same |= k != v && (strlen(x->value[k]) >= LONG || strcspn(x->value[k], "(\"' ,") != strlen(x->value[k]));
        if (same) fprintf(f, "_%d", v + 1);
    }
    if (!a->n) fputs("run", f);
    return fclose(f) ? (free(name), NULL) : name;
}

void hk__axes_free(hk__axes *a) {
    for (int i = 0; i < a->n; i++) {
        for (int k = 0; k < a->axis[i].n; k++) free(a->axis[i].value[k]);
        free(a->axis[i].value), free(a->axis[i].key), free(a->axis[i].label);
    }
    for (int i = 0; i < a->n_fixed; i++) free(a->fixed[i]);
    *a = (hk__axes){ 0 };
}
