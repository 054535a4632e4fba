/* watch.c - what a training does inside, for `hillock train --watch` and [run] nan = stop: firing rates, membranes inside the surrogate's
 * window, gradient norms, dead and saturated layers, and the first layer whose output is not finite.
 *
 * The training executor itself keeps what is read (hk__watch_executor), so that all numbers are of the training step; they are read at the
 * border, one output at a time into one buffer, only when they are asked for. What keeping costs is that such outputs take memory and are no
 * inner values of a fused operation. */
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BATCHES = 3 };

struct hk__watch {
    hk__job *j;
    const hk__loader *loader; /* the batch's lengths */
    hk__layers layers; /* outputs of the training executor, in the order of the network */
    int watch, nan;
    float *buf;
    int64_t cap, seen; /* numbers that buf has room for; batches looked at for warnings */
    double *rate, *sum, *norm; /* rate: of an output PATH:z the share inside the window */
};

static hk_status no_memory(hk__job *j) { return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "watch", "out of memory"); }
static int path_len(const hk__watch *w, int i) { return (int)strlen(w->layers.out[i].name) - 2; } /* without ":y" */

hk_status hk__watch_new(hk__job *j, int watch, int nan, hk__watch **out) {
    hk__watch *w = *out = calloc(1, sizeof *w);
    if (!w) return no_memory(j);
    w->j = j, w->watch = watch, w->nan = nan;
    if (hk__layers_find(j, nan, &w->layers) || (watch && hk__windows_add(&w->layers)) || hk__monitor_outputs(j, &w->layers)) return no_memory(j);
    w->rate = calloc((size_t)w->layers.n + 1, sizeof *w->rate), w->sum = calloc((size_t)w->layers.n + 1, sizeof *w->sum);
    w->norm = calloc((size_t)hk_network_n_param(j->net) + 1, sizeof *w->norm);
    return w->rate && w->sum && w->norm ? HK_OK : no_memory(j);
}

hk_status hk__watch_executor(hk__watch *w, const hk__loader *l, int64_t n) {
    w->loader = l;
    hk_executor *ex = NULL;
    hk_status st = hk__layers_executor(w->j, &w->layers, HK_TRAIN, n, &ex);
    if (st) return st;
    hk_executor_free(w->j->train);
    w->j->train = ex;
    return HK_OK;
}

/* An output or gradient of the last step into buf; *n numbers. */
static hk_status take(hk__watch *w, const char *name, int64_t *n) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    hk_status st = hk_executor_dims(w->j->train, name, &rank, dims);
    *n = 1;
    for (int i = 0; i < rank && !st; i++) *n *= dims[i];
    if (!st && *n > w->cap) {
        float *grown = realloc(w->buf, (size_t)*n * sizeof *grown);
        if (!grown) return no_memory(w->j);
        w->buf = grown, w->cap = *n;
    }
    if (!st) st = hk_executor_read(w->j->train, name, HK_F32, w->buf, *n);
    return st ? hk__job_fail_ctx(w->j, st, "model", "type") : HK_OK;
}

/* Of an output [T,N,...] in buf, each sample's own steps alone, put together; how many numbers they are. */
static int64_t own_steps(hk__watch *w, const char *name, int64_t n) {
    const int64_t *len = w->loader ? w->loader->len : NULL;
    int rank;
    int64_t dims[HK_MAX_RANK + 2], kept = 0;
    if (!len || hk_executor_dims(w->j->train, name, &rank, dims) || rank < 2) return n;
    const int64_t N = dims[1], row = n / (dims[0] * N);
    for (int64_t k = 0; k < dims[0] * N; k++)
        if (k / N < len[k % N]) memmove(w->buf + kept, w->buf + k * row, (size_t)row * sizeof *w->buf), kept += row;
    return kept;
}

static hk_status read_rates(hk__watch *w) {
    for (int i = 0; i < w->layers.n; i++) {
        int64_t n, spikes = 0;
        if (!w->layers.spiking[i]) continue;
        hk_status st = take(w, w->layers.out[i].name, &n);
        if (st) return st;
        n = own_steps(w, w->layers.out[i].name, n);
        for (int64_t k = 0; k < n; k++) spikes += w->buf[k] != 0.0f;
        w->rate[i] = (double)spikes / (double)n;
    }
    return HK_OK;
}

static hk_status read_windows(hk__watch *w) {
    for (int i = 0; i < w->layers.n; i++) {
        int64_t n;
        if (!hk__window_output(&w->layers, i)) continue;
        hk_status st = take(w, w->layers.out[i].name, &n);
        if (st) return st;
        w->rate[i] = hk__window_share(w->j, w->layers.out[i].name, w->buf, n);
    }
    return HK_OK;
}

static hk_status read_norms(hk__watch *w, double *total) {
    double all = 0;
    for (int i = 0; i < hk_network_n_param(w->j->net); i++) {
        const hk_param_info *p = hk_network_param(w->j->net, i);
        char name[512];
        int64_t n;
        if (!p->learnable) continue;
        snprintf(name, sizeof name, "grad:%s", p->name);
        hk_status st = take(w, name, &n);
        if (st) return st;
        double sum = 0;
        for (int64_t k = 0; k < n; k++) sum += (double)w->buf[k] * (double)w->buf[k];
        w->norm[i] = sqrt(sum), all += sum;
    }
    *total = sqrt(all);
    return HK_OK;
}

static void put_number(FILE *f, double v) {
    if (isfinite(v)) fprintf(f, "%.6g", v);
    else fputs("null", f);
}

