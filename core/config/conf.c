/* config/conf.c - the configuration object: entries with positions, the check against the table of keys, typed reads.
 * It reads no files (ini_scan.c), expands nothing (expand.c) and prints nothing (print.c). */
#include "config/conf.h"
#include "core.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

hk__conf *hk__conf_new(const hk__schema *schema) {
    hk__conf *c = calloc(1, sizeof *c);
    if (c) c->schema = schema;
    return c;
}

void hk__conf_free(hk__conf *c) {
    if (!c) return;
    for (int i = 0; i < c->n; i++) {
        hk__entry *e = c->entry[i];
        free(e->section), free(e->key), free(e->raw), free(e->value), free(e->where), free(e);
    }
    for (int i = 0; i < c->n_seen; i++) free(c->seen[i].name);
    if (c->drop) c->drop(c->attached);
    free(c->entry), free(c->seen), free(c->name), free(c);
}

void hk__conf_attach(hk__conf *c, void *what, void (*drop)(void *)) { c->attached = what, c->drop = drop; }
void *hk__conf_attached(const hk__conf *c) { return c->attached; }
const hk__schema *hk__conf_schema(const hk__conf *c) { return c->schema; }

const char *hk__conf_error(const hk__conf *c) { return c->err; }
const char *hk__conf_name(const hk__conf *c) { return c->name ? c->name : ""; }
const char *hk__conf_suggest(const char *word, const char *const *candidates, int n) { return hk__suggest(word, candidates, n); }

hk_status hk__conf_fail(hk__conf *c, hk_status st, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    if (!c->err[0]) vsnprintf(c->err, sizeof c->err, fmt, ap);
    va_end(ap);
    return st;
}

static hk_status fail_at(hk__conf *c, hk_status st, const char *where, const char *section, const char *key, const char *fmt, va_list ap) {
    if (c->err[0]) return st;
    int n = snprintf(c->err, sizeof c->err, "%s: [%s]%s%s: ", where, section, key ? " " : "", key ? key : "");
    if (n > 0 && (size_t)n < sizeof c->err) vsnprintf(c->err + n, sizeof c->err - (size_t)n, fmt, ap);
    return st;
}

hk_status hk__conf_fail_entry(hk__conf *c, const hk__entry *e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fail_at(c, HK_ECONFIG, e->where, e->section, e->key, fmt, ap);
    va_end(ap);
    return HK_ECONFIG;
}

hk_status hk__conf_fail_key(hk__conf *c, hk_status st, const char *section, const char *key, const char *fmt, ...) {
    const hk__entry *e = key ? hk__conf_find(c, section, key) : NULL;
    char at[512];
    const char *where = e ? e->where : NULL;
    if (!where || e->is_default) {
        int line = 0;
        for (int i = 0; i < c->n_seen; i++)
            if (!strcmp(c->seen[i].name, section)) line = c->seen[i].line;
        if (line) snprintf(at, sizeof at, "%.400s:%d", hk__conf_name(c), line);
        else snprintf(at, sizeof at, "%.400s", c->name ? c->name : "configuration");
        where = at;
    }
    va_list ap;
    va_start(ap, fmt);
    fail_at(c, st, where, section, key, fmt, ap);
    va_end(ap);
    return st;
}

hk__entry *hk__conf_find(const hk__conf *c, const char *section, const char *key) {
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->entry[i]->key, key) && !strcmp(c->entry[i]->section, section)) return c->entry[i];
    return NULL;
}

hk__entry *hk__conf_add(hk__conf *c, const char *section, const char *key, const char *raw, const char *where, int line) {
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 32;
        hk__entry **p = realloc(c->entry, (size_t)cap * sizeof *p);
        if (!p) return NULL;
        c->entry = p, c->cap = cap;
    }
    hk__entry *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->section = strdup(section), e->key = strdup(key), e->raw = strdup(raw), e->where = strdup(where), e->line = line;
    if (!e->section || !e->key || !e->raw || !e->where) {
        free(e->section), free(e->key), free(e->raw), free(e->where), free(e);
        return NULL;
    }
    return c->entry[c->n++] = e;
}

const hk__section *hk__schema_section(const hk__schema *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->sections[i].name, name)) return &s->sections[i];
    return NULL;
}

const hk__key *hk__section_key(const hk__section *s, const char *name) {
    for (int i = 0; i < s->n_keys; i++)
        if (!strcmp(s->keys[i].name, name)) return &s->keys[i];
    return NULL;
}

bool hk__is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char ch = s[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.')) return false;
    }
    return n > 0;
}

