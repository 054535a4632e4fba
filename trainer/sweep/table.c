/* table.c - the runs of a sweep beside each other: a table on the terminal, sweep.csv with every run, sweep.md, and sweep.svg with their curves. Runs that
 * differ in run.seed alone are one line: mean and standard deviation (n - 1) over the seeds. */
#include "report/report.h"
#include "sweep/sweep.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hk__swept_read(hk__swept *s, const char *out, const char *name) {
    char *folder = NULL, why[512];
    hk__run_files r = { 0 };
    hk__swept_free(s);
    s->name = strdup(name), s->best = s->train_acc = s->seconds = NAN;
    if (!s->name || asprintf(&folder, "%s/%s", out, name) < 0) return;
    hk_status st = hk__run_read(folder, &r, why, sizeof why);
    if (!st && r.n_epoch) {
        const size_t bytes = (size_t)r.n_epoch * sizeof(double);
        s->test_acc = malloc(bytes), s->train_loss = malloc(bytes), s->test_loss = malloc(bytes);
        if (s->test_acc && s->train_loss && s->test_loss) s->n_epoch = r.n_epoch, s->seconds = 0;
        for (int i = 0; i < s->n_epoch; i++) {
            const double seconds = hk__run_number(r.epoch[i], "seconds");
            s->test_acc[i] = hk__run_number(r.epoch[i], "test_acc"), s->train_loss[i] = hk__run_number(r.epoch[i], "train_loss");
            s->test_loss[i] = hk__run_number(r.epoch[i], "test_loss"), s->train_acc = hk__run_number(r.epoch[i], "train_acc");
            s->best = fmax(s->best, s->test_acc[i]), s->seconds += isfinite(seconds) ? seconds : 0;
        }
    }
    if (!st) s->state = !strcmp(hk__run_string(r.info, "state"), "done") ? HK__SWEPT_DONE : HK__SWEPT_OTHER;
    hk__run_free(&r);
    free(folder);
}

void hk__swept_free(hk__swept *s) {
    free(s->name), free(s->test_acc), free(s->train_loss), free(s->test_loss);
    *s = (hk__swept){ 0 };
}

/* ---- groups ---- */

enum { ACC, BEST, TEST_LOSS, TRAIN_ACC, TRAIN_LOSS, SECONDS, N_COLUMN };
static const char *const title[] = { "test acc", "best", "test loss", "train acc", "train loss", "seconds" };
static const char *const key[] = { "test_acc", "best_test_acc", "test_loss", "train_acc", "train_loss", "seconds" };

static double value(const hk__swept *s, int column) {
    const int n = s->n_epoch - 1;
    if (n < 0) return NAN;
    return column == ACC ? s->test_acc[n] : column == BEST ? s->best : column == TEST_LOSS ? s->test_loss[n] : column == TRAIN_ACC ? s->train_acc : column == TRAIN_LOSS ? s->train_loss[n] : s->seconds;
}

typedef struct group {
    int first, *run, n, done; /* runs of it, the first by number */
} group;

static int seed_axis(const hk__axes *a) {
    for (int i = 0; i < a->n; i++)
        if (!strcmp(a->axis[i].key, "run.seed")) return i;
    return -1;
}

/* Of runs that differ in the seed alone. NULL: no memory. */
static group *make_groups(const hk__axes *a, const hk__swept *s, int *n_group) {
    const int n = hk__axes_runs(a), seed = seed_axis(a);
    group *g = calloc((size_t)n, sizeof *g);
    *n_group = 0;
    for (int i = 0; i < n && g; i++) {
        int k = 0, same = 0;
        for (; k < *n_group; k++) {
            same = 1;
            for (int x = 0; x < a->n; x++) same &= x == seed || hk__axes_value(a, i, x) == hk__axes_value(a, g[k].first, x);
            if (same) break;
        }
        if (k == *n_group) g[(*n_group)++] = (group){ .first = i, .run = malloc((size_t)n * sizeof(int)) };
        if (!g[k].run) {
            for (int q = 0; q < *n_group; q++) free(g[q].run);
            return free(g), NULL;
        }
        g[k].run[g[k].n++] = i, g[k].done += s[i].state == HK__SWEPT_DONE;
    }
    return g;
}

