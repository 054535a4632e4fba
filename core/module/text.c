/* text.c - writes a module as constructor text that builds the same module again.
 *
 * Children come first, then every field with its key. Names that hk_module_new_sequential gave to layers are not part of the text. */
#include "module/module.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    char *buf;
    size_t size, used; /* used: of the whole text, as if buf were long enough */
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *fmt, ...) {
    va_list ap;
    size_t left = w->used < w->size ? w->size - w->used : 0;
    va_start(ap, fmt);
    int n = vsnprintf(left ? w->buf + w->used : NULL, left, fmt, ap);
    va_end(ap);
    if (n > 0) w->used += (size_t)n;
}

/* The shortest decimal that reads back as the same double. */
static void put_real(writer *w, double v) {
    char text[40];
    if (isinf(v)) {
        put(w, v < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    for (char *c = text; *c; c++) /* the locale's decimal mark */
        if (!strchr("0123456789+-e", *c)) *c = '.';
    put(w, "%s", text);
}

static void put_string(writer *w, const char *s) {
    put(w, "\"");
    for (; *s; s++) {
        if (*s == '\n') put(w, "\\n");
        else if (*s == '\t') put(w, "\\t");
        else if (*s == '"' || *s == '\\') put(w, "\\%c", *s);
        else put(w, "%c", *s);
    }
    put(w, "\"");
}

static void put_module(writer *w, const hk__module *m);

static void put_value(writer *w, const hk_field *f, const struct hk__arg *a) {
    if (a->none) {
        put(w, "none");
        return;
    }
    switch ((hk_kind)f->kind) {
    case HK_BOOL: put(w, a->integer ? "true" : "false"); break;
    case HK_INT: put(w, "%" PRId64, a->integer); break;
    case HK_REAL: put_real(w, a->real); break;
    case HK_STR: put_string(w, a->string ? a->string : ""); break;
    case HK_ENUM: put(w, "%s", a->string ? a->string : ""); break;
    case HK_INTS:
    case HK_REALS:
        if (a->string) {
            put(w, "%s", a->string);
            break;
        }
        put(w, "[");
        for (int i = 0; i < a->n; i++) {
            if (i) put(w, ", ");
            if (f->kind == HK_INTS) put(w, "%" PRId64, a->ints[i]);
            else put_real(w, a->reals[i]);
        }
        put(w, "]");
        break;
    case HK_OBJECT:
        if (a->object) put_module(w, a->object);
        break;
    }
}

static void put_module(writer *w, const hk__module *m) {
    int n = 0;
    put(w, "%s(", m->id);
    /* Children that the type made itself, in init, are not part of its constructor. */
    bool given = strcmp(m->iface, "hk.module/1") == 0 && ((const hk_module_type *)m->type)->max_child > 0;
    for (int i = 0; given && i < m->n_children; i++) {
        if (n++) put(w, ", ");
        put_module(w, m->children[i]);
    }
    for (int i = 0; i < m->n_fields; i++) {
        put(w, "%s%s=", n++ ? ", " : "", m->fields[i].name);
        put_value(w, &m->fields[i], &m->args[i]);
    }
    put(w, ")");
}

int hk_module_to_text(const hk_module *m, char *buf, size_t size) {
    writer w = { buf, size, 0 };
    if (size) buf[0] = '\0';
    if (m) put_module(&w, hk__mod(m));
    return (int)w.used;
}
