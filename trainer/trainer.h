/* trainer.h - what the files of trainer/ share. Nothing here is public; the public part is hk_main. */
#ifndef HK_TRAINER_H
#define HK_TRAINER_H

#include "hillock/plot.h"
#include "data.h"
#include "schema.h"
#include <signal.h>

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

/* ---- cmd_eval.c ---- */
hk_status hk__job_load(hk__job *, const char *path); /* the weights of a file; warns when it was trained with another model */

/* ---- groups.c: parameters with an optimizer's fields of their own ---- */
typedef struct hk__groups hk__groups;
hk_status hk__groups_new(hk__job *); /* behind hk_network_new, before the first executor: job->groups */
void hk__groups_free(hk__groups *);
/* The learning rate of the steps that follow; groups get theirs by the scheduler too (epoch: from 0), times what else was done to lr. */
void hk__job_set_lr(hk__job *, double lr, int64_t epoch);

/* ---- metrics.c: metrics.jsonl ---- */
typedef struct hk__metrics {
    FILE *f;
} hk__metrics;
typedef struct hk__epoch_metrics {
    int64_t epoch; /* from 1 */
    double train_loss, train_acc, test_loss, test_acc, img_per_s;
    int n_extra; /* of hooks */
    const struct hk__logged *extra;
    double train_acc5, test_acc5; /* NaN: fewer than five classes; then they have no key */
    double lr, test_img_per_s;
    double seconds, train_s, data_s, test_s; /* of the epoch (since a resume); its training steps; of these, waiting for batches; its test */
    int64_t peak_memory;                     /* of the process so far, bytes */
    const struct hk__rates *rates;           /* (optional) firing rates */
} hk__epoch_metrics;
FILE *hk__open_regular(const char *path); /* for reading; NULL, ESPIPE: a device or a pipe, which may have no end */
hk_status hk__metrics_open(hk__metrics *, const char *path); /* empty; errno says why not */
/* The file as it was when so many epochs and steps were done: lines beyond are cut off. */
hk_status hk__metrics_resume(hk__metrics *, const char *path, int64_t epochs, int64_t steps);
hk_status hk__metrics_sync(hk__metrics *); /* on disk */
hk_status hk__metrics_epoch(hk__metrics *, const hk__epoch_metrics *);
hk_status hk__metrics_step(hk__metrics *, int64_t epoch, int64_t step, double loss, double acc, double lr, double img_per_s);
hk_status hk__metrics_skipped(hk__metrics *, int64_t epoch, int64_t step, int64_t skipped, int64_t back_to, double lr); /* of a batch left out; nan.c */
hk_status hk__metrics_close(hk__metrics *);

/* ---- metrics_csv.c: metrics.csv, the epochs' lines of metrics.jsonl as a table ---- */
typedef struct hk__csv hk__csv;
/* A new table of what metrics.jsonl has now. *out is to be freed after a failure too. EIO: errno says why. */
hk_status hk__csv_open(const char *jsonl, const char *csv, hk__csv **out);
hk_status hk__csv_follow(hk__csv *); /* rows of the lines that came since */
void hk__csv_free(hk__csv *);

/* ---- terminal.c: what a file descriptor can show ---- */
#define HK__TERM_MAX_WIDTH 240
int hk__term(int fd);        /* a terminal that can rewrite a line */
int hk__term_width(int fd);  /* columns, 20 to HK__TERM_MAX_WIDTH; 80 when it is no terminal or does not tell */
int hk__term_colors(int fd); /* 0 (no terminal, or NO_COLOR), 16, 256, or 1 << 24 */
int hk__term_utf8(void);     /* whether the locale's character set lets half blocks through */

