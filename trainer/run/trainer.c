/* trainer.c - a run from its making to its end: plans, folder, going on from a checkpoint, epochs (epoch.c), checkpoints; stops after the current step
 * when asked to.
 *
 * All of a run's progress is in `done`, which goes into each checkpoint: a run taken up from one computes what it would have computed.
 * It draws nothing (records/progress.c), writes no file itself (records/metrics.c, rundir.c, checkpoint.c) and knows no layer. */
#include "run/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig) { stop_signal = sig; }

typedef hk__run run;

hk_status hk__run_io_fail(run *r, const char *what) {
    return hk__conf_fail_key(r->j->conf, HK_EIO, "run", "out", "%s/%s cannot be written: %s", r->dir.path, what, strerror(errno));
}

hk_status hk__run_save_as(run *r, const char *name, const char *keep_name) {
    char *path = hk__rundir_file(&r->dir, name), *keep = keep_name ? hk__rundir_file(&r->dir, keep_name) : NULL;
    hk_status st = HK_OK;
    if (!path || (keep_name && !keep)) st = hk__conf_fail_key(r->j->conf, HK_ENOMEM, "run", "out", "out of memory");
    /* What a checkpoint says is done has its lines on disk. */
    if (!st && hk__metrics_sync(&r->metrics)) st = hk__run_io_fail(r, "metrics.jsonl");
    if (!st) st = hk__checkpoint_write(r->j, path, keep, &r->done);
    if (!st) st = HK__CALL_ALL(r->t, after_checkpoint, path);
    free(path), free(keep);
    return st;
}

hk_status hk__run_save(run *r) {
    if (!r->dir.path || !r->unsaved) return HK_OK;
    hk_status st = hk__run_save_as(r, HK__LATEST, r->drop_latest ? NULL : HK__PREVIOUS);
    if (!st) r->unsaved = r->drop_latest = 0;
    return st;
}

/* ---- what hooks ask for ---- */

static hk_status hook_save(void *run_, const char *name) {
    run *r = run_;
    return r->dir.path ? hk__run_save_as(r, name, NULL) : HK_OK;
}
static void hook_print(void *run_, const char *text) { hk__progress_line(&((run *)run_)->progress, "%s", text); }
static void hook_lr(void *run_, double lr) { hk__run_set_lr(run_, lr); }

/* ---- beginning ---- */

static hk_status make_loaders(run *r) {
    hk__conf *c = r->j->conf;
    hk_status st = hk__job_loader(r->j, 1, &r->train);
    if (!st) st = hk__job_loader(r->j, 0, &r->test);
    if (st) return st;
    if (r->train->n_batch == 0)
        return hk__conf_fail_key(c, HK_ECONFIG, "train", "batch",
            "expected at most %lld, the number of training samples, got %lld; or write [data] drop_last = off", (long long)r->train->n, (long long)r->j->batch);
    return HK_OK;
}

/* A new run does not write over another one's checkpoints. */
static hk_status refuse_used(run *r) {
    static const char *const names[] = { HK__LATEST, HK__PREVIOUS, HK__MAX };
    for (int i = 0; i < 3; i++) {
        char *path = hk__rundir_file(&r->dir, names[i]);
        if (!path) return hk__conf_fail_key(r->j->conf, HK_ENOMEM, "run", "out", "out of memory");
        int used = !access(path, F_OK);
        free(path);
        if (used)
            return hk__conf_fail_key(r->j->conf, HK_ECONFIG, "run", "out",
                "expected a folder without checkpoints, got %s of a run before; go on with it by --resume auto, "
                "take another folder, or remove the file",
                names[i]);
    }
    return HK_OK;
}

static hk_status open_metrics(run *r) {
    if (!r->dir.path) return HK_OK;
    char *path = hk__rundir_file(&r->dir, "metrics.jsonl");
    hk_status st = HK_OK;
    if (!path || (r->dir.resumed ? hk__metrics_resume(&r->metrics, path, r->done.epoch, r->done.step) : hk__metrics_open(&r->metrics, path)))
        st = hk__run_io_fail(r, "metrics.jsonl");
    free(path);
    return st;
}