/* {"PATH": share, ...} of the firing rates, or of the windows. */
static void print_shares(const hk__watch *w, FILE *f, int windows) {
    int first = 1;
    fputc('{', f);
    for (int i = 0; i < w->layers.n; i++) {
        if (!(windows ? hk__window_output(&w->layers, i) : w->layers.spiking[i])) continue;
        fprintf(f, "%s\"%.*s\": ", first ? "" : ", ", path_len(w, i), w->layers.out[i].name);
        put_number(f, w->rate[i]);
        first = 0;
    }
    fputc('}', f);
}

static void print_line(const hk__watch *w, FILE *f, int64_t epoch, int64_t step, double total) {
    fprintf(f, "{\"epoch\": %lld, \"step\": %lld, \"rate\": ", (long long)epoch, (long long)step);
    print_shares(w, f, 0);
    fputs(", \"window\": ", f);
    print_shares(w, f, 1);
    fputs(", \"grad_norm\": ", f);
    put_number(f, total);
    fputs(", \"grad_norms\": {", f);
    int first = 1;
    for (int i = 0; i < hk_network_n_param(w->j->net); i++) {
        const hk_param_info *p = hk_network_param(w->j->net, i);
        if (!p->learnable) continue;
        fprintf(f, "%s\"%s\": ", first ? "" : ", ", p->name);
        put_number(f, w->norm[i]);
        first = 0;
    }
    fputs("}}\n", f);
}

hk_status hk__watch_log(hk__watch *w, hk__metrics *m, int64_t epoch, int64_t step, int quiet) {
    double total = 0, lowest = INFINITY, highest = -INFINITY;
    if (!w->watch) return HK_OK;
    hk_status st = read_rates(w);
    if (!st) st = read_windows(w);
    if (!st) st = read_norms(w, &total);
    if (st) return st;
    if (m->f) {
        print_line(w, m->f, epoch, step, total);
        if (fflush(m->f)) return hk__conf_fail_key(w->j->conf, HK_EIO, "run", "out", "metrics.jsonl cannot be written: %s", strerror(errno));
    }
    int n = 0;
    double narrow = INFINITY;
    for (int i = 0; i < w->layers.n; i++)
        if (hk__window_output(&w->layers, i)) narrow = fmin(narrow, w->rate[i]);
        else if (w->layers.spiking[i]) lowest = fmin(lowest, w->rate[i]), highest = fmax(highest, w->rate[i]), n++;
    if (quiet || !n) return HK_OK;
    printf("step %lld  firing rates %.4f to %.4f", (long long)step, lowest, highest);
    if (isfinite(narrow)) printf("  in the window %.4f or more", narrow);
    printf("  gradient norm %.4g\n", total);
    return HK_OK;
}

static void warn(const hk__watch *w, int i, int64_t step, const char *what, const char *advice) {
    fprintf(stderr, "hillock: warning: layer %.*s is %s: %.3g of its outputs are spikes, in the %d batches to training step %lld; %s\n", path_len(w, i),
        w->layers.out[i].name, what, w->sum[i], FIRST_BATCHES, (long long)step, advice);
}

hk_status hk__watch_begin(hk__watch *w, int64_t step) {
    if (!w->watch || w->seen == FIRST_BATCHES) return HK_OK;
    hk_status st = read_rates(w);
    if (st) return st;
    for (int i = 0; i < w->layers.n; i++) w->sum[i] += w->rate[i] / FIRST_BATCHES;
    if (++w->seen < FIRST_BATCHES) return HK_OK;
    for (int i = 0; i < w->layers.n; i++) {
        if (!w->layers.spiking[i]) continue;
        if (w->sum[i] < HK__DEAD) warn(w, i, step, "dead", "raise what comes in, or lower its threshold");
        else if (w->sum[i] > HK__SATURATED) warn(w, i, step, "saturated", "lower what comes in, or raise its threshold");
    }
    return HK_OK;
}

static int all_finite(const float *v, int64_t n) {
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(v[k])) return 0;
    return 1;
}

hk_status hk__watch_finite(hk__watch *w, const float *x, int64_t count, int64_t step, double loss) {
    hk__conf *c = w->j->conf;
    if (!w->nan) return HK_OK;
    if (!all_finite(x, count))
        return hk__conf_fail_key(c, HK_EDATA, "data", "name", "the samples of training step %lld have numbers that are not finite", (long long)step);
    for (int i = 0; i < w->layers.n; i++) {
        int64_t n;
        if (!w->layers.type[i][0]) continue; /* another output of a layer */
        hk_status st = take(w, w->layers.out[i].name, &n);
        if (st) return st;
        if (all_finite(w->buf, n)) continue;
        return hk__conf_fail_key(c, HK_ESTATE, "run", "nan",
            "training step %lld: layer %.*s (%s) is the first whose output is not finite; lower the learning rate (now %g)", (long long)step, path_len(w, i),
            w->layers.out[i].name, w->layers.type[i], w->j->lr);
    }
    if (isfinite(loss)) return HK_OK;
    return hk__conf_fail_key(c, HK_ESTATE, "run", "nan", "training step %lld: the loss is not finite, but the output of every layer is", (long long)step);
}

void hk__watch_free(hk__watch *w) {
    if (!w) return;
    hk__layers_free(&w->layers);
    free(w->buf), free(w->rate), free(w->sum), free(w->norm);
    free(w);
}

const hk__layers *hk__watch_layers(const hk__watch *w) { return &w->layers; }
