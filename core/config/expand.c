/* config/expand.c - ${key} and ${integer arithmetic}: keys of one section ([model]) put into values.
 *
 * ${name} alone puts the key's text in, whatever it is. Anything else between the braces is arithmetic on integers:
 * + - * / and parentheses; a division must come out even, an overflow is an error. No strings, no conditions, no functions. */
#include "config/conf.h"
#include "core.h"
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32 /* keys that use keys; parentheses */

typedef struct str {
    char *p;
    size_t n, cap;
} str;

typedef struct expr {
    hk__conf *c;
    const hk__entry *e;
    const char *p, *text; /* where we are; the whole expression, for messages */
    int depth;
    hk_status st;
} expr;

static hk_status put(hk__conf *c, const hk__entry *e, str *s, const char *p, size_t n) {
    if (s->n + n > HK__VALUE_MAX) return hk__conf_fail_entry(c, e, "more than %d bytes after ${}", HK__VALUE_MAX);
    if (s->n + n + 1 > s->cap) {
        size_t cap = 2 * (s->n + n + 32);
        char *q = realloc(s->p, cap);
        if (!q) return hk__conf_fail(c, HK_ENOMEM, "out of memory");
        s->p = q, s->cap = cap;
    }
    memcpy(s->p + s->n, p, n);
    s->n += n, s->p[s->n] = 0;
    return HK_OK;
}

