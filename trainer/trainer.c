/* trainer.c - the run: epochs of training steps, a test after each, metrics, checkpoints; stops after the current step when asked to.
 *
 * All of a run's progress is in `done`, which goes into each checkpoint: a run taken up from one computes what it would have computed.
 * It draws nothing (progress.c), writes no file itself (metrics.c, rundir.c, checkpoint.c) and knows no layer. */
#include "extend/extend.h"
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig) { stop_signal = sig; }

typedef struct run {
    hk__job *j;
    hk_trainer *t; /* the job's: hooks */
    hk__loader *train, *test;
    hk__metrics metrics;
    hk__progress progress;
    hk__rundir dir;
    hk__records *records; /* NULL: no folder */
    hk__epoch_metrics now; /* of the epoch that runs, as they come in */
    double t_epoch;
    hk__watch *watch; /* NULL: neither watch nor nan nor monitor */
    hk__monitor *monitor;
    hk__progress_state done;
    int64_t epochs, log_every, every_epochs, every_steps;
    double lr;
    int unsaved;     /* something was done since the last checkpoint */
    int drop_latest; /* checkpoint_latest is damaged: the next one replaces it, and checkpoint_previous stays */
} run;

static void add(hk__sums *s, const hk__batch_result *r, int64_t n) { s->loss += r->loss * (double)n, s->correct += r->correct, s->correct5 += r->correct5, s->n += n; }
static double mean(double v, int64_t n) { return n ? v / (double)n : NAN; }

static hk_status io_fail(run *r, const char *what) {
    return hk__conf_fail_key(r->j->conf, HK_EIO, "run", "out", "%s/%s cannot be written: %s", r->dir.path, what, strerror(errno));
}

static double epoch_lr(const run *r, int64_t epoch) {
    if (!r->j->scheduler) return hk__nan_lr(r->j->nan, &r->done, r->j->lr);
    const hk_scheduler_type *type = r->j->scheduler->api->type(r->j->scheduler);
    return hk__nan_lr(r->j->nan, &r->done, type->lr(r->j->scheduler, r->j->lr, epoch, r->epochs));
}

static hk_status next_batch(hk__job *j, hk__loader *l) {
    hk_status st = hk__loader_next(l);
    return st ? hk__job_fail_ctx(j, st, "data", "name") : HK_OK;
}

static hk_status save_as(run *r, const char *name, const char *keep_name) {
    char *path = hk__rundir_file(&r->dir, name), *keep = keep_name ? hk__rundir_file(&r->dir, keep_name) : NULL;
    hk_status st = HK_OK;
    if (!path || (keep_name && !keep)) st = hk__conf_fail_key(r->j->conf, HK_ENOMEM, "run", "out", "out of memory");
    /* What a checkpoint says is done has its lines on disk. */
    if (!st && hk__metrics_sync(&r->metrics)) st = io_fail(r, "metrics.jsonl");
    if (!st) st = hk__checkpoint_write(r->j, path, keep, &r->done);
    if (!st) st = HK__CALL_ALL(r->t, after_checkpoint, path);
    free(path), free(keep);
    return st;
}

static hk_status save(run *r) {
    if (!r->dir.path || !r->unsaved) return HK_OK;
    hk_status st = save_as(r, HK__LATEST, r->drop_latest ? NULL : HK__PREVIOUS);
    if (!st) r->unsaved = r->drop_latest = 0;
    return st;
}

static hk_status log_step(run *r, double *t_log) {
    double now = hk__now();
    const hk__sums *s = &r->done.log;
    hk_status st = hk__records_step(r->records, r->done.step, mean(s->loss, s->n), mean(s->correct, s->n), r->lr);
    if (st) return st;
    if (hk__metrics_step(&r->metrics, r->done.epoch + 1, r->done.step, mean(s->loss, s->n), mean(s->correct, s->n), r->lr, (double)s->n / (now - *t_log)))
        return io_fail(r, "metrics.jsonl");
    *t_log = now, r->done.log = (hk__sums){ 0 };
    return HK_OK;
}

/* Behind a batch whose step was not done. */
static hk_status left_out(run *r) {
    const hk__progress_state *d = &r->done;
    if (hk__conf_real(r->j->conf, "run", "nan_lr") != 1) r->lr = r->t->now.lr = epoch_lr(r, d->epoch), hk__job_set_lr(r->j, r->lr, d->epoch);
    return hk__metrics_skipped(&r->metrics, d->epoch + 1, d->step, d->nan.bad, d->nan.good, r->lr) ? io_fail(r, "metrics.jsonl") : HK_OK;
}

