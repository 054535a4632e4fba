/* bars3d.c - hk_plot_bars3d: bars over neurons and time steps, seen from above at an angle. A parallel projection; bars are drawn from back to front, each as the three faces
 * that are seen, the sides in shade. */
#include "draw.h"
#include <math.h>
#include <stdio.h>

enum { MOST = 10000 };
#define TURN 0.72  /* of the floor, radians */
#define RAISE 0.50 /* of the eye above the floor */
#define BAR 10.0

typedef struct scene {
    const hk_plot *o;
    const float *v; /* [T,N] */
    int64_t T, N;
    double lo, hi;          /* of the colours */
    int spikes;             /* all numbers are 0 or 1: the colour is the neuron's */
    hk__axis z;             /* places from 0 to 1 of the height */
    double cx, cy, scale;   /* middle on the page; points of a unit */
    double sx, sy, sz;      /* sides of the box: time, neurons, values */
} scene;

typedef struct point {
    double x, y;
} point;

/* u: time, 0 to 1 away from the left corner; w: neuron, 0 to 1; z: 0 to 1. Time runs to the right and towards the eye, neurons to the right and away from it. */
static point see(const scene *s, double u, double w, double z) {
    const double a = (u - 0.5) * s->sx, b = (w - 0.5) * s->sy;
    const double across = a * cos(TURN) + b * sin(TURN), depth = -a * sin(TURN) + b * cos(TURN);
    return (point){ s->cx + s->scale * across, s->cy - s->scale * (depth * sin(RAISE) + (z - 0.5) * s->sz * cos(RAISE)) };
}

static void corner(hk__page *p, const scene *s, double u, double w, double z, int first) {
    point q = see(s, u, w, z);
    if (first) cairo_move_to(p->c, q.x, q.y);
    else cairo_line_to(p->c, q.x, q.y);
}

static void edge(hk__page *p, const scene *s, const double a[3], const double b[3], double width) {
    point q = see(s, a[0], a[1], a[2]), r = see(s, b[0], b[1], b[2]);
    hk__line(p, q.x, q.y, r.x, r.y, width);
}

static void fill(hk__page *p, hk__rgb k, double shade, int outline) {
    cairo_close_path(p->c);
    hk__color(p, (hk__rgb){ k.r * shade, k.g * shade, k.b * shade });
    cairo_fill_preserve(p->c);
    hk__color(p, outline ? (hk__rgb){ k.r * 0.45, k.g * 0.45, k.b * 0.45 } : (hk__rgb){ k.r * shade, k.g * shade, k.b * shade });
    cairo_set_line_width(p->c, outline ? 0.35 : 0.2);
    cairo_stroke(p->c);
}

static void bar(hk__page *p, const scene *s, int64_t t, int64_t n) {
    const double v = (double)s->v[t * s->N + n], part = 0.68;
    if (v == 0 || !isfinite(v)) return;
    const double u0 = ((double)t + 0.5 - part / 2) / (double)s->T, u1 = u0 + part / (double)s->T, w0 = ((double)n + 0.5 - part / 2) / (double)s->N, w1 = w0 + part / (double)s->N;
    const double zero = hk__place(&s->z, fmin(fmax(0, s->z.lo), s->z.hi)), top = hk__place(&s->z, v), z0 = fmin(zero, top), z1 = fmax(zero, top);
    const hk__rgb k = s->spikes ? hk__map_color(HK_VIRIDIS, 0.12 + 0.76 * ((double)n + 0.5) / (double)s->N) : hk__map_color(s->o->map, (v - s->lo) / (s->hi - s->lo));
    const int outline = s->scale * s->sx / (double)s->T > 5 && s->scale * s->sy / (double)s->N > 5;
    corner(p, s, u1, w0, z0, 1), corner(p, s, u1, w1, z0, 0), corner(p, s, u1, w1, z1, 0), corner(p, s, u1, w0, z1, 0); /* the side towards later steps */
    fill(p, k, 0.62, outline);
    corner(p, s, u0, w0, z0, 1), corner(p, s, u1, w0, z0, 0), corner(p, s, u1, w0, z1, 0), corner(p, s, u0, w0, z1, 0); /* the side towards lower neurons */
    fill(p, k, 0.80, outline);
    corner(p, s, u0, w0, z1, 1), corner(p, s, u1, w0, z1, 0), corner(p, s, u1, w1, z1, 0), corner(p, s, u0, w1, z1, 0);
    fill(p, k, 1, outline);
}

/* ---- the box behind the bars ---- */