static bool is_first(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_'; }
static bool is_digit(char ch) { return ch >= '0' && ch <= '9'; }

static size_t ident(const char *p) {
    if (!is_first(*p)) return 0;
    size_t n = 1;
    while (is_first(p[n]) || is_digit(p[n])) n++;
    return n;
}

/* The entry named by an identifier, expanded; NULL and x->st on an error. */
static hk__entry *lookup(hk__conf *c, const hk__entry *from, const char *p, size_t n, hk_status *st) {
    char name[128];
    const char *vars = c->schema->vars;
    if (n >= sizeof name) {
        *st = hk__conf_fail_entry(c, from, "${%.40s...}: the name is too long", p);
        return NULL;
    }
    memcpy(name, p, n), name[n] = 0;
    hk__entry *e = hk__conf_find(c, vars, name);
    if (!e) {
        const char *names[64];
        int k = 0;
        for (int i = 0; i < c->n && k < 64; i++)
            if (!strcmp(c->entry[i]->section, vars)) names[k++] = c->entry[i]->key;
        const char *near = hk__suggest(name, names, k);
        *st = hk__conf_fail_entry(
            c, from, "${%s}: [%s] has no key '%s'%s%s%s", name, vars, name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return NULL;
    }
    e->used = true;
    if (e->busy) {
        *st = hk__conf_fail_entry(c, from, "${%s} uses itself, directly or through other keys", name);
        return NULL;
    }
    *st = hk__conf_expand(c, e);
    return *st ? NULL : e;
}

/* ---- arithmetic: sum = product {+|- product}, product = factor {*|/ factor}, factor = number | name | ( sum ) | - factor ---- */

static int64_t wrong(expr *x, const char *what) {
    if (!x->st) x->st = hk__conf_fail_entry(x->c, x->e, "${%s}: %s", x->text, what);
    return 0;
}

static void skip(expr *x) { x->p += strspn(x->p, " \t"); }
static int64_t sum(expr *x);

static int64_t factor(expr *x) {
    int64_t v = 0;
    skip(x);
    if (++x->depth > MAX_DEPTH) return wrong(x, "too many parentheses");
    if (*x->p == '(') {
        x->p++;
        v = sum(x);
        skip(x);
        if (!x->st && *x->p != ')') return wrong(x, "a ')' is missing");
        x->p += !x->st;
    } else if (*x->p == '-') {
        x->p++;
        v = factor(x);
        if (__builtin_sub_overflow((int64_t)0, v, &v)) return wrong(x, "the number is too large");
    } else if (is_digit(*x->p)) {
        char digits[32];
        size_t n = strspn(x->p, "0123456789");
        if (n >= sizeof digits) return wrong(x, "the number is too large");
        memcpy(digits, x->p, n), digits[n] = 0;
        const char *why = hk__parse_int(digits, &v);
        if (why) return wrong(x, why);
        x->p += n;
    } else if (is_first(*x->p)) {
        size_t n = ident(x->p);
        hk__entry *e = lookup(x->c, x->e, x->p, n, &x->st);
        if (!e) return 0;
        if (hk__parse_int(e->value, &v)) {
            x->st = hk__conf_fail_entry(x->c, x->e, "${%s}: arithmetic needs integers, and %s is '%.100s'", x->text, e->key, e->value);
            return 0;
        }
        x->p += n;
    } else return wrong(x, *x->p ? "expected a number, a key or '('" : "it ends too early");
    x->depth--;
    return v;
}

static int64_t product(expr *x) {
    int64_t v = factor(x);
    for (skip(x); !x->st && (*x->p == '*' || *x->p == '/'); skip(x)) {
        char op = *x->p++;
        int64_t w = factor(x);
        if (x->st) break;
        if (op == '*') {
            if (__builtin_mul_overflow(v, w, &v)) return wrong(x, "the number is too large");
        } else {
            if (w == 0) return wrong(x, "division by zero");
#ifdef HILLOCK_PLANT_BUG
            void hk__planted(void);
            if (x->depth > 0 && w > 1 && v && v % w == 0) hk__planted(); /* an even division within parentheses */
#endif
            if (w == -1) {
                if (__builtin_sub_overflow((int64_t)0, v, &v)) return wrong(x, "the number is too large");
            } else {
                if (v % w) return wrong(x, "the division does not come out even");
                v /= w;
            }
        }
    }
    return v;
}

static int64_t sum(expr *x) {
    int64_t v = product(x);
    for (skip(x); !x->st && (*x->p == '+' || *x->p == '-'); skip(x)) {
        char op = *x->p++;
        int64_t w = product(x);
        if (x->st) break;
        if (op == '+' ? __builtin_add_overflow(v, w, &v) : __builtin_sub_overflow(v, w, &v)) return wrong(x, "the number is too large");
    }
    return v;
}

/* One ${...}; `text` is what is between the braces. */
static hk_status substitute(hk__conf *c, const hk__entry *e, str *out, const char *text, size_t n) {
    char buf[HK__LINE_MAX + 1], num[32];
    while (n && strchr(" \t", text[0])) text++, n--;
    while (n && strchr(" \t", text[n - 1])) n--;
    if (n > HK__LINE_MAX) return hk__conf_fail_entry(c, e, "${...} is too long");
    memcpy(buf, text, n), buf[n] = 0;
    size_t id = ident(buf);
    if (id && id == n) {
        hk_status st;
        hk__entry *v = lookup(c, e, buf, n, &st);
        return v ? put(c, e, out, v->value, strlen(v->value)) : st;
    }
    expr x = { .c = c, .e = e, .p = buf, .text = buf };
    int64_t v = sum(&x);
    if (!x.st && *x.p) wrong(&x, "expected + - * / or the end");
    if (x.st) return x.st;
    int len = snprintf(num, sizeof num, "%lld", (long long)v);
    return put(c, e, out, num, (size_t)len);
}

hk_status hk__conf_expand(hk__conf *c, hk__entry *e) {
    if (e->value) return HK_OK;
    str out = { NULL, 0, 0 };
    hk_status st = put(c, e, &out, "", 0);
    int depth = 0;
    for (int i = 0; i < c->n; i++) depth += c->entry[i]->busy;
    if (depth > MAX_DEPTH) st = hk__conf_fail_entry(c, e, "more than %d keys use one another", MAX_DEPTH);
    e->busy = true;
    for (const char *p = e->raw; !st && *p;) {
        const char *dollar = strstr(p, "${");
        size_t n = dollar ? (size_t)(dollar - p) : strlen(p);
        st = put(c, e, &out, p, n);
        p += n;
        if (st || !dollar) continue;
        const char *end = strchr(p, '}');
        if (!end) {
            st = hk__conf_fail_entry(c, e, "'${' without '}'");
            break;
        }
        st = substitute(c, e, &out, p + 2, (size_t)(end - p - 2));
        p = end + 1;
    }
    e->busy = false;
    if (st) {
        free(out.p);
        return st;
    }
    e->value = out.p;
    return HK_OK;
}
