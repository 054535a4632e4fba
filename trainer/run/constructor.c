/* constructor.c - modules that a configuration names, with arguments from keys of their own: [train] lr is the optimizer's, [data] path the dataset's
 * root. Name(a, key=value) becomes Name(a, key=value, lr=0.1). */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

/* Whether constructor text has an argument name=... of its own (not inside a child's parentheses). */
static int has(const char *t, const char *name) {
    int depth = 0;
    const size_t n = strlen(name);
    for (; *t; t++) {
        depth += (*t == '(') - (*t == ')');
        if (depth == 1 && (*t == '(' || *t == ',')) {
            const char *p = t + 1 + strspn(t + 1, " \t");
            if (!strncmp(p, name, n) && p[n + strspn(p + n, " \t")] == '=') return 1;
        }
    }
    return 0;
}

/* With one argument more; NULL: no memory, or (*bad) no constructor. */
static char *with(const char *text, const char *name, const char *value, int *bad) {
    size_t n = strlen(text);
    char *to = NULL;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    const char *open = memchr(text, '(', n);
    *bad = open && text[n - 1] != ')';
    if (*bad) return NULL;
    const int empty = !open || open + 1 + strspn(open + 1, " \t") == text + n - 1;
    const int len = open ? asprintf(&to, "%.*s%s%s=%s)", (int)(n - 1), text, empty ? "" : ", ", name, value) : asprintf(&to, "%.*s(%s=%s)", (int)n, text, name, value);
    return len < 0 ? NULL : to;
}

/* In quotes, as constructors write a text. */
static char *in_quotes(const char *text) {
    char *to = malloc(2 * strlen(text) + 3), *p = to;
    if (!to) return NULL;
    for (*p++ = '"'; *text; *p++ = *text++)
        if (*text == '"' || *text == '\\') *p++ = '\\';
    *p++ = '"', *p = '\0';
    return to;
}

/* Whether the type that the text names has a field; 1 too for an unknown type, whose own error says more. */
static int has_field(hk__job *j, const char *iface, const char *text, const char *field) {
    char id[128];
    snprintf(id, sizeof id, "%.*s", (int)strcspn(text, " \t("), text);
    const void *type = hk_type_get(j->ctx, iface, id);
    if (!type) return 1;
    const hk__type_doc d = hk__type_doc_of(iface, type);
    for (uint32_t i = 0; i < d.n_fields; i++)
        if (!strcmp(d.fields[i].name, field)) return 1;
    return 0;
}

/* *text with one more argument, where its key has a value; frees what it was. */
static hk_status add(hk__job *j, const char *iface, const char *section, const char *key, const hk__argument *a, char **text) {
    const char *value = hk__conf_opt_text(j->conf, a->section, a->key);
    int bad = 0;
    if (!value) return HK_OK;
    double number;
    if (!a->is_text && hk__parse_real(value, &number)) return hk__conf_fail_key(j->conf, HK_ECONFIG, a->section, a->key, "expected a number, or none, got '%s'", value);
    if (has(*text, a->field))
        return hk__conf_fail_key(j->conf, HK_ECONFIG, section, key, "%s is given here and in [%s] %s = %s; leave it out here", a->field, a->section, a->key, value);
    if (!has_field(j, iface, *text, a->field))
        return hk__conf_fail_key(j->conf, HK_ECONFIG, a->section, a->key, "[%s] %s = %s has no field %s; write %s = none", section, key, *text, a->field, a->key);
    char *quoted = a->is_text ? in_quotes(value) : NULL, *more = a->is_text && !quoted ? NULL : with(*text, a->field, quoted ? quoted : value, &bad);
    free(quoted);
    if (bad) return hk__conf_fail_key(j->conf, HK_ECONFIG, section, key, "expected a constructor as Name(key=value), got '%s'", *text);
    if (!more) return hk__conf_fail_key(j->conf, HK_ENOMEM, section, key, "out of memory");
    free(*text);
    *text = more;
    return HK_OK;
}

hk_status hk__job_module(hk__job *j, const char *iface, const char *section, const char *key, int n, const hk__argument *arguments, hk_module **out) {
    const char *given = hk__conf_opt_text(j->conf, section, key);
    hk_status st = HK_OK;
    if (!given) {
        for (int i = 0; i < n && !st; i++)
            if (hk__conf_opt_text(j->conf, arguments[i].section, arguments[i].key))
                st = hk__conf_fail_key(j->conf, HK_ECONFIG, arguments[i].section, arguments[i].key, "it is part of [%s] %s, which is none", section, key);
        return st;
    }
    char *text = strdup(given);
    if (!text) return hk__conf_fail_key(j->conf, HK_ENOMEM, section, key, "out of memory");
    for (int i = 0; i < n && !st; i++) st = add(j, iface, section, key, &arguments[i], &text);
    if (!st && (st = hk_module_new_from_text(j->ctx, iface, text, out))) hk__job_fail_ctx(j, st, section, key);
    free(text);
    return st;
}