static hk_status resume_run(run *r, const char *resume, hk__restored *got) {
    hk_status st = hk__restore(r->j, &r->done, got);
    if (st || !got->loaded) return st;
    if (r->done.batch > r->train->n_batch)
        return hk__conf_fail(r->j->conf, HK_ECHECKPOINT, "%s: expected at most %lld batches done of an epoch, got %lld: the data is not the run's", resume,
            (long long)r->train->n_batch, (long long)r->done.batch);
    r->dir.resumed = r->done.step, r->drop_latest = got->fell_back, r->unsaved = 0;
    if (r->dir.path && strcmp(resume, "auto")) { /* of another folder, or an older one of this */
        char *latest = hk__rundir_file(&r->dir, HK__LATEST);
        r->unsaved = !latest || access(latest, F_OK);
        free(latest);
    }
    hk__progress_line(
        &r->progress, "resumed at training step %lld, %lld of %lld epochs done", (long long)r->done.step, (long long)r->done.epoch, (long long)r->epochs);
    return HK_OK;
}

static hk_status prepare(run *r, const hk__train_options *o) {
    hk__restored got = { 0 };
    hk_status st = make_loaders(r);
    /* How a run's operations are done is known before plans are made. */
    if (!st && o->resume) st = hk__rundir_open(&r->dir, r->j, o->out);
    if (!st && o->resume) st = hk__restore_open(r->j, &r->dir, o->resume, &got);
    /* Plans are built before anything is written, so that a network that does not fit leaves no run folder behind. */
    int64_t test = r->test ? (r->test->n < r->test->batch ? r->test->n : r->test->batch) : 0;
    int64_t n = r->train ? (r->train->n < r->train->batch ? r->train->n : r->train->batch) : 0;
    const int watch = (int)hk__conf_int(r->j->conf, "run", "watch"), nan = hk__conf_int(r->j->conf, "run", "nan") == 1;
    if (!st && (watch || nan || hk__monitor_wanted(r->j))) st = hk__watch_new(r->j, watch, nan, &r->watch);
    if (!st) st = hk__nan_new(r->j);
    if (!st && r->watch) st = hk__watch_executor(r->watch, r->train, n);
    if (!st && hk__monitor_wanted(r->j)) st = hk__monitor_new(r->j, hk__watch_layers(r->watch), &r->monitor);
    if (!st) st = hk__job_shape(r->j, r->j->train, n);
    if (!st) st = hk__job_shape(r->j, r->j->infer, test);
    if (!st && !got.file) st = hk__tune_check(r->j);
    if (!st && o->plan) st = hk__plans_print(r->j);
    if (!st && !o->resume) st = hk__rundir_open(&r->dir, r->j, o->out);
    if (!st && o->resume) st = resume_run(r, o->resume, &got);
    else if (!st && r->dir.path) st = refuse_used(r);
    if (!st) st = hk__nan_begin(r->j->nan, &r->done);
    if (!st) st = hk__rundir_begin(&r->dir, r->j);
    if (!st && o->profile) st = hk__profile_begin(r->j);
    hk__restored_free(&got);
    return st ? st : open_metrics(r);
}

/* Behind open_metrics: what is written of each epoch, the folder of TensorBoard's files named by a hook. */
static hk_status open_records(run *r) {
    char name[256] = "";
    hk_status st = HK_OK;
    if (hk__conf_int(r->j->conf, "run", "tensorboard")) st = r->t->hooks.tensorboard_name(r->t, name, sizeof name);
    return st ? st : hk__records_open(r->j, &r->dir, r->test, name, &r->records);
}

/* What --profile found: also of a run that was stopped. */
static hk_status report_profile(run *r) {
    hk_status st = hk__profile_print(r->j, r->j->train, "training", 0);
    if (!st) st = hk__profile_print(r->j, r->j->infer, "tests", 0);
    if (st || !r->dir.path) return st;
    char *path = hk__rundir_file(&r->dir, "trace.json");
    st = path ? hk__profile_trace(r->j, path) : hk__conf_fail_key(r->j->conf, HK_ENOMEM, "run", "out", "out of memory");
    free(path);
    return st;
}

