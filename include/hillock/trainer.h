/* hillock/trainer.h - the Trainer, extended in C: a table of hooks with public defaults, as a program or as a shared object named in the ini.
 *
 * A program of its own, which reads the same ini files and has the same options as `hillock train`:
 *
 *     static hk_status my_optimizer(hk_trainer *t, hk_module **out) { return hk_trainer_new_module(t, "hk.optimizer/1", "Adamax(lr=0.002)", out); }
 *     int main(int argc, char **argv) {
 *         hk_trainer_hooks hooks = HK_TRAINER_HOOKS_DEFAULT;
 *         hooks.make_optimizer = my_optimizer;
 *         return hk_trainer_main(argc, argv, &hooks);
 *     }
 *
 * A shared object, for `[hooks] load = ./mine.so`: HK_TRAINER_EXTENSION("mine", "1.0", install), where install(t, hooks) changes slots of a
 * table of its own, handed to it with the defaults. Several can be named, and a program can have some named too: options, setup, callbacks and
 * preprocessing of all are called, in this order; what can only be made once (a model, an optimizer, a loss, ...) may be changed by one of them.
 *
 * Every slot is called by the thread that runs the Trainer, one at a time; what a slot gets is valid during the call. A slot that fails gives a
 * status and says why by hk_trainer_fail; the run ends with that error, the last checkpoint stays. Slots and their names follow
 * spikingjelly.activation_based.model.train_classify.Trainer, callbacks those of Lightning. */
#ifndef HILLOCK_TRAINER_H
#define HILLOCK_TRAINER_H

#include "hillock/hillock.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hk_trainer hk_trainer;

/* Where a run is. */
typedef struct hk_trainer_progress {
    uint32_t struct_size, pad;
    int64_t epoch, epochs;   /* the one that runs, from 1; [train] epochs */
    int64_t batch, n_batch;  /* batches done of the epoch, or of the test while one runs; all of it */
    int64_t step;            /* training steps done since the run began */
    double lr, best;         /* learning rate now; best test accuracy so far, -1: none */
} hk_trainer_progress;

/* An epoch's numbers: means over samples. Behind training and before the test the test's are NaN. */
typedef struct hk_epoch {
    uint32_t struct_size, pad;
    int64_t epoch, epochs, step;
    double lr, train_loss, train_acc, test_loss, test_acc, img_per_s;
} hk_epoch;

/* A batch on the host. x[n,*] in the data set's shape (sequences: [T,n,*]); y[n]: labels. Where [augment] mixes samples, the target of a training step is
 * share[n, classes], and y has the labels from before: a hook that changes y must change share too, else the run ends with an error. */
typedef struct hk_minibatch {
    uint32_t struct_size;
    int32_t train;           /* 1: of a training step; 0: of a test */
    int64_t epoch, batch, n_batch, step, n;
    int64_t elems;           /* numbers in x */
    float *x;
    int64_t *y;
    double loss, correct;    /* after_batch: mean loss, samples right */
    int64_t classes;         /* of share */
    float *share;            /* NULL: y is the target */
} hk_minibatch;

typedef struct hk_trainer_hooks {
    uint32_t struct_size, pad;
    /* ---- arguments ---- */
    hk_status (*add_options)(hk_trainer *);       /* hk_trainer_add_option: before files and command line are read */
    hk_status (*setup)(hk_trainer *);             /* they are read, plugins are loaded: read options, hk_plugin_add, hk_trainer_keep */
    /* ---- what a configuration names, made. *out is the Trainer's, which frees it ---- */
    hk_status (*make_data)(hk_trainer *, hk_module **out);      /* "hk.dataset/1": load_data */
    hk_status (*make_model)(hk_trainer *, hk_module **out);     /* load_model */
    hk_status (*make_loss)(hk_trainer *, hk_module **out);
    hk_status (*make_optimizer)(hk_trainer *, hk_module **out); /* "hk.optimizer/1": set_optimizer */
    hk_status (*make_scheduler)(hk_trainer *, hk_module **out); /* "hk.scheduler/1", or *out = NULL: set_lr_scheduler */
    /* ---- in the graph: operations, once per plan. The gradient flows through them; NULL: none, at no cost ---- */
    hk_value (*preprocess_train_sample)(hk_trainer *, hk_builder *, hk_value x);
    hk_value (*preprocess_test_sample)(hk_trainer *, hk_builder *, hk_value x);
    hk_value (*process_model_output)(hk_trainer *, hk_builder *, hk_value y);
    hk_value (*compute_loss)(hk_trainer *, hk_builder *, hk_value y, hk_value target, const hk_module *loss); /* one number */
    /* ---- choices ---- */
    int (*is_better)(hk_trainer *, const hk_epoch *now);        /* 1: keep this network as checkpoint_max */
    hk_status (*tensorboard_name)(hk_trainer *, char *name, size_t size); /* of the folder under OUT/tb: get_tb_logdir_name */
    /* ---- callbacks ---- */
    hk_status (*before_run)(hk_trainer *);                      /* plans are built, a checkpoint is loaded */
    hk_status (*before_train_one_epoch)(hk_trainer *);
    hk_status (*before_batch)(hk_trainer *, hk_minibatch *);        /* x, y and share may be changed in place */
    hk_status (*after_batch)(hk_trainer *, const hk_minibatch *);
    hk_status (*after_train_one_epoch)(hk_trainer *, const hk_epoch *);
    hk_status (*before_test_one_epoch)(hk_trainer *);
    hk_status (*after_test_one_epoch)(hk_trainer *, const hk_epoch *); /* before the epoch's line is written: hk_trainer_log adds to it */
    hk_status (*after_checkpoint)(hk_trainer *, const char *file);
    void (*on_exception)(hk_trainer *, hk_status, const char *text);   /* an error ends the run; what was to be saved was */
    void (*after_run)(hk_trainer *, hk_status);
} hk_trainer_hooks;

