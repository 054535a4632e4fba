/* help.c - what `--help` prints: a command's options, those of extensions, and the keys of the ini. */
#include "command/command.h"
#include "extend/extend.h"

static void extended_help(const hk_trainer *extended, FILE *f) {
    if (!extended || extended->n_key < 2) return;
    fprintf(f, "\noptions of %s, keys of [hooks]:\n", extended->loaded[0] ? extended->loaded : "this program");
    for (int i = 1; i < extended->n_key; i++) {
        char left[80], name[64];
        hk__option_name(extended->key[i].name, name, sizeof name);
        snprintf(left, sizeof left, "--%s V", name);
        fprintf(f, "  %-24s %s (default %s)\n", left, extended->key[i].doc, extended->key[i].def);
    }
}

static void one_option(const char *name, const char *arg, const char *doc, FILE *f) {
    char left[64];
    int n = snprintf(left, sizeof left, "--%s%s%s", name, arg ? " " : "", arg ? arg : "");
    if (n > 24) fprintf(f, "  %s\n  %-24s %s\n", left, "", doc);
    else fprintf(f, "  %-24s %s\n", left, doc);
}

void hk__options_help(const hk__command *c, FILE *f) {
    const hk_trainer *extended = hk__options_extended();
    const hk__command *each;
    if (c->usage) fprintf(f, "usage: hillock %s\n%s\n", c->usage, c->doc);
    else {
        fprintf(f, "hillock %s - spiking neural networks in C, by plugins\n\nusage:\n", hk_version());
        for (int i = 0; (each = hk__command_at(i)) != c; i++) fprintf(f, "  hillock %s\n      %s\n", each->usage, each->doc);
    }
    fprintf(f, "\noptions:\n");
    for (int i = 0; i < c->n_option; i++) one_option(c->options[i].name, c->options[i].arg, c->options[i].doc, f);
    if (c->takes & HK__TAKES_KEYS) hk__key_options_help(f);
    if (c->takes & HK__TAKES_INI) {
        extended_help(extended, f);
        fprintf(f, "\nkeys of the ini file:\n");
        hk__schema_help(extended ? &extended->schema : &hk__train_schema, f);
    }
    if (!c->usage) fprintf(f, "\n'hillock train --help' lists every key of the ini file.\n");
    if (c->more_help) c->more_help(f);
    fprintf(f, "\nexit codes: 0 ok, 1 run time, 2 usage or configuration, 3 data, 4 plugin, 5 checkpoint, 75 interrupted\n");
}
