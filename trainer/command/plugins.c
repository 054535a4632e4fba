/* plugins.c - `hillock plugins`: which types there are, which plugin brought them, which files were refused and why. */
#include "command/command.h"
#include "trainer.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

typedef struct listing {
    hk_context *ctx;
    const char *iface; /* last one printed */
    int verbose, n_refused;
    json_t *types, *plugins;
} listing;

static const char *text(const char *s) { return s ? s : ""; }

static void print_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vt) {
    listing *l = arg;
    if (!l->iface || strcmp(l->iface, iface)) printf("%s%s\n", l->iface ? "\n" : "", iface), l->iface = iface;
    printf("  %-26s %s\n", id, text(plugin));
    if (!l->verbose) return;
    const hk__type_doc t = hk__type_doc_of(iface, vt);
    if (t.doc) printf("      %s\n", t.doc);
    char with[256] = "";
    if (!strcmp(iface, "hk.backend/1")) {
        int usable = ((const hk_backend *)vt)->probe(with, sizeof with);
        if (with[0]) printf("      %s: %s\n", usable > 0 ? "works with" : "not usable here", with);
    }
    if (t.source) printf("      source: %s\n", t.source);
    for (uint32_t i = 0; i < t.n_fields; i++) printf("      %s = %s: %s\n", t.fields[i].name, t.fields[i].def ? t.fields[i].def : "(required)", text(t.fields[i].doc));
}

static void print_plugin(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    listing *l = arg;
    if (refused) printf("%s  %s: %s\n", l->n_refused++ ? "" : "\nrefused\n", text(file), refused);
    else if (l->verbose) printf("plugin %s %s (%s)\n", text(id), text(version), file ? file : "linked into the program");
}

/* "a|b" as a list. */
static json_t *words(const char *choices) {
    json_t *list = json_array();
    for (const char *c = choices; *c;) {
        size_t n = strcspn(c, "|");
        json_array_append_new(list, json_stringn(c, n));
        c += n + (c[n] == '|');
    }
    return list;
}

/* The fields of a type: kind, default (null: required), range (null: no bound), what it chooses from. */
static json_t *fields_json(const hk__type_doc *t) {
    static const char *const kind[] = { "?", "bool", "int", "real", "string", "enum", "ints", "object", "reals" };
    json_t *all = json_array();
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const hk_field *f = &t->fields[i];
        bool range = f->lo != 0 || f->hi != 0;
        json_t *x = json_pack("{s:s, s:s, s:s?, s:b, s:s}", "name", f->name, "kind", f->kind < sizeof kind / sizeof *kind ? kind[f->kind] : kind[0], "default", f->def, "nullable",
            (f->flags & HK_NULLABLE) != 0, "doc", text(f->doc));
        json_object_set_new(x, "min", range && isfinite(f->lo) ? json_real(f->lo) : json_null());
        json_object_set_new(x, "max", range && isfinite(f->hi) ? json_real(f->hi) : json_null());
        if (f->choices && f->kind == HK_OBJECT) json_object_set_new(x, "interface", json_string(f->choices));
        else if (f->choices) json_object_set_new(x, "choices", words(f->choices));
        json_array_append_new(all, x);
    }
    return all;
}

static void type_json(void *arg, const char *iface, const char *id, const char *plugin, const void *vt) {
    static const char *const role[] = { "?", "layer", "container", "encoder", "loss", "neuron" };
    listing *l = arg;
    const hk__type_doc t = hk__type_doc_of(iface, vt);
    json_t *x = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "interface", iface, "id", id, "plugin", text(plugin), "doc", text(t.doc), "source", text(t.source), "fields", fields_json(&t));
    if (!strcmp(iface, "hk.module/1")) {
        uint32_t r = ((const hk_module_type *)vt)->role;
        json_object_set_new(x, "role", json_string(r < sizeof role / sizeof *role ? role[r] : role[0]));
    }
    if (!strcmp(iface, "hk.neuron/1")) {
        const hk_neuron_type *n = vt;
        json_t *states = json_array();
        for (uint32_t i = 0; i < n->n_state; i++)
            json_array_append_new(states, json_pack("{s:s, s:s, s:s}", "name", n->states[i].name, "default", n->states[i].def ? n->states[i].def : "0", "doc", text(n->states[i].doc)));
        json_object_set_new(x, "states", states);
    }
    json_array_append_new(l->types, x);
}

static void plugin_json(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    listing *l = arg;
    json_array_append_new(l->plugins, json_pack("{s:s?, s:s?, s:s?, s:s?}", "file", file, "id", id, "version", version, "refused", refused));
}

static int run(const hk__options *o) {
    int code = 0;
    if (o->n_arg) {
        fprintf(stderr, "hillock: plugins: unexpected '%s'; see hillock plugins --help\n", o->arg[0]);
        return 2;
    }
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.plugin_path = o->plugin_path;
    cc.log_level = 0; /* the refused files are listed below */
    hk_context *ctx = NULL;
    hk_status st = hk_context_new(&cc, &ctx);
    if (st) {
        fprintf(stderr, "hillock: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st));
        hk_context_free(ctx);
        return hk_status_exit_code(st);
    }
    listing l = { .ctx = ctx, .verbose = o->verbose };
    if (o->json) {
        l.types = json_array(), l.plugins = json_array();
        hk_type_each(ctx, NULL, type_json, &l);
        hk_plugin_each(ctx, plugin_json, &l);
        json_t *all = json_pack("{s:s, s:o, s:o}", "hillock", hk_version(), "types", l.types, "plugins", l.plugins);
        if (!all || json_dumpf(all, stdout, JSON_INDENT(2))) code = 1;
        putchar('\n');
        json_decref(all);
    } else {
        hk_type_each(ctx, NULL, print_type, &l);
        if (o->verbose) putchar('\n');
        hk_plugin_each(ctx, print_plugin, &l);
    }
    hk_context_free(ctx);
    return code;
}

static const hk__option options[] = {
    HK__PLUGIN_PATH,
    HK__JSON,
    HK__OPT_FLAG("verbose", verbose, "print what each type does, and its fields"),
    HK__HELP,
};
const hk__command hk__plugins_command = {
    .name = "plugins",
    .usage = "plugins [options]",
    .doc = "list types and the plugins that brought them, and refused files with the reason",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
