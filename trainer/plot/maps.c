/* maps.c - hk_plot_maps: groups of small pictures in grids. A number is a square of whole pixels, so that all are of one size. */
#include "draw.h"
#include <math.h>

enum { MOST = 50000000 };
#define SPACE 2.0  /* between maps, points */
#define GROUP 14.0 /* between groups */
#define EDGE 8.0

typedef struct maps {
    const hk_plot *o;
    const float *x; /* [G,C,H,W] */
    int64_t G, C, H, W, columns, rows, across;
    uint32_t map;
    double lo, hi, cell; /* cell: side of a number, points */
    double gw, gh, caption, title;
    int bar;
} maps;

static void draw_group(hk__page *p, const maps *m, int64_t g, double x, double y) {
    const float *from = m->x + g * m->C * m->H * m->W;
    const double w = m->cell * (double)m->W, h = m->cell * (double)m->H;
    hk__letters(p, HK__FONT);
    hk__color(p, hk__black);
    if (m->o->names && m->o->names[g]) hk__text_fit(p, x + m->gw / 2, y + HK__FONT + 1, 0, m->gw + GROUP - 4, m->o->names[g]);
    y += m->caption;
    if (m->o->rgb) {
        hk__image_rgb(p, (hk__area){ x, y, w, h }, from, m->H, m->W, m->lo, m->hi);
        return;
    }
    for (int64_t c = 0; c < m->C; c++) {
        hk__area a = { x + (double)(c % m->columns) * (w + SPACE), y + (double)(c / m->columns) * (h + SPACE), w, h };
        hk__image(p, a, NULL, from + c * m->H * m->W, m->H, m->W, m->map, m->lo, m->hi);
        hk__color(p, hk__grey);
        cairo_set_line_width(p->c, 0.4);
        cairo_rectangle(p->c, a.x - 0.2, a.y - 0.2, a.w + 0.4, a.h + 0.4);
        cairo_stroke(p->c);
    }
}

static void draw(hk__page *p, const void *arg) {
    const maps *m = arg;
    const double inner = m->gw * (double)m->across + GROUP * (double)(m->across - 1), grid = m->gh + m->caption;
    const int64_t down = (m->G + m->across - 1) / m->across;
    hk__letters(p, HK__TITLE);
    if (m->title > 0) hk__text_fit(p, EDGE + inner / 2, EDGE + HK__TITLE - 2, 0, p->w - 8, m->o->title);
    for (int64_t g = 0; g < m->G; g++)
        draw_group(p, m, g, EDGE + (double)(g % m->across) * (m->gw + GROUP), EDGE + m->title + (double)(g / m->across) * (grid + GROUP / 2));
    if (m->bar) {
        const double high = fmin((double)down * (grid + GROUP / 2) - GROUP / 2 - m->caption, 200);
        hk__color_bar(p, (hk__area){ EDGE + inner + 10, EDGE + m->title + m->caption, 9, high }, m->map, m->lo, m->hi, m->o->value_label, 0);
    }
}

static int binary(const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] != 0 && x[i] != 1) return 0;
    return 1;
}

/* The columns of a grid of n fields of w x h that makes it about 1.4 times as wide as high. */
static int64_t grid_columns(int64_t n, double w, double h) {
    int64_t best = 1;
    double least = INFINITY;
    for (int64_t k = 1; k <= n && k <= 4096; k++) {
        double ratio = log((double)k * w / ((double)((n + k - 1) / k) * h) / 1.4), empty = (double)((n + k - 1) / k * k - n) / (double)n, cost = ratio * ratio + empty;
        if (cost < least) least = cost, best = k;
    }
    return best;
}

static void arrange(maps *m, int dpi) {
    const int64_t fields = m->o->rgb ? 1 : m->C;
    if (m->columns < 1) m->columns = grid_columns(fields, (double)m->W + 2, (double)m->H + 2);
    if (m->columns > fields) m->columns = fields;
    m->rows = (fields + m->columns - 1) / m->columns;
    m->across = grid_columns(m->G, (double)(m->columns * (m->W + 2)), (double)(m->rows * (m->H + 2)) + 14);
    const double want = m->o->width ? m->o->width : 500, numbers = (double)(m->across * m->columns * m->W);
    const double pixel = 72.0 / dpi, side = (want - 2 * EDGE - SPACE * (double)(m->across * (m->columns - 1)) - GROUP * (double)(m->across - 1)) / numbers;
    m->cell = pixel * fmin(fmax(floor(side / pixel), 1), floor(8 / pixel));
    m->gw = (double)m->columns * m->cell * (double)m->W + SPACE * (double)(m->columns - 1);
    m->gh = (double)m->rows * m->cell * (double)m->H + SPACE * (double)(m->rows - 1);
    m->caption = m->o->names ? HK__FONT + 5 : 0;
    m->title = m->o->title && m->o->title[0] ? HK__TITLE + 6 : 0;
}

hk_status hk_plot_maps(const hk_plot *o, const float *x, int64_t G, int64_t C, int64_t H, int64_t W, int64_t columns, const char *path, char *why, size_t size) {
    static const hk_plot defaults;
    maps m = { .o = o ? o : &defaults, .x = x, .G = G, .C = C, .H = H, .W = W, .columns = columns };
    hk_status st = G < 1 || C < 1 || H < 1 || W < 1 || G > MOST || C > MOST || H > 32767 || W > 32767
        ? hk__plot_fail(why, size, HK_EINVAL, path, "expected maps of at least 1 x 1 x 1 x 1, and of at most 32767 x 32767, got %lld x %lld x %lld x %lld", (long long)G,
              (long long)C, (long long)H, (long long)W)
        : hk__check_array(x, G * C, H * W, MOST, path, why, size);
    if (st) return st;
    if (m.o->rgb && C != 3) return hk__plot_fail(why, size, HK_EINVAL, path, "expected three maps of red, green and blue, got %lld", (long long)C);
    const int spikes = binary(x, G * C * H * W);
    m.map = spikes && m.o->map == HK_VIRIDIS ? HK_GREY : m.o->map;
    m.lo = m.o->lo, m.hi = m.o->hi;
    if (m.lo == m.hi && spikes) m.lo = 0, m.hi = 1;
    if (m.lo == m.hi) hk__value_range(NULL, x, G * C * H * W, m.map, &m.lo, &m.hi);
    m.bar = !spikes && !m.o->rgb && !(m.map == HK_GREY && m.lo == 0 && m.hi == 1);
    arrange(&m, m.o->dpi > 0 ? m.o->dpi : 144);
    const int64_t down = (G + m.across - 1) / m.across;
    double w = 2 * EDGE + m.gw * (double)m.across + GROUP * (double)(m.across - 1) + (m.bar ? 64 : 0);
    double h = 2 * EDGE + m.title + (m.gh + m.caption) * (double)down + GROUP / 2 * (double)(down - 1);
    if (m.bar) h = fmax(h, 120);
    return hk__page_write(fmax(w, 80), fmax(h, 40), m.o->dpi, draw, &m, path, why, size);
}
