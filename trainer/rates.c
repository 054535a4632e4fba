/* rates.c - the firing rate of each spiking layer: spikes per neuron and time step, as an inference on one batch gives them.
 * The neurons' outputs are read at the border and averaged here; the plan is one of its own, so that what is timed stays as it is. It takes
 * few samples at a time: it keeps every spike, which would take more memory than the training. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

/* ---- the layers of a network, by type ---- */

typedef struct finder {
    const hk_module *module;
    const char *id; /* of its type */
    int spiking;
} finder;

static void match(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    finder *f = arg;
    (void)plugin;
    if (vtable != f->module->api->type(f->module)) return;
    f->id = id;
    if (!strcmp(iface, "hk.neuron/1")) f->spiking = !(((const hk_neuron_type *)vtable)->flags & HK_NEURON_NO_FIRE);
    else if (!strcmp(iface, "hk.module/1")) { /* a neuron made of operations fires if it has a surrogate */ const hk_module_type *t = vtable;
        for (uint32_t i = 0; t->role == HK_NEURON && i < t->n_fields; i++) f->spiking |= !strcmp(t->fields[i].name, "surrogate");
    }
}

static hk_status grow(hk__layers *l) {
    const int cap = 2 * l->cap + 8;
    hk_output *out = realloc(l->out, (size_t)cap * sizeof *out);
    if (out) l->out = out;
    unsigned char *spiking = realloc(l->spiking, (size_t)cap);
    if (spiking) l->spiking = spiking;
    const char **type = realloc(l->type, (size_t)cap * sizeof *type);
    if (type) l->type = type;
    if (!out || !spiking || !type) return HK_ENOMEM;
    l->cap = cap;
    return HK_OK;
}

/* Children before their parent, so that the first of several is the innermost. */
static hk_status collect(hk__job *j, const hk_module *m, int all, hk__layers *l) {
    finder f = { m, "", 0 };
    for (int i = 0; i < hk_n_child(m); i++) {
        hk_status st = collect(j, hk_child(m, i), all, l);
        if (st) return st;
    }
    hk_type_each(j->ctx, NULL, match, &f);
    if (!f.spiking && (!all || m == j->root)) return HK_OK;
    if (l->n == l->cap && grow(l)) return HK_ENOMEM;
    char *name = NULL;
    if (asprintf(&name, "%s:y", hk_path(m)) < 0) return HK_ENOMEM;
    l->spiking[l->n] = (unsigned char)f.spiking, l->type[l->n] = f.id;
    l->out[l->n++] = (hk_output){ .name = name };
    return HK_OK;
}

hk_status hk__layers_find(hk__job *j, int all, hk__layers *l) { return collect(j, j->root, all, l); }

void hk__layers_drop(hk__layers *l, int i) {
    const size_t behind = (size_t)(l->n - i - 1);
    free((char *)(uintptr_t)l->out[i].name);
    memmove(l->out + i, l->out + i + 1, behind * sizeof *l->out);
    memmove(l->spiking + i, l->spiking + i + 1, behind);
    memmove(l->type + i, l->type + i + 1, behind * sizeof *l->type);
    l->n--;
}

void hk__layers_free(hk__layers *l) {
    while (l->n) hk__layers_drop(l, l->n - 1);
    free(l->out), free(l->spiking), free(l->type);
    *l = (hk__layers){ 0 };
}

/* ---- their rates on a batch ---- */

/* Mean of an output over the batch; where samples have lengths, over each one's own steps. *weight: of how many rows. */
static hk_status rate(hk_executor *ex, const hk__loader *l, int64_t at, const char *name, double *mean, double *weight) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], n = 1, rows = 0;
    hk_status st = hk_executor_dims(ex, name, &rank, dims);
    for (int i = 0; i < rank && !st; i++) n *= dims[i];
    float *v = st ? NULL : malloc((size_t)n * sizeof *v);
    if (!st && !v) st = HK_ENOMEM;
    if (!st) st = hk_executor_read(ex, name, HK_F32, v, n);
    *mean = 0;
    if (!st && l->len && rank >= 2) { /* [T,N,...] */
        const int64_t T = dims[0], N = dims[1], row = n / (T * N);
        for (int64_t k = 0; k < T * N; k++) {
            if (k / N >= l->len[at + k % N]) continue;
            rows++;
            for (int64_t i = 0; i < row; i++) *mean += (double)v[k * row + i];
        }
        *mean /= (double)(rows * row);
    } else if (!st) {
        for (int64_t i = 0; i < n; i++) *mean += (double)v[i];
        *mean /= (double)n, rows = rank >= 2 ? dims[0] * dims[1] : 1;
    }
    *weight = (double)rows;
    free(v);
    return st;
}

enum { PIECE = 16 };

/* mean[i]: of output i over the batch. */
static hk_status means(hk__job *j, hk_executor *ex, const hk__loader *l, const hk__layers *outs, double *mean, double *weight) {
    hk__batch_result got;
    hk_status st = HK_OK;
    for (int64_t at = 0, n; at < l->count && !st; at += n) {
        n = l->count - at < PIECE ? l->count - at : PIECE;
        if ((st = hk__job_run(j, ex, l, at, n, &got))) return st;
        for (int i = 0; i < outs->n && !st; i++) {
            double one, w;
            if ((st = rate(ex, l, at, outs->out[i].name, &one, &w))) return hk__job_fail_ctx(j, st, "model", "type");
            mean[i] += one * w, weight[i] += w;
        }
    }
    for (int i = 0; i < outs->n; i++) mean[i] /= weight[i] > 0 ? weight[i] : 1;
    return st;
}

hk_status hk__rates_print(hk__job *j, const hk__loader *l, const char *name, int json, int lines) {
    hk__layers outs = { 0 };
    hk_executor *ex = NULL;
    hk_status st = hk__layers_find(j, 0, &outs);
    double *mean = calloc(2 * (size_t)outs.n + 2, sizeof *mean);
    if (!st && !mean) st = HK_ENOMEM;
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = hk__job_flags(j, HK_INFER), .n_output = outs.n, .outputs = outs.out };
    if (!st) st = hk_executor_new(j->net, &ec, &ex);
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    else st = means(j, ex, l, &outs, mean, mean + outs.n);
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
    hk__layers_free(&outs);
    return st;
}
