/* rates.c - the firing rate of each spiking layer: spikes per neuron and time step, as an inference on one batch gives them.
 * The neurons' outputs are read at the border and averaged here; the plan is one of its own, so that what is timed stays as it is. It takes
 * few samples at a time: it keeps every spike, which would take more memory than the training. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

typedef struct finder {
    const void *type;
    int found;
} finder;

static void match(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    finder *f = arg;
    f->found |= vtable == f->type && !(((const hk_neuron_type *)vtable)->flags & HK_NEURON_NO_FIRE);
    (void)iface, (void)id, (void)plugin;
}

typedef struct names {
    hk_output *out;
    int n, cap;
} names;

static hk_status collect(hk__job *j, const hk_module *m, names *l) {
    finder f = { m->api->type(m), 0 };
    hk_type_each(j->ctx, "hk.neuron/1", match, &f);
    if (f.found) {
        if (l->n == l->cap) {
            hk_output *grown = realloc(l->out, (size_t)(2 * l->cap + 8) * sizeof *grown);
            if (!grown) return HK_ENOMEM;
            l->out = grown, l->cap = 2 * l->cap + 8;
        }
        char *name = NULL;
        if (asprintf(&name, "%s:y", hk_path(m)) < 0) return HK_ENOMEM;
        l->out[l->n++] = (hk_output){ .name = name };
    }
    for (int i = 0; i < hk_n_child(m); i++) {
        hk_status st = collect(j, hk_child(m, i), l);
        if (st) return st;
    }
    return HK_OK;
}

static hk_status rate(hk_executor *ex, const char *name, double *mean) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], n = 1;
    hk_status st = hk_executor_dims(ex, name, &rank, dims);
    for (int i = 0; i < rank && !st; i++) n *= dims[i];
    float *v = st ? NULL : malloc((size_t)n * sizeof *v);
    if (!st && !v) st = HK_ENOMEM;
    if (!st) st = hk_executor_read(ex, name, HK_F32, v, n);
    *mean = 0;
    for (int64_t i = 0; i < n && !st; i++) *mean += (double)v[i];
    if (!st) *mean /= (double)n;
    free(v);
    return st;
}

enum { PIECE = 16 };

/* mean[i]: of output i over the batch. */
static hk_status means(hk__job *j, hk_executor *ex, const hk__loader *l, const names *outs, double *mean) {
    int64_t elems = 1;
    hk__batch_result got;
    hk_status st = HK_OK;
    for (int i = 0; i < j->rank; i++) elems *= j->shape[i];
    for (int64_t at = 0, n; at < l->count && !st; at += n) {
        n = l->count - at < PIECE ? l->count - at : PIECE;
        if ((st = hk__job_run(j, ex, l->x + at * elems, l->y + at, n, &got))) return st;
        for (int i = 0; i < outs->n && !st; i++) {
            double one;
            if ((st = rate(ex, outs->out[i].name, &one))) return hk__job_fail_ctx(j, st, "model", "type");
            mean[i] += one * (double)n / (double)l->count;
        }
    }
    return st;
}

hk_status hk__rates_print(hk__job *j, const hk__loader *l, const char *name, int json, int lines) {
    names outs = { NULL, 0, 0 };
    hk_executor *ex = NULL;
    hk_status st = collect(j, j->root, &outs);
    double *mean = calloc((size_t)outs.n + 1, sizeof *mean);
    if (!st && !mean) st = HK_ENOMEM;
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = HK_FORGET, .n_output = outs.n, .outputs = outs.out };
    if (!st) st = hk_executor_new(j->net, &ec, &ex);
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    else st = means(j, ex, l, &outs, mean);
    if (!st && json) printf("{\"name\": \"%s\", \"phase\": \"rates\", \"batch\": %lld, \"rates\": {", name, (long long)l->count);
    else if (!st && !lines) printf("%s rates:", name);
    for (int i = 0; i < outs.n && !st; i++) {
        if (json) printf("%s\"%.*s\": %.6g", i ? ", " : "", (int)(strlen(outs.out[i].name) - 2), outs.out[i].name, mean[i]);
        else if (!lines) printf("%s%.*s %.4f", i ? "  " : " ", (int)(strlen(outs.out[i].name) - 2), outs.out[i].name, mean[i]);
        else printf("%s rate %-24.*s %.4f\n", name, (int)(strlen(outs.out[i].name) - 2), outs.out[i].name, mean[i]);
    }
    if (!st && json) printf("}}\n");
    else if (!st && !lines) putchar('\n');
    hk_executor_free(ex);
    free(mean);
    for (int i = 0; i < outs.n; i++) free((char *)(uintptr_t)outs.out[i].name);
    free(outs.out);
    return st;
}
