/* early_stop.c - ends a run when a number has not become better for some epochs, as torch users know it from
 * lightning.pytorch.callbacks.EarlyStopping: monitor, patience, min_delta, mode by the number's name (losses fall, accuracies rise).
 * Best and count are kept in checkpoints, so that a run that was killed stops where it would have stopped.
 * Use: [hooks] load = early_stop, patience = 3, monitor = test_loss. */
#include <hillock/trainer.h>
#include <math.h>

static struct { double best, waited; } kept; /* hk.hooks.early_stop of a checkpoint */

static hk_status add_options(hk_trainer *t) {
    static const hk_field fields[] = {
        { "monitor", HK_ENUM, 0, "test_acc", 0, 0, "test_acc|test_loss|train_acc|train_loss", "the number that shall become better" },
        { "patience", HK_INT, 0, "3", 1, 1e6, NULL, "epochs without a better one before the run ends" },
        { "min_delta", HK_REAL, 0, "0", 0, 1e6, NULL, "by so much at least" },
    };
    hk_status st = HK_OK;
    for (int i = 0; i < 3 && !st; i++) st = hk_trainer_add_option(t, &fields[i]);
    return st;
}

static hk_status setup(hk_trainer *t) {
    kept.best = NAN, kept.waited = 0;
    return hk_trainer_keep(t, "early_stop", 2, &kept.best);
}

static void look(hk_trainer *t) {
    if (kept.waited < (double)hk_trainer_int(t, "hooks", "patience")) return;
    char why[128];
    snprintf(why, sizeof why, "%s was no better than %.6g for %.0f epochs", hk_trainer_text(t, "hooks", "monitor"), kept.best, kept.waited);
    hk_trainer_stop(t, why);
}

static hk_status before_run(hk_trainer *t) {
    look(t); /* resumed behind its end */
    return HK_OK;
}

static hk_status after_test_one_epoch(hk_trainer *t, const hk_epoch *e) {
    const double numbers[] = { e->test_acc, e->test_loss, e->train_acc, e->train_loss }; /* as in monitor */
    const int64_t which = hk_trainer_int(t, "hooks", "monitor");
    const double now = numbers[which], gain = which % 2 ? kept.best - now : now - kept.best;
    if (isnan(kept.best) || gain > hk_trainer_real(t, "hooks", "min_delta")) kept.best = now, kept.waited = 0;
    else kept.waited++;
    look(t);
    return HK_OK;
}

static hk_status install(hk_trainer *t, hk_trainer_hooks *hooks) {
    (void)t;
    hooks->add_options = add_options;
    hooks->setup = setup;
    hooks->before_run = before_run;
    hooks->after_test_one_epoch = after_test_one_epoch;
    return HK_OK;
}

HK_TRAINER_EXTENSION("early_stop", "1.0", install);
