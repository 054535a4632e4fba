/* hillock/plot.h - figures, drawn by cairo to PNG, SVG or PDF, and animations to GIF: first panels of lines, steps, stems, dots, bars and images; then the pictures of
 * spiking networks, each by one call on plain arrays. Library libhillock_plot; nothing else of Hillock's is needed to use it. Letters are DejaVu Sans; in SVG and PDF
 * text is text. Ten colours that people who see red and green alike can tell apart. All sizes are in points, 1/72 inch. */
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
enum { HK_DASHED = 0x100u, HK_DOTTED = 0x200u, HK_THIN = 0x400u }; /* with a mark, by | */

typedef enum hk_colormap { HK_VIRIDIS = 0 /* dark to bright, even steps of lightness */, HK_GREY /* black to white */, HK_DIVERGING /* blue, white at 0, red */ } hk_colormap;

typedef struct hk_series {
    uint32_t mark, color; /* hk_mark; color: 0 the panel's next, else one of 1 .. 10 */
    const char *label;    /* (optional) its line in the legend, which stands where it covers no data, or beside the panel; n may be 0 */
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
    uint32_t map, bar;       /* of image: hk_colormap; bar 1: with a colour bar */
    double v_lo, v_hi;       /* of image: numbers of both ends of the colours; equal: least and greatest */
    const char *value_label; /* (optional) of the colour bar */
} hk_panel;

typedef struct hk_figure {
    uint32_t struct_size;
    int width, height; /* in points */
    int columns;       /* panels in a row; 0: 1 */
    const char *title; /* (optional) */
    int n_panel;
    const hk_panel *panel; /* row by row */
    int dpi;               /* of a PNG; 0: 144 */
} hk_figure;

/* Draws the figure to `path`, which ends in .png, .svg or .pdf; whole or not at all (a temporary file is renamed). [main]
 * HK_EINVAL: another ending, or no panels; HK_EIO; HK_ENOMEM. why (optional) gets a text. */
__attribute__((visibility("default"))) hk_status hk_figure_write(const hk_figure *, const char *path, char *why, size_t why_size);

/* ---- pictures of spiking networks --------------------------------------------------------------------------------- */

/* What all of them take. Zero is the default of every member; pass NULL for all defaults. Strings are only read during the call. */
typedef struct hk_plot {
    uint32_t struct_size;
    int width, height;                                   /* 0: as the data need */
    int dpi;                                             /* of PNG (0: 144) and GIF (0: 100) */
    const char *title, *x_label, *y_label, *value_label; /* (optional) in place of "time step", "neuron", ...; "" for none */
    double dt;                                           /* duration of a time step, in the unit that x_label then names ("time (ms)"); 0: 1 */
    int64_t first;                                       /* index of the first neuron in the arrays; the axis counts from it */
    uint32_t map, rgb;                                   /* hk_colormap; rgb: see hk_plot_maps */
    double lo, hi;                                       /* range of the values; equal: least and greatest */
    const char *const *names;                            /* (optional) in place of numbers: of the neurons (membrane, spike_count), or of the groups (maps) */
} hk_plot;

#define HK_PLOT_API __attribute__((visibility("default")))

/* All of them: arrays are row-major float and only read; path ends in .png, .svg or .pdf; the file is there whole or not at all. [main]
 * HK_EINVAL: another ending, or an empty or too large array, or numbers that are not finite where that can't be drawn; HK_EIO; HK_ENOMEM. why (optional) gets a text. */

/* Raster: s [T,N]; a short upright stroke (a dot, when there are many neurons) at (t, n) for each s[t][n] != 0. As snnTorch's splt.raster. */
HK_PLOT_API hk_status hk_plot_raster(const hk_plot *, const float *s, int64_t T, int64_t N, const char *path, char *why, size_t why_size);

/* Raster with the firing rate of each neuron, mean over T of s [T,N], as bars at its right. As SpikingJelly's visualizing.plot_1d_spikes. */
HK_PLOT_API hk_status hk_plot_spikes(const hk_plot *, const float *s, int64_t T, int64_t N, const char *path, char *why, size_t why_size);

/* Membrane traces, one panel for each of N neurons, at most 16: v [T,N], potential behind each step; s [T,N] (optional), spikes as strokes from the threshold up.
 * v_threshold, v_reset: dashed and dotted lines; NaN: none. As snnTorch's splt.traces and SpikingJelly's visualizing.plot_one_neuron_v_s. */
HK_PLOT_API hk_status hk_plot_membrane(
    const hk_plot *, const float *v, const float *s, int64_t T, int64_t N, double v_threshold, double v_reset, const char *path, char *why, size_t why_size);

/* Heat map of v [T,N] with a colour bar: time to the right, neurons upward. As SpikingJelly's visualizing.plot_2d_heatmap. */
HK_PLOT_API hk_status hk_plot_heatmap(const hk_plot *, const float *v, int64_t T, int64_t N, const char *path, char *why, size_t why_size);

/* 3-D bars of v [T,N] over neurons and time steps, T*N at most 10000. As SpikingJelly's visualizing.plot_2d_bar_in_3d. */
HK_PLOT_API hk_status hk_plot_bars3d(const hk_plot *, const float *v, int64_t T, int64_t N, const char *path, char *why, size_t why_size);

/* Feature maps: G groups of C maps, x [G,C,H,W], each number a square; the maps of a group in a grid of `columns` (0: nearly a square), the groups beside each other,
 * under their names. One range of values for all; the default colours are HK_GREY when map is HK_VIRIDIS and all numbers are 0 or 1. rgb = 1: C is 3 and a group is one
 * picture in red, green, blue. As SpikingJelly's visualizing.plot_2d_feature_map. */
HK_PLOT_API hk_status hk_plot_maps(
    const hk_plot *, const float *x, int64_t G, int64_t C, int64_t H, int64_t W, int64_t columns, const char *path, char *why, size_t why_size);

/* Spike counts of C output neurons: s [T,C], at most 64 of them; a bar for each, as long as its spikes so far, the longest in colour. path may also end in .gif: an animation
 * over T, in a loop; else it shows the end. HK_EUNSUPPORTED: built without giflib. As snnTorch's splt.spike_count. */
HK_PLOT_API hk_status hk_plot_spike_count(const hk_plot *, const float *s, int64_t T, int64_t C, const char *path, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif
#endif
