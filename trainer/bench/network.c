/* network.c - `hillock bench csnn`, `seq-plain`, ...: training and inference of a network on one fixed batch, with train's own network,
 * executors and step.
 *
 * What is timed is what the peers' benchmark times: the batch is in place already; a training step is forward, loss, backward and optimizer; an
 * inference gives the mean of the output over T, without loss and accuracy. The first one is not timed. Then the firing rates of its layers on that
 * batch: a silent network is no speed. */
#include "bench/bench.h"
#include <stdlib.h>

static hk_status time_phase(hk__bench *b, hk__job *j, hk_executor *ex, const hk__loader *l, const char *phase, double *t) {
    double loss = 0;
    char more[48] = "";
    hk_status st = hk__job_put(j, ex, l, 0, l->count, ex == j->train);
    if (st) return st;
    st = hk_executor_run(ex);
    if (!st && b->o->profile) st = hk_executor_profile(ex, 1, 0);
    for (int64_t i = 0; i < b->iters && !st; i++) {
        double t0 = hk__now();
        st = hk_executor_run(ex);
        t[i] = hk__now() - t0;
    }
    if (!st && ex == j->train) st = hk_executor_read(ex, "loss", HK_F64, &loss, 1);
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    snprintf(more, sizeof more, ", \"loss\": %.9g", loss);
    hk__bench_line(b, "", phase, l->count, j->threads, t, b->iters, "", more);
    return HK_OK;
}

/* The output's mean over T, and nothing else. */
static hk_status infer_executor(hk__job *j, hk_executor **ex) {
    const hk_output rate = { .name = "rate" };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = hk__job_flags(j, HK_INFER) | HK_NO_LOSS, .n_output = 1, .outputs = &rate };
    hk_status st = hk_executor_new(j->net, &ec, ex);
    return st ? hk__job_fail_ctx(j, st, "model", "type") : HK_OK;
}

static hk_status open_batch(hk__job *j, hk__loader **l) {
    hk_status st = hk__job_open_data(j, HK__TRAIN_SPLIT);
    j->augment.mixup = j->augment.cutmix = 0; /* one fixed batch, as it is read */
    if (!st) st = hk__job_network(j);
    if (!st && j->data_type->size(j->ds_train) < j->batch)
        st = hk__conf_fail_key(
            j->conf, HK_ECONFIG, "train", "batch", "expected at most %lld, the number of samples", (long long)j->data_type->size(j->ds_train));
    if (!st && (st = hk__loader_new(j->data_type, j->ds_train, j->batch, j->batch, 0, 1, 0, l)))
        hk__conf_fail_key(j->conf, st, "train", "batch", "%s", hk_status_text(st));
    if (st) return st;
    hk__loader_start(*l, 0);
    st = hk__loader_next(*l);
    if (st) return hk__job_fail_ctx(j, st, "data", "name");
    hk__job_close_data(j); /* the batch is read: the process need not hold the other samples, which no run here asks for */
    return HK_OK;
}

hk_status hk__bench_network(hk__bench *b) {
    const hk__options *o = b->o;
    hk__job *j = NULL;
    hk_executor *infer = NULL;
    hk__loader *l = NULL;
    double *t = malloc((size_t)b->iters * sizeof *t);
    hk_status st = t ? hk__job_new(b->conf, &j) : hk__conf_fail_key(b->conf, HK_ENOMEM, "train", NULL, "out of memory");
    if (!st) st = open_batch(j, &l);
    if (!st) hk_executor_set_lr(j->train, j->lr);
    long long before = o->memory && !st ? hk__memory_before() : -1;
    if (!st) st = time_phase(b, j, j->train, l, "train", t);
    if (!st && o->memory) hk__memory_print(j, j->train, before, b->name, o->json);
    if (!st) st = infer_executor(j, &infer);
    if (!st) st = time_phase(b, j, infer, l, "infer", t);
    if (!st) st = hk__rates_print(j, l, b->name, o->json, o->rates);
    if (!st && o->ops) st = hk__ops_print(j, l);
    if (!st && o->profile) st = hk__profile_print(j, j->train, "training", o->json);
    if (!st && o->profile) st = hk__profile_print(j, infer, "inference", o->json);
    if (!st && o->plan && puts("training plan") >= 0) st = hk_executor_print(j->train, stdout);
    if (!st && o->plan && puts("\ninference plan") >= 0) st = hk_executor_print(infer, stdout);
    hk_executor_free(infer), hk__loader_free(l), hk__job_free(j), free(t);
    return st;
}
