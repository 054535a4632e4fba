/* run.h - a run of `hillock train`: what trainer.c (its beginning and end, checkpoints, signals) and epoch.c (batches, steps, tests) share. */
#ifndef HK_RUN_H
#define HK_RUN_H

#include "extend/extend.h"
#include "trainer.h"

typedef struct hk__run {
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
    const volatile sig_atomic_t *stop; /* not 0: the signal that asks for the end */
} hk__run;

/* ---- trainer.c ---- */
hk_status hk__run_io_fail(hk__run *, const char *what);                              /* errno says why that file cannot be written */
hk_status hk__run_save(hk__run *);                                                   /* checkpoint_latest, where something was done since */
hk_status hk__run_save_as(hk__run *, const char *name, const char *keep_name);       /* keep_name (optional): of the file before it */

/* ---- epoch.c ---- */
hk_status hk__run_epoch(hk__run *);          /* what is left of an epoch, its test, its line; st OK and *stop set: it stays open */
void hk__run_set_lr(hk__run *, double lr);   /* of the steps that follow */

#endif
