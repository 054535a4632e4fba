/* options.c - options of extensions: keys of [hooks] in the ini and --NAME on the command line, in the one table that drives reading, checking
 * and --help. What extends a run is named in its ini, so the ini is looked at before it is read. */
#include "command/command.h"
#include "extend/extend.h"
#include "trainer.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const hk__section *hooks_section(const hk__schema *s, int *at) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->sections[i].name, "hooks")) {
            *at = i;
            return &s->sections[i];
        }
    return NULL;
}

hk_status hk_trainer_add_option(hk_trainer *t, const hk_field *f) {
    static const hk__key_kind kinds[] = { [HK_BOOL] = HK__SWITCH, [HK_INT] = HK__INT, [HK_REAL] = HK__REAL, [HK_STR] = HK__TEXT, [HK_ENUM] = HK__CHOICE };
    if (!f || !f->name || !f->name[0] || !f->def || !f->doc) return hk_trainer_fail(t, HK_EINVAL, "an option needs a name, a default and a doc");
    if (f->kind < HK_BOOL || f->kind > HK_ENUM) return hk_trainer_fail(t, HK_EINVAL, "option %s: expected kind BOOL, INT, REAL, STR or ENUM, got %u", f->name, f->kind);
    for (const char *p = f->name; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
            return hk_trainer_fail(t, HK_EINVAL, "option %s: expected small letters, digits and _ in its name", f->name);
    for (int i = 0; i < t->n_key; i++)
        if (!strcmp(t->key[i].name, f->name)) return hk_trainer_fail(t, HK_EINVAL, "option %s: there is one of this name", f->name);
    char dashed[64];
    hk__option_name(f->name, dashed, sizeof dashed);
    if (hk__option_taken(dashed)) return hk_trainer_fail(t, HK_EINVAL, "option %s: --%s is one of Hillock's own", f->name, dashed);
    const char *def = f->kind != HK_BOOL ? f->def : strcmp(f->def, "true") && strcmp(f->def, "on") ? "off" : "on";
    hk__key *grown = realloc(t->key, (size_t)(t->n_key + 1) * sizeof *grown);
    if (grown) t->key = grown;
    char *name = strdup(f->name), *value = strdup(def);
    if (!grown || !name || !value) {
        free(name), free(value);
        return hk_trainer_fail(t, HK_ENOMEM, "out of memory");
    }
    double lo = f->lo, hi = f->hi;
    if (lo == hi && f->kind == HK_INT) lo = -9007199254740991.0, hi = 9007199254740991.0;
    if (lo == hi && f->kind == HK_REAL) lo = -1e300, hi = 1e300;
    t->key[t->n_key++] = (hk__key){ name, kinds[f->kind], lo, hi, f->choices, value, f->doc };
    return HK_OK;
}

hk_status hk__trainer_options(hk_trainer *t) {
    int at = 0;
    const hk__section *own = hooks_section(&hk__train_schema, &at);
    t->key = calloc((size_t)own->n_keys, sizeof *t->key);
    t->section = calloc((size_t)hk__train_schema.n, sizeof *t->section);
    if (!t->key || !t->section) return hk_trainer_fail(t, HK_ENOMEM, "out of memory");
    memcpy(t->key, own->keys, (size_t)own->n_keys * sizeof *t->key);
    t->n_key = own->n_keys;
    hk_status st = hk__trainer_merge(t);
    if (!st) st = HK__CALL_ALL(t, add_options);
    memcpy(t->section, hk__train_schema.sections, (size_t)hk__train_schema.n * sizeof *t->section);
    t->section[at].keys = t->key, t->section[at].n_keys = t->n_key;
    t->schema = (hk__schema){ t->section, hk__train_schema.n, hk__train_schema.vars };
    return st;
}

/* ---- what an ini and a command line name, before they are read ---- */

/* The ini and the last --set hooks.load, nothing checked: mistakes are told when all is read. NULL: out of memory. */
static hk__conf *look_at(int argc, char **argv, const hk__schema *lenient) {
    static const char key[] = "hooks.load=";
    const char *path = NULL;
    int n_set = 0;
    for (int i = 1; i < argc; i++) {
        const size_t n = strlen(argv[i]);
        if (argv[i][0] != '-' && !path && n > 4 && !strcmp(argv[i] + n - 4, ".ini")) path = argv[i];
    }
    hk__conf *c = hk__conf_new(lenient);
    if (c && path && hk__conf_load(c, path)) { /* a file that cannot be read has no extensions */
        hk__conf_free(c);
        c = hk__conf_new(lenient);
    }
    for (int i = 1; c && i < argc; i++) {
        const char *set = !strncmp(argv[i], "--set=", 6) ? argv[i] + 6 : !strcmp(argv[i], "--set") && i + 1 < argc ? argv[++i] : NULL;
        char where[32];
        if (!set) continue;
        snprintf(where, sizeof where, "--set %d", ++n_set);
        if (!strncmp(set, key, strlen(key)) && set[strlen(key)]) hk__conf_override(c, where, "hooks", "load", set + strlen(key));
    }
    return c;
}

int hk__trainer_scan(int argc, char **argv, const hk_trainer_hooks *program, hk_trainer **out) {
    int at = 0;
    hk__section *s = calloc((size_t)hk__train_schema.n, sizeof *s);
    const hk__schema lenient = { s, hk__train_schema.n, hk__train_schema.vars };
    *out = NULL;
    if (s) memcpy(s, hk__train_schema.sections, (size_t)hk__train_schema.n * sizeof *s);
    if (s && hooks_section(&hk__train_schema, &at)) s[at].rest = HK__LIST; /* keys that nobody has announced yet */
    hk__conf *c = s ? look_at(argc, argv, &lenient) : NULL;
    const char *named = c ? hk__conf_raw(c, "hooks", "load") : NULL;
    const int loads = named && strcmp(named, "none");
    hk_trainer *t = c && (loads || program) ? hk__trainer_new(program) : NULL;
    hk_status st = c && (t || !(loads || program)) ? HK_OK : HK_ENOMEM;
    if (!st && loads) st = hk__trainer_load(t, named);
    if (!st && t) st = hk__trainer_options(t);
    if (st && t && t->err[0] && loads) hk__conf_fail_key(c, st, "hooks", "load", "%s", t->err);
    else if (st && c) hk__conf_fail(c, st, "%s", t && t->err[0] ? t->err : hk_status_text(st));
    if (!st) *out = t;
    else hk__trainer_free(t), hk__report(c, st);
    if (c) hk__conf_free(c);
    free(s);
    return st ? hk_status_exit_code(st) : 0;
}
