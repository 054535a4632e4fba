/* grammar.h - constructor text as a tree. */
#ifndef HK_MODULE_GRAMMAR_H
#define HK_MODULE_GRAMMAR_H

#include "core.h"

typedef enum hk__node_kind { HK__NUMBER = 1, HK__BOOL, HK__NONE_WORD, HK__WORD, HK__STRING, HK__LIST, HK__CALL } hk__node_kind;

typedef struct hk__node {
    hk__node_kind kind;
    int column;            /* of its first character, from 1 */
    bool integral;         /* NUMBER written without point or exponent: `integer` holds it */
    int64_t integer;       /* BOOL: 0 or 1 */
    double real;           /* NUMBER */
    char *text;            /* WORD, CALL: the name; STRING: its contents */
    char *key;             /* as an argument: key=..., or NULL when positional */
    int key_column, n;
    struct hk__node **item; /* LIST: elements; CALL: arguments; n of them */
} hk__node;

/* Parses one value, which fills the whole text. ECONFIG: "column 7: expected ..., got ...". */
hk_status hk__parse(hk_context *, const char *text, hk__node **out);
void hk__node_free(hk__node *);
/* What a value is, for messages: "the number 3", "the constructor Name(...)". */
const char *hk__node_describe(const hk__node *, char *buf, size_t size);
/* Part of `text` around a column, on one line, for messages. */
const char *hk__text_excerpt(const char *text, int column, char *buf, size_t size);

#endif
