/* kit.h - help for people who write plugins: projects from templates, one file made into a shared object. Used by new_plugin.c and
 * plugin.c alone. Errors are texts in `why`. */
#ifndef HK_KIT_H
#define HK_KIT_H

#include "hillock/hillock.h"

enum { HK__WHY = 8192 };

/* ---- template.c: projects ---- */
typedef struct hk__template {
    const char *kind, *name; /* "neuron", "my_neuron": [a-z][a-z0-9_]*, at most HK__NAME letters */
    const char *out;         /* the project's folder, which must not exist */
} hk__template;
enum { HK__NAME = 48 };
/* Type id of a name: my_neuron -> MyNeuron. */
void hk__template_type(const char *name, char type[HK__NAME + 1]);
/* Calls f with each kind and the first line of what is said of it, in alphabetical order; their number, -1: no templates found. */
int hk__template_kinds(void (*f)(void *arg, const char *kind, const char *about), void *arg);
/* Writes the project, whole or not at all. */
hk_status hk__template_write(const hk__template *, char why[HK__WHY]);

/* ---- compile.c: one file ---- */
/* cc FILE.c -> `out`, in place of what was there, once it has compiled, loaded and registered something. ctx: what it is loaded into. */
hk_status hk__plugin_compile(hk_context *ctx, const char *source, const char *out, char why[HK__WHY]);

#endif
