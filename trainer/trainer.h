/* trainer.h - what the files of trainer/ share. Nothing here is public; the public part is hk_main. */
#ifndef HK_TRAINER_H
#define HK_TRAINER_H

#include "hillock/plot.h"
#include "command/screen.h"
#include "data/data.h"
#include "records/records.h"
#include "run/job.h"
#include "run/state.h"
#include "schema.h"
#include <signal.h>

/* ---- run/trainer.c: the run ---- */
typedef struct hk__train_options {
    const char *out, *resume; /* NULL: none */
    int quiet, plan, profile; /* plan: print the plans first; profile: time by operation at the end, and trace.json */
} hk__train_options;
hk_status hk__train(hk__job *, const hk__train_options *);
/* Loss and accuracy over all batches of a loader; ends early, with what it has, when *stop is set. show and records (optional) look at each batch. */
hk_status hk__test(hk__job *, hk__loader *, hk__progress *, const volatile sig_atomic_t *stop, hk__show *show, hk__records *records, hk__sums *);

/* ---- bench/memory.c: bytes planned and bytes taken ---- */
long long hk__memory_before(void); /* resident bytes now, from which the peak counts anew; -1: not known here */
void hk__memory_print(hk__job *, hk_executor *, long long before, const char *name, int json);

/* ---- catalogue/type_doc.c ---- */
typedef struct hk__type_doc {
    const char *doc, *source; /* (each may be NULL) */
    const hk_field *fields;
    uint32_t n_fields;
} hk__type_doc;
hk__type_doc hk__type_doc_of(const char *iface, const void *vtable);

/* ---- figures/load.c ---- */
/* A function of libhillock_plot by its name; NULL where that is not there, and why gets a text. */
void (*hk__plot_function(const char *name, char *why, size_t size))(void);
/* hk_figure_write of libhillock_plot; HK_EUNSUPPORTED where that is not there. why gets a text. */
hk_status hk__figure_write(const hk_figure *, const char *path, char *why, size_t size);

#endif
