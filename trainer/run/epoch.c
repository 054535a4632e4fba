/* epoch.c - what a run does over and over: a batch with the hooks around it, a training step of one batch or several, the steps of an epoch, its test.
 *
 * All of a run's progress is in `done`. Nothing is allocated behind the first step but for checkpoints; it knows no layer, and writes no file itself. */
#include "run/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef hk__run run;

static void add(hk__sums *s, const hk__batch_result *r, int64_t n) { s->loss += r->loss * (double)n, s->correct += r->correct, s->correct5 += r->correct5, s->n += n; }
static double mean(double v, int64_t n) { return n ? v / (double)n : NAN; }

static double epoch_lr(const run *r, int64_t epoch) {
    if (!r->j->scheduler) return hk__nan_lr(r->j->nan, &r->done, r->j->lr);
    const hk_scheduler_type *type = r->j->scheduler->api->type(r->j->scheduler);
    return hk__nan_lr(r->j->nan, &r->done, type->lr(r->j->scheduler, r->j->lr, epoch, r->epochs));
}

static hk_status next_batch(hk__job *j, hk__loader *l) {
    hk_status st = hk__loader_next(l);
    return st ? hk__job_fail_ctx(j, st, "data", "name") : HK_OK;
}

static hk_status log_step(run *r, double *t_log) {
    double now = hk__now();
    const hk__sums *s = &r->done.log;
    hk_status st = hk__records_step(r->records, r->done.step, mean(s->loss, s->n), mean(s->correct, s->n), r->lr);
    if (st) return st;
    if (hk__metrics_step(&r->metrics, r->done.epoch + 1, r->done.step, mean(s->loss, s->n), mean(s->correct, s->n), r->lr, (double)s->n / (now - *t_log)))
        return hk__run_io_fail(r, "metrics.jsonl");
    *t_log = now, r->done.log = (hk__sums){ 0 };
    return HK_OK;
}

/* Behind a batch whose step was not done. */
static hk_status left_out(run *r) {
    const hk__progress_state *d = &r->done;
    if (hk__conf_real(r->j->conf, "run", "nan_lr") != 1) r->lr = r->t->now.lr = epoch_lr(r, d->epoch), hk__job_set_lr(r->j, r->lr, d->epoch);
    return hk__metrics_skipped(&r->metrics, d->epoch + 1, d->step, d->nan.bad, d->nan.good, r->lr) ? hk__run_io_fail(r, "metrics.jsonl") : HK_OK;
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

/* ---- what hooks see ---- */

static void where(hk_trainer *t, int64_t epoch, int64_t batch, int64_t n_batch) { t->now.epoch = epoch, t->now.batch = batch, t->now.n_batch = n_batch; }

static hk_minibatch seen(const hk_trainer *t, int train, const hk__loader *l) {
    return (hk_minibatch){ .struct_size = (uint32_t)sizeof(hk_minibatch), .train = train, .epoch = t->now.epoch, .batch = t->now.batch,
        .n_batch = t->now.n_batch, .step = t->now.step, .n = l->count, .elems = l->count * l->elems, .x = l->x, .y = l->y, .classes = l->soft ? l->classes : 0, .share = l->soft };
}

static hk_epoch told(const hk__epoch_metrics *m, const run *r) {
    return (hk_epoch){ (uint32_t)sizeof(hk_epoch), 0, m->epoch, r->epochs, r->done.step, r->lr, m->train_loss, m->train_acc, m->test_loss, m->test_acc, m->img_per_s };
}

void hk__run_set_lr(run *r, double lr) {
    r->lr = r->t->now.lr = lr;
    hk__job_set_lr(r->j, lr, r->done.epoch);
}

/* ---- batches and steps ---- */

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
    hk__run_set_lr(r, epoch_lr(r, d->epoch));
    hk__loader_start(r->train, d->epoch);
    hk__loader_seek(r->train, d->batch);
    where(r->t, d->epoch + 1, d->batch, r->train->n_batch);
    if ((st = HK__CALL_ALL(r->t, before_train_one_epoch))) return st;
    hk__progress_begin(&r->progress, label, r->train->n_batch);
    hk__progress_from(&r->progress, d->batch, d->train.n);
    double t0 = hk__now(), t_log = t0;
    r->t_epoch = t0, r->now = (hk__epoch_metrics){ .epoch = d->epoch + 1, .lr = r->lr };
    int64_t n0 = d->train.n;
    while (d->batch < r->train->n_batch && !*r->stop) {
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
        if (r->every_steps && d->step % r->every_steps == 0 && (st = hk__run_save(r))) break;
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
hk_status hk__run_epoch(run *r) {
    hk__sums test, train;
    hk_status st = train_epoch(r);
    hk__epoch_metrics *m = &r->now;
    train = r->done.train;
    m->train_loss = mean(train.loss, train.n), m->train_acc = mean(train.correct, train.n), m->train_acc5 = mean(train.correct5, train.n);
    m->test_loss = m->test_acc = m->test_acc5 = NAN;
    hk_epoch e = told(m, r);
    if (!st && !*r->stop) st = hk__monitor_epoch(r->monitor, &r->dir, m->epoch);
    if (!st && !*r->stop) st = HK__CALL_ALL(r->t, after_train_one_epoch, &e);
    double t_test = hk__now();
    if (!st && !*r->stop) st = hk__test(r->j, r->test, &r->progress, r->stop, NULL, r->records, &test);
    if (st || *r->stop) return st;
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
    if (best && r->dir.path) st = hk__run_save_as(r, HK__MAX, NULL);
    if (!st && r->every_epochs && m->epoch % r->every_epochs == 0) st = hk__run_save(r);
    return st ? st : hk__rundir_report(&r->dir, r->j, "running", m->epoch);
}