static hk_status diverged(run *r, double loss) {
    return hk__conf_fail_key(r->j->conf, HK_ESTATE, "train", "lr",
        "the loss is %s at training step %lld: the training diverged; lower the learning rate (now %g)", isnan(loss) ? "not a number" : "infinite",
        (long long)r->done.step, r->lr);
}

/* Behind a training step: what --watch shows of it, at the steps that are logged, or else at the last one of an epoch. */
static hk_status watch_step(run *r) {
    const hk__progress_state *d = &r->done;
    hk_status st = hk__watch_begin(r->watch, d->step);
    if (st || !(r->log_every ? d->step % r->log_every == 0 : d->batch == r->train->n_batch)) return st;
    return hk__watch_log(r->watch, &r->metrics, d->epoch + 1, d->step, r->progress.quiet);
}

/* ---- what hooks see and ask for ---- */

static void where(hk_trainer *t, int64_t epoch, int64_t batch, int64_t n_batch) { t->now.epoch = epoch, t->now.batch = batch, t->now.n_batch = n_batch; }

static hk_minibatch seen(const hk_trainer *t, int train, const hk__loader *l) {
    return (hk_minibatch){ .struct_size = (uint32_t)sizeof(hk_minibatch), .train = train, .epoch = t->now.epoch, .batch = t->now.batch,
        .n_batch = t->now.n_batch, .step = t->now.step, .n = l->count, .elems = l->count * l->elems, .x = l->x, .y = l->y, .classes = l->soft ? l->classes : 0, .share = l->soft };
}

static hk_epoch told(const hk__epoch_metrics *m, const run *r) {
    return (hk_epoch){ (uint32_t)sizeof(hk_epoch), 0, m->epoch, r->epochs, r->done.step, r->lr, m->train_loss, m->train_acc, m->test_loss, m->test_acc, m->img_per_s };
}

static hk_status hook_save(void *run_, const char *name) {
    run *r = run_;
    return r->dir.path ? save_as(r, name, NULL) : HK_OK;
}
static void hook_print(void *run_, const char *text) { hk__progress_line(&((run *)run_)->progress, "%s", text); }
static void hook_lr(void *run_, double lr) {
    run *r = run_;
    r->lr = r->t->now.lr = lr;
    hk__job_set_lr(r->j, lr, r->done.epoch);
}

/* Labels that a hook changes are no target where samples are mixed: then it must change the shares. */
static hk_status before_batch(hk__job *j, const hk__loader *l, hk_minibatch *b) {
    const size_t labels = (size_t)l->count * sizeof *l->y, shares = (size_t)(l->count * b->classes) * sizeof *l->soft;
    const XXH64_hash_t y = l->soft ? XXH3_64bits(l->y, labels) : 0, share = l->soft ? XXH3_64bits(l->soft, shares) : 0;
    hk_status st = HK__CALL_ALL(j->trainer, before_batch, b);
    if (st || !l->soft || XXH3_64bits(l->y, labels) == y || XXH3_64bits(l->soft, shares) != share) return st;
    return hk__conf_fail_key(j->conf, HK_ESTATE, "augment", j->augment.mixup > 0 ? "mixup_alpha" : "cutmix_alpha",
        "hook before_batch changed labels, and where samples are mixed the target is their shares of the classes: change hk_minibatch.share too, or do not mix");
}

/* A batch through an executor, with the hooks around it. */
static hk_status run_batch(hk__job *j, hk_executor *ex, const hk__loader *l, hk__batch_result *got) {
    hk_trainer *t = j->trainer;
    hk_minibatch b = seen(t, ex == j->train, l);
    hk_status st = before_batch(j, l, &b);
    if (!st) st = hk__job_run(j, ex, l, 0, l->count, got);
    if (!st) b.loss = got->loss, b.correct = got->correct, st = HK__CALL_ALL(t, after_batch, &b);
    return st;
}

