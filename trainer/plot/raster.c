/* raster.c - hk_plot_raster and hk_plot_spikes: spikes as strokes at (time step, neuron), and beside them how often each neuron fires. */
#include "draw.h"
#include <math.h>
#include <stdlib.h>

enum { MOST = 50000000 };
#define RATE_W 86.0 /* width of the panel of rates */
#define SIDE 20.0   /* between the panels */

typedef struct raster {
    const hk_plot *o;
    const float *s; /* [T,N] */
    int64_t T, N;
    const double *rate; /* [N], or NULL */
} raster;

static double dt_of(const hk_plot *o) { return o->dt > 0 ? o->dt : 1; }

static void draw_spikes(hk__page *p, const raster *r, const hk__axes *a) {
    const double row = fabs(hk__place(&a->y, 1) - hk__place(&a->y, 0)), column = (a->x.to - a->x.from) / ((double)r->T + 1);
    const double h = fmin(fmax(0.7 * row, 1.1), 11), w = fmin(fmax(0.55 * column, 0.7), 1.8);
    hk__color(p, hk__palette[0]);
    for (int64_t t = 0; t < r->T; t++)
        for (int64_t n = 0; n < r->N; n++) {
            if (r->s[t * r->N + n] == 0) continue;
            const double x = hk__place(&a->x, (double)t * dt_of(r->o)), y = hk__place(&a->y, (double)(n + r->o->first));
            cairo_rectangle(p->c, x - w / 2, y - h / 2, w, h);
        }
    cairo_fill(p->c);
}

static void draw_rates(hk__page *p, const raster *r, const hk__axes *raster_axes, hk__area o) {
    hk__axes a = { .y = raster_axes->y, .x = { .from = o.x, .to = o.x + o.w }, .x_label = "firing rate", .y_plain = 1 };
    double most = 0;
    for (int64_t n = 0; n < r->N; n++) most = fmax(most, r->rate[n]);
    hk__axis_fit(&a.x, 0, most > 0 ? 1.05 * most : 1, 0);
    for (double ticks = 4; ticks > 1; ticks--) {
        hk__axis_ticks(&a.x, ticks);
        if (hk__axis_widest(p, &a.x) + 8 <= o.w * a.x.step / (a.x.hi - a.x.lo)) break;
    }
    const double row = fabs(hk__place(&a.y, 1) - hk__place(&a.y, 0)), h = row > 2.5 ? 0.8 * row : row;
    a.grid = r->N <= 12;
    hk__axes_draw(p, &a);
    hk__axes_clip(p, &a);
    hk__color(p, hk__palette[1]);
    for (int64_t n = 0; n < r->N; n++)
        if (r->rate[n] > 0) cairo_rectangle(p->c, o.x, hk__place(&a.y, (double)(n + r->o->first)) - h / 2, hk__place(&a.x, r->rate[n]) - o.x, h);
    cairo_fill(p->c);
    cairo_restore(p->c);
    hk__axes_frame(p, &a);
}

static void draw(hk__page *p, const void *arg) {
    const raster *r = arg;
    const hk_plot *o = r->o;
    const double rates = r->rate ? RATE_W + SIDE : 0, dt = dt_of(o);
    hk__axes a = { .title = o->title, .x_label = o->x_label ? o->x_label : "time step", .y_label = o->y_label ? o->y_label : "neuron" };
    a.x.integer = dt == 1, a.y.integer = 1;
    hk__axis_fit(&a.x, -0.5 * dt, ((double)r->T - 0.5) * dt, r->T > 20 ? 0.01 : 0);
    hk__axis_fit(&a.y, (double)o->first - 0.7, (double)(o->first + r->N) - 0.3, 0);
    hk__axes_place(p, &a, (hk__area){ 4, 2, p->w - 6 - rates, p->h - 4 });
    a.grid = r->N <= 12;
    hk__axes_draw(p, &a);
    hk__axes_clip(p, &a);
    draw_spikes(p, r, &a);
    cairo_restore(p->c);
    hk__axes_frame(p, &a);
    if (r->rate) draw_rates(p, r, &a, (hk__area){ a.x.to + SIDE, a.y.to, RATE_W, a.y.from - a.y.to });
}

static hk_status plot(const hk_plot *o, const float *s, int64_t T, int64_t N, int rates, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    raster r = { o ? o : &defaults, s, T, N, NULL };
    hk_status st = hk__check_array(s, T, N, MOST, path, why, size);
    if (st) return st;
    double *rate = rates ? calloc((size_t)N, sizeof *rate) : NULL;
    if (rates && !rate) return hk__plot_fail(why, size, HK_ENOMEM, path, "out of memory");
    for (int64_t i = 0; rate && i < T * N; i++) rate[i % N] += (s[i] != 0) / (double)T;
    r.rate = rate;
    const double high = fmin(fmax(100 + 9.0 * (double)N, 170), 400), w = r.o->width ? r.o->width : 460 + (rates ? 70 : 0), h = r.o->height ? r.o->height : high;
    st = hk__page_write(w, h, r.o->dpi, draw, &r, path, why, size);
    free(rate);
    return st;
}

hk_status hk_plot_raster(const hk_plot *o, const float *s, int64_t T, int64_t N, const char *path, char *why, size_t size) { return plot(o, s, T, N, 0, path, why, size); }
hk_status hk_plot_spikes(const hk_plot *o, const float *s, int64_t T, int64_t N, const char *path, char *why, size_t size) { return plot(o, s, T, N, 1, path, why, size); }
