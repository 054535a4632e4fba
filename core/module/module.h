/* module.h - what the files of core/module/ share. */
#ifndef HK_MODULE_MODULE_H
#define HK_MODULE_MODULE_H

#include "core.h"
#include "module/grammar.h"

/* The value of one field. */
struct hk__arg {
    bool given;         /* by the text; else it is the default */
    bool none;
    int64_t integer;    /* BOOL, INT; ENUM: index of the choice */
    double real;        /* REAL */
    char *string;       /* STR; ENUM, and INTS and REALS given as a word: the choice */
    int64_t *ints;      /* INTS */
    double *reals;      /* REALS */
    int n;              /* of ints or reals */
    hk__module *object; /* OBJECT */
};

/* Where an argument comes from, for messages. */
typedef struct hk__source {
    hk_context *ctx;
    const char *text;
    int depth;  /* of constructors, defaults' constructors included */
    int column; /* of the constructor being built; 0: none */
} hk__source;

/* ---- module.c ---- */
hk_status hk__module_from_text(hk_context *, const char *iface, const char *text, const char *path, hk__module **out);
/* ---- construct.c ---- */
/* Builds `node` as a module of `iface` at `path`. */
hk_status hk__construct(const hk__source *, const char *iface, const hk__node *node, const char *path, hk__module **out);
/* A module without arguments or children yet. */
hk_status hk__module_alloc(hk_context *, const char *iface, const char *id, const void *type, const char *path, hk__module **out);
hk_status hk__module_add_child(hk__module *, hk__module *child);
/* Defaults for what was not given, then the type's init. */
hk_status hk__module_finish(const hk__source *, hk__module *);
/* Sets the context's error to where and what: ["text", column N: ]what. */
hk_status hk__bad(const hk__source *, int column, hk_status, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Path of a child called `name` ("" keeps the parent's path); NULL: out of memory. */
char *hk__path_join(const char *parent, const char *name);

/* ---- args.c ---- */
/* Checks `node` against the field and sets m's argument i. */
hk_status hk__arg_set(const hk__source *, hk__module *m, int i, const hk__node *node);
hk_status hk__arg_default(const hk__source *, hk__module *m, int i);
void hk__arg_clear(struct hk__arg *);
/* Index of a word among "a|b|c", or -1. */
int hk__choice_index(const char *choices, const char *word);

/* ---- api.c ---- */
extern const hk_module_api hk__module_table;

#endif