/* " (did you mean 'T'?)" or "; there are: a, b, c". */
static void hint(char *buf, size_t size, const char *word, const char *const *names, int n) {
    const char *near = n ? hk__suggest(word, names, n) : NULL;
    if (near) {
        snprintf(buf, size, " (did you mean '%s'?)", near);
        return;
    }
    int at = snprintf(buf, size, "; there %s: ", n == 1 ? "is" : "are");
    for (int i = 0; i < n && at > 0 && (size_t)at < size; i++) at += snprintf(buf + at, size - (size_t)at, "%s%s", i ? ", " : "", names[i]);
}

#define MAX_NAMES 64
hk_status hk__conf_unknown_section(hk__conf *c, const char *where, const char *name) {
    const char *names[MAX_NAMES];
    int n = 0;
    for (; n < c->schema->n && n < MAX_NAMES; n++) names[n] = c->schema->sections[n].name;
    char h[512];
    hint(h, sizeof h, name, names, n);
    return hk__conf_fail(c, HK_ECONFIG, "%s: unknown section [%.200s]%s", where, name, h);
}

hk_status hk__conf_unknown_key(hk__conf *c, const char *where, const hk__section *s, const char *key, const char *extra) {
    const char *names[MAX_NAMES];
    int n = 0;
    for (; n < s->n_keys && n < MAX_NAMES; n++) names[n] = s->keys[n].name;
    char h[512];
    hint(h, sizeof h, key, names, n);
    return hk__conf_fail(c, HK_ECONFIG, "%s: [%s] %.200s: unknown key%s%s", where, s->name, key, extra, h);
}

hk_status hk__conf_empty(hk__conf *c, const char *where, const hk__section *s, const char *key) {
    const hk__key *k = hk__section_key(s, key);
    char expect[256] = "a value";
    if (k) hk__key_expect(k, expect, sizeof expect);
    return hk__conf_fail(c, HK_ECONFIG, "%s: [%s] %s: empty value: expected %s, got nothing%s%s", where, s->name, key, expect,
        k && k->def ? "; leave the key out to get its default, " : k ? "" : "; write one, or leave the key out", k && k->def ? k->def : "");
}

/* ---- overrides ---- */

/* Whether a value can be written in a file so that both readers give it back. */
static const char *unwritable(const char *v) {
    size_t n = strlen(v);
    if (n > HK__LINE_MAX - 100) return "expected a value of at most 900 bytes, got more";
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)v[i] < 32 || v[i] == 127) return "expected plain text, got a control character in the value";
    if (strchr(v, '"') && strchr(v, '\'')) return "expected at most one kind of quotes in the value, got both; use only one kind";
    return NULL;
}

hk_status hk__conf_override(hk__conf *c, const char *where, const char *section, const char *key, const char *value) {
    const hk__section *s = hk__schema_section(c->schema, section);
    if (!s) return hk__conf_unknown_section(c, where, section);
    if (!hk__is_name(key, strlen(key))) return hk__conf_fail(c, HK_ECONFIG, "%s: [%s]: '%.200s' is no key: expected letters, digits, _ - .", where, section, key);
    if (!hk__section_key(s, key) && s->rest == HK__CLOSED) return hk__conf_unknown_key(c, where, s, key, "");
    if (strspn(value, " \t") == strlen(value)) return hk__conf_empty(c, where, s, key);
    const char *bad = unwritable(value);
    if (bad) return hk__conf_fail(c, HK_ECONFIG, "%s: [%s] %s: %s", where, section, key, bad);
    hk__entry *e = hk__conf_find(c, section, key);
    if (!e) return hk__conf_add(c, section, key, value, where, 0) ? HK_OK : hk__conf_fail(c, HK_ENOMEM, "out of memory");
    char *raw = strdup(value), *at = strdup(where);
    if (!raw || !at) {
        free(raw), free(at);
        return hk__conf_fail(c, HK_ENOMEM, "out of memory");
    }
    free(e->raw), free(e->where);
    e->raw = raw, e->where = at, e->line = 0;
    return HK_OK;
}

hk_status hk__conf_set(hk__conf *c, const char *assignment) {
    const char *dot = strchr(assignment, '.'), *eq = strchr(assignment, '=');
    char where[32];
    snprintf(where, sizeof where, "--set %d", ++c->n_set);
    if (!dot || !eq || dot > eq || dot == assignment || eq == dot + 1)
        return hk__conf_fail(c, HK_ECONFIG, "%s: expected section.key=value (as in --set train.epochs=3), got '%.200s'", where, assignment);
    char *section = strndup(assignment, (size_t)(dot - assignment)), *key = strndup(dot + 1, (size_t)(eq - dot - 1));
    hk_status st = section && key ? hk__conf_override(c, where, section, key, eq + 1) : hk__conf_fail(c, HK_ENOMEM, "out of memory");
    free(section), free(key);
    return st;
}