/* ---- the public defaults ---- */
HK_API hk_status hk_default_add_options(hk_trainer *);
HK_API hk_status hk_default_setup(hk_trainer *);
HK_API hk_status hk_default_make_data(hk_trainer *, hk_module **out);      /* [data] name */
HK_API hk_status hk_default_make_model(hk_trainer *, hk_module **out);     /* [model], [layers] */
HK_API hk_status hk_default_make_loss(hk_trainer *, hk_module **out);      /* [train] loss */
HK_API hk_status hk_default_make_optimizer(hk_trainer *, hk_module **out); /* [train] optimizer with [train] lr */
HK_API hk_status hk_default_make_scheduler(hk_trainer *, hk_module **out); /* [train] scheduler */
HK_API int hk_default_is_better(hk_trainer *, const hk_epoch *);           /* test_acc above the best so far */
HK_API hk_status hk_default_tensorboard_name(hk_trainer *, char *name, size_t size); /* model, T, batch, optimizer, lr and seed in a name */
#define HK_TRAINER_HOOKS_DEFAULT                                                                                                                               \
    { (uint32_t)sizeof(hk_trainer_hooks), 0, hk_default_add_options, hk_default_setup, hk_default_make_data, hk_default_make_model, hk_default_make_loss,     \
        hk_default_make_optimizer, hk_default_make_scheduler, NULL, NULL, NULL, NULL, hk_default_is_better, hk_default_tensorboard_name,                       \
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL } /* callbacks: NULL, nothing is called */

/* `hillock train` with these hooks: argv as of main. Returns the exit code. The words train, eval and plan as argv[1] choose that command. The
 * table is copied; hooks NULL: the defaults. */
HK_API int hk_trainer_main(int argc, char **argv, const hk_trainer_hooks *hooks);

/* ---- what slots may call ---- */
/* Keeps the text (with the slot's name in front) as the run's error; returns the status. */
HK_API hk_status hk_trainer_fail(hk_trainer *, hk_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* In add_options: a key of the ini's [hooks] and an option --NAME, '-' for '_', listed by --help. Kinds BOOL, INT, REAL, STR, ENUM, each with
 * its default, range or choices. The texts are kept by pointer. EINVAL: no name, no default, or a name that exists. */
HK_API hk_status hk_trainer_add_option(hk_trainer *, const hk_field *);
/* From setup on: a key of the resolved configuration, as ("train", "batch") or ("hooks", "mask_ratio"). Unknown: 0, NaN, NULL. */
HK_API int64_t hk_trainer_int(const hk_trainer *, const char *section, const char *key); /* BOOL: 0, 1; ENUM: index */
HK_API double hk_trainer_real(const hk_trainer *, const char *section, const char *key);
HK_API const char *hk_trainer_text(const hk_trainer *, const char *section, const char *key);
/* A module from constructor text, as "Adamax(lr=0.002)" for "hk.optimizer/1". */
HK_API hk_status hk_trainer_new_module(hk_trainer *, const char *iface, const char *text, hk_module **out);
/* Numbers that belong to the run: written into each checkpoint as hk.hooks.NAME and read back on resuming. In setup; kept by pointer. */
HK_API hk_status hk_trainer_keep(hk_trainer *, const char *name, int n, double *values);
HK_API void hk_trainer_log(hk_trainer *, const char *key, double value); /* into the next epoch's line of metrics.jsonl; 32 keys at most; key is copied */
HK_API void hk_trainer_print(hk_trainer *, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a line of its own beside the bar; not with --quiet */
HK_API void hk_trainer_stop(hk_trainer *, const char *why);              /* the run ends, well, behind this epoch; in before_run: at once */
HK_API void hk_trainer_set_lr(hk_trainer *, double lr);                  /* until the next epoch begins */
HK_API hk_status hk_trainer_save(hk_trainer *, const char *name);        /* a checkpoint NAME.safetensors in the run's folder; without one: nothing. In callbacks */
HK_API const hk_trainer_progress *hk_trainer_now(const hk_trainer *);
HK_API const char *hk_trainer_out(const hk_trainer *);                   /* the run's folder; NULL: none */
HK_API hk_context *hk_trainer_context(hk_trainer *);                     /* from setup on */
HK_API hk_network *hk_trainer_network(hk_trainer *);                     /* from before_run on */
HK_API hk_executor *hk_trainer_executor(hk_trainer *, int train);        /* likewise; reads loss, "grad:PARAM" and the like behind a batch */

/* ---- the entry of a shared object ---- */
typedef struct hk_trainer_extension {
    uint32_t magic, struct_size;
    uint64_t print;          /* HK_TRAINER_PRINT */
    const char *id, *version;
    hk_status (*install)(hk_trainer *, hk_trainer_hooks *); /* once, before add_options */
} hk_trainer_extension;
#define HK_TRAINER_MAGIC 0x544b4c48u /* "HLKT" */
#define HK_TRAINER_PRINT                                                                                                                                       \
    HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_ABI_PRINT, hk_trainer_progress, best), hk_epoch, img_per_s), hk_minibatch, share), hk_trainer_hooks, after_run)
#define HK_TRAINER_EXTENSION(id_, version_, install_)                                                                                                          \
    HK_PLUGIN_LINKAGE HK_EXPORT extern const hk_trainer_extension hk_extension;                                                                                \
    const hk_trainer_extension hk_extension = { HK_TRAINER_MAGIC, (uint32_t)sizeof(hk_trainer_extension), HK_TRAINER_PRINT, id_, version_, install_ }

#ifdef __cplusplus
}
#endif
#endif