static void stats(const group *g, const hk__swept *s, int column, double *mean, double *sd, int *n) {
    double sum = 0, squares = 0;
    *n = 0;
    for (int i = 0; i < g->n; i++) {
        const double v = value(&s[g->run[i]], column);
        if (isfinite(v)) sum += v, (*n)++;
    }
    *mean = *n ? sum / *n : NAN;
    for (int i = 0; i < g->n; i++) {
        const double v = value(&s[g->run[i]], column);
        if (isfinite(v)) squares += (v - *mean) * (v - *mean);
    }
    *sd = *n > 1 ? sqrt(squares / (*n - 1)) : NAN;
}

static void cell_text(const group *g, const hk__swept *s, int column, const char *pm, char out[48]) {
    double mean, sd;
    int n;
    stats(g, s, column, &mean, &sd, &n);
    const char *const one = column == SECONDS ? "%.1f" : "%.4f", *const two = column == SECONDS ? "%.1f%s%.1f" : "%.4f%s%.4f";
    if (!n) snprintf(out, 48, "-");
    else if (g->n == 1 || n < 2) snprintf(out, 48, one, mean);
    else snprintf(out, 48, two, mean, pm, sd);
}

static int best_group(const group *g, int n, const hk__swept *s) {
    double top = -INFINITY, mean, sd;
    int best = -1, have;
    for (int i = 0; i < n; i++) {
        stats(&g[i], s, ACC, &mean, &sd, &have);
        if (have && mean > top) top = mean, best = i;
    }
    return best;
}

/* ---- what is written ---- */

static void state_text(const group *g, char out[48]) {
    if (g->done == g->n) snprintf(out, 48, g->n > 1 ? "%d runs" : "done", g->n);
    else snprintf(out, 48, g->n > 1 ? "%d of %d done" : "not done", g->done, g->n);
}

static void put_grid(FILE *f, const hk__axes *a, const group *g, int n, const hk__swept *s, int markdown) {
    const int seed = seed_axis(a), best = best_group(g, n, s);
    int width[HK__MAX_AXES + N_COLUMN + 1];
    char text[48];
    for (int pass = 0; pass < 2; pass++)
        for (int r = -1; r < n; r++) { /* -1: the head; pass 0 measures */
            int col = 0;
            if (pass && markdown) fputs("| ", f);
            for (int c = 0; c < a->n + N_COLUMN + 1; c++) {
                if (c == seed) continue;
                const char *t = text;
                if (c < a->n) t = r < 0 ? a->axis[c].label : a->axis[c].value[hk__axes_value(a, g[r].first, c)];
                else if (r < 0) t = c < a->n + N_COLUMN ? title[c - a->n] : "";
                else if (c < a->n + N_COLUMN) cell_text(&g[r], s, c - a->n, markdown ? " ± " : " +- ", text);
                else state_text(&g[r], text);
                int w = (int)strlen(t) - (strstr(t, "±") != NULL);
                if (!pass) width[col] = r < 0 || w > width[col] ? w : width[col];
                else fprintf(f, "%s%*s%s%*s", col ? (markdown ? " | " : "  ") : "", c < a->n ? 0 : width[col] - w, "", t, c < a->n ? width[col] - w : 0, "");
                col++;
            }
            if (!pass) continue;
            fprintf(f, "%s%s\n", r == best && r >= 0 && !markdown ? "  <- best" : "", markdown ? " |" : "");
            for (int c = 0; r < 0 && markdown && c < col; c++) fprintf(f, "%s---%s", c ? "|" : "|", c + 1 < col ? "" : "|\n");
        }
}