/* ---- check ---- */

static hk_status add_defaults(hk__conf *c) {
    for (int s = 0; s < c->schema->n; s++)
        for (int k = 0; k < c->schema->sections[s].n_keys; k++) {
            const hk__section *sec = &c->schema->sections[s];
            const hk__key *key = &sec->keys[k];
            if (!key->def || hk__conf_find(c, sec->name, key->name)) continue;
            hk__entry *e = hk__conf_add(c, sec->name, key->name, key->def, "default", 0);
            if (!e) return hk__conf_fail(c, HK_ENOMEM, "out of memory");
            e->is_default = true;
        }
    return HK_OK;
}

static hk_status check_required(hk__conf *c) {
    for (int s = 0; s < c->schema->n; s++)
        for (int k = 0; k < c->schema->sections[s].n_keys; k++) {
            const hk__section *sec = &c->schema->sections[s];
            const hk__key *key = &sec->keys[k];
            if (key->def || hk__conf_find(c, sec->name, key->name)) continue;
            char expect[256];
            hk__key_expect(key, expect, sizeof expect);
            return hk__conf_fail_key(c, HK_ECONFIG, sec->name, key->name, "missing: expected %s, got nothing; it is: %s", expect, key->doc);
        }
    return HK_OK;
}

hk_status hk__conf_check(hk__conf *c) {
    if (c->err[0]) return HK_ECONFIG;
    hk_status st = add_defaults(c);
    for (int i = 0; i < c->n && st == HK_OK; i++) st = hk__conf_expand(c, c->entry[i]);
    for (int i = 0; i < c->n && st == HK_OK; i++) {
        const hk__entry *e = c->entry[i];
        const hk__section *s = hk__schema_section(c->schema, e->section);
        if (s->rest == HK__FREE && !hk__section_key(s, e->key) && !e->used) {
            char extra[300];
            snprintf(extra, sizeof extra, ", and no ${%.200s} uses it", e->key);
            st = hk__conf_unknown_key(c, e->where, s, e->key, extra);
        }
    }
    for (int i = 0; i < c->n && st == HK_OK; i++) {
        const hk__key *k = hk__section_key(hk__schema_section(c->schema, c->entry[i]->section), c->entry[i]->key);
        if (k) st = hk__conf_typed(c, k, c->entry[i]);
    }
    return st ? st : check_required(c);
}

/* ---- reads ---- */

static const hk__entry *must(const hk__conf *c, const char *section, const char *key) {
    const hk__entry *e = hk__conf_find(c, section, key);
    assert(e && e->value && "a key of the table, after hk__conf_check");
    return e;
}

int64_t hk__conf_int(const hk__conf *c, const char *section, const char *key) { return must(c, section, key)->i; }
double hk__conf_real(const hk__conf *c, const char *section, const char *key) { return must(c, section, key)->f; }

const char *hk__conf_text(const hk__conf *c, const char *section, const char *key) {
    const hk__entry *e = hk__conf_find(c, section, key);
    return e ? e->value : NULL;
}

const char *hk__conf_raw(const hk__conf *c, const char *section, const char *key) {
    const hk__entry *e = hk__conf_find(c, section, key);
    return e ? e->raw : NULL;
}

const char *hk__conf_opt_text(const hk__conf *c, const char *section, const char *key) {
    const char *t = hk__conf_text(c, section, key);
    return t && strcmp(t, "none") ? t : NULL;
}

static const hk__entry *at(const hk__conf *c, const char *section, int i) {
    for (int j = 0; j < c->n; j++)
        if (!strcmp(c->entry[j]->section, section) && i-- == 0) return c->entry[j];
    return NULL;
}

int hk__conf_count(const hk__conf *c, const char *section) {
    int n = 0;
    for (int j = 0; j < c->n; j++) n += !strcmp(c->entry[j]->section, section);
    return n;
}

const char *hk__conf_key_at(const hk__conf *c, const char *section, int i) {
    const hk__entry *e = at(c, section, i);
    return e ? e->key : NULL;
}

const char *hk__conf_value_at(const hk__conf *c, const char *section, int i) {
    const hk__entry *e = at(c, section, i);
    return e ? e->value : NULL;
}
