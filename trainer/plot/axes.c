/* axes.c - a pair of axes: how much room labels and numbers take, grid, ticks, frame. Lines of one point or less stand on whole pixels, so that they are sharp. */
#include "draw.h"
#include <math.h>

#define TICK 3.0  /* length */
#define ABOVE 0.36 /* from the base line of digits to their middle, in letters */

static double sharp(const hk__page *p, double v) { return p->scale > 0 ? (floor(v * p->scale) + 0.5) / p->scale : v; }

static double bottom(const hk__axes *a) { return (a->x_plain ? 4 : TICK + 2 + HK__FONT) + (a->x_label && a->x_label[0] ? HK__FONT + 6 : 0) + 2; }
static double top(const hk__axes *a) { return a->title && a->title[0] ? HK__TITLE + 7 : 5; }

double hk__axes_left(hk__page *p, hk__axes *a, hk__area o) {
    hk__letters(p, HK__FONT);
    double h = o.h - bottom(a) - top(a);
    hk__axis_ticks(&a->y, fmax(2, fmin(10, h / (2.2 * HK__FONT))));
    if ((a->y.n_name > 0 || a->y.integer) && h / (a->y.hi - a->y.lo) >= HK__FONT + 1) a->y.step = 1; /* room for each */
    return hk__axis_widest(p, &a->y) + TICK + 4 + (a->y_label && a->y_label[0] ? HK__FONT + 7 : 2);
}

void hk__axes_place(hk__page *p, hk__axes *a, hk__area o) {
    double left = fmax(a->left, hk__axes_left(p, a, o));
    a->x.from = sharp(p, o.x + left), a->x.to = sharp(p, o.x + o.w - 8);
    double low = sharp(p, o.y + o.h - bottom(a)), high = sharp(p, o.y + top(a)), w = a->x.to - a->x.from;
    a->y.from = a->y_down ? high : low, a->y.to = a->y_down ? low : high;
    for (double most = fmin(10, w / 14); most > 1; most--) { /* as many as leave a gap between their numbers */
        hk__axis_ticks(&a->x, most);
        if (hk__axis_widest(p, &a->x) + 0.9 * HK__FONT <= w * a->x.step / (a->x.hi - a->x.lo)) break;
    }
}

void hk__axes_draw(hk__page *p, const hk__axes *a) {
    char buf[48];
    const double low = fmax(a->y.from, a->y.to), high = fmin(a->y.from, a->y.to), left = a->x.from;
    hk__letters(p, HK__FONT);
    cairo_set_line_cap(p->c, CAIRO_LINE_CAP_BUTT);
    for (double v = hk__axis_first(&a->x); v <= hk__axis_last(&a->x); v += a->x.step) {
        double at = sharp(p, hk__place(&a->x, v));
        hk__color(p, hk__light);
        if (a->grid) hk__line(p, at, low, at, high, 0.5);
        hk__color(p, hk__dark);
        if (a->x_plain) continue;
        hk__line(p, at, low, at, low + TICK, 0.6);
        hk__axis_text(&a->x, v, buf);
        hk__text(p, at, low + TICK + 1 + HK__FONT, 0, buf);
    }
    for (double v = hk__axis_first(&a->y); v <= hk__axis_last(&a->y); v += a->y.step) {
        double at = sharp(p, hk__place(&a->y, v));
        hk__color(p, hk__light);
        if (a->grid && !a->y.n_name) hk__line(p, left, at, a->x.to, at, 0.5);
        hk__color(p, hk__dark);
        if (a->y_plain) continue;
        hk__line(p, left - TICK, at, left, at, 0.6);
        hk__axis_text(&a->y, v, buf);
        hk__text(p, left - TICK - 2, at + ABOVE * HK__FONT, 1, buf);
    }
    hk__color(p, hk__black);
    if (a->x_label && a->x_label[0]) hk__text(p, (left + a->x.to) / 2, low + (a->x_plain ? 2 : TICK + 2 + HK__FONT) + HK__FONT + 4, 0, a->x_label);
    if (a->y_label && a->y_label[0]) hk__text_up(p, left - fmax(a->left, hk__axis_widest(p, &a->y) + TICK + 4 + HK__FONT + 7) + HK__FONT + 1, (low + high) / 2, a->y_label);
    hk__letters(p, HK__TITLE);
    if (a->title && a->title[0]) hk__text(p, (left + a->x.to) / 2, high - 6, 0, a->title);
    hk__letters(p, HK__FONT);
}

void hk__axes_clip(hk__page *p, const hk__axes *a) {
    cairo_save(p->c);
    cairo_rectangle(p->c, a->x.from, fmin(a->y.from, a->y.to), a->x.to - a->x.from, fabs(a->y.to - a->y.from));
    cairo_clip(p->c);
}

void hk__axes_frame(hk__page *p, const hk__axes *a) {
    hk__color(p, hk__dark);
    cairo_set_line_width(p->c, 0.7);
    cairo_rectangle(p->c, a->x.from, fmin(a->y.from, a->y.to), a->x.to - a->x.from, fabs(a->y.to - a->y.from));
    cairo_stroke(p->c);
}
