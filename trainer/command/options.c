/* options.c - a command line, read by the options of its command; and a configuration with what the line says put over the file. */
#include "command/command.h"
#include "extend/extend.h"
#include "sweep/sweep.h"
#include <getopt.h>
#include <string.h>

enum { EXTRA = 1000 /* and on: options of extensions */, KEYED = 2000 /* and on: options of keys.c */, OWN = 3000 /* and on: the command's */, MAX_OWN = 32 };

static const hk_trainer_hooks *program; /* of hk_trainer_main */
static hk_trainer *extended;            /* what extends the Trainer of this command line, until a configuration takes it over; one line at a time */

void hk__options_program(const hk_trainer_hooks *hooks) {
    hk__trainer_free(extended);
    extended = NULL, program = hooks;
}

hk_trainer *hk__options_extended(void) { return extended; }

void hk__option_name(const char *key, char *name, size_t size) {
    snprintf(name, size, "%s", key);
    for (char *p = name; *p; p++)
        if (*p == '_') *p = '-';
}

int hk__option_taken(const char *name) {
    const hk__command *c;
    for (int i = 0; (c = hk__command_at(i)); i++)
        for (int k = 0; k < c->n_option; k++)
            if (!strcmp(c->options[k].name, name)) return 1;
    for (int i = 0; hk__key_option_name(i); i++)
        if (!strcmp(hk__key_option_name(i), name)) return 1;
    return 0;
}

