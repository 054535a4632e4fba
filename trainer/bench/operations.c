/* operations.c - `hillock bench gemm`, `conv`, `spikes`: single operations of the configured backend over a table of shapes (bench/NAME.ini).
 *
 * Each case is a network of one layer, forward and backward from a random upstream gradient. Its operations are timed one by one by the
 * executor's profile, and compared with what the machine can do. For spikes the layer's input comes from an encoder of a given density, and
 * the same layer on dense numbers is what it must beat: the break-even density is where both take the same time. */
#include "bench/bench.h"
#include <stdlib.h>
#include <string.h>

static void free_times(hk__op_times *t, int n) {
    for (int i = 0; i < n; i++) free(t[i].t);
    free(t);
}

static void print_op(const hk__bench *b, const hk__case *c, const hk__op_times *t, int64_t iters, const hk__peak *peak) {
    bool product = t->op.flop > 0;
    double rate = (product ? t->op.flop : t->op.bytes) / t->median, part = rate / (product ? peak->flops : peak->bytes);
    long long rows = (long long)(c->j->T * c->j->batch);
    if (b->o->json)
        printf("{\"name\": \"%s\", \"case\": \"%s\", \"module\": \"%s\", \"op\": \"%s\", \"rows\": %lld, \"threads\": %d, \"iters\": %lld, \"%s\": %.4f, "
               "\"of_peak\": %.5f, "
               "\"median_ms\": %.5f, \"min_ms\": %.5f, \"impl\": \"%s\"}\n",
            b->name, c->name, c->text, t->op.op, rows, c->j->threads, (long long)iters, product ? "gflops" : "gbs", 1e-9 * rate, part, 1e3 * t->median,
            1e3 * t->t[0], t->op.impl);
    else
        printf("%s %-9s %-14s rows=%lld threads=%d: %8.2f %-7s %5.1f %% of %s  (%.3f ms, min %.3f)  %s\n", b->name, c->name, t->op.op, rows, c->j->threads,
            1e-9 * rate, product ? "GFLOP/s" : "GB/s", 100 * part, product ? "peak" : "triad", 1e3 * t->median, 1e3 * t->t[0], t->op.impl);
    fflush(stdout);
}

static hk_status begin(hk__bench *b, hk__job **j, hk__peak *peak) {
    hk_status st = hk__job_begin(b->conf, j);
    if (!st && !hk__tune_measures(b->conf) && strcmp(hk__conf_text(b->conf, "run", "tune"), "off") != 0)
        st = hk__conf_fail_key(b->conf, HK_ECONFIG, "run", "tune", "expected off or on, got '%s': choices of a network are none of single operations", hk__conf_text(b->conf, "run", "tune"));
    if (!st && hk__conf_count(b->conf, "cases") == 0)
        st = hk__conf_fail_key(b->conf, HK_ECONFIG, "cases", NULL, "expected at least one case, as: 784.fc = Linear(784, 10)");
    if (!st) st = hk__peak_measure(b, (*j)->threads, hk_context_isa((*j)->ctx), peak);
    if (!st) hk__peak_print(b, peak, (*j)->threads, hk_context_isa((*j)->ctx));
    return st;
}

hk_status hk__bench_products(hk__bench *b) {
    hk__job *j = NULL;
    hk__peak peak;
    hk_status st = begin(b, &j, &peak);
    for (int i = 0; i < hk__conf_count(b->conf, "cases") && !st; i++) {
        hk__case *c = NULL;
        hk__op_times *t = NULL;
        int n = 0;
        double all = 0;
        st = hk__case_new(j, i, -1, &c);
        if (!st) st = hk__case_train(c, 0, 1);
        if (!st) st = hk__case_ops(c, b->iters, &t, &n);
        if (!st && !b->o->json) printf("%s %-9s %s\n", b->name, c->name, c->text);
        for (int k = 0; k < n; k++) all += t[k].median;
        for (int k = 0; k < n && !st; k++)
            if (t[k].op.flop > 0 || t[k].median > 0.02 * all) print_op(b, c, &t[k], b->iters, &peak);
        free_times(t, n), hk__case_free(c);
    }
    hk__job_free(j);
    return st;
}

