/* membrane.c - hk_plot_membrane: potentials through time with threshold and reset, and spikes as strokes above the threshold. The panels share time and range. */
#include "draw.h"
#include <math.h>
#include <stdio.h>

enum { MOST_NEURONS = 16, MOST = 10000000 };
#define ROW 78.0 /* height of a panel */
#define ABOVE 0.22 /* part of the range that strokes stand in */

typedef struct membrane {
    const hk_plot *o;
    const float *v, *s;
    int64_t T, N;
    double threshold, reset, lo, hi, base; /* base: where strokes begin */
} membrane;

static double dt_of(const hk_plot *o) { return o->dt > 0 ? o->dt : 1; }

static void draw_neuron(hk__page *p, const membrane *m, int64_t n, hk__area o) {
    char label[64];
    const double dt = dt_of(m->o);
    hk__axes a = { .grid = 1, .x_plain = n + 1 < m->N, .left = 46 };
    a.x_label = a.x_plain ? NULL : m->o->x_label ? m->o->x_label : "time step";
    snprintf(label, sizeof label, "neuron %lld", (long long)(m->o->first + n));
    a.y_label = m->o->names ? m->o->names[n] : m->N == 1 && m->o->y_label ? m->o->y_label : label;
    a.x.integer = dt == 1;
    hk__axis_fit(&a.x, -0.5 * dt, ((double)m->T - 0.5) * dt, 0.01);
    hk__axis_fit(&a.y, m->lo, m->hi, 0);
    hk__axes_place(p, &a, o);
    hk__axes_draw(p, &a);
    hk__axes_clip(p, &a);
    hk__color(p, hk__palette[1]);
    for (int64_t t = 0; m->s && t < m->T; t++)
        if (m->s[t * m->N + n] != 0) hk__line(p, hk__place(&a.x, (double)t * dt), hk__place(&a.y, m->base), hk__place(&a.x, (double)t * dt), a.y.to, 1.5);
    hk__color(p, hk__palette[7]);
    hk__dashes(p, HK_DASHED);
    if (isfinite(m->threshold)) hk__line(p, a.x.from, hk__place(&a.y, m->threshold), a.x.to, hk__place(&a.y, m->threshold), 1);
    hk__dashes(p, HK_DOTTED);
    if (isfinite(m->reset)) hk__line(p, a.x.from, hk__place(&a.y, m->reset), a.x.to, hk__place(&a.y, m->reset), 1);
    hk__dashes(p, 0);
    hk__color(p, hk__palette[0]);
    cairo_set_line_width(p->c, 1.5);
    cairo_set_line_join(p->c, CAIRO_LINE_JOIN_ROUND);
    int pen = 0;
    for (int64_t t = 0; t < m->T; t++) {
        double v = (double)m->v[t * m->N + n];
        if (isfinite(v) && pen) cairo_line_to(p->c, hk__place(&a.x, (double)t * dt), hk__place(&a.y, v));
        else if (isfinite(v)) cairo_move_to(p->c, hk__place(&a.x, (double)t * dt), hk__place(&a.y, v));
        pen = isfinite(v);
    }
    cairo_stroke(p->c);
    cairo_restore(p->c);
    hk__axes_frame(p, &a);
}

static void draw(hk__page *p, const void *arg) {
    const membrane *m = arg;
    hk__key_line key[4] = { { HK_LINE, 1, m->o->value_label ? m->o->value_label : "membrane potential" } };
    int n = 1;
    if (isfinite(m->threshold)) key[n++] = (hk__key_line){ HK_LINE | HK_DASHED | HK_THIN, 8, "threshold" };
    if (isfinite(m->reset)) key[n++] = (hk__key_line){ HK_LINE | HK_DOTTED | HK_THIN, 8, "reset" };
    if (m->s) key[n++] = (hk__key_line){ HK_STEMS, 2, "spikes" };
    double top = 4;
    hk__letters(p, HK__TITLE);
    if (m->o->title && m->o->title[0]) hk__text(p, p->w / 2, top + HK__TITLE, 0, m->o->title), top += HK__TITLE + 7;
    hk__legend_row(p, p->w / 2, top + HK__FONT + 1, n, key);
    top += HK__FONT + 4;
    const double last = 30, row = (p->h - top - last) / (double)m->N; /* last: numbers and label of the time axis */
    for (int64_t k = 0; k < m->N; k++) draw_neuron(p, m, k, (hk__area){ 4, top + (double)k * row, p->w - 6, row + (k + 1 < m->N ? 0 : last - 4) });
}

hk_status hk_plot_membrane(const hk_plot *o, const float *v, const float *s, int64_t T, int64_t N, double threshold, double reset, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    membrane m = { o ? o : &defaults, v, s, T, N, threshold, reset, 0, 0, 0 };
    hk_status st = hk__check_array(v, T, N, MOST, path, why, size);
    if (st) return st;
    if (N > MOST_NEURONS) return hk__plot_fail(why, size, HK_EINVAL, path, "expected at most %d neurons, got %lld", MOST_NEURONS, (long long)N);
    hk__value_range(NULL, v, T * N, HK_VIRIDIS, &m.lo, &m.hi);
    if (isfinite(threshold)) m.lo = fmin(m.lo, threshold), m.hi = fmax(m.hi, threshold);
    if (isfinite(reset)) m.lo = fmin(m.lo, reset), m.hi = fmax(m.hi, reset);
    m.base = isfinite(threshold) ? threshold : m.hi;
    const double range = m.hi - m.lo;
    m.lo -= 0.06 * range, m.hi += (s ? ABOVE : 0.06) * range;
    if (m.o->lo != m.o->hi) m.lo = m.o->lo, m.hi = m.o->hi;
    return hk__page_write(m.o->width ? m.o->width : 460, m.o->height ? m.o->height : 60 + fmax(ROW * (double)N, 130), m.o->dpi, draw, &m, path, why, size);
}
