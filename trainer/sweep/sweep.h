/* sweep.h - what the files of `hillock sweep` share. */
#ifndef HK_SWEEP_H
#define HK_SWEEP_H

#include "command/command.h"
#include "trainer.h"

enum { HK__MAX_AXES = 16, HK__MAX_RUNS = 4096 };

/* ---- axes.c: lists of values ---- */
typedef struct hk__axis {
    char *key, *label; /* "train.lr"; "lr", or the key where two have the same end */
    char **value;
    int n;
} hk__axis;
typedef struct hk__axes {
    hk__axis axis[HK__MAX_AXES];
    int n;
    char *fixed[HK__MAX_SET]; /* assignments of one value */
    int n_fixed;
} hk__axes;
/* Splits each --set at the commas that stand in no brackets and no quotes; a value wholly in double quotes is one value, without them. -1: why says what is wrong. */
int hk__axes_read(hk__axes *, int n_set, char *const *set, char *why, size_t size);
int hk__axes_is_list(const char *values);                       /* it has such a comma */
int hk__axes_runs(const hk__axes *);                            /* the product */
int hk__axes_value(const hk__axes *, int run, int axis);        /* number of the value; the last axis changes fastest */
char *hk__axes_name(const hk__axes *, int run);                 /* folder of a run: "lr=0.1,seed=0"; malloc'ed */
void hk__axes_free(hk__axes *);

/* ---- table.c: the runs beside each other ---- */
typedef struct hk__swept {
    char *name;
    int state;  /* HK__SWEPT_* */
    int n_epoch;
    double *test_acc, *train_loss, *test_loss, train_acc, best, seconds; /* arrays: [n_epoch] */
} hk__swept;
enum { HK__SWEPT_MISSING, HK__SWEPT_DONE, HK__SWEPT_OTHER };
void hk__swept_read(hk__swept *, const char *out, const char *name);
void hk__swept_free(hk__swept *);
/* Terminal, OUT/sweep.csv (each run), OUT/sweep.md (groups, then runs), OUT/sweep.svg (curves). Where run.seed is an axis, its values make one group. */
hk_status hk__sweep_table(const hk__axes *, const hk__swept *, const char *out, int quiet, char *why, size_t size);

#endif
