/* curves.c - the curves of one run or of several: the numbers of metrics.jsonl by epoch, or by training step where no epoch is done. A panel for each metric; of one run
 * train and test have a colour each, of several each run has one, and train is dashed. */
#include "figures/figures.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RUN = 10, MAX_PANEL = 8 };

typedef struct curve {
    char *key;
    double *x, *y;
    int64_t n, cap;
    int by_step;
} curve;
typedef struct run {
    const char *label;
    curve *curve;
    int n;
} run;

static void free_run(run *r) {
    for (int i = 0; i < r->n; i++) free(r->curve[i].key), free(r->curve[i].x), free(r->curve[i].y);
    free(r->curve);
}

static curve *find(const run *r, const char *key, int by_step) {
    for (int i = 0; i < r->n; i++)
        if (r->curve[i].by_step == by_step && !strcmp(r->curve[i].key, key)) return &r->curve[i];
    return NULL;
}

static int add(run *r, const char *key, int by_step, double x, double y) {
    curve *c = find(r, key, by_step);
    if (!c) {
        curve *more = realloc(r->curve, (size_t)(r->n + 1) * sizeof *more);
        if (!more) return -1;
        r->curve = more, c = &r->curve[r->n];
        *c = (curve){ .key = strdup(key), .by_step = by_step };
        if (!c->key) return -1;
        r->n++;
    }
    if (c->n == c->cap) {
        const int64_t cap = 2 * c->cap + 64;
        double *xs = realloc(c->x, (size_t)cap * sizeof *xs);
        if (xs) c->x = xs;
        double *ys = realloc(c->y, (size_t)cap * sizeof *ys);
        if (ys) c->y = ys;
        if (!xs || !ys) return -1;
        c->cap = cap;
    }
    c->x[c->n] = x, c->y[c->n++] = y;
    return 0;
}

/* A line of an epoch, or of a step; what has neither is of no concern here. */
static int add_line(run *r, json_t *line) {
    const json_t *epoch = json_object_get(line, "epoch"), *step = json_object_get(line, "step");
    const char *key;
    json_t *value;
    if (!json_is_number(epoch)) return 0;
    const double x = json_number_value(step ? step : epoch);
    json_object_foreach(line, key, value) {
        if (!strcmp(key, "epoch") || !strcmp(key, "step") || !(json_is_number(value) || json_is_null(value))) continue;
        if (add(r, key, step != NULL, x, json_is_number(value) ? json_number_value(value) : NAN)) return -1;
    }
    return 0;
}

static int read_run(run *r, const char *path) {
    char file[HK__PLOT_PATH + 32], *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int64_t at = 0;
    int code = 0;
    snprintf(file, sizeof file, "%.4000s/metrics.jsonl", path);
    FILE *f = hk__open_regular(file);
    if (!f) return hk__plot_error(HK_EDATA, "%s: %s; expected the folder of a run (hillock train --out) with its metrics", file, strerror(errno));
    while (!code && (n = getline(&line, &cap, f)) > 0) {
        json_error_t error;
        at++;
        json_t *object = json_loadb(line, (size_t)n, 0, &error);
        if (json_is_object(object)) {
            if (add_line(r, object)) code = hk__plot_error(HK_ENOMEM, "out of memory");
        } else if (line[n - 1] != '\n') fprintf(stderr, "hillock: plot: %s:%lld: the last line is cut off, and left out\n", file, (long long)at);
        else
            code = hk__plot_error(HK_EDATA, "%s:%lld: expected a JSON object, got '%.*s' (%s); remove the line", file, (long long)at, (int)(n - 1 < 60 ? n - 1 : 60), line,
                object ? "another kind of value" : error.text);
        json_decref(object);
    }
    if (!code && ferror(f)) code = hk__plot_error(HK_EIO, "%s: %s", file, strerror(errno));
    if (!code && !r->n) code = hk__plot_error(HK_EDATA, "%s: no epoch and no step is done yet: nothing to draw", file);
    fclose(f), free(line);
    return code;
}

/* ---- panels ---- */