/* ---- spikes ---- */

enum { MAX_DENSITY = 16, MAX_OP = 8 };
typedef struct density_list {
    double at[MAX_DENSITY];
    int n;
} density_list;

static hk_status read_densities(hk__bench *b, density_list *d) {
    const char *p = hk__conf_opt_text(b->conf, "model", "densities");
    for (d->n = 0; p && *(p += strspn(p, " ,")) && d->n < MAX_DENSITY;) {
        char *end;
        double v = strtod(p, &end);
        if (end == p || !(v > 0 && v < 1) || (d->n && v <= d->at[d->n - 1])) break;
        d->at[d->n++] = v, p = end;
    }
    if (d->n && p && !*p) return HK_OK;
    return hk__conf_fail_key(b->conf, HK_ECONFIG, "model", "densities", "expected up to %d rising numbers between 0 and 1, as 0.02 0.1 0.5", MAX_DENSITY);
}

typedef struct dense_time { /* of one operation */
    char op[32], impl[48];
    double seconds, at[MAX_DENSITY]; /* on dense numbers; by density */
    int n, own;                      /* own: spikes have an implementation of their own */
} dense_time;

/* From which density on dense numbers are faster, as text, and as a number: 0 below the first density, 1 above the last. A backend turns to its dense way
 * by itself; where it did so before the two were even, the time jumps to the dense one, and what the densities before it say is said instead. */
static double break_even(const dense_time *d, const density_list *l, char *text, size_t size) {
    int k = d->n - 1; /* the last that is faster */
    while (k >= 0 && d->at[k] >= d->seconds) k--;
    if (!d->own) return snprintf(text, size, "none: the same way for both (%s)", d->impl), 0;
    if (k < 0) return snprintf(text, size, "below %.0f %%", 100 * l->at[0]), 0;
    if (k == d->n - 1) return snprintf(text, size, "above %.0f %%", 100 * l->at[k]), 1;
    double between = l->at[k] + (l->at[k + 1] - l->at[k]) * (d->seconds - d->at[k]) / (d->at[k + 1] - d->at[k]);
    double slope = k ? (d->at[k] - d->at[k - 1]) / (l->at[k] - l->at[k - 1]) : 0, ahead = slope > 0 ? l->at[k] + (d->seconds - d->at[k]) / slope : between;
    if (ahead <= l->at[k + 1] || d->at[k] > 0.95 * d->seconds) return snprintf(text, size, "%.1f %%", 100 * between), between;
    snprintf(text, size, "above %.0f %%: the dense way is taken before %.0f %%; times until %.0f %% point to %.0f %%", 100 * l->at[k], 100 * l->at[k + 1],
        100 * l->at[k], 100 * (ahead < 1 ? ahead : 1));
    return ahead < 1 ? ahead : 1;
}

static void print_spikes(const hk__bench *b, const hk__case *c, const hk__op_times *t, double density, double dense) {
    double rate = t->op.flop / t->median;
    if (b->o->json)
        printf("{\"name\": \"%s\", \"case\": \"%s\", \"module\": \"%s\", \"op\": \"%s\", \"density\": %.4f, \"rows\": %lld, \"threads\": %d, \"gflops\": %.3f, "
               "\"to_dense\": "
               "%.4f, \"median_ms\": %.5f, \"min_ms\": %.5f, \"impl\": \"%s\"}\n",
            b->name, c->name, c->text, t->op.op, density, (long long)(c->j->T * c->j->batch), c->j->threads, 1e-9 * rate, dense / t->median, 1e3 * t->median,
            1e3 * t->t[0], t->op.impl);
    else
        printf("%s %-9s %-10s density %4.1f %%: %5.2fx dense  %8.2f GFLOP/s as if dense  (%.3f ms, min %.3f)  %s\n", b->name, c->name, t->op.op, 100 * density,
            dense / t->median, 1e-9 * rate, 1e3 * t->median, 1e3 * t->t[0], t->op.impl);
    fflush(stdout);
}

