/* grammar.c - reads constructor text: Name(1, [2, 3], key=value, Child(...)).
 *
 *     value  := number | true | false | none | string | name [ '(' args ')' ] | '(' values ')' | '[' values ']'
 *     args   := [ arg { ',' arg } [ ',' ] ],  arg := [ name '=' ] value; positional arguments come first
 *     name   := letter or '_', then letters, digits, '_', '.'
 *     string := "..." or '...' with \\ \" \' \n \t
 *
 * True, False and None are accepted too. It knows no types: it is not where arguments get their meaning (args.c, construct.c). */
#include "module/grammar.h"
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_KEYS = 256, MAX_TEXT = 1 << 20 };

typedef struct parser {
    hk_context *ctx;
    const char *text, *at;
    int depth;
    hk_status status;
} parser;

static int column_of(const parser *p, const char *at) { return (int)(at - p->text) + 1; }

static void skip_space(parser *p) {
    while (isspace((unsigned char)*p->at)) p->at++;
}

/* What stands at `at`, for messages. */
static const char *seen(const char *at, char buf[48]) {
    size_t n = 0;
    if (!*at) return "the end of the text";
    if (isalnum((unsigned char)*at) || *at == '_')
        while (n < 24 && (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == '.')) n++;
    else n = 1;
    snprintf(buf, 48, "'%.*s'", (int)n, at);
    return buf;
}

static hk_status syntax(parser *p, const char *at, const char *expected) {
    char buf[48];
    if (!p->status) p->status = hk__fail(p->ctx, HK_ECONFIG, "column %d: expected %s, got %s", column_of(p, at), expected, seen(at, buf));
    return p->status;
}

static hk_status no_memory(parser *p) {
    if (!p->status) p->status = hk__fail(p->ctx, HK_ENOMEM, "out of memory while reading constructor text");
    return p->status;
}

static hk__node *node_new(parser *p, hk__node_kind kind, const char *at) {
    hk__node *n = calloc(1, sizeof *n);
    if (!n) no_memory(p);
    else n->kind = kind, n->column = column_of(p, at);
    return n;
}

void hk__node_free(hk__node *n) {
    if (!n) return;
    for (int i = 0; i < n->n; i++) hk__node_free(n->item[i]);
    free(n->item);
    free(n->text);
    free(n->key);
    free(n);
}

static hk__node *parse_value(parser *p);

/* ---- numbers ---- */

static locale_t c_locale;
static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* A program may have set a locale with a decimal comma. */
static double to_real(const char *text) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
}

static bool number_begins(const char *s) {
    if (*s == '+' || *s == '-') s++;
    return isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1])) || strncmp(s, "inf", 3) == 0;
}

static hk__node *parse_number(parser *p) {
    const char *begin = p->at, *s = begin;
    char digits[128];
    bool integral = true;
    if (*s == '+' || *s == '-') s++;
    if (strncmp(s, "inf", 3) == 0) s += 3, integral = false;
    else {
        while (isdigit((unsigned char)*s)) s++;
        if (*s == '.') {
            integral = false;
            for (s++; isdigit((unsigned char)*s);) s++;
        }
        if (*s == 'e' || *s == 'E') {
            const char *e = s + 1;
            if (*e == '+' || *e == '-') e++;
            if (!isdigit((unsigned char)*e)) return syntax(p, begin, "digits after the exponent's e"), NULL;
            integral = false;
            while (isdigit((unsigned char)*e)) e++;
            s = e;
        }
    }
    if (isalnum((unsigned char)*s) || *s == '_' || *s == '.') return syntax(p, s, "the end of the number"), NULL;
    if ((size_t)(s - begin) >= sizeof digits) return syntax(p, begin, "a number of at most 127 characters"), NULL;
    memcpy(digits, begin, (size_t)(s - begin));
    digits[s - begin] = '\0';
    hk__node *n = node_new(p, HK__NUMBER, begin);
    if (!n) return NULL;
    n->integral = integral;
    n->real = to_real(digits);
    errno = 0;
    if (integral) n->integer = strtoll(digits, NULL, 10);
    if ((integral && errno == ERANGE) || (!integral && isinf(n->real) && !strstr(digits, "inf"))) {
        syntax(p, begin, integral ? "an integer of 64 bits" : "a number that a double can hold");
        hk__node_free(n);
        return NULL;
    }
    p->at = s;
    return n;
}

