/* case.c - one line of [cases], "SHAPE.name = Constructor(...)": a network of that module alone, on random numbers, through the same
 * plans and the same executor as any network. What its single operations take is what the executor's profile says. */
#include "bench/bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

hk_status hk__case_fail(hk__case *c, hk_status st) { return hk__job_fail_ctx(c->j, st, "cases", c->key); }

/* "64x14x14" before the first dot. */
static hk_status parse_key(hk__case *c) {
    const char *p = c->key;
    for (c->rank = 0; c->rank < HK_MAX_RANK; p++) {
        char *end;
        long long v = strtoll(p, &end, 10);
        if (end == p || v < 1) break;
        c->shape[c->rank++] = v;
        p = end;
        if (*p != 'x') break;
    }
    if (c->rank && *p == '.' && p[1]) {
        c->name = p + 1;
        return HK_OK;
    }
    return hk__conf_fail_key(
        c->j->conf, HK_ECONFIG, "cases", c->key, "expected the input's shape before the name, as 64x14x14.conv2 or 784.fc, got '%s'", c->key);
}

hk_status hk__case_new(hk__job *j, int i, double encode, hk__case **out) {
    hk__case *c = calloc(1, sizeof *c);
    *out = c;
    if (!c) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    c->j = j, c->key = hk__conf_key_at(j->conf, "cases", i), c->text = hk__conf_value_at(j->conf, "cases", i);
    hk_status st = parse_key(c);
    char *text = NULL;
    if (st) return st;
    if (asprintf(&text, encode >= 0 ? "Sequential(Poisson(), %s)" : "%s", c->text) < 0) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    st = hk_module_new_from_text(j->ctx, "hk.module/1", text, &c->root);
    free(text);
    hk_network_config nc = hk__job_config(j);
    if (!st) st = hk_network_new(j->ctx, c->root, &nc, &c->net);
    return st ? hk__case_fail(c, st) : HK_OK;
}

/* Numbers of a normal law (Box and Muller), the same in every run. */
static void fill(float *x, int64_t n, double mean, double spread) {
    uint64_t s = 1;
    for (int64_t i = 0; i < n; i += 2) {
        double u[2];
        for (int k = 0; k < 2; k++) s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407), u[k] = ((double)(s >> 11) + 0.5) * 0x1p-53;
        double r = spread * sqrt(-2 * log(u[0])), a = 6.28318530717958647692 * u[1];
        x[i] = (float)(mean + r * cos(a));
        if (i + 1 < n) x[i + 1] = (float)(mean + r * sin(a));
    }
}

static hk_status put(hk__case *c, hk_executor *ex, const char *name, double mean, double spread) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], n = 1;
    hk_status st = hk_executor_dims(ex, name, &rank, dims);
    for (int i = 0; i < rank && !st; i++) n *= dims[i];
    float *x = st ? NULL : malloc((size_t)n * sizeof *x);
    if (!st && !x) return hk__conf_fail(c->j->conf, HK_ENOMEM, "out of memory for %lld numbers", (long long)n);
    if (x) fill(x, n, mean, spread);
    if (!st) st = hk_executor_write(ex, name, HK_F32, x, n);
    free(x);
    return st ? hk__case_fail(c, st) : HK_OK;
}

/* A spread of 0: one picture for all steps, as an encoder takes it. */
static hk_status ready(hk__case *c, hk_executor *ex, double mean, double spread) {
    hk_status st = hk_executor_shape(ex, c->j->T, c->j->batch, spread > 0, c->rank, c->shape);
    return st ? hk__case_fail(c, st) : put(c, ex, "x", mean, spread);
}

hk_status hk__case_train(hk__case *c, double mean, double spread) {
    const hk_output y = { .name = "y", .upstream = 1 };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_TRAIN, .flags = HK_FORGET | HK_INPUT_GRAD, .n_output = 1, .outputs = &y };
    if (!(spread > 0)) ec.flags &= ~(uint32_t)HK_INPUT_GRAD;
    hk_status st = hk_executor_new(c->net, &ec, &c->train);
    if (st) return hk__case_fail(c, st);
    st = ready(c, c->train, mean, spread);
    return st ? st : put(c, c->train, "grad_out:y", 0, 1);
}

hk_status hk__case_infer(hk__case *c, double mean, double spread) {
    const hk_output y = { .name = "y" };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = HK_FORGET, .n_output = 1, .outputs = &y };
    hk_status st = hk_executor_new(c->net, &ec, &c->infer);
    return st ? hk__case_fail(c, st) : ready(c, c->infer, mean, spread);
}

void hk__case_free(hk__case *c) {
    if (!c) return;
    hk_executor_free(c->train), hk_executor_free(c->infer);
    hk_network_free(c->net), hk_module_free(c->root);
    free(c);
}

typedef struct gather {
    hk__op_times *row;
    int64_t iters, run;
    int n, cap, at, oom;
} gather;

/* The same operations come in the same order after each run. */
static void take(void *arg, const hk_op_time *t) {
    gather *g = arg;
    if (g->run == 0 && g->n == g->cap) {
        hk__op_times *grown = realloc(g->row, (size_t)(2 * g->cap + 8) * sizeof *grown);
        g->oom |= !grown;
        if (!grown) return;
        g->row = grown, g->cap = 2 * g->cap + 8;
    }
    if (g->run == 0) {
        double *row = calloc((size_t)g->iters, sizeof *row);
        g->oom |= !row;
        if (!row) return;
        g->row[g->n++] = (hk__op_times){ .op = *t, .t = row };
    }
    if (g->at < g->n) g->row[g->at++].t[g->run] = t->seconds;
}

hk_status hk__case_ops(hk__case *c, int64_t iters, hk__op_times **out, int *n) {
    gather g = { .iters = iters };
    hk_status st = hk_executor_run(c->train);
    for (; g.run < iters && !st && !g.oom; g.run++) {
        int64_t runs;
        double seconds;
        st = hk_executor_profile(c->train, 1, 0);
        if (!st) st = hk_executor_run(c->train);
        g.at = 0;
        if (!st) st = hk_executor_profile_each(c->train, take, &g, &runs, &seconds);
    }
    hk_executor_profile(c->train, 0, 0);
    for (int i = 0; i < g.n; i++) g.row[i].median = hk__bench_median(g.row[i].t, iters);
    *out = g.row, *n = g.n;
    if (st) return hk__case_fail(c, st);
    return g.oom ? hk__conf_fail(c->j->conf, HK_ENOMEM, "out of memory") : HK_OK;
}
