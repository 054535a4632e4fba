/* spike_count.c - hk_plot_spike_count: how many spikes each output neuron has fired so far, as bars that grow. */
#include "draw.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NEURONS = 64, MOST_STEPS = 10000, PICTURES = 60 };

typedef struct counts {
    const hk_plot *o;
    const double *sum; /* [T+1,C]: spikes before step t */
    int64_t T, C;
    int between; /* pictures from step to step */
    double most;
} counts;

static void draw_at(hk__page *p, const counts *k, double t) {
    const hk_plot *o = k->o;
    char text[64];
    const int64_t t0 = (int64_t)floor(t), t1 = t0 < k->T ? t0 + 1 : t0;
    hk__axes a = { .x_label = o->x_label ? o->x_label : "spikes", .y_label = o->y_label ? o->y_label : o->names ? "" : "neuron", .grid = 1, .y_down = 1 };
    double best = 0, now[MOST_NEURONS];
    for (int64_t c = 0; c < k->C; c++) {
        double from = k->sum[t0 * k->C + c], to = k->sum[t1 * k->C + c];
        now[c] = from + (to - from) * (t - (double)t0);
        best = fmax(best, now[c]);
    }
    a.title = o->title;
    a.x.integer = 1;
    hk__axis_fit(&a.x, 0, 1.08 * fmax(k->most, 1), 0);
    hk__axis_fit(&a.y, -0.6, (double)k->C - 0.4, 0);
    if (o->names) a.y.n_name = k->C, a.y.name = o->names;
    a.y.integer = 1;
    hk__axes_place(p, &a, (hk__area){ 4, 2, p->w - 8, p->h - 4 });
    hk__axes_draw(p, &a);
    const double row = hk__place(&a.y, 1) - hk__place(&a.y, 0), h = 0.74 * row;
    for (int64_t c = 0; c < k->C; c++) {
        const double y = hk__place(&a.y, (double)c), end = hk__place(&a.x, now[c]);
        hk__color(p, now[c] == best && best > 0 ? hk__palette[1] : hk__mix(hk__palette[0], (hk__rgb){ 1, 1, 1 }, 0.35));
        cairo_rectangle(p->c, a.x.from, y - h / 2, end - a.x.from, h);
        cairo_fill(p->c);
        if (row < HK__FONT) continue;
        snprintf(text, sizeof text, "%.0f", floor(now[c] + 1e-9));
        hk__color(p, hk__dark);
        if (now[c] > 0) hk__text(p, end + 3, y + 0.36 * HK__FONT, -1, text);
    }
    hk__axes_frame(p, &a);
    snprintf(text, sizeof text, "step %lld of %lld", (long long)ceil(t), (long long)k->T);
    hk__color(p, hk__dark);
    hk__text(p, a.x.to, a.y.to + 2 * HK__FONT + 9, 1, text); /* in line with the label of the axis */
}

static void draw_picture(hk__page *p, int i, const void *arg) {
    const counts *k = arg;
    draw_at(p, k, (double)i / k->between);
}
static void draw_end(hk__page *p, const void *arg) {
    const counts *k = arg;
    draw_at(p, k, (double)k->T);
}

hk_status hk_plot_spike_count(const hk_plot *o, const float *s, int64_t T, int64_t C, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    counts k = { .o = o ? o : &defaults, .T = T, .C = C };
    hk_status st = hk__check_array(s, T, C, (int64_t)MOST_NEURONS * MOST_STEPS, path, why, size);
    if (st) return st;
    if (C > MOST_NEURONS || T > MOST_STEPS)
        return hk__plot_fail(why, size, HK_EINVAL, path, "expected at most %d neurons and %d steps, got %lld and %lld", MOST_NEURONS, MOST_STEPS, (long long)C, (long long)T);
    double *sum = calloc((size_t)((T + 1) * C), sizeof *sum);
    if (!sum) return hk__plot_fail(why, size, HK_ENOMEM, path, "out of memory");
    for (int64_t i = 0; i < T * C; i++) {
        sum[i + C] = sum[i] + (s[i] != 0);
        k.most = fmax(k.most, sum[i + C]);
    }
    k.sum = sum;
    const double w = k.o->width ? k.o->width : 400, h = k.o->height ? k.o->height : fmin(fmax(60 + 21.0 * (double)C, 130), 560);
    const char *end = path ? strrchr(path, '.') : NULL;
    if (end && !strcmp(end, ".gif")) {
        k.between = (int)((PICTURES + T - 1) / T);
        const hk__film f = { w, h, k.o->dpi ? k.o->dpi : 100, (int)T * k.between + 1, k.between > 1 ? 8 : 10, 250, draw_picture, &k };
        st = hk__gif_write(&f, path, why, size);
    } else st = hk__page_write(w, h, k.o->dpi, draw_end, &k, path, why, size);
    free(sum);
    return st;
}
