/* state.h - what a run is on disk, and what it takes up again: its folder, weights, settings, checkpoints; batches that are not finite. Part of trainer.h. */
#ifndef HK_RUN_STATE_H
#define HK_RUN_STATE_H

#include "run/job.h"

/* ---- rundir.c: the folder of a run ---- */
#define HK__LATEST "checkpoint_latest.safetensors"
#define HK__PREVIOUS "checkpoint_previous.safetensors"
#define HK__MAX "checkpoint_max.safetensors"
typedef struct hk__rundir {
    char *path; /* NULL: none */
    double t0;
    char started[32];
    int64_t images, resumed; /* of this process; the step it went on from, 0: the beginning */
    int lock;
} hk__rundir;
typedef struct hk__host_info {
    char host[128], cpu[128], kernel[128];
    int cpus;
} hk__host_info;
/* Makes the folder, locks it, removes what killed trainers left. path NULL: does nothing. */
hk_status hk__rundir_open(hk__rundir *, hk__job *, const char *path);
hk_status hk__rundir_begin(hk__rundir *, hk__job *);                                          /* writes config.ini and run.json */
hk_status hk__rundir_report(hk__rundir *, hk__job *, const char *state, int64_t epochs_done); /* writes run.json again */
char *hk__rundir_file(const hk__rundir *, const char *name);                                  /* malloc'ed */
void hk__rundir_close(hk__rundir *);
int hk__make_folders(const char *path); /* and those above it; -1: errno says why not */
void hk__host_read(hk__host_info *);
int hk__cpus(void); /* CPUs this process may use */

/* ---- weights.c: the network's entries in files ---- */
hk_status hk__weights_entry(hk__job *, int i, hk_tensor *out);            /* parameter i as a tensor; the caller frees its data */
hk_status hk__weights_load(hk__job *, const hk_file *, const char *path); /* strict; entries named hk.* are not weights */
#define HK__EMA "hk.ema."
hk_status hk__ema_entry(hk__job *, int i, char **name, hk_tensor *out);        /* average of parameter i; the caller frees name and data */
/* The averages, where the network has them. not there: must: ECHECKPOINT; else they are the weights, as loaded before. */
hk_status hk__ema_load(hk__job *, const hk_file *, const char *path, int must);

/* ---- settings.c: what must not change within a run ---- */
char *hk__settings_text(const hk__conf *);                                        /* "section.key=value" lines, malloc'ed */
hk_status hk__settings_compare(hk__conf *, const char *stored, const char *file); /* ECONFIG names the key */

/* ---- checkpoint.c, restore.c ---- */
#define HK__FORMAT "1"
#define HK__OPTIM "hk.optim."
#define HK__HOOKS "hk.hooks."
typedef struct hk__sums {
    double loss, correct, correct5; /* correct5 NaN: not known */
    int64_t n;
} hk__sums;
typedef struct hk__nan_state { /* run/nan.c */
    int64_t bad, row;  /* batches that were not finite; of these, in a row (skip), or since the state to go back to (rollback) */
    int64_t cuts;      /* times that the learning rate was lowered */
    int64_t good;      /* training step behind which that state was; -1: none is kept */
} hk__nan_state;
typedef struct hk__progress_state {
    int64_t epoch, batch, step; /* epochs done; batches done of the one that runs; training steps done */
    hk__sums train, log;        /* of the epoch that runs; since the last line of metrics.jsonl */
    double best;                /* best test accuracy; -1: none yet */
    hk__nan_state nan;
} hk__progress_state;
typedef struct hk__restored {
    int loaded, fell_back; /* a checkpoint was loaded; it is the generation before a damaged one */
    struct hk_file *file;  /* between open and restore; NULL: there is none to go on from */
    char *path;
    int64_t optim_step;
    hk__progress_state done;
} hk__restored;
/* keep_as (optional): the name that the file there until now gets. */
hk_status hk__checkpoint_write(hk__job *, const char *path, const char *keep_as, const hk__progress_state *);
/* Before plans are made: finds the checkpoint (resume: "auto" or a file) and takes over its choices of how operations are done. Then loads it. */
hk_status hk__restore_open(hk__job *, const hk__rundir *, const char *resume, hk__restored *);
hk_status hk__restore(hk__job *, hk__progress_state *, hk__restored *);
void hk__restored_free(hk__restored *);
char *hk__model_text(const hk__job *);                                                                          /* malloc'ed */

/* ---- nan.c: batches that are not finite, skipped or gone back from. Of a job whose nan is NULL, all of them do nothing ---- */
#define HK__ROLLBACK "hk.rollback."
typedef struct hk__nan hk__nan;
uint32_t hk__nan_flags(const hk__job *); /* of the training executor */
void hk__nan_hold(hk__job *);            /* behind hk__job_network: counts the state to go back to against [run] memory_limit */
hk_status hk__nan_new(hk__job *);        /* and makes it: job->nan */
void hk__nan_free(hk__nan *);
hk_status hk__nan_begin(hk__nan *, hk__progress_state *); /* before the first step of a run that was not resumed */
/* Behind each training step, counted in the progress; *bad: 1: the batch is to be left out of the sums; 2: and a step was, and the learning rate may be another. Warns on stderr. */
hk_status hk__nan_step(hk__nan *, hk__progress_state *, double loss, int *bad);
double hk__nan_lr(const hk__nan *, const hk__progress_state *, double lr); /* what became of a learning rate */
int hk__nan_planes(const hk__nan *, const hk__progress_state *);           /* what a checkpoint needs entries of for the state to go back to: values, optimizer states, averages; 0: nothing */
int hk__nan_has(const hk__nan *, int plane, int i);                        /* of parameter i */
int64_t hk__nan_updates(const hk__nan *);                                  /* optimizer steps behind that state */
hk_status hk__nan_entry(const hk__nan *, int plane, int i, char **name, hk_tensor *); /* the caller frees name and data */
hk_status hk__nan_load(hk__nan *, const hk_file *, const char *path, int64_t updates, hk__progress_state *);

#endif