typedef struct look {
    const char *metric, *title, *label;
    double scale;
} look;
static look look_of(const char *metric) {
    static const look known[] = { { "loss", "Loss", "loss", 1 }, { "acc", "Accuracy", "accuracy (%)", 100 }, { "acc5", "Top-5 accuracy", "top-5 accuracy (%)", 100 },
        { "lr", "Learning rate", "learning rate", 1 }, { "img_per_s", "Speed", "images per second", 1 }, { "seconds", "Time", "time (s)", 1 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(metric, known[i].metric)) return known[i];
    return (look){ metric, metric, metric, 1 };
}

typedef struct sheet {
    hk_panel panel[MAX_PANEL];
    hk_series series[MAX_PANEL][3 * MAX_RUN + 2];
    char name[MAX_PANEL][64];
    int n, by_step;
    const char *title;
    int dpi;
} sheet;

static void add_series(sheet *s, int p, const curve *c, uint32_t mark, uint32_t color, const char *label) {
    hk_panel *q = &s->panel[p];
    if (c || !label) s->series[p][q->n_series++] = (hk_series){ .mark = mark, .color = color, .label = label, .n = c ? c->n : 0, .x = c ? c->x : NULL, .y = c ? c->y : NULL };
    q->series = s->series[p];
}

/* One metric of all runs; returns how many curves there are. */
static int add_panel(sheet *s, const run *r, int n_run, const char *metric) {
    const look k = look_of(metric);
    const int p = s->n;
    char train[80], test[80];
    int n = 0, dashed = 0, plain = 0;
    snprintf(train, sizeof train, "train_%.64s", metric), snprintf(test, sizeof test, "test_%.64s", metric);
    s->panel[p] = (hk_panel){ .title = k.title, .x_label = s->by_step ? "training step" : "epoch", .y_label = k.label };
    for (int i = 0; i < n_run; i++) {
        curve *three[] = { find(&r[i], train, s->by_step), find(&r[i], test, s->by_step), find(&r[i], metric, s->by_step) };
        const char *one[] = { "train", "test", NULL };
        int labelled = 0;
        for (int k3 = 0; k3 < 3; k3++) { /* of several runs, the solid line carries the name */
            const int c = n_run == 1 ? k3 : 2 - k3;
            if (!three[c]) continue;
            for (int64_t q = 0; q < three[c]->n && k.scale != 1; q++) three[c]->y[q] *= k.scale;
            if (n_run == 1) add_series(s, p, three[c], HK_LINE, (uint32_t)(c == 0 ? 1 : 2), one[c]);
            else add_series(s, p, three[c], c == 0 ? HK_LINE | HK_DASHED : HK_LINE, (uint32_t)i + 1, labelled++ ? NULL : r[i].label);
            n++, dashed += c == 0, plain += c == 1;
        }
    }
    if (n_run > 1 && dashed && plain) {
        s->series[p][s->panel[p].n_series++] = (hk_series){ .mark = HK_LINE | HK_DASHED, .color = 8, .label = "train" };
        s->series[p][s->panel[p].n_series++] = (hk_series){ .mark = HK_LINE, .color = 8, .label = "test" };
    }
    s->n += n > 0;
    return n;
}

static int missing(const run *r, int n_run, const char *metric) {
    char have[1024] = "";
    for (int i = 0; i < n_run; i++)
        for (int c = 0; c < r[i].n; c++) {
            char word[80];
            snprintf(word, sizeof word, " %.64s", r[i].curve[c].key);
            if (!strstr(have, word) && strlen(have) + strlen(word) < sizeof have) strcat(have, word);
        }
    return hk__plot_error(HK_EINVAL, "--metric: there is no '%s', nor train_%s or test_%s, in metrics.jsonl; there are:%s", metric, metric, metric, have);
}

static hk_status write_sheet(const void *arg, const char *path, char *why, size_t size) {
    const sheet *s = arg;
    const int columns = s->n < 2 ? 1 : 2, rows = (s->n + columns - 1) / columns;
    const hk_figure f = { .struct_size = sizeof f, .width = columns * 300 + (s->n == 1 ? 120 : 0), .height = rows * 225 + (s->title ? 24 : 0), .columns = columns,
        .title = s->title, .n_panel = s->n, .panel = s->panel, .dpi = s->dpi };
    return hk__figure_write(&f, path, why, size);
}

/* "runs/plain/" is called plain; when two runs would have one name, the whole path. */
static const char *label_of(const char *path, char buf[256]) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/') from--;
    snprintf(buf, 256, "%.*s", (int)(n - from), path + from);
    return buf;
}

int hk__plot_curves(const hk__options *o, const hk__plot_out *out, int n_run, const char *const *path) {
    run r[MAX_RUN] = { { 0 } };
    char label[MAX_RUN][256], metrics[512];
    int code = 0;
    if (n_run > MAX_RUN) return hk__plot_error(HK_EINVAL, "expected at most %d runs, got %d", MAX_RUN, n_run);
    sheet *s = calloc(1, sizeof *s);
    if (!s) return hk__plot_error(HK_ENOMEM, "out of memory");
    s->dpi = out->dpi, s->by_step = 1;
    for (int i = 0; i < n_run; i++) {
        r[i].label = label_of(path[i], label[i]);
        for (int k = 0; k < i; k++)
            if (!strcmp(r[k].label, r[i].label)) r[k].label = path[k], r[i].label = path[i];
    }
    for (int i = 0; i < n_run && !code; i++) {
        code = read_run(&r[i], path[i]);
        for (int c = 0; c < r[i].n; c++) s->by_step &= r[i].curve[c].by_step;
    }
    snprintf(metrics, sizeof metrics, "%s", o->metric ? o->metric : "loss,acc");
    char *rest = metrics;
    for (char *m; !code && (m = strsep(&rest, ","));) {
        if (s->n == MAX_PANEL) code = hk__plot_error(HK_EINVAL, "--metric: expected at most %d names", MAX_PANEL);
        else if (!add_panel(s, r, n_run, m)) code = missing(r, n_run, m);
    }
    if (n_run == 1) s->title = r[0].label;
    if (!code) code = hk__plot_put(out, "curves", write_sheet, s);
    for (int i = 0; i < n_run; i++) free_run(&r[i]);
    free(s);
    return code;
}
