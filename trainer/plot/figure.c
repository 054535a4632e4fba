/* figure.c - hk_figure_write: panels in rows and columns. A legend goes to the corner where it covers no data, else beside its panel. */
#include "draw.h"
#include <math.h>
#include <stdlib.h>

enum { MAX_KEY = 32 };
#define GAP 8.0
#define BAR 9.0 /* width of a colour bar */

static uint32_t mark_of(const hk_series *s) { return s->mark & 0xff; }
static double x_of(const hk_series *s, int64_t i) { return s->x ? s->x[i] : (double)i; }
static uint32_t color_of(const hk_series *s, int k) { return s->color ? (s->color - 1) % HK__N_COLOR + 1 : (uint32_t)k % HK__N_COLOR + 1; }

static void ranges(const hk_panel *p, hk__axes *a) {
    double xl = INFINITY, xh = -INFINITY, yl = INFINITY, yh = -INFINITY, half = 0;
    int based = 0, whole = 1;
    for (int k = 0; k < p->n_series; k++) {
        const hk_series *s = &p->series[k];
        for (int64_t i = 0; i < s->n; i++) {
            double u = x_of(s, i), v = s->y[i];
            if (!isfinite(u) || !isfinite(v)) continue;
            xl = fmin(xl, u), xh = fmax(xh, u), yl = fmin(yl, v), yh = fmax(yh, v);
            whole &= u == floor(u);
            based |= mark_of(s) == HK_STEMS || mark_of(s) == HK_BARS;
        }
        if (mark_of(s) == HK_BARS && s->n > 0) half = s->n > 1 ? 0.5 * fabs(x_of(s, 1) - x_of(s, 0)) : 0.5;
    }
    xl -= half, xh += half;
    if (p->image) xl = 0, xh = (double)p->columns, yl = 0, yh = (double)p->rows;
    if (based) yl = fmin(yl, 0), yh = fmax(yh, 0);
    a->x.integer = whole;
    if (p->x_lo != p->x_hi) hk__axis_fit(&a->x, p->x_lo, p->x_hi, 0);
    else hk__axis_fit(&a->x, xl, xh, p->image ? 0 : 0.03);
    if (p->y_lo != p->y_hi) hk__axis_fit(&a->y, p->y_lo, p->y_hi, 0);
    else hk__axis_fit(&a->y, yl, yh, p->image ? 0 : 0.05);
    if (based && p->y_lo == p->y_hi && !p->image) { /* nothing hangs below 0 */
        if (yl == 0) a->y.lo = 0;
        if (yh == 0) a->y.hi = 0;
    }
}

static void draw_series(hk__page *p, const hk_series *s, const hk__axis *x, const hk__axis *y, uint32_t color) {
    cairo_t *c = p->c;
    int pen = 0;
    double before = 0, zero = fmin(fmax(hk__place(y, 0), y->to), y->from);
    double width = s->n > 1 ? 0.4 * fabs(hk__place(x, x_of(s, 1)) - hk__place(x, x_of(s, 0))) : 0.4 * fabs(hk__place(x, 1) - hk__place(x, 0));
    hk__color(p, hk__palette[color - 1]);
    hk__dashes(p, s->mark);
    cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(c, s->mark & HK_THIN ? 1.0 : mark_of(s) == HK_STEMS ? 1.2 : 1.6);
    for (int64_t i = 0; i < s->n; i++) {
        double u = hk__place(x, x_of(s, i)), v = hk__place(y, s->y[i]);
        if (!isfinite(u) || !isfinite(v)) {
            pen = 0;
            continue;
        }
        switch ((hk_mark)mark_of(s)) {
        case HK_STEMS:
            if (s->y[i] != 0) cairo_move_to(c, u, zero), cairo_line_to(c, u, v);
            break;
        case HK_DOTS:
            cairo_new_sub_path(c);
            cairo_arc(c, u, v, 1.3, 0, 6.2831853071795864);
            break;
        case HK_BARS: cairo_rectangle(c, u - width, fmin(v, zero), 2 * width, fabs(zero - v)); break;
        case HK_STEPS:
            if (pen) cairo_line_to(c, u, before);
            /* fall through */
        case HK_LINE:
            if (pen) cairo_line_to(c, u, v);
            else cairo_move_to(c, u, v);
            pen = 1, before = v;
        }
    }
    if (mark_of(s) == HK_DOTS || mark_of(s) == HK_BARS) cairo_fill(c);
    else cairo_stroke(c);
    hk__dashes(p, 0);
    if (mark_of(s) == HK_LINE && s->n == 1 && pen) { /* a line of one number is a dot */
        cairo_arc(c, hk__place(x, x_of(s, 0)), before, 2.2, 0, 6.2831853071795864);
        cairo_fill(c);
    }
}

