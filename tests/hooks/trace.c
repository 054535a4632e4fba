/* trace.c - for tests/hooks.sh: prints every callback, logs a number, saves a checkpoint, halves the learning rate, fails where it is told to. */
#include <hillock/trainer.h>
#include <math.h>
#include <string.h>

static double calls; /* kept in checkpoints */
static int batches, tests;

static hk_status add_options(hk_trainer *t) {
    static const hk_field fail = { "fail_at", HK_STR, 0, "none", 0, 0, NULL, "the callback that fails" }, zero = { "zero", HK_BOOL, 0, "false", 0, 0, NULL, "train on black pictures" },
                          labels = { "labels", HK_STR, 0, "none", 0, 0, NULL, "y, both: all of class 0, in y alone, in share too" };
    hk_status st = hk_trainer_add_option(t, &fail);
    if (!st) st = hk_trainer_add_option(t, &labels);
    return st ? st : hk_trainer_add_option(t, &zero);
}

static hk_status say(hk_trainer *t, const char *name) {
    hk_trainer_print(t, "call %s epoch %lld step %lld", name, (long long)hk_trainer_now(t)->epoch, (long long)hk_trainer_now(t)->step);
    return strcmp(hk_trainer_text(t, "hooks", "fail_at"), name) ? HK_OK : hk_trainer_fail(t, HK_EDATA, "told to fail at epoch %lld", (long long)hk_trainer_now(t)->epoch);
}

static hk_status setup(hk_trainer *t) {
    calls = batches = tests = 0;
    return hk_trainer_keep(t, "trace", 1, &calls);
}
static hk_status before_run(hk_trainer *t) {
    hk_trainer_print(t, "kept %g, %d parameters, out %s", calls, hk_network_n_param(hk_trainer_network(t)), hk_trainer_out(t) ? "a folder" : "none");
    return say(t, "before_run");
}
static hk_status before_train(hk_trainer *t) { return say(t, "before_train_one_epoch"); }
static hk_status before_batch(hk_trainer *t, hk_minibatch *b) {
    const char *labels = hk_trainer_text(t, "hooks", "labels");
    for (int64_t i = 0; b->train && i < b->n && strcmp(labels, "none"); i++) {
        b->y[i] = 0;
        for (int64_t k = 0; b->share && k < b->classes && !strcmp(labels, "both"); k++) b->share[i * b->classes + k] = k == 0;
    }
    if (b->train && hk_trainer_int(t, "hooks", "zero")) memset(b->x, 0, (size_t)b->elems * sizeof *b->x);
    return HK_OK;
}
static hk_status after_batch(hk_trainer *t, const hk_minibatch *b) {
    if (!(b->loss > 0) || b->correct < 0 || b->correct > (double)b->n || b->elems % b->n) return hk_trainer_fail(t, HK_EINTERNAL, "a batch without numbers");
    if (b->train) batches++, calls++;
    else tests++;
    if (b->train && batches == 1) {
        double grad[320], sum = 0;
        hk_status st = hk_executor_read(hk_trainer_executor(t, 1), "grad:net.2.weight", HK_F64, grad, 320);
        if (st) return st;
        for (int i = 0; i < 320; i++) sum += fabs(grad[i]);
        hk_trainer_print(t, "gradient %s", sum > 0 ? "is there" : "is zero");
    }
    return HK_OK;
}
static hk_status after_train(hk_trainer *t, const hk_epoch *e) {
    if (!(e->train_loss > 0) || !isnan(e->test_loss)) return hk_trainer_fail(t, HK_EINTERNAL, "after_train_one_epoch: numbers are not what they should be");
    return say(t, "after_train_one_epoch");
}
static hk_status before_test(hk_trainer *t) { return say(t, "before_test_one_epoch"); }
static hk_status after_test(hk_trainer *t, const hk_epoch *e) {
    hk_trainer_log(t, "batches so far", calls);
    hk_trainer_print(t, "epoch %lld: %d training batches, %d test batches, loss %s", (long long)e->epoch, batches, tests, e->test_loss > 0 ? "known" : "unknown");
    hk_status st = e->epoch == 1 ? hk_trainer_save(t, "first") : HK_OK;
    return st ? st : say(t, "after_test_one_epoch");
}
static hk_status after_checkpoint(hk_trainer *t, const char *file) {
    hk_trainer_print(t, "wrote %s", strrchr(file, '/') + 1);
    return HK_OK;
}
static void on_exception(hk_trainer *t, hk_status st, const char *text) { hk_trainer_print(t, "exception %s: %s", hk_status_name(st), text); }
static void after_run(hk_trainer *t, hk_status st) { hk_trainer_print(t, "after_run %s", hk_status_name(st)); }

static hk_status install(hk_trainer *t, hk_trainer_hooks *h) {
    (void)t;
    h->add_options = add_options, h->setup = setup, h->before_run = before_run, h->before_train_one_epoch = before_train, h->before_batch = before_batch;
    h->after_batch = after_batch, h->after_train_one_epoch = after_train, h->before_test_one_epoch = before_test, h->after_test_one_epoch = after_test;
    h->after_checkpoint = after_checkpoint, h->on_exception = on_exception, h->after_run = after_run;
    return HK_OK;
}

HK_TRAINER_EXTENSION("trace", "1.0", install);
