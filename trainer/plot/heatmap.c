/* heatmap.c - hk_plot_heatmap: one variable of many neurons through time, as colours. */
#include "draw.h"
#include <math.h>
#include <stdlib.h>

enum { MOST = 50000000, SIDE = 32767 };
#define BAR 10.0
#define GAP 9.0

typedef struct heatmap {
    const hk_plot *o;
    const float *turned; /* [N,T], the last neuron first */
    int64_t T, N;
    double lo, hi;
} heatmap;

static void draw(hk__page *p, const void *arg) {
    const heatmap *m = arg;
    const hk_plot *o = m->o;
    const double dt = o->dt > 0 ? o->dt : 1;
    const char *label = o->value_label ? o->value_label : "value";
    hk__axes a = { .title = o->title, .x_label = o->x_label ? o->x_label : "time step", .y_label = o->y_label ? o->y_label : "neuron" };
    a.x.integer = dt == 1, a.y.integer = 1;
    hk__axis_fit(&a.x, -0.5 * dt, ((double)m->T - 0.5) * dt, 0);
    hk__axis_fit(&a.y, (double)o->first - 0.5, (double)(o->first + m->N) - 0.5, 0);
    double bar = hk__color_bar(p, (hk__area){ 0, 0, BAR, p->h - 40 }, o->map, m->lo, m->hi, label, 1);
    hk__axes_place(p, &a, (hk__area){ 4, 2, p->w - 6 - GAP - bar, p->h - 4 });
    hk__axes_draw(p, &a);
    hk__image(p, (hk__area){ a.x.from, a.y.to, a.x.to - a.x.from, a.y.from - a.y.to }, NULL, m->turned, m->N, m->T, o->map, m->lo, m->hi);
    hk__axes_frame(p, &a);
    hk__color_bar(p, (hk__area){ a.x.to + GAP, a.y.to, BAR, a.y.from - a.y.to }, o->map, m->lo, m->hi, label, 0);
}

hk_status hk_plot_heatmap(const hk_plot *o, const float *v, int64_t T, int64_t N, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    heatmap m = { o ? o : &defaults, NULL, T, N, 0, 0 };
    hk_status st = hk__check_array(v, T, N, MOST, path, why, size);
    if (st) return st;
    if (T > SIDE || N > SIDE) return hk__plot_fail(why, size, HK_EINVAL, path, "expected at most %d time steps and neurons, got %lld and %lld", SIDE, (long long)T, (long long)N);
    float *turned = malloc((size_t)(T * N) * sizeof *turned);
    if (!turned) return hk__plot_fail(why, size, HK_ENOMEM, path, "out of memory");
    for (int64_t t = 0; t < T; t++)
        for (int64_t n = 0; n < N; n++) turned[(N - 1 - n) * T + t] = v[t * N + n];
    m.turned = turned, m.lo = m.o->lo, m.hi = m.o->hi;
    if (m.lo == m.hi) hk__value_range(NULL, v, T * N, m.o->map, &m.lo, &m.hi);
    const double high = fmin(fmax(110 + 9.0 * (double)N, 190), 360);
    st = hk__page_write(m.o->width ? m.o->width : 470, m.o->height ? m.o->height : high, m.o->dpi, draw, &m, path, why, size);
    free(turned);
    return st;
}