/* One step of the optimizer: a batch, or with [train] accumulate several; fewer at the end of an epoch. */
static hk_status train_step(run *r, hk__sums *got) {
    hk__progress_state *d = &r->done;
    hk_status st = HK_OK;
    *got = (hk__sums){ 0 };
    do {
        hk__batch_result one;
        const double asked = hk__now();
        if ((st = next_batch(r->j, r->train))) return st;
        r->now.data_s += hk__now() - asked;
        if ((st = run_batch(r->j, r->j->train, r->train, &one))) return st;
        if (r->watch && (st = hk__watch_finite(r->watch, r->train->x, r->train->count * r->train->elems, d->step + 1, one.loss))) return st;
        r->t->now.batch = ++d->batch, r->dir.images += r->train->count;
        add(got, &one, r->train->count);
    } while (hk_executor_pending(r->j->train) && d->batch < r->train->n_batch);
    if (hk_executor_pending(r->j->train) && (st = hk_executor_step(r->j->train))) return hk__job_fail_ctx(r->j, st, "train", "accumulate");
    r->t->now.step = ++d->step, r->unsaved = 1;
    return HK_OK;
}

static void add_sums(hk__sums *s, const hk__sums *more) { s->loss += more->loss, s->correct += more->correct, s->correct5 += more->correct5, s->n += more->n; }

/* The training steps of an epoch that are left. Allocates nothing after the first step, but for checkpoints. */
static hk_status train_epoch(run *r) {
    hk_status st = HK_OK;
    hk__progress_state *d = &r->done;
    char label[48];
    snprintf(label, sizeof label, "epoch %lld/%lld", (long long)d->epoch + 1, (long long)r->epochs);
    hook_lr(r, epoch_lr(r, d->epoch));
    hk__loader_start(r->train, d->epoch);
    hk__loader_seek(r->train, d->batch);
    where(r->t, d->epoch + 1, d->batch, r->train->n_batch);
    if ((st = HK__CALL_ALL(r->t, before_train_one_epoch))) return st;
    hk__progress_begin(&r->progress, label, r->train->n_batch);
    hk__progress_from(&r->progress, d->batch, d->train.n);
    double t0 = hk__now(), t_log = t0;
    r->t_epoch = t0, r->now = (hk__epoch_metrics){ .epoch = d->epoch + 1, .lr = r->lr };
    int64_t n0 = d->train.n;
    while (d->batch < r->train->n_batch && !stop_signal) {
        hk__sums got;
        if ((st = train_step(r, &got))) break;
        const double loss = mean(got.loss, got.n);
        int bad;
        if ((st = hk__nan_step(r->j->nan, d, loss, &bad))) break;
        if (bad == 2 && (st = left_out(r))) break;
        if (!bad) add_sums(&d->train, &got);
        if (r->log_every && !bad) add_sums(&d->log, &got);
        if (r->watch && (st = watch_step(r))) break;
        if ((st = hk__monitor_step(r->monitor, d->step, d->batch == r->train->n_batch))) break;
        if (!isfinite(loss) && !bad) {
            st = diverged(r, loss);
            break;
        }
        if (r->log_every && d->step % r->log_every == 0 && (st = log_step(r, &t_log))) break;
        if (r->every_steps && d->step % r->every_steps == 0 && (st = save(r))) break;
        hk__progress_update(&r->progress, d->batch, d->train.n, mean(d->train.loss, d->train.n), mean(d->train.correct, d->train.n));
    }
    r->now.train_s = hk__now() - t0;
    r->now.img_per_s = d->train.n > n0 ? (double)(d->train.n - n0) / r->now.train_s : NAN;
    hk__progress_end(&r->progress);
    return st;
}

hk_status hk__test(hk__job *j, hk__loader *l, hk__progress *p, const volatile sig_atomic_t *stop, hk__show *show, hk__records *records, hk__sums *s) {
    hk_status st = HK_OK;
    *s = (hk__sums){ 0 };
    hk__loader_start(l, 0);
    where(j->trainer, j->trainer->now.epoch, 0, l->n_batch);
    if ((st = HK__CALL_ALL(j->trainer, before_test_one_epoch))) return st;
    hk__records_test(records);
    hk__progress_begin(p, "test", l->n_batch);
    for (int64_t b = 0; b < l->n_batch && !*stop; b++) {
        hk__batch_result got;
        if ((st = next_batch(j, l))) break;
        if ((st = run_batch(j, j->infer, l, &got))) break;
        j->trainer->now.batch = b + 1;
        if (show && (st = hk__show_take(show, j, l))) break;
        if (records && (st = hk__records_batch(records, l))) break;
        add(s, &got, l->count);
        hk__progress_update(p, b + 1, s->n, mean(s->loss, s->n), mean(s->correct, s->n));
    }
    hk__progress_end(p);
    return st;
}

