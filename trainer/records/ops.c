/* ops.c - `--ops`: what each layer's products cost, as multiplications and additions of a dense network and as synaptic operations of a spiking one.
 *
 * MACs are counted by the core from shapes (two floating point operations each). Where all of a layer's inputs are 0 or 1, its synaptic operations are
 * additions, one for each spike and connection: MACs times the share of inputs that are 1, which is exact for Linear, and for a convolution but
 * for what its border cuts off. Shares are measured on one batch. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 64 }; /* at most: an inference that keeps an input takes memory */

typedef struct layer {
    const char *path;
    double macs, share; /* of the batch; of inputs that are not 0, -1: not known */
    int binary;
} layer;
typedef struct table {
    layer *row;
    int n, cap, oom;
} table;

static void add(void *arg, const hk_op_time *t) {
    table *b = arg;
    int i = 0;
    if (t->phase != 0 || !(t->flop > 0)) return;
    while (i < b->n && strcmp(b->row[i].path, t->path)) i++;
    if (i == b->cap) {
        layer *grown = realloc(b->row, (size_t)(2 * b->cap + 16) * sizeof *grown);
        if (!grown) {
            b->oom = 1;
            return;
        }
        b->row = grown, b->cap = 2 * b->cap + 16;
    }
    if (i == b->n) b->row[b->n++] = (layer){ .path = t->path, .share = -1 };
    b->row[i].macs += t->flop / 2;
}

static hk_status no_memory(hk__job *j) { return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", NULL, "out of memory"); }

/* The layers with products, by a run of which the core measures each operation. */
static hk_status count(hk__job *j, const hk__loader *l, int64_t n, hk_executor *ex, table *b) {
    hk__batch_result got;
    int64_t runs;
    double seconds;
    hk_status st = hk__job_shape(j, ex, n);
    if (!st && hk_executor_profile(ex, 1, 0)) return hk__job_fail_ctx(j, HK_ENOMEM, "model", "type");
    if (!st) st = hk__job_run(j, ex, l, 0, n, &got);
    if (!st) st = hk_executor_profile_each(ex, add, b, &runs, &seconds);
    return b->oom ? no_memory(j) : st;
}

/* The share of a layer's inputs that are not 0, of an inference that keeps them. */
static hk_status measure(hk__job *j, const hk__loader *l, int64_t samples, layer *r) {
    char name[512];
    snprintf(name, sizeof name, "%s:in", strcmp(r->path, ".") ? r->path : "");
    const hk_output out = { .name = name };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = hk__job_flags(j, HK_INFER), .n_output = 1, .outputs = &out };
    hk_executor *ex = NULL;
    int rank;
    int64_t dims[HK_MAX_RANK + 2], n = 1, ones = 0, others = 0;
    hk__batch_result got;
    hk_status st = hk_executor_new(j->net, &ec, &ex);
    if (!st) st = hk_executor_shape(ex, j->T, samples, j->steps > 0, j->rank, j->shape);
    if (st == HK_ENOTFOUND) { /* inside a loop */
        hk_executor_free(ex);
        return HK_OK;
    }
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    else st = hk__job_run(j, ex, l, 0, samples, &got);
    if (!st) st = hk_executor_dims(ex, name, &rank, dims);
    for (int i = 0; i < rank && !st; i++) n *= dims[i];
    float *v = st ? NULL : malloc((size_t)n * sizeof *v);
    if (!st && !v) st = no_memory(j);
    if (!st && (st = hk_executor_read(ex, name, HK_F32, v, n))) hk__job_fail_ctx(j, st, "model", "type");
    for (int64_t i = 0; i < n && !st; i++) ones += v[i] == 1.0f, others += v[i] != 1.0f && v[i] != 0.0f;
    if (!st) r->share = (double)(ones + others) / (double)n, r->binary = !others;
    free(v);
    hk_executor_free(ex);
    return st;
}

static void print(const table *b, int64_t samples) {
    double macs = 0, left = 0, synops = 0;
    printf("operations of one sample, measured on %lld\n  %-24s %14s %9s %14s\n", (long long)samples, "layer", "MACs, dense", "inputs", "SynOps");
    for (int i = 0; i < b->n; i++) {
        const layer *r = &b->row[i];
        const double m = r->macs / (double)samples;
        char share[16] = "-", syn[32] = "-";
        macs += m;
        if (r->share >= 0) snprintf(share, sizeof share, "%.2f %%", 100 * r->share);
        if (r->binary) snprintf(syn, sizeof syn, "%.0f", m * r->share), synops += m * r->share;
        else left += m;
        printf("  %-24s %14.0f %9s %14s\n", r->path, m, share, syn);
    }
    printf("  %-24s %14.0f %9s %14.0f\n", "all", macs, "", synops);
    if (left > 0) printf("  layers whose inputs are no spikes keep their %.0f MACs\n", left);
}

hk_status hk__ops_print(hk__job *j, const hk__loader *l) {
    const int64_t n = l->count < SAMPLES ? l->count : SAMPLES;
    table b = { NULL, 0, 0, 0 };
    hk_executor *ex = NULL;
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = hk__job_flags(j, HK_INFER) | HK_UNFUSED };
    hk_status st = hk_executor_new(j->net, &ec, &ex);
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    else st = count(j, l, n, ex, &b);
    for (int i = 0; i < b.n && !st; i++) st = measure(j, l, n, &b.row[i]);
    if (!st) print(&b, n);
    hk_executor_free(ex); /* paths of the table are its own */
    free(b.row);
    return st;
}