/* ---- the legend's place ---- */

static int inside(hk__area r, double x, double y) { return x >= r.x && x <= r.x + r.w && y >= r.y && y <= r.y + r.h; }

/* How much of the data lies in r: lines are looked at in steps of two points. */
static int64_t covered(const hk_panel *p, const hk__axes *a, hk__area r) {
    int64_t n = 0;
    for (int k = 0; k < p->n_series; k++) {
        const hk_series *s = &p->series[k];
        const int line = mark_of(s) == HK_LINE || mark_of(s) == HK_STEPS;
        double u0 = NAN, v0 = NAN;
        for (int64_t i = 0; i < s->n; i++) {
            double u = hk__place(&a->x, x_of(s, i)), v = hk__place(&a->y, s->y[i]), fu = line ? u0 : u, fv = line ? v0 : mark_of(s) == HK_DOTS ? v : hk__place(&a->y, 0);
            u0 = u, v0 = v;
            if (!isfinite(u) || !isfinite(v)) continue;
            double steps = isfinite(fu) && isfinite(fv) ? fmin(ceil(hypot(u - fu, v - fv) / 2), 1000) : 0;
            for (double t = 0; t <= steps; t++) n += steps > 0 ? inside(r, fu + (u - fu) * t / steps, fv + (v - fv) * t / steps) : inside(r, u, v);
        }
    }
    return n;
}

/* Upper left corner of a free place; false: there is none. */
static int find_place(const hk_panel *p, const hk__axes *a, double w, double h, double *x, double *y) {
    const double across[] = { 1, 0, 0.5 }, down[] = { 0, 1, 0.5 }, margin = 5;
    const double left = a->x.from + margin, right = a->x.to - margin - w, up = a->y.to + margin, low = a->y.from - margin - h;
    if (right < left || low < up || w > 0.6 * (a->x.to - a->x.from)) return 0;
    for (int j = 0; j < 3; j++)
        for (int i = 0; i < 3; i++) {
            *x = left + across[i] * (right - left), *y = up + down[j] * (low - up);
            if (!covered(p, a, (hk__area){ *x - 3, *y - 3, w + 6, h + 6 })) return 1;
        }
    return 0;
}

static int key_lines(const hk_panel *p, hk__key_line *k) {
    int n = 0;
    for (int i = 0; i < p->n_series && n < MAX_KEY; i++)
        if (p->series[i].label) k[n++] = (hk__key_line){ p->series[i].mark, color_of(&p->series[i], i), p->series[i].label };
    return n;
}

/* ---- panels ---- */

static hk__axes axes_of(const hk_panel *p) {
    hk__axes a = { .title = p->title, .x_label = p->x_label, .y_label = p->y_label, .grid = !p->image };
    ranges(p, &a);
    return a;
}

