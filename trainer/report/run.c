/* run.c - reads a run's folder for a report: run.json, config.ini, the epochs' lines of metrics.jsonl, report.json. What is not there, or no JSON, is left out. */
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *slurp(const char *folder, const char *name) {
    char *path = NULL, *text = NULL;
    size_t n = 0;
    FILE *out = NULL, *f = NULL;
    if (asprintf(&path, "%s/%s", folder, name) >= 0) f = hk__open_regular(path);
    free(path);
    if (f) out = open_memstream(&text, &n);
    for (int c; out && (c = getc(f)) != EOF;) putc(c, out);
    if (out) fclose(out);
    if (f) fclose(f);
    return text;
}

static json_t *json_of(const char *folder, const char *name) {
    char *text = slurp(folder, name);
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return o;
}

double hk__run_number(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}
const char *hk__run_string(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static int read_epochs(const char *folder, hk__run_files *r) {
    char *path = NULL, *line = NULL;
    size_t cap = 0;
    ssize_t n;
    if (asprintf(&path, "%s/metrics.jsonl", folder) < 0) return -1;
    FILE *f = hk__open_regular(path);
    free(path);
    while (f && (n = getline(&line, &cap, f)) > 0) {
        if (!strstr(line, "\"test_acc\"") || strstr(line, "\"step\"")) continue;
        json_t *o = json_loads(line, 0, NULL), **grown = o ? realloc(r->epoch, (size_t)(r->n_epoch + 1) * sizeof *grown) : NULL;
        if (grown) r->epoch = grown, r->epoch[r->n_epoch++] = o;
        else json_decref(o);
    }
    free(line);
    if (f) fclose(f);
    return 0;
}

/* The layers of the first epoch's rates, each through all epochs. */
static int read_rates(hk__run_files *r) {
    const char *key;
    json_t *v;
    if (!r->n_epoch) return 0;
    json_object_foreach(json_object_get(r->epoch[0], "rates"), key, v) {
        hk__run_layer *grown = realloc(r->layer, (size_t)(r->n_layer + 1) * sizeof *grown);
        if (!grown) return -1;
        r->layer = grown;
        hk__run_layer *l = &r->layer[r->n_layer];
        *l = (hk__run_layer){ strdup(key), malloc((size_t)r->n_epoch * sizeof *l->rate) };
        r->n_layer++;
        if (!l->name || !l->rate) return -1;
        for (int e = 0; e < r->n_epoch; e++) l->rate[e] = hk__run_number(json_object_get(r->epoch[e], "rates"), key);
    }
    return 0;
}

hk_status hk__run_read(const char *folder, hk__run_files *r, char *why, size_t size) {
    *r = (hk__run_files){ 0 };
    r->info = json_of(folder, "run.json"), r->data = json_of(folder, "report.json"), r->config = slurp(folder, "config.ini");
    if (read_epochs(folder, r) || read_rates(r)) {
        snprintf(why, size, "out of memory");
        return HK_ENOMEM;
    }
    if (r->info || r->n_epoch) return HK_OK;
    snprintf(why, size, "%s: expected the folder of a run, with run.json and metrics.jsonl, got neither", folder);
    return HK_EIO;
}

void hk__run_free(hk__run_files *r) {
    json_decref(r->info), json_decref(r->data);
    for (int i = 0; i < r->n_epoch; i++) json_decref(r->epoch[i]);
    for (int i = 0; i < r->n_layer; i++) free(r->layer[i].name), free(r->layer[i].rate);
    free(r->epoch), free(r->layer), free(r->config);
    *r = (hk__run_files){ 0 };
}
