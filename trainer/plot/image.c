/* image.c - numbers as squares of colour, and the bar that says what a colour means. A square larger than a pixel has sharp edges; where several fall on one pixel they
 * are averaged. In SVG and PDF each number is a block of pixels, since some viewers smooth images whatever the file says. */
#include "draw.h"
#include <math.h>

static uint32_t pixel(hk__rgb k) {
    return 0xff000000u | (uint32_t)(k.r * 255 + 0.5) << 16 | (uint32_t)(k.g * 255 + 0.5) << 8 | (uint32_t)(k.b * 255 + 0.5);
}

typedef struct raster {
    cairo_surface_t *s;
    unsigned char *data;
    int64_t block; /* pixels of a number, each way */
    int stride;
} raster;

static int begin(hk__page *p, raster *r, int64_t rows, int64_t columns) {
    const int64_t room = 2000000 / (rows * columns);
    for (r->block = 1; p->scale == 0 && r->block < 8 && 4 * r->block * r->block <= room && 2 * r->block * (rows > columns ? rows : columns) <= 16384;) r->block *= 2;
    r->s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(columns * r->block), (int)(rows * r->block));
    if (cairo_surface_status(r->s)) {
        p->bad = 1;
        cairo_surface_destroy(r->s);
        return 0;
    }
    cairo_surface_flush(r->s);
    r->data = cairo_image_surface_get_data(r->s), r->stride = cairo_image_surface_get_stride(r->s);
    return 1;
}

static void set(const raster *r, int64_t row, int64_t column, hk__rgb k) {
    const uint32_t color = pixel(k);
    for (int64_t y = row * r->block; y < (row + 1) * r->block; y++)
        for (int64_t x = column * r->block; x < (column + 1) * r->block; x++) ((uint32_t *)(void *)(r->data + y * r->stride))[x] = color;
}

static void paint(hk__page *p, hk__area a, const raster *r, int64_t rows, int64_t columns) {
    cairo_surface_t *s = r->s;
    rows *= r->block, columns *= r->block;
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
    raster s;
    if (!begin(p, &s, rows, columns)) return;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < columns; k++) {
            double x = v ? v[r * columns + k] : (double)f[r * columns + k];
            set(&s, r, k, hk__map_color(map, (x - lo) / (hi - lo)));
        }
    paint(p, a, &s, rows, columns);
}

void hk__image_rgb(hk__page *p, hk__area a, const float *f, int64_t rows, int64_t columns, double lo, double hi) {
    raster s;
    if (!begin(p, &s, rows, columns)) return;
    const int64_t plane = rows * columns;
    for (int64_t i = 0; i < plane; i++) {
        double k[3];
        for (int c = 0; c < 3; c++) k[c] = fmin(fmax(((double)f[c * plane + i] - lo) / (hi - lo), 0), 1);
        set(&s, i / columns, i % columns, (hk__rgb){ k[0], k[1], k[2] });
    }
    paint(p, a, &s, rows, columns);
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
