/* stream.c - `hillock bench stream [NET ...]`: one picture, one time step at a time, as a device that must answer at once runs a network.
 *
 * A step is: the input in, one time step from the last state (hk_executor_continue; the first of a picture starts anew), the output back. The
 * networks are those of bench/NET.ini, their T steps for each picture. */
#include "bench/bench.h"
#include <stdlib.h>

enum { LEAST_STEPS = 2000 }; /* timed, unless --iters says how many pictures: the 99th percentile needs some */

static double percentile(const double *sorted, int64_t n, double p) {
    int64_t i = (int64_t)(p * (double)n);
    return sorted[i < n ? i : n - 1];
}

static hk_status one_step(hk__job *j, hk_executor *ex, const hk__loader *l, bool first, float *y, int64_t classes) {
    int64_t elems = 1;
    for (int i = 0; i < j->rank; i++) elems *= j->shape[i];
    hk_status st = hk_executor_write(ex, "x", HK_F32, l->x, elems);
    if (!st) st = first ? hk_executor_run(ex) : hk_executor_continue(ex);
    return st ? st : hk_executor_read(ex, "y", HK_F32, y, classes);
}

static void print_latency(const hk__bench *b, const hk__job *j, double *t, int64_t n) {
    char more[256], json[256];
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += t[i];
    hk__bench_median(t, n); /* sorts */
    snprintf(more, sizeof more, "  latency of a step: p50 %.4f ms  p90 %.4f ms  p99 %.4f ms  max %.4f ms; %.1f steps/s, T=%lld", 1e3 * percentile(t, n, 0.5),
        1e3 * percentile(t, n, 0.9), 1e3 * percentile(t, n, 0.99), 1e3 * t[n - 1], (double)n / sum, (long long)j->T);
    snprintf(json, sizeof json, ", \"p50_ms\": %.5f, \"p90_ms\": %.5f, \"p99_ms\": %.5f, \"max_ms\": %.5f, \"steps_per_s\": %.2f, \"T\": %lld",
        1e3 * percentile(t, n, 0.5), 1e3 * percentile(t, n, 0.9), 1e3 * percentile(t, n, 0.99), 1e3 * t[n - 1], (double)n / sum, (long long)j->T);
    hk__bench_line(b, "", "step", 1, j->threads, t, n, more, json);
}

static hk_status time_steps(hk__bench *b, hk__job *j, hk_executor *ex, hk__loader *l) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], pictures = b->o->iters ? b->o->iters : (LEAST_STEPS + j->T - 1) / j->T, classes = 1, at = 0;
    hk_status st = hk_executor_dims(ex, "y", &rank, dims);
    for (int i = 0; i < rank && !st; i++) classes *= dims[i];
    double *t = malloc((size_t)(pictures * j->T) * sizeof *t);
    float *y = st ? NULL : malloc((size_t)classes * sizeof *y);
    if (!st && (!t || !y)) st = hk__conf_fail(j->conf, HK_ENOMEM, "out of memory for %lld steps", (long long)(pictures * j->T));
    for (int64_t p = -1; p < pictures && !st; p++) { /* the first picture is not timed */
        if (p == 0 && b->o->profile && (st = hk_executor_profile(ex, 1, 0))) hk__job_fail_ctx(j, st, "model", "type");
        if ((st = hk__loader_next(l)) || l->count == 0) {
            hk__loader_start(l, 0);
            if (!st) st = hk__loader_next(l);
        }
        for (int64_t k = 0; k < j->T && !st; k++) {
            double t0 = hk__now();
            if ((st = one_step(j, ex, l, k == 0, y, classes))) hk__job_fail_ctx(j, st, "model", "type");
            if (p >= 0) t[at++] = hk__now() - t0;
        }
    }
    if (!st) print_latency(b, j, t, at);
    if (!st && b->o->profile) st = hk__profile_print(j, ex, b->name, b->o->json);
    free(t), free(y);
    return st;
}

hk_status hk__bench_stream(hk__bench *b) {
    hk__job *j = NULL;
    hk__loader *l = NULL;
    hk_executor *ex = NULL;
    const hk_output y = { .name = "y" };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = HK_NO_LOSS, .n_output = 1, .outputs = &y };
    hk_status st = hk__job_new(b->conf, &j);
    if (!st) st = hk__job_open_data(j, HK__TRAIN_SPLIT);
    if (!st && j->steps) st = hk__conf_fail_key(b->conf, HK_ECONFIG, "data", "name", "stream shows each picture for all T; expected a dataset of pictures, got sequences");
    if (!st) st = hk__job_network(j);
    if (!st && (st = hk__loader_new(j->data_type, j->ds_train, 0, 1, 0, 1, 0, &l))) hk__conf_fail_key(b->conf, st, "train", "batch", "%s", hk_status_text(st));
    if (!st) hk__loader_start(l, 0);
    if (!st && (st = hk_executor_new(j->net, &ec, &ex))) hk__job_fail_ctx(j, st, "model", "type");
    if (!st && (st = hk_executor_shape(ex, 1, 1, 0, j->rank, j->shape))) hk__job_fail_ctx(j, st, "model", "type");
    if (!st) st = time_steps(b, j, ex, l);
    hk_executor_free(ex), hk__loader_free(l), hk__job_free(j);
    return st;
}