/* ---- names and strings ---- */

static char *parse_name(parser *p) {
    const char *begin = p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.') p->at++;
    char *name = strndup(begin, (size_t)(p->at - begin));
    if (!name) no_memory(p);
    return name;
}

static hk__node *parse_string(parser *p) {
    const char quote = *p->at;
    hk__node *n = node_new(p, HK__STRING, p->at);
    if (!n) return NULL;
    char *w = n->text = malloc(strlen(p->at));
    if (!w) {
        no_memory(p);
        hk__node_free(n);
        return NULL;
    }
    const char *s = p->at + 1;
    for (; *s && *s != quote; s++) {
        if (*s != '\\') {
            *w++ = *s;
            continue;
        }
        static const char from[] = "\\\"'nt", to[] = "\\\"'\n\t";
        const char *known = s[1] ? strchr(from, s[1]) : NULL;
        if (!known) {
            syntax(p, s + 1, "\\, \", ', n or t after a backslash");
            hk__node_free(n);
            return NULL;
        }
        *w++ = to[known - from];
        s++;
    }
    *w = '\0';
    if (!*s) {
        syntax(p, s, quote == '"' ? "a closing \"" : "a closing '");
        hk__node_free(n);
        return NULL;
    }
    p->at = s + 1;
    return n;
}

/* ---- lists and arguments ---- */

static hk_status append(parser *p, hk__node *parent, hk__node *child, int *cap) {
    if (parent->n == *cap) {
        int wanted = *cap ? 2 * *cap : 4;
        hk__node **grown = realloc(parent->item, (size_t)wanted * sizeof(hk__node *));
        if (!grown) return no_memory(p);
        parent->item = grown, *cap = wanted;
    }
    parent->item[parent->n++] = child;
    return HK_OK;
}

/* The key of `key = value`, or NULL when a value stands here. */
static char *parse_key(parser *p) {
    const char *s = p->at;
    if (!isalpha((unsigned char)*s) && *s != '_') return NULL;
    while (isalnum((unsigned char)*s) || *s == '_' || *s == '.') s++;
    while (isspace((unsigned char)*s)) s++;
    return *s == '=' ? parse_name(p) : NULL;
}

static hk_status parse_argument(parser *p, hk__node *parent, int *cap) {
    const char *begin = p->at;
    char *key = parent->kind == HK__CALL ? parse_key(p) : NULL;
    if (p->status) return p->status;
    if (key && parent->n >= MAX_KEYS) { /* each is compared with all others */
        free(key);
        return p->status = hk__fail(p->ctx, HK_ECONFIG, "column %d: expected at most %d arguments, got more", column_of(p, begin), MAX_KEYS);
    }
    if (key) {
        for (int i = 0; i < parent->n; i++) {
            if (!parent->item[i]->key || strcmp(parent->item[i]->key, key) != 0) continue;
            p->status = hk__fail(p->ctx, HK_ECONFIG, "column %d: the argument '%s' is given twice (first at column %d)", column_of(p, begin), key,
                                 parent->item[i]->key_column);
            free(key);
            return p->status;
        }
        skip_space(p);
        p->at++; /* the '=' that parse_key saw */
        skip_space(p);
    } else if (parent->n && parent->item[parent->n - 1]->key) {
        return syntax(p, begin, "key=value, as the argument before has a key");
    }
    hk__node *child = parse_value(p);
    if (!child) {
        free(key);
        return p->status;
    }
    child->key = key;
    child->key_column = column_of(p, begin);
    if (append(p, parent, child, cap)) hk__node_free(child);
    return p->status;
}

/* Elements up to the closing bracket; the opening one has been read. */
static hk_status parse_items(parser *p, hk__node *parent, char close) {
    char expected[32];
    int cap = 0;
    snprintf(expected, sizeof expected, "',' or '%c'", close);
    for (;;) {
        skip_space(p);
        if (*p->at == close) break;
        if (parse_argument(p, parent, &cap)) return p->status;
        skip_space(p);
        if (*p->at == close) break;
        if (*p->at != ',') return syntax(p, p->at, expected);
        p->at++;
    }
    p->at++;
    return HK_OK;
}

