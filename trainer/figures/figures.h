/* figures.h - what the files of `hillock plot` share. */
#ifndef HK_PLOT_COMMAND_H
#define HK_PLOT_COMMAND_H

#include "command/command.h"
#include "trainer.h"

/* ---- command.c ---- */
enum { HK__PLOT_PATH = 4096 };
/* Where figures go: --out, --format and --dpi. */
typedef struct hk__plot_out {
    char dir[HK__PLOT_PATH], file[HK__PLOT_PATH]; /* file: of --out FILE, or "" */
    char format[4][8];
    int n_format, dpi;
} hk__plot_out;
typedef hk_status hk__plot_write(const void *arg, const char *path, char *why, size_t size);
/* Writes NAME.FORMAT into the folder, or the one file, and says so on stdout; an exit code, with the message printed. */
int hk__plot_put(const hk__plot_out *, const char *name, hk__plot_write *, const void *arg);
int hk__plot_error(hk_status, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* prints, returns the exit code */

/* ---- curves.c ---- */
int hk__plot_curves(const hk__options *, const hk__plot_out *, int n, const char *const *run);

/* ---- network.c: a network that ran on test samples ---- */
typedef struct hk__seen_layer {
    hk__job *job;
    const char *path;     /* of the layer */
    const hk_neuron_type *neuron; /* NULL: it is none */
    const hk_module *module;
    int64_t T, N, first;  /* steps, samples; index of the first in the test set */
    int rank;             /* axes of a number of the layer: of one sample at one step */
    int64_t shape[HK_MAX_RANK], elems;
    hk__loader *loader;   /* has x and label */
    const float *x;       /* [N,*] input; NULL: sequences */
    const int64_t *label; /* [N] */
    float *y, *state;     /* [T,N,elems] output and state (NULL: it has none, or none was asked for) */
    char state_name[64];
} hk__seen_layer;
typedef enum hk__which_layer { HK__FIRST_SPIKING, HK__LAST_SPIKING } hk__which_layer;
/* state: NULL none; "" the first one of the neuron, if it has any; else its name, an error if there is none. Errors are hk__conf_error's. */
hk_status hk__see_layer(hk__job *, const char *path, hk__which_layer, const char *state, int64_t first, int64_t N, hk__seen_layer *out);
void hk__seen_layer_free(hk__seen_layer *);
double hk__seen_threshold(const hk__seen_layer *); /* NaN: none, or not one number */
double hk__seen_reset(const hk__seen_layer *);     /* NaN: none */
const char *hk__class_name(const hk__job *, int64_t c, char buf[24]);

/* ---- kinds.c ---- */
enum { HK__PLOT_NO_STATE, HK__PLOT_STATE, HK__PLOT_STATE_IF_ASKED }; /* what it draws: the output; a state of the neurons; the output, or the state of --variable */
typedef struct hk__plot_kind {
    const char *name, *format; /* format: the default */
    hk__which_layer layer;
    int state; /* HK__PLOT_* */
    int64_t most; /* neurons, when --neurons does not say */
    int (*draw)(const hk__plot_out *, hk__seen_layer *, int64_t first, int64_t n);
} hk__plot_kind;
extern const hk__plot_kind hk__plot_kinds[];
extern const int hk__n_plot_kind;

#endif
