/* neuron.c - `hillock bench neuron`: neurons alone. An "image" is one neuron for one step; training is forward and backward from a given
 * upstream gradient, inference is forward. Every case of bench/neuron.ini is timed in turn with the others, round by round, and compared with the
 * first one, so that a plugin's neuron can be put beside LIF:
 *     hillock bench neuron --set plugins.path=DIR --set "cases.1024.mine=Mine(surrogate=ATan(), detach_reset=true)" */
#include "bench/bench.h"
#include <stdlib.h>

enum { MAX_CASE = 16 };

typedef struct timed {
    hk__case *c;
    double *t, median, bytes;
} timed;

typedef struct bytes_sum {
    double bytes;
} bytes_sum;

static void add_bytes(void *arg, const hk_op_time *t) { ((bytes_sum *)arg)->bytes += t->bytes; }

/* What one run moves, each operand of each operation once. */
static hk_status moved(hk__case *c, hk_executor *ex, double *bytes) {
    bytes_sum sum = { 0 };
    int64_t runs;
    double seconds;
    hk_status st = hk_executor_profile(ex, 1, 0);
    if (!st) st = hk_executor_run(ex);
    if (!st) st = hk_executor_profile_each(ex, add_bytes, &sum, &runs, &seconds);
    hk_executor_profile(ex, 0, 0);
    *bytes = sum.bytes;
    return st ? hk__case_fail(c, st) : HK_OK;
}

static hk_status time_round(timed *w, int n, int train, int64_t round) {
    hk_status st = HK_OK;
    for (int i = 0; i < n && !st; i++) {
        hk_executor *ex = train ? w[i].c->train : w[i].c->infer;
        double t0 = hk__now();
        st = hk_executor_run(ex);
        w[i].t[round] = hk__now() - t0;
        if (st) hk__case_fail(w[i].c, st);
    }
    return st;
}

static void print_case(const hk__bench *b, timed *w, const timed *first, const char *phase, const hk__peak *peak) {
    char more[128] = "", json[160], beside[48] = "";
    int64_t steps = w->c->j->T * w->c->j->batch;
    for (int i = 0; i < w->c->rank; i++) steps *= w->c->shape[i];
    w->median = hk__bench_median(w->t, b->iters);
    double rate = w->bytes / w->median;
    if (w != first) snprintf(beside, sizeof beside, "  %.2f of %.16s's speed", first->median / w->median, first->c->name);
    snprintf(more, sizeof more, "  %.1f GB/s  %.0f %% of triad%s", 1e-9 * rate, 100 * rate / peak->bytes, beside);
    snprintf(json, sizeof json, ", \"gbs\": %.3f, \"of_peak\": %.5f, \"to_first\": %.5f", 1e-9 * rate, rate / peak->bytes, first->median / w->median);
    hk__bench_line(b, w->c->name, phase, steps, w->c->j->threads, w->t, b->iters, more, json);
}

static hk_status phase(hk__bench *b, timed *w, int n, int train, const hk__peak *peak) {
    hk_status st = HK_OK;
    for (int i = 0; i < n && !st; i++) {
        st = train ? hk__case_train(w[i].c, 0, 1) : hk__case_infer(w[i].c, 0, 1);
        if (!st) st = moved(w[i].c, train ? w[i].c->train : w[i].c->infer, &w[i].bytes);
    }
    for (int64_t r = 0; r < b->iters && !st; r++) st = time_round(w, n, train, r);
    for (int i = 0; i < n && !st; i++) print_case(b, &w[i], &w[0], train ? "train" : "infer", peak);
    return st;
}

hk_status hk__bench_neuron(hk__bench *b) {
    hk__job *j = NULL;
    hk__peak peak;
    timed w[MAX_CASE] = { { 0 } };
    int n = hk__conf_count(b->conf, "cases");
    hk_status st = hk__job_begin(b->conf, &j);
    if (!st && (n < 1 || n > MAX_CASE))
        st = hk__conf_fail_key(b->conf, HK_ECONFIG, "cases", NULL, "expected 1 to %d neurons, as: 1024.lif = LIF(tau=2.0), got %d", MAX_CASE, n);
    if (!st) st = hk__peak_measure(b, j->threads, hk_context_isa(j->ctx), &peak);
    if (!st) hk__peak_print(b, &peak, j->threads, hk_context_isa(j->ctx));
    for (int i = 0; i < n && !st; i++) {
        w[i].t = malloc((size_t)b->iters * sizeof *w[i].t);
        st = w[i].t ? hk__case_new(j, i, -1, &w[i].c) : hk__conf_fail(b->conf, HK_ENOMEM, "out of memory");
        if (!st && !b->o->json) printf("%s %s: %s\n", b->name, w[i].c->name, w[i].c->text);
    }
    if (!st) st = phase(b, w, n, 1, &peak);
    for (int i = 0; i < n && !st; i++) hk_executor_free(w[i].c->train), w[i].c->train = NULL;
    if (!st) st = phase(b, w, n, 0, &peak);
    for (int i = 0; i < MAX_CASE; i++) hk__case_free(w[i].c), free(w[i].t);
    hk__job_free(j);
    return st;
}
