/* legend.c - what lines mean: as a box, or on one line. */
#include "draw.h"

#define SAMPLE 18.0
#define LINE (HK__FONT + 4)

double hk__legend_width(hk__page *p, int n, const hk__key_line *k) {
    double w = 0;
    hk__letters(p, HK__FONT);
    for (int i = 0; i < n; i++) {
        double one = hk__text_width(p, k[i].label);
        if (one > w) w = one;
    }
    return w + SAMPLE + 16;
}
double hk__legend_height(int n) { return n * LINE + 6; }

void hk__dashes(hk__page *p, uint32_t mark) {
    static const double dashed[] = { 4, 2.2 }, dotted[] = { 1.1, 1.9 };
    if (mark & HK_DASHED) cairo_set_dash(p->c, dashed, 2, 0);
    else if (mark & HK_DOTTED) cairo_set_dash(p->c, dotted, 2, 0);
    else cairo_set_dash(p->c, NULL, 0, 0);
}

static void sample(hk__page *p, double x, double y, const hk__key_line *k) {
    hk__color(p, hk__palette[(k->color - 1) % HK__N_COLOR]);
    switch ((hk_mark)(k->mark & 0xff)) {
    case HK_DOTS:
        cairo_arc(p->c, x + SAMPLE / 2, y, 2, 0, 6.2831853071795864);
        cairo_fill(p->c);
        break;
    case HK_BARS:
        cairo_rectangle(p->c, x + SAMPLE / 2 - 4, y - 3.5, 8, 7);
        cairo_fill(p->c);
        break;
    case HK_STEMS: hk__line(p, x + SAMPLE / 2, y - 4, x + SAMPLE / 2, y + 4, 1.4); break;
    case HK_LINE:
    case HK_STEPS:
        hk__dashes(p, k->mark);
        hk__line(p, x, y, x + SAMPLE, y, k->mark & HK_THIN ? 1.0 : 1.6);
        hk__dashes(p, 0);
    }
}

void hk__legend(hk__page *p, double x, double y, int n, const hk__key_line *k) {
    const double w = hk__legend_width(p, n, k), h = hk__legend_height(n);
    cairo_rectangle(p->c, x, y, w, h);
    cairo_set_source_rgba(p->c, 1, 1, 1, 0.9);
    cairo_fill_preserve(p->c);
    hk__color(p, hk__light);
    cairo_set_line_width(p->c, 0.6);
    cairo_stroke(p->c);
    for (int i = 0; i < n; i++) {
        double base = y + 3 + (i + 0.5) * LINE;
        sample(p, x + 5, base, &k[i]);
        hk__color(p, hk__black);
        hk__text(p, x + SAMPLE + 10, base + 0.36 * HK__FONT, -1, k[i].label);
    }
}

void hk__legend_row(hk__page *p, double x, double y, int n, const hk__key_line *k) {
    double w = 0;
    hk__letters(p, HK__FONT);
    for (int i = 0; i < n; i++) w += SAMPLE + 5 + hk__text_width(p, k[i].label) + (i + 1 < n ? 16 : 0);
    x -= w / 2;
    for (int i = 0; i < n; i++) {
        sample(p, x, y - 0.36 * HK__FONT, &k[i]);
        hk__color(p, hk__black);
        hk__text(p, x + SAMPLE + 5, y, -1, k[i].label);
        x += SAMPLE + 5 + hk__text_width(p, k[i].label) + 16;
    }
}
