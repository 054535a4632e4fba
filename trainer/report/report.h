/* report.h - report.json (what report.html needs that metrics.jsonl has not) and report.html. */
#ifndef HK_REPORT_H
#define HK_REPORT_H

#include "command/command.h"
#include "trainer.h"
#include <jansson.h>

/* ---- data.c: report.json, written anew behind each test: its counts and samples, the network's table, the data set ---- */
hk_status hk__report_data_write(hk__job *, const char *folder, const hk__tally *, const hk__layer_table *, int64_t epoch, int64_t step);

/* ---- text.c: what goes into HTML and JSON ---- */
void hk__json_text(FILE *, const char *);  /* with its quotes */
void hk__base64(FILE *, const void *, size_t);
void hk__html_text(FILE *, const char *);
const char *hk__count_text(char buf[32], int64_t);  /* 1 234 567, with thin spaces */
const char *hk__bytes_text(char buf[32], double);   /* 1.5 GiB */
const char *hk__seconds_text(char buf[32], double); /* 1 h 23 min */

/* ---- run.c: a run's folder, read ---- */
typedef struct hk__run_layer {
    char *name;
    double *rate; /* [n_epoch]; NaN: not there */
} hk__run_layer;
typedef struct hk__run_files {
    json_t *info, *data; /* run.json, report.json; NULL: not there */
    char *config;        /* config.ini; NULL */
    int n_epoch, n_layer;
    json_t **epoch; /* the epochs' lines of metrics.jsonl */
    hk__run_layer *layer;
} hk__run_files;
/* why gets a text on failure. EIO: no such folder, or nothing of a run in it. */
hk_status hk__run_read(const char *folder, hk__run_files *, char *why, size_t size);
void hk__run_free(hk__run_files *);
double hk__run_number(const json_t *object, const char *key); /* NaN: not there */
const char *hk__run_string(const json_t *object, const char *key); /* "" */

/* ---- chart.c: curves as SVG that takes its colours from the page ---- */
typedef struct hk__curve {
    const char *name;
    const double *y; /* [n]; NaN: none */
    int color, dashed; /* color 1 .. 10 */
} hk__curve;
typedef struct hk__chart {
    const char *title, *y_label, *unit; /* unit: behind the numbers of the axis; "%": fractions are shown as per cent */
    int n, n_curve, log, zero;          /* zero: the axis begins at 0 */
    const double *x;                    /* [n] */
    const hk__curve *curve;
} hk__chart;
void hk__chart_put(FILE *, const hk__chart *);

/* ---- page.c, sections.c ---- */
typedef struct hk__page {
    FILE *f;
    const hk__run_files *run;
    const char *folder;
} hk__page;
void hk__section_numbers(hk__page *);
void hk__section_curves(hk__page *);
void hk__section_rates(hk__page *);
void hk__section_confusion(hk__page *);
void hk__section_samples(hk__page *);
void hk__section_network(hk__page *);
void hk__section_times(hk__page *);
void hk__section_machine(hk__page *);
void hk__section_config(hk__page *);

/* Writes report.html of a run's folder to `out` (NULL: into the folder), whole or not at all. why gets a text on failure. */
hk_status hk__report_write(const char *folder, const char *out, char *why, size_t size);

#endif