static void draw_panel(hk__page *page, const hk_panel *p, hk__area o, double left) {
    hk__key_line key[MAX_KEY];
    hk__axes a = axes_of(p);
    double lo = p->v_lo, hi = p->v_hi, bar = 0, x = 0, y = 0;
    const int n = key_lines(p, key);
    a.left = left;
    if (p->image && lo == hi) hk__value_range(p->image, NULL, p->rows * p->columns, p->map, &lo, &hi);
    if (p->image && p->bar) bar = hk__color_bar(page, (hk__area){ 0, 0, BAR, o.h - 30 }, p->map, lo, hi, p->value_label, 1) + GAP, o.w -= bar;
    hk__axes_place(page, &a, o);
    const double w = n ? hk__legend_width(page, n, key) : 0, h = hk__legend_height(n);
    if (n && !find_place(p, &a, w, h, &x, &y)) {
        o.w -= w + 2;
        hk__axes_place(page, &a, o);
        x = o.x + o.w - 4, y = a.y.to;
    }
    hk__axes_draw(page, &a);
    hk__axes_clip(page, &a);
    if (p->image) hk__image(page, (hk__area){ a.x.from, a.y.to, a.x.to - a.x.from, a.y.from - a.y.to }, p->image, NULL, p->rows, p->columns, p->map, lo, hi);
    for (int k = 0; k < p->n_series; k++) draw_series(page, &p->series[k], &a.x, &a.y, color_of(&p->series[k], k));
    cairo_restore(page->c);
    hk__axes_frame(page, &a);
    if (n) hk__legend(page, x, y, n, key);
    if (p->image && p->bar) hk__color_bar(page, (hk__area){ a.x.to + GAP, a.y.to, BAR, a.y.from - a.y.to }, p->map, lo, hi, p->value_label, 0);
}

static double share_of(const hk_panel *p) { return p->share > 0 ? p->share : 1; }

static void draw(hk__page *p, const void *arg) {
    const hk_figure *f = arg;
    int columns = f->columns > 0 ? f->columns : 1, rows = (f->n_panel + columns - 1) / columns;
    double top = f->title ? 26 : 4, w = (f->width - GAP / 2) / columns;
    hk__letters(p, 13);
    if (f->title) hk__text(p, f->width / 2.0, 18, 0, f->title);
    for (int k = 0; k < columns; k++) {
        double all = 0, y = top, left = 0;
        for (int r = 0; r < rows && r * columns + k < f->n_panel; r++) all += share_of(&f->panel[r * columns + k]);
        for (int pass = 0; pass < 2; pass++, y = top)
            for (int r = 0; r < rows && r * columns + k < f->n_panel; r++) {
                const hk_panel *q = &f->panel[r * columns + k];
                double h = (f->height - top) * share_of(q) / all;
                hk__area o = { GAP / 2 + k * w, y, w - GAP / 2, h - 4 };
                hk__axes a = axes_of(q);
                if (pass) draw_panel(p, q, o, left);
                else left = fmax(left, hk__axes_left(p, &a, o));
                y += h;
            }
    }
}

static hk_status check_panel(const hk_figure *f, int k, const char *path, char *why, size_t size) {
    const hk_panel *p = &f->panel[k];
    if (p->image && (p->rows < 1 || p->columns < 1 || p->rows > 32767 || p->columns > 32767))
        return hk__plot_fail(why, size, HK_EINVAL, path, "panel %d: expected an image of 1 to 32767 numbers each way, got %lld x %lld", k, (long long)p->rows, (long long)p->columns);
    for (int i = 0; i < p->n_series; i++)
        if (p->series[i].n < 0 || (p->series[i].n > 0 && !p->series[i].y) || mark_of(&p->series[i]) > HK_BARS)
            return hk__plot_fail(why, size, HK_EINVAL, path, "panel %d, series %d: no numbers, or an unknown mark", k, i);
    return HK_OK;
}

hk_status hk_figure_write(const hk_figure *f, const char *path, char *why, size_t size) {
    if (!f || f->n_panel < 1 || !f->panel) return hk__plot_fail(why, size, HK_EINVAL, path, "a figure needs a panel");
    for (int k = 0; k < f->n_panel; k++) {
        hk_status st = check_panel(f, k, path, why, size);
        if (st) return st;
    }
    const int dpi = f->struct_size >= offsetof(hk_figure, dpi) + sizeof f->dpi ? f->dpi : 0;
    return hk__page_write(f->width, f->height, dpi, draw, f, path, why, size);
}