static void wall(hk__page *p, const scene *s, const double q[4][3], double grey) {
    for (int i = 0; i < 4; i++) corner(p, s, q[i][0], q[i][1], q[i][2], i == 0);
    cairo_close_path(p->c);
    hk__color(p, (hk__rgb){ grey, grey, grey });
    cairo_fill(p->c);
}

static void box(hk__page *p, const scene *s, const hk__axis *t, const hk__axis *n) {
    const double floor_[4][3] = { { 0, 0, 0 }, { 1, 0, 0 }, { 1, 1, 0 }, { 0, 1, 0 } }, left[4][3] = { { 0, 0, 0 }, { 0, 1, 0 }, { 0, 1, 1 }, { 0, 0, 1 } },
                 back[4][3] = { { 0, 1, 0 }, { 1, 1, 0 }, { 1, 1, 1 }, { 0, 1, 1 } };
    wall(p, s, floor_, 0.955), wall(p, s, left, 0.975), wall(p, s, back, 0.985);
    hk__color(p, hk__light);
    for (double v = hk__axis_first(&s->z); v <= hk__axis_last(&s->z); v += s->z.step) {
        double z = hk__place(&s->z, v);
        edge(p, s, (double[]){ 0, 0, z }, (double[]){ 0, 1, z }, 0.5), edge(p, s, (double[]){ 0, 1, z }, (double[]){ 1, 1, z }, 0.5);
    }
    for (double v = hk__axis_first(t); v <= hk__axis_last(t); v += t->step) {
        double u = hk__place(t, v);
        edge(p, s, (double[]){ u, 0, 0 }, (double[]){ u, 1, 0 }, 0.5), edge(p, s, (double[]){ u, 1, 0 }, (double[]){ u, 1, 1 }, 0.5);
    }
    for (double v = hk__axis_first(n); v <= hk__axis_last(n); v += n->step) {
        double w = hk__place(n, v);
        edge(p, s, (double[]){ 0, w, 0 }, (double[]){ 1, w, 0 }, 0.5), edge(p, s, (double[]){ 0, w, 0 }, (double[]){ 0, w, 1 }, 0.5);
    }
    if (s->z.lo < 0) {
        const double z = hk__place(&s->z, 0);
        hk__color(p, hk__grey);
        edge(p, s, (double[]){ 0, 0, z }, (double[]){ 0, 1, z }, 0.7), edge(p, s, (double[]){ 0, 1, z }, (double[]){ 1, 1, z }, 0.7);
    }
    hk__color(p, hk__dark);
    edge(p, s, (double[]){ 0, 0, 0 }, (double[]){ 1, 0, 0 }, 0.8), edge(p, s, (double[]){ 1, 0, 0 }, (double[]){ 1, 1, 0 }, 0.8), edge(p, s, (double[]){ 0, 0, 0 }, (double[]){ 0, 0, 1 }, 0.8);
}

/* Ticks and label of the edge from (0,0,0) to (1,0,0), time, or from (1,0,0) to (1,1,0), neurons. */
static void floor_axis(hk__page *p, const scene *s, const hk__axis *a, int neurons, const char *label) {
    char buf[48];
    double widest = 0;
    hk__letters(p, HK__FONT);
    for (double v = hk__axis_first(a); v <= hk__axis_last(a); v += a->step) {
        double at = hk__place(a, v), out = 0.018;
        point q = neurons ? see(s, 1, at, 0) : see(s, at, 0, 0), r = neurons ? see(s, 1 + out * s->sy / s->sx, at, 0) : see(s, at, -out * s->sx / s->sy, 0);
        hk__color(p, hk__dark);
        hk__line(p, q.x, q.y, r.x, r.y, 0.7);
        hk__axis_text(a, v, buf);
        widest = fmax(widest, hk__text_width(p, buf));
        hk__text(p, r.x + (neurons ? 2 : -2), r.y + HK__FONT * 0.75, neurons ? -1 : 1, buf);
    }
    const point q = neurons ? see(s, 1, 0.5, 0) : see(s, 0.5, 0, 0);
    hk__color(p, hk__black);
    hk__text(p, q.x + (neurons ? widest + 14 : -widest - 14), q.y + HK__FONT * 2, neurons ? -1 : 1, label);
}