/* ---- progress.c: what a person sees ---- */
typedef struct hk__progress {
    int quiet, tty, color, drawn;
    const char *label;
    int64_t total, from, shown_images;
    double t_begin, t_shown, rate;
} hk__progress;
void hk__progress_open(hk__progress *, int quiet);
void hk__progress_begin(hk__progress *, const char *label, int64_t total); /* label is kept by pointer */
void hk__progress_from(hk__progress *, int64_t done, int64_t images);      /* behind begin: so much was done before */
void hk__progress_update(hk__progress *, int64_t done, int64_t images, double loss, double acc);
void hk__progress_end(hk__progress *);
void hk__progress_line(hk__progress *, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* stdout, unless quiet */
double hk__now(void);

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
typedef struct hk__nan_state { /* nan.c */
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

/* ---- picture.c: a grey picture in character cells, one column of a picture wide and two rows high ---- */
typedef enum hk__ink { HK__ASCII, HK__GREY256, HK__GREY24BIT } hk__ink;
hk__ink hk__picture_ink(int fd); /* what a file descriptor can show; ASCII unless it is a terminal with colours */
/* y[h,w] from x[H,W], w <= W, h <= H: each number is the mean of the part of x that it covers. */
void hk__picture_shrink(const float *x, int64_t H, int64_t W, float *y, int64_t h, int64_t w);
/* Rows 2 line and 2 line + 1 of x[h,w], 0 black to 1 white; `columns` cells, the picture first. No newline. */
void hk__picture_line(FILE *, hk__ink, const float *x, int64_t h, int64_t w, int64_t line, int64_t columns);

/* ---- show.c: test pictures with what the network said ---- */
enum { HK__SHOW_MAX = 64 };
typedef struct hk__show {
    int64_t n, have; /* asked for; taken */
    int64_t H, W, *label, *said;
    float *x;     /* [n,H,W] */
    double *rate; /* of the class that was said: mean of the output over T */
} hk__show;
/* Checks that the data set has n pictures among the first `of`; ECONFIG says what is wrong. Behind hk__job_open_data. */
hk_status hk__show_new(hk__job *, int64_t n, int64_t of, hk__show **out);
hk_status hk__show_take(hk__show *, hk__job *, const hk__loader *); /* behind a run: keeps what is wanted of its batch */
hk_status hk__show_print(const hk__show *, hk__job *, FILE *, hk__ink, int width);
void hk__show_free(hk__show *);

/* ---- tally.c: what a test said, sample by sample ---- */
enum { HK__TALLY_KEPT = 12 };
typedef struct hk__tally_sample {
    int64_t index, label, said; /* index: in the test */
    double score, label_score;  /* mean output over T of the class that was said, and of the label */
} hk__tally_sample;
typedef struct hk__tally {
    int64_t K, scores, n, elems, *count; /* classes; outputs; samples so far; numbers of a sample; [K][K]: label, said */
    int64_t *kept_of;
    float *score, *one;
    struct {
        int n;
        float *x; /* [HK__TALLY_KEPT][elems] */
        hk__tally_sample s[HK__TALLY_KEPT];
    } side[2]; /* wrong, right */
} hk__tally;
/* Behind the shaping of job->infer. NULL with HK_OK: the output is no row of scores. *out is to be freed after a failure too. */
hk_status hk__tally_new(hk__job *, const hk__loader *test, hk__tally **out);
void hk__tally_begin(hk__tally *);
hk_status hk__tally_batch(hk__tally *, hk__job *, const hk__loader *);
void hk__tally_free(hk__tally *);
typedef struct hk__picture {
    int64_t H, W, C; /* of a sample: [C,H,W] */
    int channels;    /* of its picture: 1, 3 */
} hk__picture;
int hk__sample_picture(const hk__job *, hk__picture *); /* 0: samples are no pictures */
void hk__sample_pixels(const hk__picture *, const float *x, uint8_t *out); /* out[H][W][channels] */

/* ---- layer_table.c: the network's modules with the shapes of their outputs and their parameters ---- */
typedef struct hk__layer_row {
    char *path, *text; /* text: the constructor's, cut */
    const char *type;
    int depth, spiking, rank; /* rank -1: inside a loop, no output of its own */
    int64_t dims[HK_MAX_RANK + 2], params, learnable;
} hk__layer_row;
typedef struct hk__layer_table {
    hk__layer_row *row;
    int n, cap;
} hk__layer_table;
hk_status hk__layer_table_make(hk__job *, hk__layer_table *); /* *t empty before, to be freed after a failure too; shapes of one sample */
void hk__layer_table_free(hk__layer_table *);

/* ---- records.c: what a run leaves for people beside metrics.jsonl: metrics.csv, firing rates of each epoch, what the test said. Every
 * function takes NULL: a run without a folder ---- */
typedef struct hk__records hk__records;
/* Behind hk__metrics' opening. tb_name: of the folder under OUT/tb. *out is to be freed after a failure too. */
hk_status hk__records_open(hk__job *, const hk__rundir *, const hk__loader *test, const char *tb_name, hk__records **out);
void hk__records_test(hk__records *);                           /* before an epoch's test */
hk_status hk__records_batch(hk__records *, const hk__loader *); /* behind each batch of a test, on job->infer */
hk_status hk__records_step(hk__records *, int64_t step, double loss, double acc, double lr);
/* Behind an epoch's test: its lines in metrics.jsonl, its row in metrics.csv. Fills in seconds (since t_begin) and peak_memory. */
hk_status hk__records_epoch(hk__records *, hk__metrics *, hk__epoch_metrics *, int64_t step, double t_begin);
void hk__records_end(hk__records *, int failed); /* behind the last run.json: report.html. What goes wrong there is a warning: the run is whole */
void hk__records_free(hk__records *);

/* ---- trainer.c: the run ---- */
typedef struct hk__train_options {
    const char *out, *resume; /* NULL: none */
    int quiet, plan, profile; /* plan: print the plans first; profile: time by operation at the end, and trace.json */
} hk__train_options;
hk_status hk__train(hk__job *, const hk__train_options *);
/* Loss and accuracy over all batches of a loader; ends early, with what it has, when *stop is set. show and records (optional) look at each batch. */
hk_status hk__test(hk__job *, hk__loader *, hk__progress *, const volatile sig_atomic_t *stop, hk__show *show, hk__records *records, hk__sums *);

/* ---- rates.c: firing rates ---- */
typedef struct hk__layers {
    hk_output *out;         /* "PATH:y", malloc'ed */
    unsigned char *spiking; /* it fires: a neuron with a surrogate */
    const char **type;      /* id of its type */
    int n, cap;
} hk__layers;
hk_status hk__layers_find(hk__job *, int all, hk__layers *); /* the spiking layers of the network; all: every module but the root. *l empty before; ENOMEM */
hk_status hk__layers_add(hk__layers *, const char *path, int n, const char *output, const char *type); /* of the n first bytes of path, as ":v"; type is kept */
void hk__layers_drop(hk__layers *, int i);
void hk__layers_free(hk__layers *);
/* An executor that keeps the output of each of the layers, shaped for n samples; layers without an output of their own (inside a loop) are taken out. */
hk_status hk__layers_executor(hk__job *, hk__layers *, uint32_t mode, int64_t n, hk_executor **out);
/* Rates of the same few test samples, epoch by epoch: all memory is taken by new. */
#define HK__DEAD 0.001     /* firing rates below: the layer is dead */
#define HK__SATURATED 0.95 /* and above: it is saturated */
typedef struct hk__rates {
    hk__layers layers;
    hk_executor *ex;
    hk__loader *test;
    int64_t n, piece; /* samples; of one run */
    double *mean, *weight; /* [layers.n] mean: of the last measuring */
    float **neuron; /* [layers.n][n_neuron]: of each neuron; NULL: not wanted */
    int64_t *n_neuron;
} hk__rates;
hk_status hk__rates_new(hk__job *, int each_neuron, hk__rates **out); /* *out is to be freed after a failure too; no spiking layer: layers.n is 0 */
hk_status hk__rates_measure(hk__rates *, hk__job *);
void hk__rates_free(hk__rates *);
hk_status hk__rates_print(hk__job *, const hk__loader *, const char *name, int json, int lines); /* of the batch in the loader, by spiking layer; lines: one for each */

/* ---- ops.c: dense and synaptic operations ---- */
hk_status hk__ops_print(hk__job *, const hk__loader *); /* of each layer with products, for one sample; measured on the batch in the loader */

/* ---- window.c: membranes inside the surrogate's window ---- */
hk_status hk__windows_add(hk__layers *);               /* PATH:z for each spiking layer in it */
int hk__window_output(const hk__layers *, int i);      /* whether output i is one of these */
double hk__window_share(const hk__job *, const char *name, const float *z, int64_t n); /* of the n numbers of PATH:z; NaN: the layer has no surrogate */

/* ---- watch.c: firing rates, gradient norms, dead and saturated layers, the first layer that is not finite ---- */
typedef struct hk__watch hk__watch;
hk_status hk__watch_new(hk__job *, int watch, int nan, hk__watch **out); /* *out is to be freed after a failure too */
hk_status hk__watch_executor(hk__watch *, const hk__loader *, int64_t n);           /* job->train for n samples, anew: it keeps what is looked at */
hk_status hk__watch_begin(hk__watch *, int64_t step);           /* behind each training step; warns behind the first few, on stderr */
hk_status hk__watch_log(hk__watch *, hk__metrics *, int64_t epoch, int64_t step, int quiet); /* of the last training step: a line of metrics.jsonl, one on stdout */
/* Behind each batch. With nan: names the first layer whose output in it is not finite; a spiking network can hide one behind a finite loss. x: the batch, count numbers. */
hk_status hk__watch_finite(hk__watch *, const float *x, int64_t count, int64_t step, double loss);
void hk__watch_free(hk__watch *);

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

const hk__layers *hk__watch_layers(const hk__watch *);

/* ---- monitor.c: [monitor], records of the spiking layers. Functions take NULL: none ---- */
typedef struct hk__monitor hk__monitor;
int hk__monitor_wanted(const hk__job *);
hk_status hk__monitor_outputs(const hk__job *, hk__layers *);                /* what the training executor must keep; the layers' outputs are in it */
hk_status hk__monitor_new(hk__job *, const hk__layers *, hk__monitor **out); /* behind hk__watch_executor; *out is to be freed after a failure too */
hk_status hk__monitor_step(hk__monitor *, int64_t step, int last);           /* behind each training step; last: of its epoch */
hk_status hk__monitor_epoch(hk__monitor *, const hk__rundir *, int64_t epoch); /* writes the file, and begins anew */
void hk__monitor_free(hk__monitor *);

/* ---- memory.c: bytes planned and bytes taken ---- */
long long hk__memory_before(void); /* resident bytes now, from which the peak counts anew; -1: not known here */
void hk__memory_print(hk__job *, hk_executor *, long long before, const char *name, int json);

/* ---- profile.c: time by operation ---- */
hk_status hk__profile_begin(hk__job *);                                     /* both executors, from here on */
hk_status hk__profile_print(hk__job *, hk_executor *, const char *title, int json); /* a table, the longest first; stdout */
hk_status hk__profile_trace(hk__job *, const char *path);                   /* the first steps' calls, for chrome://tracing or Perfetto */

/* ---- type_doc.c ---- */
typedef struct hk__type_doc {
    const char *doc, *source; /* (each may be NULL) */
    const hk_field *fields;
    uint32_t n_fields;
} hk__type_doc;
hk__type_doc hk__type_doc_of(const char *iface, const void *vtable);

/* ---- plot_load.c ---- */
/* A function of libhillock_plot by its name; NULL where that is not there, and why gets a text. */
void (*hk__plot_function(const char *name, char *why, size_t size))(void);
/* hk_figure_write of libhillock_plot; HK_EUNSUPPORTED where that is not there. why gets a text. */
hk_status hk__figure_write(const hk_figure *, const char *path, char *why, size_t size);

/* ---- cmd_plan.c ---- */
hk_status hk__plans_print(hk__job *); /* both executors' plans, as they are now */

#endif
