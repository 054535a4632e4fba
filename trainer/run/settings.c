/* settings.c - the part of a configuration that decides what a run computes, as text in its checkpoints, and its comparison on resuming.
 *
 * In: [data], [augment], [model], [layers], [learners], [groups], [train], the options of [hooks], the seed. Out: what may change between two parts of a run (epochs, whether tests use averages, threads, block size, log and
 * checkpoint intervals) and what is the machine's (folders, backend, instruction set, limits). Numbers are written in one way, so that
 * 1e-3 and 0.001 are the same run. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

static int is_part(const char *section, const char *key) {
    static const char *const whole[] = { "hooks", "data", "augment", "model", "layers", "learners", "groups", "train" };
    if (!strcmp(section, "run")) return !strcmp(key, "seed");
    if (!strcmp(section, "hooks") && !strcmp(key, "load")) return 0; /* where a file lies */
    if (!strcmp(section, "train") && (!strcmp(key, "epochs") || !strcmp(key, "ema_test"))) return 0;
    if (!strcmp(section, "data") && (!strcmp(key, "path") || !strcmp(key, "workers") || !strcmp(key, "cache"))) return 0; /* where and how it is read */
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (!strcmp(section, whole[i])) return 1;
    return 0;
}

static void print_one(FILE *f, const hk__conf *c, const char *section, const char *key) {
    const char *v = hk__conf_text(c, section, key);
    double number;
    if (!v || !is_part(section, key)) return;
    if (!hk__parse_real(v, &number)) fprintf(f, "%s.%s=%.17g\n", section, key, number);
    else fprintf(f, "%s.%s=%s\n", section, key, v);
}

char *hk__settings_text(const hk__conf *c) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    const hk__schema *schema = hk__conf_schema(c);
    for (int s = 0; s < schema->n; s++) {
        const hk__section *sec = &schema->sections[s];
        for (int k = 0; k < sec->n_keys; k++) print_one(f, c, sec->name, sec->keys[k].name);
        for (int i = 0; i < hk__conf_count(c, sec->name); i++) {
            const char *key = hk__conf_key_at(c, sec->name, i);
            int known = 0;
            for (int k = 0; k < sec->n_keys; k++) known |= !strcmp(sec->keys[k].name, key);
            if (!known) print_one(f, c, sec->name, key);
        }
    }
    int bad = ferror(f); /* fclose does not tell */
    if (fclose(f) == 0 && !bad) return text;
    free(text);
    return NULL;
}

/* The value of "section.key" in a text of settings; *n its length; NULL: not there. */
static const char *find(const char *text, const char *name, size_t n_name, size_t *n) {
    for (const char *p = text; *p; p += *p == '\n') {
        size_t line = strcspn(p, "\n");
        if (line > n_name && !memcmp(p, name, n_name) && p[n_name] == '=') {
            *n = line - n_name - 1;
            return p + n_name + 1;
        }
        p += line;
    }
    return NULL;
}

static const char *default_of(const hk__schema *schema, const char *section, const char *key) {
    for (int s = 0; s < schema->n; s++)
        for (int k = 0; k < schema->sections[s].n_keys; k++)
            if (!strcmp(schema->sections[s].name, section) && !strcmp(schema->sections[s].keys[k].name, key)) return schema->sections[s].keys[k].def;
    return NULL;
}

/* Each line of `a` must be in `b`; `ours`: a is the configuration's text. */
static hk_status compare(hk__conf *c, const char *a, const char *b, int ours, const char *file) {
    for (const char *p = a; *p; p += *p == '\n') {
        size_t line = strcspn(p, "\n"), n_name = strcspn(p, "="), n = 0, n_mine = line - n_name - 1, dot = strcspn(p, ".");
        const char *mine = p + n_name + 1, *other = find(b, p, n_name, &n);
        char section[64], key[256];
        snprintf(section, sizeof section, "%.*s", (int)dot, p);
        snprintf(key, sizeof key, "%.*s", (int)(n_name - dot - 1), p + dot + 1);
        const char *def = other ? NULL : default_of(hk__conf_schema(c), section, key); /* a key that is newer than the file */
        int same = other ? n == n_mine && !memcmp(mine, other, n) : def && strlen(def) == n_mine && !memcmp(mine, def, n_mine);
        if (!same) {
            const char *run = ours ? other : mine, *now = ours ? mine : other;
            int n_run = (int)(ours ? n : n_mine), n_now = (int)(ours ? n_mine : n);
            return hk__conf_fail_key(c, HK_ECONFIG, section, key,
                "expected %.*s, as in the run of %s, got %.*s; resume with the run's own settings, or start a new run in another folder", run ? n_run : 7,
                run ? run : "nothing", file, now ? n_now : 7, now ? now : "nothing");
        }
        p += line;
    }
    return HK_OK;
}

hk_status hk__settings_compare(hk__conf *c, const char *stored, const char *file) {
    char *text = hk__settings_text(c);
    if (!text) return hk__conf_fail(c, HK_ENOMEM, "out of memory");
    hk_status st = compare(c, text, stored, 1, file);
    if (!st) st = compare(c, stored, text, 0, file);
    free(text);
    return st;
}
