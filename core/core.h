/* core.h - what the files of core/ share: the context and the module. Not installed. */
#ifndef HK_CORE_H
#define HK_CORE_H

#include "hillock/hillock.h"
#include <stdbool.h>

/* ---- core/util/error.c ---- */
/* Sets the context's error text and returns `st`. */
hk_status hk__fail(hk_context *, hk_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "fmt: " before the context's error text and returns `st`; for callers that add where it happened. */
hk_status hk__fail_in(hk_context *, hk_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void hk__log(hk_context *, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- core/util/suggest.c ---- */
/* The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest. */
const char *hk__suggest(const char *word, const char *const *candidates, int n);

/* ---- core/plugin/ ---- */
const hk_host *hk__host(hk_context *);
/* Registered id -> vtable, or NULL; *plugin (may be NULL) gets the id of the plugin that brought it. */
const void *hk__registry_get(const hk_context *, const char *iface, const char *id, const char **plugin);
/* No registration after this; called when the first network is built. */
void hk__registry_freeze(hk_context *);
/* ENOTFOUND: "no neuron 'Lf' (did you mean ...?): there are ...". */
hk_status hk__registry_missing(hk_context *, const char *iface, const char *id);

/* ---- core/op/op.c ---- */
bool hk__op_is_core(const char *name); /* whether the core has an operation of this name */

/* ---- core/module/ ---- */
typedef struct hk__param {
    char *name; /* own name, without the module's path: "weight" */
    int rank, learnable;
    int64_t shape[HK_MAX_RANK];
    uint32_t law;
    double a, b;
    double *values; /* in place of a law, or NULL */
    bool diagonal;  /* 0 elsewhere */
} hk__param;

typedef struct hk__module {
    hk_module base;
    hk_context *ctx;
    const char *iface, *id;   /* as registered */
    const void *type;         /* hk_module_type, hk_neuron_type, hk_surrogate_type, ... by iface */
    char *path;               /* "" for the root; owned */
    struct hk__arg *args;     /* one for each field of the type, in table order; private to core/module */
    const hk_field *fields;
    int n_fields, n_children, n_params;
    bool initialising;        /* its init runs: parameters may be declared */
    struct hk__module **children;
    hk__param *params;
    void *user;
} hk__module;

/* "path.name" of something that belongs to a module; the root (or NULL) has no path. Returns buf. */
static inline const char *hk__name_in(const hk__module *m, const char *name, char *buf, size_t size) {
    snprintf(buf, size, "%s%s%s", m ? m->path : "", m && m->path[0] ? "." : "", name);
    return buf;
}
static inline hk__module *hk__mod(const hk_module *m) { return (hk__module *)(uintptr_t)m; }

#endif
