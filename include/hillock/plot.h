/* hillock/plot.h - figures: panels of lines, steps, stems, dots, bars and images, drawn by cairo to PNG, SVG or PDF. Library libhillock_plot; nothing else of
 * Hillock's is needed to use it. */
#ifndef HILLOCK_PLOT_H
#define HILLOCK_PLOT_H

#include "hillock/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hk_mark {
    HK_LINE,  /* straight from number to number; a NaN interrupts it */
    HK_STEPS, /* each number holds until the next x */
    HK_STEMS, /* a stroke from 0 to y where y is not 0: spikes of one neuron */
    HK_DOTS,  /* a dot for each number: rasters */
    HK_BARS   /* a bar from 0 to y around each x */
} hk_mark;

typedef struct hk_series {
    uint32_t mark, color; /* hk_mark; color: 0 the panel's next, else one of 1 .. 10 */
    const char *label;    /* (optional) its line in the legend */
    int64_t n;
    const double *x, *y; /* [n]; x NULL: 0, 1, 2, ... */
} hk_series;

typedef struct hk_panel {
    const char *title, *x_label, *y_label; /* (each optional) */
    int n_series;
    const hk_series *series;
    double x_lo, x_hi, y_lo, y_hi; /* range of an axis; lo == hi: as the numbers need */
    double share;                  /* height beside the other panels of its column; 0: 1 */
    const double *image; /* (optional) [rows][columns], drawn over the whole panel, dark for its lowest number and bright for its highest; top row first */
    int64_t rows, columns;
} hk_panel;

typedef struct hk_figure {
    uint32_t struct_size;
    int width, height; /* in points: pixels of a PNG are twice as many */
    int columns;       /* panels in a row; 0: 1 */
    const char *title; /* (optional) */
    int n_panel;
    const hk_panel *panel; /* row by row */
} hk_figure;

/* Draws the figure to `path`, which ends in .png, .svg or .pdf; whole or not at all (a temporary file is renamed). [main]
 * HK_EINVAL: another ending, or no panels; HK_EIO; HK_ENOMEM. why (optional) gets a text. */
__attribute__((visibility("default"))) hk_status hk_figure_write(const hk_figure *, const char *path, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif
#endif
