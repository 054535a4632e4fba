/* job.h - what a configuration names, made: modules, data, network, executors, choices, groups of parameters; and one batch run. Part of trainer.h. */
#ifndef HK_RUN_JOB_H
#define HK_RUN_JOB_H

#include "data/data.h"

/* ---- job.c: everything that a configuration names, made ---- */
typedef struct hk__job {
    hk__conf *conf;
    struct hk_trainer *trainer; /* the configuration's */
    hk_context *ctx;
    hk_module *root, *loss, *optimizer, *scheduler, *data;
    hk_module **learner; /* of [learners], in its order */
    int n_learner;
    struct hk__groups *groups; /* NULL: there is no [groups] */
    struct hk__nan *nan; /* NULL unless [run] nan is skip or rollback */
    hk_network *net;
    hk_executor *train, *infer;
    const hk_dataset_type *data_type;
    void *ds_train, *ds_test;
    int64_t T, batch, test_batch, shape[HK_MAX_RANK];
    int64_t steps;   /* of the data's sequences, which is T; 0: pictures */
    int lengths, workers; /* samples have lengths; [data] workers */
    hk__augment augment;
    struct hk__part *part; /* of a batch that is run in parts */
    double lr; /* [train] lr */
    int rank, threads, top5[2]; /* top5: of infer, train: 1 there is "correct5", -1 not, 0 not known before the first run */
} hk__job;

typedef struct hk__batch_result {
    double loss, correct, correct5; /* correct5: labels among the five largest; NaN where there are fewer classes */
} hk__batch_result;

/* conf is checked and kept by pointer. Errors are the text of hk__conf_error(conf). Each step needs the ones before. */
hk_status hk__job_begin(hk__conf *conf, hk__job **out); /* plugins alone */
hk_status hk__job_new(hk__conf *conf, hk__job **out);   /* plugins, modules, dataset types */
enum { HK__TRAIN_SPLIT = 1, HK__TEST_SPLIT = 2 };
hk_status hk__job_open_data(hk__job *, int splits);           /* opens them; shape of a sample */
void hk__job_close_data(hk__job *);                           /* before hk__job_free does; loaders of them may not be asked for more */
hk_network_config hk__job_config(const hk__job *);            /* what [run] and [backend] say of a network */
hk_status hk__job_network(hk__job *);                         /* parameters, both executors */
hk_status hk__job_shape(hk__job *, hk_executor *, int64_t n); /* chooses, or builds, the plan for n samples */
hk_status hk__job_fail_model(hk__job *, hk_status);           /* an error about the network, at the line of the layer that it names, if there is one */
int64_t hk__job_held(const hk__job *);                        /* bytes of data and batches */
void hk__job_free_part(hk__job *);
uint32_t hk__job_flags(const hk__job *, uint32_t mode);       /* what the data and [augment] ask of an executor; HK_FORGET too */
/* A loader of a split as the configuration says: order, augmentation, threads, cache. Behind hk__job_open_data. */
hk_status hk__job_loader(hk__job *, int train, hk__loader **out);
/* Shape and batch of the next run: samples at ... at + n of what is in the loader; labels 0: without targets. */
hk_status hk__job_put(hk__job *, hk_executor *, const hk__loader *, int64_t at, int64_t n, int labels);
/* One step on n samples of the loader's batch: a training step on job->train, loss and accuracy only on job->infer. Allocates nothing once the plan is there
 * and the samples are all of the batch. */
hk_status hk__job_run(hk__job *, hk_executor *, const hk__loader *, int64_t at, int64_t n, hk__batch_result *);
hk_status hk__job_fail_ctx(hk__job *, hk_status, const char *section, const char *key); /* with the context's error text */
void hk__job_free(hk__job *);

/* ---- constructor.c: a module that a key names, with arguments that have keys of their own ---- */
typedef struct hk__argument {
    const char *section, *key, *field;
    int is_text;
} hk__argument;
/* *out is not touched where the key is none. ECONFIG: an argument given twice, or for a type without such a field. */
hk_status hk__job_module(hk__job *, const char *iface, const char *section, const char *key, int n, const hk__argument *, hk_module **out);

/* ---- tune.c: [run] tune ---- */
enum { HK__TUNE_MOST = 1 << 20 /* bytes of a file of choices */ };
int hk__tune_measures(const hk__conf *);
hk_status hk__tune_exists(hk__job *);                                           /* before anything else is read */
hk_status hk__tune_begin(hk__job *);                                            /* behind hk_network_new: a file's choices */
hk_status hk__tune_check(hk__job *);                                            /* behind all plans: each line of the file was of use */
hk_status hk__tune_resume(hk__job *, const char *text, const char *checkpoint); /* text NULL: that run had none */
char *hk__tune_text(const hk__job *, int times);                                /* malloc'ed; "": none */
int hk__tune_write(void *job, FILE *);                                          /* tune.txt; not 0: failed */

/* ---- command/eval.c ---- */
hk_status hk__job_load(hk__job *, const char *path); /* the weights of a file; warns when it was trained with another model */

/* ---- groups.c: parameters with an optimizer's fields of their own ---- */
typedef struct hk__groups hk__groups;
hk_status hk__groups_new(hk__job *); /* behind hk_network_new, before the first executor: job->groups */
void hk__groups_free(hk__groups *);
/* The learning rate of the steps that follow; groups get theirs by the scheduler too (epoch: from 0), times what else was done to lr. */
void hk__job_set_lr(hk__job *, double lr, int64_t epoch);

#endif
