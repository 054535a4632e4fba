/* metrics_csv.c - metrics.csv: one row for each epoch's line of metrics.jsonl, one column for each key (rates.LAYER for the firing rates).
 *
 * It is made of metrics.jsonl alone: a resumed run, whose lines were cut, has its table made anew, so that the two always say the same. The usual keys come first,
 * in the order below, whether they are there or not; others follow in the order in which they are met, and the first row with a new one makes the table anew. */
#include "trainer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const usual[] = { "epoch", "train_loss", "train_acc", "train_acc5", "test_loss", "test_acc", "test_acc5", "lr", "img_per_s", "test_img_per_s",
    "seconds", "train_s", "data_s", "test_s", "peak_memory", "time" };
enum { N_USUAL = (int)(sizeof usual / sizeof *usual) };

struct hk__csv {
    FILE *in, *out;
    off_t at; /* of metrics.jsonl: behind the last whole line that was read */
    char *line, *path, **more;
    size_t cap;
    int n_more;
};

/* ---- a line: objects of numbers, texts and nulls, as metrics.c writes it, one deep ---- */

typedef struct item {
    char name[256]; /* the key; inside an object: its key, '.', the key */
    const char *v;  /* as it stands in the line */
    size_t n;
} item;

static const char *skip_text(const char *p) { /* behind the closing quote; p: behind the opening one */
    for (; *p && *p != '"'; p++) p += *p == '\\' && p[1];
    return *p ? p + 1 : p;
}

/* The next key with a value that is no object; *p moves on. `inside`: "" or the key of the object that it is in, with its '.'. 0: the line ends. */
static int next_item(const char **p, char inside[128], item *it) {
    for (;;) {
        const char *s = *p + strcspn(*p, "\"}\n");
        if (*s == '}') {
            inside[0] = 0, *p = s + 1;
            continue;
        }
        if (*s != '"') return 0;
        const char *key = s + 1, *end = skip_text(key);
        s = end + strspn(end, " :");
        if (*s == '{') {
            snprintf(inside, 128, "%.*s.", (int)(end - 1 - key), key);
            *p = s + 1;
            continue;
        }
        snprintf(it->name, sizeof it->name, "%s%.*s", inside, (int)(end - 1 - key), key);
        it->v = s, it->n = *s == '"' ? (size_t)(skip_text(s + 1) - s) : strcspn(s, ",}\n");
        *p = s + it->n;
        return 1;
    }
}

/* Lines of steps and other kinds have other keys. */
static int is_epoch(const char *line) { return !strncmp(line, "{\"epoch\":", 9) && strstr(line, "\"train_loss\"") && !strstr(line, "\"step\""); }

static int known(const hk__csv *c, const char *key) {
    for (int i = 0; i < N_USUAL; i++)
        if (!strcmp(usual[i], key)) return 1;
    for (int i = 0; i < c->n_more; i++)
        if (!strcmp(c->more[i], key)) return 1;
    return 0;
}

/* 1: the row has keys of its own, which are columns now; -1: no memory. */
static int learn(hk__csv *c) {
    const char *p = c->line;
    char inside[128] = "";
    item it;
    int news = 0;
    while (next_item(&p, inside, &it)) {
        if (known(c, it.name)) continue;
        char **more = realloc(c->more, (size_t)(c->n_more + 1) * sizeof *more), *name = more ? strdup(it.name) : NULL;
        if (more) c->more = more;
        if (!name) return -1;
        c->more[c->n_more++] = name, news = 1;
    }
    return news;
}

static void put_text(FILE *f, const char *s, size_t n) {
    int quote = 0;
    for (size_t i = 0; i < n; i++) quote |= strchr(",\"\r", s[i]) != NULL;
    if (quote) putc('"', f);
    for (size_t i = 0; i < n; i++) {
        i += s[i] == '\\' && i + 1 < n;
        if (s[i] == '"') putc('"', f);
        putc(s[i], f);
    }
    if (quote) putc('"', f);
}

/* A number as it stands, a text without its quotes, nothing for null. */
static void put_value(FILE *f, const item *it) {
    if (*it->v == '"') put_text(f, it->v + 1, it->n - 2);
    else if (*it->v != 'n') fwrite(it->v, 1, it->n, f);
}

/* head: the columns' names. */
static void put_row(const hk__csv *c, int head) {
    for (int i = 0; i < N_USUAL + c->n_more; i++) {
        const char *key = i < N_USUAL ? usual[i] : c->more[i - N_USUAL], *p = c->line;
        char inside[128] = "";
        item it;
        if (i) putc(',', c->out);
        if (head) put_text(c->out, key, strlen(key));
        while (!head && next_item(&p, inside, &it))
            if (!strcmp(it.name, key)) put_value(c->out, &it);
    }
    putc('\n', c->out);
}

/* All whole lines from c->at on; with `write` into the table, else only their keys. 1: new keys were met. */
static hk_status read_lines(hk__csv *c, int write, int *news) {
    ssize_t n;
    *news = 0;
    if (fseeko(c->in, c->at, SEEK_SET)) return HK_EIO;
    while ((n = getline(&c->line, &c->cap, c->in)) > 0 && c->line[n - 1] == '\n') {
        c->at += (off_t)n;
        if (!is_epoch(c->line)) continue;
        int got = learn(c);
        if (got > 0) *news = 1;
        if (got == 0 && write && !*news) put_row(c, 0);
        if (got < 0) return HK_ENOMEM;
    }
    return ferror(c->in) ? HK_EIO : HK_OK;
}

static hk_status make(hk__csv *c) {
    int news;
    c->at = 0;
    hk_status st = read_lines(c, 0, &news);
    if (st) return st;
    if (c->out) fclose(c->out);
    if (!(c->out = fopen(c->path, "we"))) return HK_EIO;
    put_row(c, 1);
    c->at = 0;
    st = read_lines(c, 1, &news);
    return st ? st : fflush(c->out) ? HK_EIO : HK_OK;
}

hk_status hk__csv_open(const char *jsonl, const char *csv, hk__csv **out) {
    hk__csv *c = *out = calloc(1, sizeof *c);
    if (!c || !(c->path = strdup(csv))) return HK_ENOMEM;
    if ((c->in = hk__open_regular(jsonl))) return make(c);
    if (errno != ESPIPE) return HK_EIO;
    hk__csv_free(c); /* lines that went to a device or a pipe are not there to be read again: no table */
    *out = NULL;
    return HK_OK;
}

hk_status hk__csv_follow(hk__csv *c) {
    int news;
    if (!c) return HK_OK;
    hk_status st = read_lines(c, 1, &news);
    if (!st && news) return make(c);
    return st ? st : fflush(c->out) ? HK_EIO : HK_OK;
}

void hk__csv_free(hk__csv *c) {
    if (!c) return;
    if (c->in) fclose(c->in);
    if (c->out) fclose(c->out);
    for (int i = 0; i < c->n_more; i++) free(c->more[i]);
    free(c->more), free(c->line), free(c->path), free(c);
}
