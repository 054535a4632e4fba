/* figure.c - draws figures with cairo: one routine, three kinds of files. Panels share a width in their column; the space at the left is what the widest number
 * of the axis takes. */
#include "hillock/plot.h"
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_COLOR = 10 };
#define FONT 9.0
#define TITLE 11.0
#define GAP 12.0

static const double colors[N_COLOR][3] = { { 0.12, 0.47, 0.71 }, { 0.90, 0.45, 0.05 }, { 0.17, 0.58, 0.27 }, { 0.80, 0.20, 0.22 }, { 0.54, 0.38, 0.70 },
    { 0.52, 0.35, 0.30 }, { 0.85, 0.42, 0.70 }, { 0.45, 0.45, 0.45 }, { 0.65, 0.65, 0.10 }, { 0.08, 0.65, 0.75 } };

typedef struct axis {
    double lo, hi, step; /* numbers; distance of the ticks */
    double from, to;     /* places on the page */
} axis;
typedef struct area {
    double x, y, w, h;
} area;

static double place(const axis *a, double v) { return a->from + (v - a->lo) / (a->hi - a->lo) * (a->to - a->from); }

/* 1, 2 or 5 times a power of ten, for about so many ticks. */
static double tick_step(double range, double ticks) {
    double raw = range / ticks, power = pow(10, floor(log10(raw))), f = raw / power;
    return (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10) * power;
}

static void fit(axis *a, double lo, double hi, int margin) {
    if (!(hi > lo)) lo = isfinite(lo) ? lo - 0.5 : 0, hi = lo + 1;
    double m = margin ? 0.05 * (hi - lo) : 0;
    a->lo = lo - m, a->hi = hi + m;
}

static double x_of(const hk_series *s, int64_t i) { return s->x ? s->x[i] : (double)i; }

static void ranges(const hk_panel *p, axis *x, axis *y) {
    double xl = INFINITY, xh = -INFINITY, yl = INFINITY, yh = -INFINITY;
    int based = 0;
    for (int k = 0; k < p->n_series; k++)
        for (int64_t i = 0; i < p->series[k].n; i++) {
            double u = x_of(&p->series[k], i), v = p->series[k].y[i];
            if (!isfinite(u) || !isfinite(v)) continue;
            xl = fmin(xl, u), xh = fmax(xh, u), yl = fmin(yl, v), yh = fmax(yh, v);
            based |= p->series[k].mark == HK_STEMS || p->series[k].mark == HK_BARS;
        }
    if (p->image) xl = 0, xh = (double)p->columns, yl = 0, yh = (double)p->rows;
    if (based) yl = fmin(yl, 0), yh = fmax(yh, 0);
    if (p->x_lo != p->x_hi) fit(x, p->x_lo, p->x_hi, 0);
    else fit(x, xl, xh, !p->image);
    if (p->y_lo != p->y_hi) fit(y, p->y_lo, p->y_hi, 0);
    else fit(y, yl, yh, !p->image);
}

static void number_text(double v, double step, char buf[32]) {
    int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    if (fabs(v) < step * 1e-6) v = 0;
    if (digits > 5 || fabs(v) >= 1e6) snprintf(buf, 32, "%.2g", v);
    else snprintf(buf, 32, "%.*f", digits, v);
}

/* Text whose anchor is at (x, y): across -1 left, 0 middle, 1 right of it. */
static void text(cairo_t *c, double x, double y, int across, const char *s) {
    cairo_text_extents_t e;
    cairo_text_extents(c, s, &e);
    cairo_move_to(c, across < 0 ? x : across > 0 ? x - e.x_advance : x - e.x_advance / 2, y);
    cairo_show_text(c, s);
}

static double widest_tick(cairo_t *c, const axis *y) {
    double w = 0;
    char buf[32];
    cairo_text_extents_t e;
    for (double v = ceil(y->lo / y->step - 1e-9) * y->step; v <= y->hi + y->step * 1e-9; v += y->step) {
        number_text(v, y->step, buf);
        cairo_text_extents(c, buf, &e);
        w = fmax(w, e.x_advance);
    }
    return w;
}

static void frame(cairo_t *c, const hk_panel *p, const axis *x, const axis *y) {
    char buf[32];
    cairo_set_line_width(c, 0.5);
    for (double v = ceil(x->lo / x->step - 1e-9) * x->step; v <= x->hi + x->step * 1e-9; v += x->step) {
        number_text(v, x->step, buf);
        if (!p->image) cairo_set_source_rgb(c, 0.88, 0.88, 0.88), cairo_move_to(c, place(x, v), y->from), cairo_line_to(c, place(x, v), y->to), cairo_stroke(c);
        cairo_set_source_rgb(c, 0.2, 0.2, 0.2);
        text(c, place(x, v), y->from + FONT + 3, 0, buf);
    }
    for (double v = ceil(y->lo / y->step - 1e-9) * y->step; v <= y->hi + y->step * 1e-9; v += y->step) {
        number_text(v, y->step, buf);
        if (!p->image) cairo_set_source_rgb(c, 0.88, 0.88, 0.88), cairo_move_to(c, x->from, place(y, v)), cairo_line_to(c, x->to, place(y, v)), cairo_stroke(c);
        cairo_set_source_rgb(c, 0.2, 0.2, 0.2);
        text(c, x->from - 4, place(y, v) + FONT * 0.35, 1, buf);
    }
}