static void put_csv_text(FILE *f, const char *s) {
    const int quote = s[strcspn(s, ",\"\n")] != 0;
    if (quote) putc('"', f);
    for (; *s; s++) {
        if (*s == '"') putc('"', f);
        putc(*s, f);
    }
    if (quote) putc('"', f);
}

static void put_csv(FILE *f, const hk__axes *a, const hk__swept *s) {
    fputs("run,", f);
    for (int i = 0; i < a->n; i++) put_csv_text(f, a->axis[i].key), putc(',', f);
    fputs("state,epochs", f);
    for (int c = 0; c < N_COLUMN; c++) fprintf(f, ",%s", key[c]);
    putc('\n', f);
    for (int r = 0; r < hk__axes_runs(a); r++) {
        char *name = s[r].name ? NULL : hk__axes_name(a, r);
        put_csv_text(f, s[r].name ? s[r].name : name ? name : ""), putc(',', f);
        free(name);
        for (int i = 0; i < a->n; i++) put_csv_text(f, a->axis[i].value[hk__axes_value(a, r, i)]), putc(',', f);
        fprintf(f, "%s,%d", s[r].state == HK__SWEPT_DONE ? "done" : s[r].state == HK__SWEPT_OTHER ? "not done" : "not begun", s[r].n_epoch);
        for (int c = 0; c < N_COLUMN; c++) {
            const double v = value(&s[r], c);
            if (isfinite(v)) fprintf(f, ",%.9g", v);
            else putc(',', f);
        }
        putc('\n', f);
    }
}

static hk_status put_file(const char *out, const char *name, const hk__axes *a, const group *g, int n, const hk__swept *s, char *why, size_t size) {
    char *path = NULL, *tmp = NULL;
    if (asprintf(&path, "%s/%s", out, name) < 0 || asprintf(&tmp, "%s/%s.tmp", out, name) < 0) return snprintf(why, size, "out of memory"), HK_ENOMEM;
    FILE *f = fopen(tmp, "we");
    if (f && !strcmp(name, "sweep.csv")) put_csv(f, a, s);
    else if (f) {
        fprintf(f, "# Sweep over");
        for (int i = 0; i < a->n; i++) fprintf(f, "%s `%s`", i ? "," : "", a->axis[i].key);
        fputs("\n\n", f), put_grid(f, a, g, n, s, 1);
        if (seed_axis(a) >= 0) fputs("\nMean ± standard deviation over the seeds. Accuracy and losses of the last epoch; best: of any epoch.\n", f);
        else fputs("\nAccuracy and losses of the last epoch; best: of any epoch.\n", f);
        for (int i = 0; i < a->n_fixed; i++) fprintf(f, "%s`%s`", i ? ", " : "\nThe same in all: ", a->fixed[i]);
        if (a->n_fixed) putc('\n', f);
    }
    const int bad = !f || ferror(f) | fclose(f) || rename(tmp, path);
    if (bad) snprintf(why, size, "%s cannot be written: %s", path, strerror(errno)), f ? unlink(tmp) : 0;
    free(path), free(tmp);
    return bad ? HK_EIO : HK_OK;
}

/* ---- curves ---- */

static double *mean_curve(const group *g, const hk__swept *s, int test, int *n) {
    *n = 0;
    for (int i = 0; i < g->n; i++) *n = s[g->run[i]].n_epoch > *n ? s[g->run[i]].n_epoch : *n;
    double *y = malloc((size_t)(*n + 1) * sizeof *y);
    for (int e = 0; y && e < *n; e++) {
        double sum = 0;
        int have = 0;
        for (int i = 0; i < g->n; i++)
            if (e < s[g->run[i]].n_epoch) sum += test ? s[g->run[i]].test_acc[e] : s[g->run[i]].train_loss[e], have++;
        y[e] = have ? sum / have : NAN;
    }
    return y;
}