/* What is left of an epoch, and its test. A stop during the test leaves the epoch open: it is tested anew on resuming. */
static hk_status one_epoch(run *r) {
    hk__sums test, train;
    hk_status st = train_epoch(r);
    hk__epoch_metrics *m = &r->now;
    train = r->done.train;
    m->train_loss = mean(train.loss, train.n), m->train_acc = mean(train.correct, train.n), m->train_acc5 = mean(train.correct5, train.n);
    m->test_loss = m->test_acc = m->test_acc5 = NAN;
    hk_epoch e = told(m, r);
    if (!st && !stop_signal) st = hk__monitor_epoch(r->monitor, &r->dir, m->epoch);
    if (!st && !stop_signal) st = HK__CALL_ALL(r->t, after_train_one_epoch, &e);
    double t_test = hk__now();
    if (!st && !stop_signal) st = hk__test(r->j, r->test, &r->progress, &stop_signal, NULL, r->records, &test);
    if (st || stop_signal) return st;
    m->test_loss = mean(test.loss, test.n), m->test_acc = mean(test.correct, test.n), m->test_acc5 = mean(test.correct5, test.n);
    m->test_s = hk__now() - t_test, m->test_img_per_s = (double)test.n / m->test_s;
    e = told(m, r);
    if ((st = HK__CALL_ALL(r->t, after_test_one_epoch, &e))) return st;
    m->n_extra = r->t->n_logged, m->extra = r->t->logged;
    hk__progress_line(&r->progress, "epoch %lld/%lld  lr %.3g  loss %.4f acc %.4f  test loss %.4f acc %.4f", (long long)m->epoch, (long long)r->epochs, r->lr,
        m->train_loss, m->train_acc, m->test_loss, m->test_acc); /* fits 80 columns */
    if ((st = hk__records_epoch(r->records, &r->metrics, m, r->done.step, r->t_epoch))) return st;
    r->t->n_logged = 0;
    int best = r->t->hooks.is_better(r->t, &e);
    r->done = (hk__progress_state){ .epoch = m->epoch, .step = r->done.step, .best = best ? m->test_acc : r->done.best, .nan = r->done.nan };
    r->unsaved = 1, r->t->now.best = r->done.best;
    if (best && r->dir.path) st = save_as(r, HK__MAX, NULL);
    if (!st && r->every_epochs && m->epoch % r->every_epochs == 0) st = save(r);
    return st ? st : hk__rundir_report(&r->dir, r->j, "running", m->epoch);
}

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
        st = io_fail(r, "metrics.jsonl");
    free(path);
    return st;
}

static hk_status resume_run(run *r, const char *resume) {
    hk__restored got;
    hk_status st = hk__restore(r->j, &r->dir, resume, &r->done, &got);
    if (st || !got.loaded) return st;
    if (r->done.batch > r->train->n_batch)
        return hk__conf_fail(r->j->conf, HK_ECHECKPOINT, "%s: expected at most %lld batches done of an epoch, got %lld: the data is not the run's", resume,
            (long long)r->train->n_batch, (long long)r->done.batch);
    r->dir.resumed = r->done.step, r->drop_latest = got.fell_back, r->unsaved = 0;
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
    hk_status st = make_loaders(r);
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
    if (!st && o->plan) st = hk__plans_print(r->j);
    if (!st) st = hk__rundir_open(&r->dir, r->j, o->out);
    if (!st && o->resume) st = resume_run(r, o->resume);
    else if (!st && r->dir.path) st = refuse_used(r);
    if (!st) st = hk__nan_begin(r->j->nan, &r->done);
    if (!st) st = hk__rundir_begin(&r->dir, r->j);
    if (!st && o->profile) st = hk__profile_begin(r->j);
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
    run r = { .j = j, .t = j->trainer, .done = { .epoch = hk__conf_int(j->conf, "train", "start_epoch"), .best = -1, .nan.good = -1 }, .unsaved = 1, .dir.lock = -1 };
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
    while (!st && r.done.epoch < r.epochs && !stop_signal && !r.t->stopping) st = one_epoch(&r);
    if (!st && r.t->stopping && !stop_signal) hk__progress_line(&r.progress, "stopped after %lld of %lld epochs: %s", (long long)r.done.epoch, (long long)r.epochs, r.t->stop);
    if (!st) st = save(&r);
    if (!st && o->profile) st = report_profile(&r);
    if (hk__metrics_close(&r.metrics) && !st) st = io_fail(&r, "metrics.jsonl");
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
