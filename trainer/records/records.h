/* records.h - what is seen and kept of a run: progress, metrics, tests, firing rates, monitors, times. Part of trainer.h. */
#ifndef HK_RECORDS_RECORDS_H
#define HK_RECORDS_RECORDS_H

#include "run/state.h"

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
hk_status hk__metrics_skipped(hk__metrics *, int64_t epoch, int64_t step, int64_t skipped, int64_t back_to, double lr); /* of a batch left out; run/nan.c */
hk_status hk__metrics_close(hk__metrics *);

/* ---- metrics_csv.c: metrics.csv, the epochs' lines of metrics.jsonl as a table ---- */
typedef struct hk__csv hk__csv;
/* A new table of what metrics.jsonl has now. *out is to be freed after a failure too. EIO: errno says why. */
hk_status hk__csv_open(const char *jsonl, const char *csv, hk__csv **out);
hk_status hk__csv_follow(hk__csv *); /* rows of the lines that came since */
void hk__csv_free(hk__csv *);

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
const hk__layers *hk__watch_layers(const hk__watch *);

/* ---- monitor.c: [monitor], records of the spiking layers. Functions take NULL: none ---- */
typedef struct hk__monitor hk__monitor;
int hk__monitor_wanted(const hk__job *);
hk_status hk__monitor_outputs(const hk__job *, hk__layers *);                /* what the training executor must keep; the layers' outputs are in it */
hk_status hk__monitor_new(hk__job *, const hk__layers *, hk__monitor **out); /* behind hk__watch_executor; *out is to be freed after a failure too */
hk_status hk__monitor_step(hk__monitor *, int64_t step, int last);           /* behind each training step; last: of its epoch */
hk_status hk__monitor_epoch(hk__monitor *, const hk__rundir *, int64_t epoch); /* writes the file, and begins anew */
void hk__monitor_free(hk__monitor *);

/* ---- profile.c: time by operation ---- */
hk_status hk__profile_begin(hk__job *);                                     /* both executors, from here on */
hk_status hk__profile_print(hk__job *, hk_executor *, const char *title, int json); /* a table, the longest first; stdout */
hk_status hk__profile_trace(hk__job *, const char *path);                   /* the first steps' calls, for chrome://tracing or Perfetto */

#endif
