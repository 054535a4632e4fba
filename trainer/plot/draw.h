/* draw.h - what the files of trainer/plot/ share: a page, its text, axes, colours. All lengths are in points, y downward. */
#ifndef HK_DRAW_H
#define HK_DRAW_H

#include "hillock/plot.h"
#include <cairo.h>

#define HK__FONT 9.0   /* ticks, labels, legends */
#define HK__TITLE 11.0 /* titles */

typedef struct hk__rgb {
    double r, g, b;
} hk__rgb;
typedef struct hk__area {
    double x, y, w, h;
} hk__area;

/* ---- color.c ---- */
enum { HK__N_COLOR = 10 };
extern const hk__rgb hk__palette[HK__N_COLOR];
extern const hk__rgb hk__black, hk__dark, hk__grey, hk__light;
hk__rgb hk__mix(hk__rgb a, hk__rgb b, double t);      /* a at 0, b at 1 */
hk__rgb hk__map_color(uint32_t map, double t);        /* hk_colormap; t from 0 to 1, cut off outside; NaN: light grey */
/* Range of finite numbers; a diverging one reaches as far below 0 as above. *lo < *hi always. */
void hk__value_range(const double *v, const float *f, int64_t n, uint32_t map, double *lo, double *hi);

/* ---- page.c: one drawing, three kinds of files ---- */
typedef struct hk__note hk__note;
typedef struct hk__page {
    cairo_t *c;
    double w, h, scale; /* scale: pixels of a point; 0: no pixels */
    double size;        /* of letters */
    hk__rgb ink;
    int svg, bold, bad; /* svg: texts are kept, and stand in the file as texts; bad: no memory for one */
    hk__note *note;
    int n_note, cap;
} hk__page;
typedef void hk__draw(hk__page *, const void *arg);
/* Draws w x h points to path by its ending; the file appears whole or not at all. */
hk_status hk__page_write(double w, double h, int dpi, hk__draw *, const void *arg, const char *path, char *why, size_t size);
void hk__page_begin(hk__page *, cairo_surface_t *, double w, double h, double scale); /* a white page; pictures of an animation begin with it too */
void hk__page_end(hk__page *);
hk_status hk__plot_fail(char *why, size_t size, hk_status st, const char *path, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
hk_status hk__check_array(const void *v, int64_t T, int64_t N, int64_t most, const char *path, char *why, size_t size); /* EINVAL: empty, or more than `most` numbers */

void hk__color(hk__page *, hk__rgb);
void hk__letters(hk__page *, double size);
double hk__text_width(hk__page *, const char *);
void hk__text(hk__page *, double x, double y, int across, const char *);                   /* its anchor: -1 left end, 0 middle, 1 right end; y: its base line */
void hk__text_fit(hk__page *, double x, double y, int across, double width, const char *); /* cut off with an ellipsis */
void hk__text_up(hk__page *, double x, double y, const char *);                            /* bottom to top, (x, y) the middle of its base line */
void hk__line(hk__page *, double x0, double y0, double x1, double y1, double width);

/* ---- ticks.c: numbers on axes ---- */
typedef struct hk__axis {
    double lo, hi, step; /* numbers; distance of the ticks */
    double from, to;     /* places on the page */
    int integer;         /* ticks at whole numbers only */
    int64_t n_name;      /* > 0: ticks at 0 .. n_name - 1, with these names */
    const char *const *name;
} hk__axis;
double hk__place(const hk__axis *, double v);
void hk__axis_fit(hk__axis *, double lo, double hi, double margin); /* margin: part of the range left free at each end */
void hk__axis_ticks(hk__axis *, double most);                       /* chooses step for at most so many ticks */
double hk__axis_first(const hk__axis *);                            /* first tick; the others follow by step while <= hk__axis_last */
double hk__axis_last(const hk__axis *);
void hk__axis_text(const hk__axis *, double v, char buf[48]);
double hk__axis_widest(hk__page *, const hk__axis *); /* width of the widest tick text */

/* ---- axes.c: a pair of axes with labels, grid and frame ---- */
typedef struct hk__axes {
    hk__axis x, y;
    const char *title, *x_label, *y_label; /* (each optional) */
    int grid, y_down;                      /* y_down: y grows downward */
    int x_plain, y_plain;                  /* no numbers at this axis: another panel has them */
    double left;                           /* least space at the left of the y axis; so that axes below each other are in line */
} hk__axes;
double hk__axes_left(hk__page *, hk__axes *, hk__area outer); /* space that the y axis needs */
void hk__axes_place(hk__page *, hk__axes *, hk__area outer);  /* ranges are set: chooses ticks, and from and to inside outer */
void hk__axes_draw(hk__page *, const hk__axes *);             /* grid, ticks, labels, title; before the data */
void hk__axes_clip(hk__page *, const hk__axes *);             /* until cairo_restore */
void hk__axes_frame(hk__page *, const hk__axes *);            /* behind the data */

/* ---- image.c ---- */
/* v or f [rows][columns], row 0 at the top of the area. */
void hk__image(hk__page *, hk__area, const double *v, const float *f, int64_t rows, int64_t columns, uint32_t map, double lo, double hi);
void hk__image_rgb(hk__page *, hk__area, const float *f, int64_t rows, int64_t columns, double lo, double hi); /* f [3][rows][columns] */
double hk__color_bar(hk__page *, hk__area, uint32_t map, double lo, double hi, const char *label, int measure); /* area.w is of the bar alone; returns the width with its numbers; measure 1: draws nothing */

/* ---- legend.c ---- */
typedef struct hk__key_line {
    uint32_t mark, color; /* color: 1 .. 10 */
    const char *label;
} hk__key_line;
double hk__legend_width(hk__page *, int n, const hk__key_line *);
double hk__legend_height(int n);
void hk__legend(hk__page *, double x, double y, int n, const hk__key_line *);     /* a box, (x, y) its upper left corner */
void hk__legend_row(hk__page *, double x, double y, int n, const hk__key_line *); /* on one line, x its middle, y its base line */
void hk__dashes(hk__page *, uint32_t mark);                                       /* of the lines that follow; 0: none */

/* ---- gif.c ---- */
typedef struct hk__film {
    double w, h;
    int dpi, n, delay, last; /* pictures; hundredths of a second for each, and for the last */
    void (*draw)(hk__page *, int picture, const void *arg);
    const void *arg;
} hk__film;
hk_status hk__gif_write(const hk__film *, const char *path, char *why, size_t size);

#endif
