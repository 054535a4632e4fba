/* config/config.h - the strict ini layer: a file's text, overrides and one table of keys in; checked, typed values with positions out.
 *
 * The idea: nothing is guessed. A line is either understood in one way or refused with file:line, what was expected, what was got and
 * what to do. Our own scan finds positions and refuses what libiniparser would misread (reference A8); libiniparser reads the same
 * text, and a value on which the two differ is an error. One table of keys (hk__schema) drives reading, checking, help and printing.
 * It refuses to be: a writer that keeps comments, a reader of other dialects (no continued lines, no comments behind values), a place
 * that knows what any key means. Used by trainer/; one thread at a time. */
#ifndef HK_CONFIG_H
#define HK_CONFIG_H

#include "hillock/hillock.h"
#include <stdbool.h>

#define HK__LINE_MAX 1000      /* bytes of a line: libiniparser fails at 1023 */
#define HK__VALUE_MAX 65536    /* bytes of a value after ${} */
#define HK__FILE_MAX (1 << 20) /* bytes of a file */
#define HK__KEYS_MAX 4096      /* keys of a file: each is compared with all others */

typedef enum hk__key_kind { HK__INT = 1, HK__REAL, HK__SWITCH /* on, off */, HK__CHOICE, HK__BYTES /* 0, 4096, 512MiB */, HK__TEXT } hk__key_kind;

typedef struct hk__key {
    const char *name;
    hk__key_kind kind;
    double lo, hi;       /* INT, REAL, BYTES: inclusive range */
    const char *choices; /* CHOICE: "a|b|c" */
    const char *def;     /* NULL: required */
    const char *doc;
} hk__key;

/* What a section does with keys that are not in its table. */
typedef enum hk__rest { HK__CLOSED = 0 /* an error */, HK__FREE /* kept, if a ${} uses them */, HK__LIST /* kept, in order */ } hk__rest;

typedef struct hk__section {
    const char *name;
    const hk__key *keys;
    int n_keys;
    hk__rest rest;
    const char *doc;
} hk__section;

typedef struct hk__schema {
    const hk__section *sections;
    int n;
    const char *vars; /* the section whose keys ${} reads */
} hk__schema;

typedef struct hk__conf hk__conf;

hk__conf *hk__conf_new(const hk__schema *schema); /* NULL: out of memory; the schema is kept by pointer */
void hk__conf_free(hk__conf *);
/* Something that lives as long as the configuration; drop(what) is called by hk__conf_free. One at a time. */
void hk__conf_attach(hk__conf *, void *what, void (*drop)(void *));
void *hk__conf_attached(const hk__conf *); /* NULL: nothing */
const hk__schema *hk__conf_schema(const hk__conf *);
const char *hk__conf_error(const hk__conf *); /* text of the first error, "" when there was none */
const char *hk__conf_name(const hk__conf *);  /* the file's name as given, or "" */

/* Order of use: load, set any number of times, check; then the reads below. */
hk_status hk__conf_load(hk__conf *, const char *path);
hk_status hk__conf_load_text(hk__conf *, const char *name, const char *text, size_t size);
hk_status hk__conf_set(hk__conf *, const char *assignment); /* "section.key=value", position "--set N", counted from 1 */
hk_status hk__conf_override(hk__conf *, const char *where, const char *section, const char *key, const char *value);
hk_status hk__conf_check(hk__conf *);

const char *hk__conf_raw(const hk__conf *, const char *section, const char *key); /* before check: as it is written; NULL: it is not */
/* After check; the key must be in the table. */
int64_t hk__conf_int(const hk__conf *, const char *section, const char *key); /* INT, BYTES, SWITCH (0, 1), CHOICE (index) */
double hk__conf_real(const hk__conf *, const char *section, const char *key);
const char *hk__conf_text(const hk__conf *, const char *section, const char *key);     /* any kind, ${} expanded; NULL when there is no such key */
const char *hk__conf_opt_text(const hk__conf *, const char *section, const char *key); /* the same; NULL for "none" */
/* Keys of a section in the file's order; defaults last. */
int hk__conf_count(const hk__conf *, const char *section);
const char *hk__conf_key_at(const hk__conf *, const char *section, int i);
const char *hk__conf_value_at(const hk__conf *, const char *section, int i);
/* Both keep the first error's text only, and return st. */
hk_status hk__conf_fail(hk__conf *, hk_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "config.ini:12: [section] key: text", for errors found later by those who know what a key means. key may be NULL. */
hk_status hk__conf_fail_key(hk__conf *, hk_status st, const char *section, const char *key, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Prints an ini file with every key; reading it gives the same configuration. */
hk_status hk__conf_print(const hk__conf *, FILE *);
void hk__schema_help(const hk__schema *, FILE *);     /* for --help */
void hk__schema_template(const hk__schema *, FILE *); /* a commented ini file with the defaults */

const char *hk__conf_suggest(const char *word, const char *const *candidates, int n); /* core/util/suggest.c, for the trainer */

/* ---- strict number reading: NULL, or what is wrong with the text ---- */
const char *hk__parse_int(const char *text, int64_t *v);
const char *hk__parse_real(const char *text, double *v);
const char *hk__parse_bytes(const char *text, int64_t *v);

#endif