static void height_axis(hk__page *p, const scene *s, const char *label) {
    char buf[48];
    double widest = 0;
    for (double v = hk__axis_first(&s->z); v <= hk__axis_last(&s->z); v += s->z.step) {
        point q = see(s, 0, 0, hk__place(&s->z, v));
        hk__color(p, hk__dark);
        hk__line(p, q.x - 3, q.y, q.x, q.y, 0.7);
        hk__axis_text(&s->z, v, buf);
        widest = fmax(widest, hk__text_width(p, buf));
        hk__text(p, q.x - 5, q.y + 0.36 * HK__FONT, 1, buf);
    }
    const point q = see(s, 0, 0, 0.5);
    hk__color(p, hk__black);
    if (label && label[0]) hk__text_up(p, q.x - widest - 11, q.y, label);
}

static void draw(hk__page *p, const void *arg) {
    scene s = *(const scene *)arg;
    const hk_plot *o = s.o;
    const double top = o->title && o->title[0] ? HK__TITLE + 8 : 4, dt = o->dt > 0 ? o->dt : 1;
    const char *label = o->value_label ? o->value_label : s.spikes ? "spike" : "value";
    const double bar_w = s.spikes ? 0 : hk__color_bar(p, (hk__area){ 0, 0, BAR, 0.5 * (p->h - top) }, o->map, s.lo, s.hi, NULL, 1);
    const double wide = s.sx * cos(TURN) + s.sy * sin(TURN), high = (s.sx * sin(TURN) + s.sy * cos(TURN)) * sin(RAISE) + s.sz * cos(RAISE);
    const double left = 44, right = 34 + bar_w, bottom = 26;
    s.scale = fmin((p->w - left - right) / wide, (p->h - top - bottom - 4) / high);
    s.cx = left + (p->w - left - right) / 2, s.cy = top + (p->h - top - bottom) / 2;
    hk__axis t = { .lo = -0.5 * dt, .hi = ((double)s.T - 0.5) * dt, .from = 0, .to = 1, .integer = dt == 1 };
    hk__axis n = { .lo = (double)o->first - 0.5, .hi = (double)(o->first + s.N) - 0.5, .from = 0, .to = 1, .integer = 1 };
    hk__axis_ticks(&t, fmin(8, s.scale * s.sx / 26)), hk__axis_ticks(&n, fmin(8, s.scale * s.sy / 26));
    hk__letters(p, HK__TITLE);
    if (top > 4) hk__text(p, p->w / 2, HK__TITLE + 3, 0, o->title);
    box(p, &s, &t, &n);
    cairo_set_line_join(p->c, CAIRO_LINE_JOIN_ROUND);
    for (int64_t k = s.N - 1; k >= 0; k--) /* far neurons first, then early steps */
        for (int64_t i = 0; i < s.T; i++) bar(p, &s, i, k);
    floor_axis(p, &s, &t, 0, o->x_label ? o->x_label : "time step");
    floor_axis(p, &s, &n, 1, o->y_label ? o->y_label : "neuron");
    height_axis(p, &s, label);
    if (!s.spikes) hk__color_bar(p, (hk__area){ p->w - bar_w - 6, top + 0.18 * (p->h - top), BAR, 0.5 * (p->h - top) }, o->map, s.lo, s.hi, NULL, 0);
}

hk_status hk_plot_bars3d(const hk_plot *o, const float *v, int64_t T, int64_t N, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    scene s = { .o = o ? o : &defaults, .v = v, .T = T, .N = N, .z = { .from = 0, .to = 1 } };
    hk_status st = hk__check_array(v, T, N, MOST, path, why, size);
    if (st) return st;
    s.lo = s.o->lo, s.hi = s.o->hi;
    if (s.lo == s.hi) hk__value_range(NULL, v, T * N, s.o->map, &s.lo, &s.hi);
    hk__axis_fit(&s.z, fmin(s.lo, 0), fmax(s.hi, 0), 0);
    s.spikes = 1;
    for (int64_t i = 0; i < T * N && s.spikes; i++) s.spikes = v[i] == 0 || v[i] == 1;
    s.z.integer = s.spikes;
    hk__axis_ticks(&s.z, 6);
    s.z.lo = floor(s.z.lo / s.z.step + 1e-9) * s.z.step, s.z.hi = ceil(s.z.hi / s.z.step - 1e-9) * s.z.step;
    const double ratio = fmin(fmax(sqrt((double)T / (double)N), 0.6), 1.7);
    s.sx = ratio, s.sy = 1 / ratio, s.sz = s.spikes ? 0.34 : 0.62; /* short strokes hide less */
    return hk__page_write(s.o->width ? s.o->width : 480, s.o->height ? s.o->height : s.spikes ? 290 : 350, s.o->dpi, draw, &s, path, why, size);
}