static const int signals[] = { SIGINT, SIGTERM, SIGUSR1 };
static const char *signal_name(int sig) { return sig == SIGINT ? "Ctrl-C" : sig == SIGTERM ? "SIGTERM" : "SIGUSR1"; }

/* The first signal asks for a checkpoint and the end; a second Ctrl-C ends the process at once. */
static void catch_signals(struct sigaction old[3]) {
    stop_signal = 0;
    for (int i = 0; i < 3; i++) {
        struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (signals[i] == SIGINT ? (int)SA_RESETHAND : 0) };
        sigemptyset(&sa.sa_mask);
        sigaction(signals[i], &sa, &old[i]);
    }
}

hk_status hk__train(hk__job *j, const hk__train_options *o) {
    run r = { .j = j, .t = j->trainer, .done = { .epoch = hk__conf_int(j->conf, "train", "start_epoch"), .best = -1, .nan.good = -1 }, .unsaved = 1, .dir.lock = -1, .stop = &stop_signal };
    struct sigaction old[3];
    r.t->run = (hk__run_access){ &r, hook_save, hook_print, hook_lr };
    r.epochs = hk__conf_int(j->conf, "train", "epochs");
    r.log_every = hk__conf_int(j->conf, "run", "log_every");
    r.every_epochs = hk__conf_int(j->conf, "checkpoint", "every_epochs");
    r.every_steps = hk__conf_int(j->conf, "checkpoint", "every_steps");
    hk__progress_open(&r.progress, o->quiet);
    catch_signals(old);

    hk_status st = prepare(&r, o);
    if (!st) st = open_records(&r);
    const hk_status begun = st;
    r.t->out = r.dir.path, r.t->now.epochs = r.epochs, r.t->now.step = r.done.step, r.t->now.epoch = r.done.epoch, r.t->now.best = r.done.best;
    if (!st) st = HK__CALL_ALL(r.t, before_run);
    while (!st && r.done.epoch < r.epochs && !stop_signal && !r.t->stopping) st = hk__run_epoch(&r);
    if (!st && r.t->stopping && !stop_signal) hk__progress_line(&r.progress, "stopped after %lld of %lld epochs: %s", (long long)r.done.epoch, (long long)r.epochs, r.t->stop);
    if (!st) st = hk__run_save(&r);
    if (!st && o->profile) st = report_profile(&r);
    if (hk__metrics_close(&r.metrics) && !st) st = hk__run_io_fail(&r, "metrics.jsonl");
    if (!st && stop_signal && r.done.epoch < r.epochs && !r.t->stopping)
        st = hk__conf_fail(j->conf, HK_EINTERRUPTED, "stopped by %s after training step %lld, %lld of %lld epochs done%s%s", signal_name(stop_signal),
            (long long)r.done.step, (long long)r.done.epoch, (long long)r.epochs,
            r.dir.path ? "; go on with --resume auto --out " : "; nothing is kept without --out", r.dir.path ? r.dir.path : "");
    if (r.dir.path && !begun) {
        hk_status wrote = hk__rundir_report(&r.dir, j, !st ? "done" : st == HK_EINTERRUPTED ? "interrupted" : "failed", r.done.epoch);
        if (!st) st = wrote;
    }
    if (!begun) hk__records_end(r.records, st != HK_OK && st != HK_EINTERRUPTED);
    for (int i = 0; i < 3; i++) sigaction(signals[i], &old[i], NULL);
    for (int i = 0; i < r.t->n_each; i++) {
        if (st && r.t->each[i].on_exception) r.t->each[i].on_exception(r.t, st, hk__conf_error(j->conf));
        if (!begun && r.t->each[i].after_run) r.t->each[i].after_run(r.t, st);
    }
    r.t->run = (hk__run_access){ 0 }, r.t->out = NULL;
    hk__monitor_free(r.monitor), hk__records_free(r.records), hk__watch_free(r.watch), hk__loader_free(r.train), hk__loader_free(r.test), hk__rundir_close(&r.dir);
    return st;
}