static void print_break_even(const hk__bench *b, const hk__case *c, const dense_time *d, const density_list *l) {
    char text[160];
    double at = break_even(d, l, text, sizeof text);
    if (b->o->json) printf("{\"name\": \"%s\", \"case\": \"%s\", \"op\": \"%s\", \"break_even\": %.4f, \"text\": \"%s\"}\n", b->name, c->name, d->op, at, text);
    else printf("%s %-9s %-10s break-even: %s\n", b->name, c->name, d->op, text);
    fflush(stdout);
}

/* Products of case i on dense numbers. */
static hk_status time_dense(hk__bench *b, hk__job *j, int i, const hk__peak *peak, dense_time *d, int *n_op) {
    hk__case *c = NULL;
    hk__op_times *t = NULL;
    int n = 0;
    hk_status st = hk__case_new(j, i, -1, &c);
    if (!st) st = hk__case_train(c, 0, 1);
    if (!st) st = hk__case_ops(c, b->iters, &t, &n);
    if (!st && !b->o->json) printf("%s %-9s %s\n", b->name, c->name, c->text);
    for (int k = 0; k < n && !st; k++) {
        if (!(t[k].op.flop > 0) || *n_op == MAX_OP) continue;
        print_op(b, c, &t[k], b->iters, peak);
        d[*n_op] = (dense_time){ .seconds = t[k].median };
        snprintf(d[*n_op].op, sizeof d->op, "%s", t[k].op.op);
        snprintf(d[*n_op].impl, sizeof d->impl, "%s", t[k].op.impl);
        ++*n_op;
    }
    free_times(t, n), hk__case_free(c);
    return st;
}

/* Products of case i on spikes of one density: those that have spikes as an operand, all but the gradient of the input. */
static hk_status time_density(hk__bench *b, hk__job *j, int i, double density, dense_time *d, int n_op) {
    hk__case *c = NULL;
    hk__op_times *t = NULL;
    int n = 0;
    hk_status st = hk__case_new(j, i, density, &c);
    if (!st) st = hk__case_train(c, density, 0);
    if (!st) st = hk__case_ops(c, b->iters, &t, &n);
    for (int k = 0; k < n && !st; k++)
        for (int a = 0; a < n_op; a++) {
            if (strcmp(d[a].op, t[k].op.op)) continue;
            d[a].at[d[a].n++] = t[k].median;
            d[a].own |= strncmp(d[a].impl, t[k].op.impl, sizeof d->impl - 1) != 0;
            print_spikes(b, c, &t[k], density, d[a].seconds);
        }
    free_times(t, n), hk__case_free(c);
    return st;
}

hk_status hk__bench_spikes(hk__bench *b) {
    hk__job *j = NULL;
    hk__peak peak;
    density_list list;
    hk_status st = read_densities(b, &list);
    if (!st) st = begin(b, &j, &peak);
    for (int i = 0; i < hk__conf_count(b->conf, "cases") && !st; i++) {
        dense_time d[MAX_OP];
        int n_op = 0;
        hk__case named = { .j = j, .name = strchr(hk__conf_key_at(b->conf, "cases", i), '.') };
        st = time_dense(b, j, i, &peak, d, &n_op);
        for (int k = 0; k < list.n && !st; k++) st = time_density(b, j, i, list.at[k], d, n_op);
        named.name += named.name != NULL;
        for (int a = 0; a < n_op && !st; a++)
            if (d[a].n) print_break_even(b, &named, &d[a], &list);
    }
    hk__job_free(j);
    return st;
}
