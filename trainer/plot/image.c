/* image.c - numbers as squares of colour, and the bar that says what a colour means. A square larger than a pixel has sharp edges; where several fall on one pixel they
 * are averaged. */
#include "draw.h"
#include <math.h>

static uint32_t pixel(hk__rgb k) {
    return 0xff000000u | (uint32_t)(k.r * 255 + 0.5) << 16 | (uint32_t)(k.g * 255 + 0.5) << 8 | (uint32_t)(k.b * 255 + 0.5);
}

static cairo_surface_t *surface(hk__page *p, int64_t rows, int64_t columns, unsigned char **data, int *stride) {
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    if (cairo_surface_status(s)) {
        p->bad = 1;
        cairo_surface_destroy(s);
        return NULL;
    }
    cairo_surface_flush(s);
    *data = cairo_image_surface_get_data(s), *stride = cairo_image_surface_get_stride(s);
    return s;
}

static void paint(hk__page *p, hk__area a, cairo_surface_t *s, int64_t rows, int64_t columns) {
    const double sx = a.w / (double)columns, sy = a.h / (double)rows, least = p->scale > 0 ? 1 / p->scale : 0.2;
    cairo_surface_mark_dirty(s);
    cairo_save(p->c);
    cairo_rectangle(p->c, a.x, a.y, a.w, a.h);
    cairo_clip(p->c);
    cairo_translate(p->c, a.x, a.y);
    cairo_scale(p->c, sx, sy);
    cairo_set_source_surface(p->c, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(p->c), sx < least || sy < least ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_pattern_set_extend(cairo_get_source(p->c), CAIRO_EXTEND_PAD);
    cairo_rectangle(p->c, 0, 0, (double)columns, (double)rows);
    cairo_fill(p->c);
    cairo_restore(p->c);
    cairo_surface_destroy(s);
}

void hk__image(hk__page *p, hk__area a, const double *v, const float *f, int64_t rows, int64_t columns, uint32_t map, double lo, double hi) {
    unsigned char *data;
    int stride;
    cairo_surface_t *s = surface(p, rows, columns, &data, &stride);
    if (!s) return;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < columns; k++) {
            double x = v ? v[r * columns + k] : (double)f[r * columns + k];
            ((uint32_t *)(void *)(data + r * stride))[k] = pixel(hk__map_color(map, (x - lo) / (hi - lo)));
        }
    paint(p, a, s, rows, columns);
}

void hk__image_rgb(hk__page *p, hk__area a, const float *f, int64_t rows, int64_t columns, double lo, double hi) {
    unsigned char *data;
    int stride;
    cairo_surface_t *s = surface(p, rows, columns, &data, &stride);
    if (!s) return;
    const int64_t plane = rows * columns;
    for (int64_t i = 0; i < plane; i++) {
        double k[3];
        for (int c = 0; c < 3; c++) k[c] = fmin(fmax(((double)f[c * plane + i] - lo) / (hi - lo), 0), 1);
        ((uint32_t *)(void *)(data + i / columns * stride))[i % columns] = pixel((hk__rgb){ k[0], k[1], k[2] });
    }
    paint(p, a, s, rows, columns);
}

double hk__color_bar(hk__page *p, hk__area a, uint32_t map, double lo, double hi, const char *label, int measure) {
    enum { STEPS = 256 };
    hk__axis y = { .lo = lo, .hi = hi, .from = a.y + a.h, .to = a.y };
    double ramp[STEPS];
    char buf[48];
    hk__letters(p, HK__FONT);
    hk__axis_ticks(&y, fmax(2, fmin(8, a.h / (2.4 * HK__FONT))));
    const double widest = hk__axis_widest(p, &y), width = a.w + 5 + widest + (label && label[0] ? HK__FONT + 6 : 0);
    if (measure) return width;
    for (int i = 0; i < STEPS; i++) ramp[i] = lo + (hi - lo) * (STEPS - 1 - i) / (STEPS - 1);
    hk__image(p, a, ramp, NULL, STEPS, 1, map, lo, hi);
    hk__color(p, hk__dark);
    cairo_set_line_width(p->c, 0.6);
    cairo_rectangle(p->c, a.x, a.y, a.w, a.h);
    cairo_stroke(p->c);
    for (double v = hk__axis_first(&y); v <= hk__axis_last(&y); v += y.step) {
        hk__color(p, hk__dark);
        hk__line(p, a.x + a.w, hk__place(&y, v), a.x + a.w + 2.5, hk__place(&y, v), 0.6);
        hk__axis_text(&y, v, buf);
        hk__text(p, a.x + a.w + 4.5, hk__place(&y, v) + 0.36 * HK__FONT, -1, buf);
    }
    hk__color(p, hk__black);
    if (label && label[0]) hk__text_up(p, a.x + a.w + 5 + widest + HK__FONT + 3, a.y + a.h / 2, label);
    return width;
}
