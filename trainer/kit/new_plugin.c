/* new_plugin.c - `hillock new-plugin KIND NAME`: a small project outside the tree, with a plugin that works and a test of it. */
#include "command/command.h"
#include "trainer.h"
#include "kit/kit.h"
#include <stdlib.h>
#include <string.h>

typedef struct kinds {
    char *name[64];
    int n;
} kinds;
static void keep_kind(void *arg, const char *kind, const char *about) {
    kinds *k = arg;
    (void)about;
    if (k->n < 64 && (k->name[k->n] = strdup(kind))) k->n++;
}
static void print_kind(void *arg, const char *kind, const char *about) { fprintf(arg, "  %-11s %s\n", kind, about); }

static int bad_name(const char *name) {
    const char *letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name[0] < 'a' || name[0] > 'z' || name[strspn(name, letters)] || strlen(name) > HK__NAME;
}

static void same_id(void *arg, const char *iface, const char *id, const char *plugin, const void *vt) {
    const char **a = arg;
    (void)iface, (void)vt;
    if (!strcmp(id, a[0])) a[1] = plugin;
}
/* The plugin that has a type of this name already, or NULL. */
static const char *taken_by(hk_context *ctx, const char *type) {
    const char *a[2] = { type, NULL };
    hk_type_each(ctx, NULL, same_id, a);
    return a[1];
}

static int write_project(const char *kind, const char *name, const char *out) {
    kinds k = { .n = 0 };
    char why[HK__WHY] = "", type[HK__NAME + 1];
    hk_context *ctx = NULL;
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    int known = 0, code = 2;
    hk__template_kinds(keep_kind, &k);
    for (int i = 0; i < k.n; i++) known |= !strcmp(k.name[i], kind);
    hk__template_type(name, type);
    cc.log_level = 0;
    if (!known) {
        const char *near = hk__conf_suggest(kind, (const char *const *)k.name, k.n);
        fprintf(stderr, "hillock: new-plugin: unknown kind '%s'%s%s%s; see hillock new-plugin --help\n", kind, near ? " (did you mean '" : "", near ? near : "",
            near ? "'?)" : "");
    } else if (bad_name(name)) {
        fprintf(stderr,
            "hillock: new-plugin: the name '%s': expected a letter from a to z, then a to z, 0 to 9 and _, %d at most: it becomes part of names in C\n", name,
            HK__NAME);
    } else if (!hk_context_new(&cc, &ctx) && taken_by(ctx, type)) {
        fprintf(stderr, "hillock: new-plugin: '%s' would bring the type '%s', which plugin '%s' has already: choose another name\n", name, type,
            taken_by(ctx, type));
    } else {
        hk_status st = hk__template_write(&(hk__template){ kind, name, out }, why);
        if (st) fprintf(stderr, "hillock: new-plugin: %s\n", why);
        else printf("%s: the %s '%s' in %s.c, a test, Makefile and CMakeLists.txt; go on with README.md\n", out, kind, type, name);
        code = st ? hk_status_exit_code(st) : 0;
    }
    hk_context_free(ctx);
    for (int i = 0; i < k.n; i++) free(k.name[i]);
    return code;
}

static void more_help(FILE *f) {
    fprintf(f, "\nkinds:\n");
    if (hk__template_kinds(print_kind, f) < 0) fprintf(f, "  none: the templates are not installed beside this command\n");
}

static int run(const hk__options *o) {
    if (o->n_arg == 2) return write_project(o->arg[0], o->arg[1], o->out ? o->out : o->arg[1]);
    fprintf(stderr, "hillock: new-plugin: expected KIND NAME, got %d arguments; see hillock new-plugin --help\n", o->n_arg);
    return 2;
}

static const hk__option options[] = {
    HK__OPT_TEXT("out", "DIR", out, "the folder to make; default: NAME"),
    HK__HELP,
};
const hk__command hk__new_plugin_command = {
    .name = "new-plugin",
    .usage = "new-plugin KIND NAME [--out DIR]",
    .doc = "write a plugin's project: a working example, its test, Makefile and CMakeLists.txt",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .more_help = more_help,
    .run = run,
};