int hk__usage_error(const char *what, const char *got, const char *near) {
    fprintf(stderr, "hillock: %s '%s'%s%s%s; see hillock --help\n", what, got, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return 2;
}

static int unknown_option(const char *arg, const hk__command *c) {
    const char *names[MAX_OWN + HK__MAX_EXTRA + HK__MAX_KEY_OPTION];
    char word[64], extra[HK__MAX_EXTRA][64];
    int n = 0;
    for (int i = 0; i < c->n_option; i++) names[n++] = c->options[i].name;
    for (int i = 0; c->takes & HK__TAKES_KEYS && hk__key_option_name(i); i++) names[n++] = hk__key_option_name(i);
    for (int i = 1; extended && i < extended->n_key && i < HK__MAX_EXTRA; i++) {
        hk__option_name(extended->key[i].name, extra[i], sizeof extra[i]);
        names[n++] = extra[i];
    }
    snprintf(word, sizeof word, "%.*s", (int)strcspn(arg + strspn(arg, "-"), "="), arg + strspn(arg, "-"));
    const char *near = hk__conf_suggest(word, names, n);
    char with[64];
    if (near) snprintf(with, sizeof with, "--%s", near);
    return hk__usage_error("unknown option", arg, near ? with : NULL);
}

/* One option of the command's, with its value. */
static int put(hk__options *o, const hk__option *x, char *value) {
    void *at = (char *)o + x->at;
    char what[128];
    switch (x->kind) {
    case HK__OPTION_TEXT: *(const char **)at = value; return 0;
    case HK__OPTION_FLAG: *(int *)at = 1; return 0;
    case HK__OPTION_SET:
        if (o->n_set == HK__MAX_SET) return hk__usage_error("too many --set, at", value, NULL);
        o->set[o->n_set++] = value;
        return 0;
    case HK__OPTION_INT: break;
    }
    int64_t *number = at;
    if (!hk__parse_int(value, number) && *number >= x->lo && *number <= x->hi) return 0;
    if (x->hi == INT64_MAX) snprintf(what, sizeof what, "--%s: expected an integer from %lld on, got", x->name, (long long)x->lo);
    else snprintf(what, sizeof what, "--%s: expected an integer from %lld to %lld, got", x->name, (long long)x->lo, (long long)x->hi);
    return hk__usage_error(what, value, NULL);
}

static int parse(int argc, char **argv, const hk__command *c, hk__options *o) {
    struct option longs[MAX_OWN + HK__MAX_EXTRA + HK__MAX_KEY_OPTION + 1];
    char extra[HK__MAX_EXTRA][64];
    int n = 0, id, code = 0;
    memset(o, 0, sizeof *o);
    memset(longs, 0, sizeof longs);
    o->command = c;
    hk__trainer_free(extended), extended = NULL;
    if (c->takes & (HK__TAKES_INI | HK__TAKES_HOOKS) && (code = hk__trainer_scan(argc, argv, program, &extended))) return code;
    for (int i = 1; extended && i < extended->n_key && i < HK__MAX_EXTRA; i++) {
        hk__option_name(extended->key[i].name, extra[i], sizeof extra[i]);
        longs[n++] = (struct option){ extra[i], required_argument, NULL, EXTRA + i };
    }
    for (int i = 0; i < c->n_option && i < MAX_OWN; i++)
        longs[n++] = (struct option){ c->options[i].name, c->options[i].arg ? required_argument : no_argument, NULL, OWN + i };
    if (c->takes & HK__TAKES_KEYS) n += hk__key_options(longs + n, KEYED);
    opterr = 0, optind = 0; /* 0: GNU getopt starts anew */
    while ((id = getopt_long(argc, argv, c->takes & HK__TAKES_KEYS ? ":T:b:j:" : ":", longs, NULL)) != -1) {
        if (id >= OWN) code = put(o, &c->options[id - OWN], optarg);
        else if (id >= KEYED) o->keyed[id - KEYED] = optarg ? optarg : "";
        else if (id >= EXTRA) o->extra[id - EXTRA] = optarg;
        else if (id == ':') code = hk__usage_error("a value is missing behind", argv[optind - 1], NULL);
        else if (id == '?') code = unknown_option(argv[optind - 1], c);
        else o->keyed[hk__key_option_letter(id)] = optarg;
        if (code) return code;
    }
    for (; optind < argc; optind++) {
        if (o->n_arg == (int)(sizeof o->arg / sizeof o->arg[0])) return hk__usage_error("too many arguments, at", argv[optind], NULL);
        o->arg[o->n_arg++] = argv[optind];
    }
    return 0;
}

/* What *o points to is argv's text: words that get a second dash have no value in them. */
int hk__options_parse(int argc, char **argv, const hk__command *c, hk__options *o) {
    if (!(c->takes & HK__TAKES_KEYS)) return parse(argc, argv, c, o);
    char **line = hk__key_options_dashes(argc, argv);
    const int code = parse(argc, line ? line : argv, c, o);
    hk__key_options_free(argc, line);
    return code;
}

/* Is it an option's value that is wrong, a list where one value was expected? Then a sweep may be meant. */
static void hint_sweep(const hk__conf *c, const char *text) {
    char section[64], key[64];
    const char *raw = sscanf(text, "--%*[^:]: [%63[^]]] %63[^: ]", section, key) == 2 ? hk__conf_raw(c, section, key) : NULL;
    if (raw && hk__axes_is_list(raw)) fprintf(stderr, "hillock: to train with each of several values: hillock sweep CONFIG.ini --set '%s.%s=%s' --out DIR\n", section, key, raw);
}

int hk__report(const hk__conf *c, hk_status st) {
    const char *text = c ? hk__conf_error(c) : "";
    fflush(stdout);
    fprintf(stderr, "hillock: %s\n", text[0] ? text : hk_status_text(st));
    if (c) hint_sweep(c, text);
    return hk_status_exit_code(st);
}

/* The options that are keys of the ini. */
static hk_status put_keys(const hk__options *o, hk__conf *c) {
    hk_status st = HK_OK;
    for (int i = 0; i < o->command->n_option && !st; i++) {
        const hk__option *x = &o->command->options[i];
        const void *at = (const char *)o + x->at;
        const char *value = !x->key ? NULL : x->kind == HK__OPTION_TEXT ? *(const char *const *)at : *(const int *)at ? "on" : NULL;
        char where[64];
        snprintf(where, sizeof where, "--%s", x->name);
        if (value) st = hk__conf_override(c, where, x->section, x->key, value);
    }
    return st;
}

/* A command whose line names no ini of its own (plot RUN) loads the extensions of that one here. */
static int scan_file(const hk__options *o, const char *path) {
    char *line[2 * HK__MAX_SET + 3] = { (char *)(uintptr_t) "", (char *)(uintptr_t)path };
    int n = 2;
    for (int i = 0; i < o->n_set; i++) line[n++] = (char *)(uintptr_t) "--set", line[n++] = (char *)(uintptr_t)o->set[i];
    hk__options_program(NULL);
    return hk__trainer_scan(n, line, NULL, &extended);
}

hk__conf *hk__options_conf(const hk__options *o, const hk__schema *schema, const char *path, int *code) {
    if (schema == &hk__train_schema && !(o->command->takes & (HK__TAKES_INI | HK__TAKES_HOOKS)) && (*code = scan_file(o, path))) return NULL;
    hk_trainer *t = schema == &hk__train_schema ? extended : NULL;
    hk__conf *c = hk__conf_new(t ? &t->schema : schema);
    if (!c) {
        *code = hk__report(NULL, HK_ENOMEM);
        return NULL;
    }
    if (t) hk__trainer_attach(t, c), extended = NULL;
    hk_status st = hk__conf_load(c, path);
    for (int i = 0; i < o->n_set && !st; i++) st = hk__conf_set(c, o->set[i]);
    for (int i = 1; t && i < t->n_key && i < HK__MAX_EXTRA && !st; i++) {
        char where[80];
        hk__option_name(t->key[i].name, where + 2, sizeof where - 2), where[0] = where[1] = '-';
        if (o->extra[i]) st = hk__conf_override(c, where, "hooks", t->key[i].name, o->extra[i]);
    }
    if (!st) st = put_keys(o, c);
    if (!st) st = hk__key_options_set(o->keyed, c);
    if (!st) st = hk__conf_check(c);
    if (!st) return c;
    *code = hk__report(c, st);
    hk__conf_free(c);
    return NULL;
}