static void draw_image(cairo_t *c, const hk_panel *p, const axis *x, const axis *y) {
    double lo = INFINITY, hi = -INFINITY;
    for (int64_t i = 0; i < p->rows * p->columns; i++) lo = fmin(lo, p->image[i]), hi = fmax(hi, p->image[i]);
    const double w = (x->to - x->from) / (double)p->columns, h = (y->from - y->to) / (double)p->rows;
    cairo_set_antialias(c, CAIRO_ANTIALIAS_NONE);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t k = 0; k < p->columns; k++) { /* dark blue, green, yellow: even steps of lightness */
            double v = hi > lo ? (p->image[r * p->columns + k] - lo) / (hi - lo) : 0;
            cairo_set_source_rgb(c, 0.27 - 0.45 * v + 1.15 * v * v, 0.02 + 0.95 * v - 0.06 * v * v, 0.33 + 0.75 * v - 0.95 * v * v);
            cairo_rectangle(c, x->from + (double)k * w, y->to + (double)r * h, w, h);
            cairo_fill(c);
        }
    cairo_set_antialias(c, CAIRO_ANTIALIAS_DEFAULT);
}

static void draw_series(cairo_t *c, const hk_series *s, const axis *x, const axis *y) {
    int pen = 0;
    double before = 0, zero = fmin(fmax(place(y, 0), y->to), y->from), width = s->n > 1 ? 0.4 * fabs(place(x, x_of(s, 1)) - place(x, x_of(s, 0))) : 4;
    cairo_set_line_width(c, s->mark == HK_STEMS ? 1.0 : 1.25);
    for (int64_t i = 0; i < s->n; i++) {
        double u = place(x, x_of(s, i)), v = place(y, s->y[i]);
        if (!isfinite(u) || !isfinite(v)) {
            pen = 0;
            continue;
        }
        switch ((hk_mark)s->mark) {
        case HK_STEMS:
            if (s->y[i] != 0) cairo_move_to(c, u, zero), cairo_line_to(c, u, v);
            break;
        case HK_DOTS:
            cairo_move_to(c, u + 1.1, v);
            cairo_arc(c, u, v, 1.1, 0, 6.2831853);
            break;
        case HK_BARS: cairo_rectangle(c, u - width, fmin(v, zero), 2 * width, fabs(zero - v)); break;
        case HK_STEPS:
            if (pen) cairo_line_to(c, u, before);
            /* fall through */
        case HK_LINE:
            if (pen) cairo_line_to(c, u, v);
            else cairo_move_to(c, u, v);
            pen = 1, before = v;
        }
    }
    if (s->mark == HK_DOTS || s->mark == HK_BARS) cairo_fill(c);
    else cairo_stroke(c);
}

static void set_color(cairo_t *c, const hk_series *s, int k) {
    const double *rgb = colors[(s->color ? s->color - 1 : (uint32_t)k) % N_COLOR];
    cairo_set_source_rgb(c, rgb[0], rgb[1], rgb[2]);
}

static void legend(cairo_t *c, const hk_panel *p, double right, double top) {
    double w = 0, y = top + 4;
    cairo_text_extents_t e;
    int n = 0;
    for (int k = 0; k < p->n_series; k++)
        if (p->series[k].label) cairo_text_extents(c, p->series[k].label, &e), w = fmax(w, e.x_advance), n++;
    if (!n) return;
    cairo_set_source_rgba(c, 1, 1, 1, 0.85);
    cairo_rectangle(c, right - w - 30, y, w + 26, n * (FONT + 3) + 4);
    cairo_fill(c);
    for (int k = 0; k < p->n_series; k++) {
        if (!p->series[k].label) continue;
        set_color(c, &p->series[k], k);
        cairo_set_line_width(c, 2);
        cairo_move_to(c, right - w - 26, y + FONT * 0.7 + 2), cairo_line_to(c, right - w - 12, y + FONT * 0.7 + 2), cairo_stroke(c);
        cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
        text(c, right - w - 8, y + FONT + 1, -1, p->series[k].label);
        y += FONT + 3;
    }
}

