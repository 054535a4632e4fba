/* trainer.c - the run: epochs of training steps, a test after each, metrics, checkpoints; stops after the current step when asked to.
 * It draws nothing (progress.c), writes no file itself (metrics.c, rundir.c, checkpoint.c) and knows no layer. */
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stop_signal;

/* The first signal asks, the second one ends the process (SA_RESETHAND). */
static void on_signal(int sig) { stop_signal = sig; }

typedef struct run {
    hk__job *j;
    hk__loader *train, *test;
    hk__metrics metrics;
    hk__progress progress;
    hk__rundir dir;
    hk__progress_state done;
    int64_t epochs, log_every, every;
    double lr;
} run;

typedef struct sums {
    double loss, correct, seconds;
    int64_t n;
} sums;

static void add(sums *s, const hk__batch_result *r, int64_t n) { s->loss += r->loss * (double)n, s->correct += r->correct, s->n += n; }
static double mean(double v, int64_t n) { return n ? v / (double)n : NAN; }

static hk_status io_fail(run *r, const char *what) {
    return hk__conf_fail_key(r->j->conf, HK_EIO, "run", "out", "%s cannot be written: %s", what, strerror(errno));
}

static double epoch_lr(const run *r, int64_t epoch) {
    if (!r->j->scheduler) return r->j->lr;
    const hk_scheduler_type *type = r->j->scheduler->api->type(r->j->scheduler);
    return type->lr(r->j->scheduler, r->j->lr, epoch, r->epochs);
}

static hk_status next_batch(run *r, hk__loader *l) {
    hk_status st = hk__loader_next(l);
    return st ? hk__job_fail_ctx(r->j, st, "data", "name") : HK_OK;
}

/* One epoch of training steps. Allocates nothing after the first step. */
static hk_status train_epoch(run *r, int64_t epoch, sums *s) {
    hk_status st = HK_OK;
    char label[48];
    snprintf(label, sizeof label, "epoch %lld/%lld", (long long)epoch + 1, (long long)r->epochs);
    r->lr = epoch_lr(r, epoch);
    hk_executor_set_lr(r->j->train, r->lr);
    hk__loader_start(r->train, epoch);
    hk__progress_begin(&r->progress, label, r->train->n_batch);
    double t0 = hk__now(), t_log = t0;
    sums log = { 0 };
    for (int64_t b = 0; b < r->train->n_batch && !stop_signal; b++) {
        hk__batch_result got;
        int64_t n;
        if ((st = next_batch(r, r->train))) break;
        n = r->train->count;
        if ((st = hk__job_run(r->j, r->j->train, r->train->x, r->train->y, n, &got))) break;
        r->done.step++, r->dir.images += n;
        add(s, &got, n), add(&log, &got, n);
        if (!isfinite(got.loss)) {
            st = hk__conf_fail_key(r->j->conf, HK_ESTATE, "train", "lr",
                "the loss is %s at training step %lld: the training diverged; lower the learning rate (now %g)", isnan(got.loss) ? "not a number" : "infinite",
                (long long)r->done.step, r->lr);
            break;
        }
        if (r->log_every && r->done.step % r->log_every == 0) {
            double now = hk__now();
            st = hk__metrics_step(&r->metrics, epoch + 1, r->done.step, mean(log.loss, log.n), mean(log.correct, log.n), r->lr, (double)log.n / (now - t_log));
            if (st) {
                st = io_fail(r, "metrics.jsonl");
                break;
            }
            t_log = now, log = (sums){ 0 };
        }
        hk__progress_update(&r->progress, b + 1, s->n, mean(s->loss, s->n), mean(s->correct, s->n));
    }
    s->seconds = hk__now() - t0;
    hk__progress_end(&r->progress);
    return st;
}

static hk_status test_epoch(run *r, sums *s) {
    hk_status st = HK_OK;
    hk__loader_start(r->test, 0);
    hk__progress_begin(&r->progress, "test", r->test->n_batch);
    for (int64_t b = 0; b < r->test->n_batch && !stop_signal; b++) {
        hk__batch_result got;
        if ((st = next_batch(r, r->test))) break;
        if ((st = hk__job_run(r->j, r->j->infer, r->test->x, r->test->y, r->test->count, &got))) break;
        add(s, &got, r->test->count);
        hk__progress_update(&r->progress, b + 1, s->n, mean(s->loss, s->n), mean(s->correct, s->n));
    }
    hk__progress_end(&r->progress);
    return st;
}

static hk_status save(run *r) {
    if (!r->dir.path) return HK_OK;
    char *path = hk__rundir_file(&r->dir, "checkpoint_latest.safetensors");
    if (!path) return hk__conf_fail_key(r->j->conf, HK_ENOMEM, "run", "out", "out of memory");
    hk_status st = hk__checkpoint_write(r->j, path, &r->done);
    free(path);
    return st;
}

