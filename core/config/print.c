/* config/print.c - prints a configuration as an ini file that reads back the same, and the table of keys for people.
 * libiniparser's dump functions are never used: they quote nothing, and one of them overflows (CVE-2025-0633). */
#include "config/conf.h"
#include <string.h>

static void print_entry(const hk__entry *e, FILE *f) {
    const char *v = e->raw;
    size_t n = strlen(v);
    bool quote = strpbrk(v, "#;") || v[0] == '"' || v[0] == '\'' || v[0] == ' ' || v[0] == '\t' || v[n - 1] == ' ' || v[n - 1] == '\t' || v[n - 1] == '\\';
    const char *q = !quote ? "" : strchr(v, '"') ? "'" : "\"";
    fprintf(f, "%s = %s%s%s\n", e->key, q, v, q);
}

hk_status hk__conf_print(const hk__conf *c, FILE *f) {
    int printed = 0;
    for (int s = 0; s < c->schema->n; s++) {
        const hk__section *sec = &c->schema->sections[s];
        if (!hk__conf_count(c, sec->name)) continue;
        fprintf(f, "%s[%s]\n", printed++ ? "\n" : "", sec->name);
        for (int k = 0; k < sec->n_keys; k++) {
            const hk__entry *e = hk__conf_find(c, sec->name, sec->keys[k].name);
            if (e) print_entry(e, f);
        }
        for (int i = 0; i < c->n; i++)
            if (!strcmp(c->entry[i]->section, sec->name) && !hk__section_key(sec, c->entry[i]->key)) print_entry(c->entry[i], f);
    }
    return ferror(f) ? HK_EIO : HK_OK;
}

void hk__schema_help(const hk__schema *schema, FILE *f) {
    for (int s = 0; s < schema->n; s++) {
        const hk__section *sec = &schema->sections[s];
        fprintf(f, "\n[%s]  %s\n", sec->name, sec->doc);
        for (int k = 0; k < sec->n_keys; k++) {
            char expect[256];
            hk__key_expect(&sec->keys[k], expect, sizeof expect);
            fprintf(f, "  %-15s %s\n  %-15s   %s; %s%s\n", sec->keys[k].name, sec->keys[k].doc, "", expect, sec->keys[k].def ? "default " : "required",
                sec->keys[k].def ? sec->keys[k].def : "");
        }
    }
}

void hk__schema_template(const hk__schema *schema, FILE *f) {
    for (int s = 0; s < schema->n; s++) {
        const hk__section *sec = &schema->sections[s];
        fprintf(f, "%s# %s\n[%s]\n", s ? "\n" : "", sec->doc, sec->name);
        for (int k = 0; k < sec->n_keys; k++) {
            const hk__key *key = &sec->keys[k];
            char expect[256];
            hk__key_expect(key, expect, sizeof expect);
            fprintf(f, "# %s (%s)\n%s%s =%s%s\n", key->doc, expect, key->def ? "" : "# required: ", key->name, key->def ? " " : "", key->def ? key->def : "");
        }
    }
}
