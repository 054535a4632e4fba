/* config/conf.h - what the files of core/config share. */
#ifndef HK_CONF_H
#define HK_CONF_H

#include "config/config.h"
#include <stdarg.h>

typedef struct hk__entry {
    char *section, *key;
    char *raw;   /* as written, without quotes */
    char *value; /* after ${}; set by check */
    char *where; /* "config.ini:12", "--set 1", "default" */
    int64_t i;   /* typed value */
    double f;
    int line;  /* of the file; 0: not from it */
    bool used; /* a ${} read it */
    bool busy; /* being expanded: finds cycles */
    bool is_default;
} hk__entry;

typedef struct hk__seen {
    char *name;
    int line;
} hk__seen;

struct hk__conf {
    const hk__schema *schema;
    char *name;
    hk__entry **entry; /* pointers, so that entries stay where they are */
    int n, cap;
    hk__seen *seen; /* sections of the file */
    int n_seen;
    int n_set; /* assignments by hk__conf_set so far */
    char err[1536];
    void *attached; /* of whoever reads it */
    void (*drop)(void *);
};

hk_status hk__conf_fail_entry(hk__conf *, const hk__entry *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
hk__entry *hk__conf_find(const hk__conf *, const char *section, const char *key);
hk__entry *hk__conf_add(hk__conf *, const char *section, const char *key, const char *raw, const char *where, int line); /* NULL: out of memory */
const hk__section *hk__schema_section(const hk__schema *, const char *name);
const hk__key *hk__section_key(const hk__section *, const char *name);
hk_status hk__conf_unknown_section(hk__conf *, const char *where, const char *name);
hk_status hk__conf_unknown_key(hk__conf *, const char *where, const hk__section *, const char *key, const char *extra);
hk_status hk__conf_empty(hk__conf *, const char *where, const hk__section *, const char *key); /* a key without a value */
hk_status hk__conf_expand(hk__conf *, hk__entry *); /* fills entry->value */
hk_status hk__conf_typed(hk__conf *, const hk__key *, hk__entry *);
void hk__key_expect(const hk__key *, char *buf, size_t size); /* "an integer from 1 to 64" */
bool hk__is_name(const char *s, size_t n);                    /* letters, digits, _ - . */

#endif