static hk_status one_epoch(run *r, int64_t epoch) {
    sums train = { 0 }, test = { 0 };
    hk_status st = train_epoch(r, epoch, &train);
    if (!st && !stop_signal) {
        r->done.epoch = epoch + 1;
        st = test_epoch(r, &test);
    }
    if (st || stop_signal) return st;
    hk__epoch_metrics m = { epoch + 1, mean(train.loss, train.n), mean(train.correct, train.n), mean(test.loss, test.n), mean(test.correct, test.n),
        (double)train.n / train.seconds };
    hk__progress_line(&r->progress, "epoch %lld/%lld  lr %.4g  train loss %.4f acc %.4f  test loss %.4f acc %.4f  %.0f img/s", (long long)m.epoch,
        (long long)r->epochs, r->lr, m.train_loss, m.train_acc, m.test_loss, m.test_acc, m.img_per_s);
    if (hk__metrics_epoch(&r->metrics, &m)) return io_fail(r, "metrics.jsonl");
    if (r->every && m.epoch % r->every == 0 && m.epoch < r->epochs) st = save(r);
    return st ? st : hk__rundir_report(&r->dir, r->j, "running", m.epoch);
}

static hk_status make_loaders(run *r) {
    hk__conf *c = r->j->conf;
    uint64_t seed = (uint64_t)hk__conf_int(c, "run", "seed");
    hk_status st = hk__loader_new(
        r->j->data_type, r->j->ds_train, hk__conf_int(c, "data", "limit"), r->j->batch, 1, (int)hk__conf_int(c, "data", "drop_last"), seed, &r->train);
    if (!st) st = hk__loader_new(r->j->data_type, r->j->ds_test, hk__conf_int(c, "data", "test_limit"), r->j->test_batch, 0, 0, seed, &r->test);
    if (st) return hk__conf_fail_key(c, st, "train", "batch", "%s", hk_status_text(st));
    if (r->train->n_batch == 0)
        return hk__conf_fail_key(c, HK_ECONFIG, "train", "batch",
            "expected at most %lld, the number of training samples, got %lld; or write [data] drop_last = off", (long long)r->train->n, (long long)r->j->batch);
    return HK_OK;
}

static hk_status prepare(run *r, const char *out) {
    hk_status st = make_loaders(r);
    /* Plans are built before anything is written, so that a network that does not fit leaves no run folder behind. */
    int64_t test = r->test ? (r->test->n < r->test->batch ? r->test->n : r->test->batch) : 0;
    if (!st) st = hk__job_shape(r->j, r->j->train, r->train->n < r->train->batch ? r->train->n : r->train->batch);
    if (!st) st = hk__job_shape(r->j, r->j->infer, test);
    if (!st) st = hk__rundir_open(&r->dir, r->j, out);
    if (!st && r->dir.path) {
        char *path = hk__rundir_file(&r->dir, "metrics.jsonl");
        if (!path || hk__metrics_open(&r->metrics, path)) st = io_fail(r, "metrics.jsonl");
        free(path);
    }
    return st;
}

hk_status hk__train(hk__job *j, const char *out, int quiet) {
    run r = { .j = j };
    r.epochs = hk__conf_int(j->conf, "train", "epochs");
    r.log_every = hk__conf_int(j->conf, "run", "log_every");
    r.every = hk__conf_int(j->conf, "checkpoint", "every_epochs");
    hk__progress_open(&r.progress, quiet);

    struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND }, old_int, old_term;
    sigemptyset(&sa.sa_mask);
    stop_signal = 0;
    sigaction(SIGINT, &sa, &old_int), sigaction(SIGTERM, &sa, &old_term);

    hk_status st = prepare(&r, out);
    for (int64_t e = 0; e < r.epochs && !st && !stop_signal; e++) st = one_epoch(&r, e);
    if (!st) st = save(&r);
    if (hk__metrics_close(&r.metrics) && !st) st = io_fail(&r, "metrics.jsonl");
    if (!st && stop_signal)
        st = hk__conf_fail(j->conf, HK_EINTERRUPTED, "stopped by %s after training step %lld, %lld of %lld epochs done%s%s",
            stop_signal == SIGINT ? "Ctrl-C" : "SIGTERM", (long long)r.done.step, (long long)r.done.epoch, (long long)r.epochs,
            r.dir.path ? "; the state is in checkpoint_latest.safetensors of " : "", r.dir.path ? r.dir.path : "");
    if (r.dir.path) {
        hk_status wrote = hk__rundir_report(&r.dir, j, !st ? "done" : st == HK_EINTERRUPTED ? "interrupted" : "failed", r.done.epoch);
        if (!st) st = wrote;
    }
    sigaction(SIGINT, &old_int, NULL), sigaction(SIGTERM, &old_term, NULL);
    hk__loader_free(r.train), hk__loader_free(r.test), hk__rundir_close(&r.dir);
    return st;
}