static void draw_panel(cairo_t *c, const hk_panel *p, area a) {
    axis x = { 0 }, y = { 0 };
    ranges(p, &x, &y);
    cairo_set_font_size(c, FONT);
    x.step = tick_step(x.hi - x.lo, fmax(2, a.w / 65));
    y.step = tick_step(y.hi - y.lo, fmax(1.6, a.h / 32));
    double left = widest_tick(c, &y) + 8 + (p->y_label ? FONT + 4 : 0), top = p->title ? TITLE + 5 : 3, bottom = FONT + 7 + (p->x_label ? FONT + 3 : 0);
    x.from = a.x + left, x.to = a.x + a.w - 6, y.from = a.y + a.h - bottom, y.to = a.y + top;
    frame(c, p, &x, &y);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    if (p->x_label) text(c, (x.from + x.to) / 2, a.y + a.h - 3, 0, p->x_label);
    if (p->y_label) {
        cairo_save(c);
        cairo_translate(c, a.x + FONT, (y.from + y.to) / 2);
        cairo_rotate(c, -1.5707963);
        text(c, 0, 0, 0, p->y_label);
        cairo_restore(c);
    }
    cairo_save(c);
    cairo_rectangle(c, x.from, y.to, x.to - x.from, y.from - y.to);
    cairo_clip(c);
    if (p->image) draw_image(c, p, &x, &y);
    for (int k = 0; k < p->n_series; k++) set_color(c, &p->series[k], k), draw_series(c, &p->series[k], &x, &y);
    cairo_restore(c);
    cairo_set_source_rgb(c, 0.35, 0.35, 0.35);
    cairo_set_line_width(c, 0.7);
    cairo_rectangle(c, x.from, y.to, x.to - x.from, y.from - y.to);
    cairo_stroke(c);
    legend(c, p, x.to, y.to);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    cairo_set_font_size(c, TITLE);
    if (p->title) text(c, (x.from + x.to) / 2, a.y + TITLE - 1, 0, p->title);
}

static void draw(cairo_t *c, const hk_figure *f) {
    int columns = f->columns > 0 ? f->columns : 1, rows = (f->n_panel + columns - 1) / columns;
    double top = f->title ? 24 : 4, w = (f->width - GAP) / columns;
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    cairo_set_font_size(c, 13);
    if (f->title) text(c, f->width / 2.0, 16, 0, f->title);
    for (int k = 0; k < columns; k++) {
        double all = 0, y = top;
        for (int r = 0; r < rows && r * columns + k < f->n_panel; r++) all += f->panel[r * columns + k].share > 0 ? f->panel[r * columns + k].share : 1;
        for (int r = 0; r < rows && r * columns + k < f->n_panel; r++) {
            const hk_panel *p = &f->panel[r * columns + k];
            double h = (f->height - top) * (p->share > 0 ? p->share : 1) / all;
            draw_panel(c, p, (area){ GAP / 2 + k * w, y, w - 4, h - 6 });
            y += h;
        }
    }
}

static hk_status say(char *why, size_t size, hk_status st, const char *what, const char *path) {
    if (why && size) snprintf(why, size, "%s: %s", path, what);
    return st;
}

hk_status hk_figure_write(const hk_figure *f, const char *path, char *why, size_t size) {
    const char *end = strrchr(path, '.');
    int png = end && !strcmp(end, ".png"), svg = end && !strcmp(end, ".svg"), pdf = end && !strcmp(end, ".pdf");
    if (!(png || svg || pdf)) return say(why, size, HK_EINVAL, "expected a name that ends in .png, .svg or .pdf", path);
    if (f->n_panel < 1 || f->width < 40 || f->height < 40) return say(why, size, HK_EINVAL, "a figure needs a panel, and at least 40 points each way", path);
    char *tmp = malloc(strlen(path) + 16);
    if (!tmp) return say(why, size, HK_ENOMEM, "out of memory", path);
    sprintf(tmp, "%s.%d.tmp", path, (int)getpid());
    cairo_surface_t *s = png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, 2 * f->width, 2 * f->height)
        : svg                ? cairo_svg_surface_create(tmp, f->width, f->height)
                             : cairo_pdf_surface_create(tmp, f->width, f->height);
    cairo_t *c = cairo_create(s);
    if (png) cairo_scale(c, 2, 2);
    draw(c, f);
    cairo_status_t bad = cairo_status(c);
    cairo_destroy(c);
    if (!bad && png) bad = cairo_surface_write_to_png(s, tmp);
    cairo_surface_finish(s);
    if (!bad) bad = cairo_surface_status(s);
    cairo_surface_destroy(s);
    hk_status st = HK_OK;
    if (bad)
        st = say(why, size, bad == CAIRO_STATUS_NO_MEMORY ? HK_ENOMEM : HK_EIO,
            bad == CAIRO_STATUS_WRITE_ERROR && errno ? strerror(errno) : cairo_status_to_string(bad), path);
    else if (rename(tmp, path)) st = say(why, size, HK_EIO, strerror(errno), path);
    if (st) unlink(tmp);
    free(tmp);
    return st;
}