static hk__node *parse_word(parser *p) {
    static const struct {
        const char *word;
        hk__node_kind kind;
        int value;
    } reserved[] = { { "true", HK__BOOL, 1 }, { "True", HK__BOOL, 1 }, { "false", HK__BOOL, 0 }, { "False", HK__BOOL, 0 },
                     { "none", HK__NONE_WORD, 0 }, { "None", HK__NONE_WORD, 0 }, { "null", HK__NONE_WORD, 0 } };
    hk__node *n = node_new(p, HK__WORD, p->at);
    if (!n) return NULL;
    n->text = parse_name(p);
    if (!n->text) goto err;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(n->text, reserved[i].word) != 0) continue;
        n->kind = reserved[i].kind;
        n->integer = reserved[i].value;
        return n;
    }
    const char *after = p->at;
    skip_space(p);
    if (*p->at != '(') {
        p->at = after;
        return n;
    }
    p->at++;
    n->kind = HK__CALL;
    if (parse_items(p, n, ')')) goto err;
    return n;
err:
    hk__node_free(n);
    return NULL;
}

static hk__node *parse_list(parser *p) {
    const char close = *p->at == '(' ? ')' : ']';
    hk__node *n = node_new(p, HK__LIST, p->at);
    if (!n) return NULL;
    p->at++;
    if (parse_items(p, n, close)) {
        hk__node_free(n);
        return NULL;
    }
    return n;
}

static hk__node *parse_value(parser *p) {
    hk__node *n = NULL;
    skip_space(p);
    if (++p->depth > MAX_DEPTH) {
        if (!p->status) p->status = hk__fail(p->ctx, HK_ECONFIG, "column %d: brackets are nested deeper than %d", column_of(p, p->at), MAX_DEPTH);
    } else if (number_begins(p->at) && !(p->at[0] == 'i' && (isalnum((unsigned char)p->at[3]) || p->at[3] == '_'))) n = parse_number(p);
    else if (isalpha((unsigned char)*p->at) || *p->at == '_') n = parse_word(p);
    else if (*p->at == '"' || *p->at == '\'') n = parse_string(p);
    else if (*p->at == '(' || *p->at == '[') n = parse_list(p);
    else syntax(p, p->at, "a value");
    p->depth--;
    return n;
}

hk_status hk__parse(hk_context *ctx, const char *text, hk__node **out) {
    parser p = { .ctx = ctx, .text = text, .at = text };
    *out = NULL;
    if (!text) return hk__fail(ctx, HK_EINVAL, "constructor text is missing");
    if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT) return hk__fail(ctx, HK_ECONFIG, "constructor text is longer than %d characters", MAX_TEXT);
    hk__node *n = parse_value(&p);
    if (!n) return p.status;
    skip_space(&p);
    if (*p.at) {
        syntax(&p, p.at, "the end of the text");
        hk__node_free(n);
        return p.status;
    }
    *out = n;
    return HK_OK;
}

/* ---- for messages ---- */

const char *hk__node_describe(const hk__node *n, char *buf, size_t size) {
    switch (n->kind) {
    case HK__NUMBER:
        if (n->integral) snprintf(buf, size, "the integer %lld", (long long)n->integer);
        else snprintf(buf, size, "the number %.9g", n->real);
        break;
    case HK__BOOL: snprintf(buf, size, "%s", n->integer ? "true" : "false"); break;
    case HK__NONE_WORD: snprintf(buf, size, "none"); break;
    case HK__WORD: snprintf(buf, size, "the word '%.60s'", n->text); break;
    case HK__STRING: snprintf(buf, size, "the string \"%.60s\"", n->text); break;
    case HK__LIST: snprintf(buf, size, "a list of %d", n->n); break;
    case HK__CALL: snprintf(buf, size, "the constructor %.60s(...)", n->text); break;
    }
    return buf;
}

const char *hk__text_excerpt(const char *text, int column, char *buf, size_t size) {
    enum { SHOWN = 72, BEFORE = 24 };
    size_t n = strlen(text), from = 0;
    if (n > SHOWN && column > BEFORE) from = (size_t)column - BEFORE < n ? (size_t)column - BEFORE : 0;
    snprintf(buf, size, "%s%.*s%s", from ? "..." : "", SHOWN, text + from, n - from > SHOWN ? "..." : "");
    for (char *c = buf; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    return buf;
}
