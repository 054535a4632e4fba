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

hk_status hk__layers_add(hk__layers *l, const char *path, int n, const char *output, const char *type) {
    char *name = NULL;
    if ((l->n == l->cap && grow(l)) || asprintf(&name, "%.*s%s", n, path, output) < 0) return HK_ENOMEM;
    l->spiking[l->n] = 0, l->type[l->n] = type;
    l->out[l->n++] = (hk_output){ .name = name };
    return HK_OK;
}

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

/* Takes out the output that the network does not have, by the context's error: what runs step by step inside a loop has none. */
static int drop_missing(hk__job *j, hk__layers *l) {
    const char *text = hk_error(j->ctx);
    for (int i = 0; i < l->n; i++) {
        char quoted[600];
        snprintf(quoted, sizeof quoted, "no output '%s'", l->out[i].name);
        if (!strstr(text, quoted)) continue;
        hk__layers_drop(l, i);
        return 1;
    }
    return 0;
}

hk_status hk__layers_executor(hk__job *j, hk__layers *l, uint32_t mode, int64_t n, hk_executor **out) {
    for (;;) {
        hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = mode, .flags = HK_TOP5 | hk__job_flags(j, mode) | (mode == HK_TRAIN ? hk__nan_flags(j) : 0), .n_output = l->n, .outputs = l->out };
        hk_status st = hk_executor_new(j->net, &ec, out);
        if (!st) st = hk_executor_shape(*out, j->T, n, j->steps > 0, j->rank, j->shape);
        if (!st) return HK_OK;
        const int again = st == HK_ENOTFOUND && drop_missing(j, l);
        hk_executor_free(*out), *out = NULL;
        if (!again) return hk__job_fail_ctx(j, st, "model", "type");
    }
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

/* ---- rates of the same samples, epoch by epoch ---- */

enum { SAMPLES = 64 };

/* The first samples of the test. Room for them is made here. */
hk_status hk__rates_new(hk__job *j, int each_neuron, hk__rates **out) {
    hk__rates *r = *out = calloc(1, sizeof *r);
    hk_status st = r ? hk__layers_find(j, 0, &r->layers) : HK_ENOMEM;
    if (st) return hk__conf_fail_key(j->conf, st, "run", "out", "out of memory");
    if (!r->layers.n) return HK_OK;
    if ((st = hk__job_loader(j, 0, &r->test))) return st;
    hk__loader_start(r->test, 0);
    if ((st = hk__loader_next(r->test))) return hk__job_fail_ctx(j, st, "data", "name");
    r->n = r->test->count < SAMPLES ? r->test->count : SAMPLES, r->piece = r->n < PIECE ? r->n : PIECE, r->n -= r->n % r->piece;
    if ((st = hk__layers_executor(j, &r->layers, HK_INFER, r->piece, &r->ex))) return st;
    const size_t n = (size_t)r->layers.n + 1;
    r->mean = calloc(n, sizeof *r->mean), r->weight = calloc(n, sizeof *r->weight);
    r->neuron = calloc(n, sizeof *r->neuron), r->n_neuron = calloc(n, sizeof *r->n_neuron);
    if (!r->mean || !r->weight || !r->neuron || !r->n_neuron) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
    for (int i = 0; i < r->layers.n && each_neuron; i++) {
        int rank;
        int64_t dims[HK_MAX_RANK + 2], each = 1;
        if (hk_executor_dims(r->ex, r->layers.out[i].name, &rank, dims) || rank < 3) continue;
        for (int k = 2; k < rank; k++) each *= dims[k];
        r->n_neuron[i] = each;
        if (!(r->neuron[i] = calloc((size_t)each, sizeof **r->neuron))) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "tensorboard", "out of memory");
    }
    return HK_OK;
}

/* Of an output [T,N,...] of the last run: each neuron's share of a's samples. */
static hk_status add_neurons(hk__rates *r, int i) {
    const int64_t each = r->n_neuron[i];
    int rank;
    int64_t dims[HK_MAX_RANK + 2], n = 1;
    hk_status st = hk_executor_dims(r->ex, r->layers.out[i].name, &rank, dims);
    for (int k = 0; k < rank && !st; k++) n *= dims[k];
    float *v = st ? NULL : malloc((size_t)n * sizeof *v);
    if (!st && !v) st = HK_ENOMEM;
    if (!st) st = hk_executor_read(r->ex, r->layers.out[i].name, HK_F32, v, n);
    const float share = (float)each / (float)n * (float)r->piece / (float)r->n;
    for (int64_t k = 0; k < n && !st; k++) r->neuron[i][k % each] += v[k] * share;
    free(v);
    return st;
}

hk_status hk__rates_measure(hk__rates *r, hk__job *j) {
    for (int i = 0; i < r->layers.n; i++) {
        r->mean[i] = r->weight[i] = 0;
        if (r->neuron[i]) memset(r->neuron[i], 0, (size_t)r->n_neuron[i] * sizeof **r->neuron);
    }
    for (int64_t at = 0; at < r->n && r->layers.n; at += r->piece) {
        hk__batch_result got;
        hk_status st = hk__job_run(j, r->ex, r->test, at, r->piece, &got);
        if (st) return st;
        for (int i = 0; i < r->layers.n; i++) {
            double one, w;
            st = rate(r->ex, r->test, at, r->layers.out[i].name, &one, &w);
            if (!st && r->neuron[i]) st = add_neurons(r, i);
            if (st) return hk__job_fail_ctx(j, st, "model", "type");
            r->mean[i] += one * w, r->weight[i] += w;
        }
    }
    for (int i = 0; i < r->layers.n; i++) r->mean[i] /= r->weight[i] > 0 ? r->weight[i] : 1;
    return HK_OK;
}

void hk__rates_free(hk__rates *r) {
    if (!r) return;
    hk_executor_free(r->ex), hk__loader_free(r->test);
    for (int i = 0; i < r->layers.n && r->neuron; i++) free(r->neuron[i]);
    hk__layers_free(&r->layers);
    free(r->neuron), free(r->n_neuron), free(r->mean), free(r->weight), free(r);
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