/* The ten best groups at most: a figure with more lines tells less. */
static hk_status put_figure(const char *out, const hk__axes *a, const group *g, int n, const hk__swept *s, char *why, size_t size) {
    enum { MOST = 10 };
    const int seed = seed_axis(a);
    hk_series line[2][MOST];
    char label[MOST][96];
    double *y[2][MOST], *x = NULL;
    int count = 0, longest = 0, order[MOST];
    memset(line, 0, sizeof line), memset(y, 0, sizeof y);
    for (int i = 0; i < n; i++) { /* the best ones, in the table's order */
        double mine, other, sd;
        int have, better = 0;
        stats(&g[i], s, ACC, &mine, &sd, &have);
        for (int k = 0; k < n; k++) stats(&g[k], s, ACC, &other, &sd, &have), better += other > mine || (other == mine && k < i);
        if (better < MOST && isfinite(mine) && count < MOST) order[count++] = i;
    }
    for (int i = 0; i < count; i++) {
        const group *q = &g[order[i]];
        size_t at = 0;
        label[i][0] = 0;
        for (int c = 0; c < a->n && at < sizeof label[0]; c++)
            if (c != seed) at += (size_t)snprintf(label[i] + at, sizeof label[0] - at, "%s%s %s", at ? ", " : "", a->axis[c].label, a->axis[c].value[hk__axes_value(a, q->first, c)]);
        for (int t = 0; t < 2; t++) {
            int len;
            y[t][i] = mean_curve(q, s, t, &len);
            line[t][i] = (hk_series){ .mark = HK_LINE, .color = (uint32_t)i + 1, .label = label[i][0] ? label[i] : NULL, .n = y[t][i] ? len : 0, .y = y[t][i] };
            longest = len > longest ? len : longest;
        }
    }
    char *path = NULL;
    hk_status st = HK_OK;
    x = malloc((size_t)(longest + 1) * sizeof *x);
    for (int e = 0; x && e < longest; e++) x[e] = e + 1;
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < count; i++) line[t][i].x = x;
    if (!x || asprintf(&path, "%s/sweep.svg", out) < 0) snprintf(why, size, "out of memory"), st = HK_ENOMEM;
    const hk_panel panel[2] = { { .title = seed < 0 ? "test accuracy" : "test accuracy, mean over seeds", .x_label = "epoch", .n_series = count, .series = line[1] },
        { .title = "training loss", .x_label = "epoch", .n_series = count, .series = line[0] } };
    if (!st && count && longest) st = hk__figure_write(&(hk_figure){ .struct_size = sizeof(hk_figure), .width = 760, .height = 300, .columns = 2, .n_panel = 2, .panel = panel }, path, why, size);
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < count; i++) free(y[t][i]);
    free(x), free(path);
    return st;
}

hk_status hk__sweep_table(const hk__axes *a, const hk__swept *s, const char *out, int quiet, char *why, size_t size) {
    int n, any = 0;
    for (int i = 0; i < hk__axes_runs(a); i++) any |= s[i].state != HK__SWEPT_MISSING;
    if (!any) return HK_OK; /* no run began: there is no folder either */
    group *g = make_groups(a, s, &n);
    if (!g) return snprintf(why, size, "out of memory"), HK_ENOMEM;
    hk_status st = put_file(out, "sweep.csv", a, g, n, s, why, size);
    if (!st) st = put_file(out, "sweep.md", a, g, n, s, why, size);
    if (!quiet) putchar('\n'), put_grid(stdout, a, g, n, s, 0);
    if (!st) st = put_figure(out, a, g, n, s, why, size);
    if (st == HK_EUNSUPPORTED) fprintf(stderr, "hillock: sweep: no figure: %s\n", why), st = HK_OK;
    for (int i = 0; i < n; i++) free(g[i].run);
    free(g);
    return st;
}
