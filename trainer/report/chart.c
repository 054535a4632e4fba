/* chart.c - curves over epochs as inline SVG. Colours are the page's (classes c1 .. c10, variables), so that a chart is right on light and dark paper; each number
 * has a title that the browser shows under the pointer. Lines only: what other figures need is in libhillock_plot. */
#include "report.h"
#include <math.h>
#include <string.h>

enum { W = 560, H = 250, LEFT = 58, RIGHT = 14, TOP = 12, BOTTOM = 38 };

typedef struct axis {
    double lo, hi, step;
} axis;

static double nice_step(double range, double ticks) {
    const double raw = range / ticks, power = pow(10, floor(log10(raw))), f = raw / power;
    return (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10) * power;
}

static axis y_axis(const hk__chart *c) {
    axis a = { INFINITY, -INFINITY, 1 };
    for (int k = 0; k < c->n_curve; k++)
        for (int i = 0; i < c->n; i++)
            if (isfinite(c->curve[k].y[i])) a.lo = fmin(a.lo, c->curve[k].y[i]), a.hi = fmax(a.hi, c->curve[k].y[i]);
    if (!(a.hi >= a.lo)) a.lo = 0, a.hi = 1;
    if (c->zero) a.lo = fmin(a.lo, 0);
    if (a.hi - a.lo < 1e-12 * fmax(fabs(a.hi), 1e-300)) {
        const double half = a.hi ? fabs(a.hi) * 0.1 : 0.5;
        a.hi += half, a.lo -= c->zero ? 0 : half;
    }
    a.step = nice_step(a.hi - a.lo, 4);
    a.lo = floor(a.lo / a.step + 1e-9) * a.step, a.hi = ceil(a.hi / a.step - 1e-9) * a.step;
    return a;
}

static axis x_axis(const hk__chart *c) {
    axis a = { c->x[0], c->x[c->n - 1], 1 };
    if (c->n == 1) a.lo -= 0.5, a.hi += 0.5;
    a.step = fmax(1, nice_step(a.hi - a.lo, 8));
    return a;
}

static double px(const axis *a, double v) { return LEFT + (v - a->lo) / (a->hi - a->lo) * (W - LEFT - RIGHT); }
static double py(const axis *a, double v) { return H - BOTTOM - (v - a->lo) / (a->hi - a->lo) * (H - TOP - BOTTOM); }

static void number(FILE *f, const hk__chart *c, double v, double step) {
    const int percent = c->unit && !strcmp(c->unit, "%");
    const double shown = percent ? v * 100 : v, s = percent ? step * 100 : step;
    const int digits = s >= 1 ? 0 : (int)ceil(-log10(s) - 1e-9);
    if (!percent && fabs(shown) >= 1e4 && s >= 100) fprintf(f, shown < 1e6 ? "%.*fk" : "%.*fM", (s < 1000 && shown < 1e6) || (shown >= 1e6 && s < 1e6), shown / (shown < 1e6 ? 1e3 : 1e6));
    else if (fabs(shown) >= 1e6 || (shown != 0 && digits > 5)) fprintf(f, "%.2g", shown);
    else fprintf(f, "%.*f", digits, fabs(shown) < s * 1e-6 ? 0 : shown);
    if (percent) fputs("\u202f%", f);
}

static void put_curve(FILE *f, const hk__chart *c, const hk__curve *k, const axis *x, const axis *y) {
    int pen = 0;
    fprintf(f, "<path class=\"ln c%d%s\" d=\"", k->color, k->dashed ? " da" : "");
    for (int i = 0; i < c->n; i++) {
        if (!isfinite(k->y[i])) {
            pen = 0;
            continue;
        }
        fprintf(f, "%c%.1f %.1f", pen ? 'L' : 'M', px(x, c->x[i]), py(y, k->y[i]));
        pen = 1;
    }
    fputs("\"/>", f);
    for (int i = 0; i < c->n; i++) {
        if (!isfinite(k->y[i])) continue;
        fprintf(f, "<circle class=\"pt c%d%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>", k->color, c->n > 40 ? " hid" : "", px(x, c->x[i]), py(y, k->y[i]),
            c->n > 40 ? "5" : "2.6");
        hk__html_text(f, k->name), fprintf(f, ", epoch %g: ", c->x[i]);
        number(f, c, k->y[i], y->step / 100), fputs("</title></circle>", f);
    }
}

void hk__chart_put(FILE *f, const hk__chart *c) {
    if (!c->n) return;
    const axis x = x_axis(c), y = y_axis(c);
    fputs("<figure class=\"chart\"><figcaption><b>", f), hk__html_text(f, c->title), fputs("</b>", f);
    for (int k = 0; k < c->n_curve; k++) {
        fprintf(f, "<span class=\"key\"><svg width=\"22\" height=\"8\" aria-hidden=\"true\"><path class=\"ln c%d%s\" d=\"M1 4H21\"/></svg>", c->curve[k].color,
            c->curve[k].dashed ? " da" : "");
        hk__html_text(f, c->curve[k].name), fputs("</span>", f);
    }
    fprintf(f, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", W, H);
    hk__html_text(f, c->title), fputs("\">", f);
    for (double v = y.lo; v < y.hi + y.step / 2; v += y.step) {
        fprintf(f, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT, py(&y, v), W - RIGHT, LEFT - 7,
            py(&y, v) + 4);
        number(f, c, v, y.step), fputs("</text>", f);
    }
    for (double v = ceil(x.lo / x.step) * x.step; v < x.hi + 1e-9; v += x.step)
        fprintf(f, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>", px(&x, v), H - BOTTOM + 16, v);
    fprintf(f, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>", (LEFT + W - RIGHT) / 2, H - 5);
    for (int k = 0; k < c->n_curve; k++) put_curve(f, c, &c->curve[k], &x, &y);
    fputs("</svg></figure>\n", f);
}
