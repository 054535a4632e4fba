/* page.c - a page that becomes a PNG, SVG or PDF file, and its text. Cairo would write the letters of an SVG as curves: there texts are kept until the end and put into
 * the file as <text>; and its ids get a prefix made of the drawing, so that several figures can stand in one HTML page. */
#include "draw.h"
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hk__note {
    double x, y, size;
    hk__rgb ink;
    int across, up, bold;
    char *text;
};

hk_status hk__plot_fail(char *why, size_t size, hk_status st, const char *path, const char *fmt, ...) {
    if (!why || !size) return st;
    int n = snprintf(why, size, "%s: ", path ? path : "(no path)");
    va_list args;
    va_start(args, fmt);
    if (n >= 0 && (size_t)n < size) vsnprintf(why + n, size - (size_t)n, fmt, args);
    va_end(args);
    return st;
}

hk_status hk__check_array(const void *v, int64_t T, int64_t N, int64_t most, const char *path, char *why, size_t size) {
    if (!v || T < 1 || N < 1) return hk__plot_fail(why, size, HK_EINVAL, path, "expected an array of at least 1 x 1, got %s%lld x %lld", v ? "" : "no array of ", (long long)T, (long long)N);
    if (T > most / N)
        return hk__plot_fail(why, size, HK_EINVAL, path, "expected at most %lld numbers, got %lld x %lld: give fewer time steps or neurons", (long long)most, (long long)T, (long long)N);
    return HK_OK;
}

/* ---- text ---- */

void hk__color(hk__page *p, hk__rgb k) {
    p->ink = k;
    cairo_set_source_rgb(p->c, k.r, k.g, k.b);
}

void hk__letters(hk__page *p, double size) {
    p->size = size;
    cairo_select_font_face(p->c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, p->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(p->c, size);
}

double hk__text_width(hk__page *p, const char *s) {
    cairo_text_extents_t e;
    cairo_text_extents(p->c, s, &e);
    return e.x_advance;
}

static void keep(hk__page *p, double x, double y, int across, int up, const char *s) {
    if (p->n_note == p->cap) {
        const int cap = 2 * p->cap + 32;
        hk__note *more = realloc(p->note, (size_t)cap * sizeof *more);
        if (!more) {
            p->bad = 1;
            return;
        }
        p->note = more, p->cap = cap;
    }
    char *own = strdup(s);
    if (!own) p->bad = 1;
    else p->note[p->n_note++] = (hk__note){ x, y, p->size, p->ink, across, up, p->bold, own };
}

void hk__text(hk__page *p, double x, double y, int across, const char *s) {
    if (p->svg) {
        keep(p, x, y, across, 0, s);
        return;
    }
    double w = across < 0 ? 0 : hk__text_width(p, s);
    cairo_move_to(p->c, across < 0 ? x : across > 0 ? x - w : x - w / 2, y);
    cairo_show_text(p->c, s);
}

void hk__text_fit(hk__page *p, double x, double y, int across, double width, const char *s) {
    char buf[256];
    size_t n = strlen(s);
    if (hk__text_width(p, s) <= width || n > 240) {
        hk__text(p, x, y, across, s);
        return;
    }
    do {
        do n--;
        while (n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80);
        snprintf(buf, sizeof buf, "%.*s\xe2\x80\xa6", (int)n, s);
    } while (n > 1 && hk__text_width(p, buf) > width);
    hk__text(p, x, y, across, buf);
}

void hk__text_up(hk__page *p, double x, double y, const char *s) {
    if (p->svg) {
        keep(p, x, y, 0, 1, s);
        return;
    }
    cairo_save(p->c);
    cairo_translate(p->c, x, y);
    cairo_rotate(p->c, -1.5707963267948966);
    hk__text(p, 0, 0, 0, s);
    cairo_restore(p->c);
}

void hk__line(hk__page *p, double x0, double y0, double x1, double y1, double width) {
    cairo_set_line_width(p->c, width);
    cairo_move_to(p->c, x0, y0), cairo_line_to(p->c, x1, y1);
    cairo_stroke(p->c);
}

/* ---- the page ---- */

void hk__page_begin(hk__page *p, cairo_surface_t *s, double w, double h, double scale) {
    *p = (hk__page){ .c = cairo_create(s), .w = w, .h = h, .scale = scale };
    if (scale > 0) cairo_scale(p->c, scale, scale);
    cairo_font_options_t *o = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(p->c, o);
    cairo_font_options_destroy(o);
    cairo_set_source_rgb(p->c, 1, 1, 1);
    cairo_paint(p->c);
    hk__letters(p, HK__FONT);
    hk__color(p, hk__black);
}

void hk__page_end(hk__page *p) {
    for (int i = 0; i < p->n_note; i++) free(p->note[i].text);
    free(p->note);
    cairo_destroy(p->c);
}

/* ---- SVG ---- */

typedef struct bytes {
    char *at;
    size_t n, cap;
    int bad;
} bytes;

static void put(bytes *b, const char *s, size_t n) {
    if (b->bad) return;
    if (b->n + n > b->cap) {
        size_t cap = 2 * (b->n + n) + 4096;
        char *more = realloc(b->at, cap);
        if (!more) {
            b->bad = 1;
            return;
        }
        b->at = more, b->cap = cap;
    }
    memcpy(b->at + b->n, s, n);
    b->n += n;
}
static void put_text(bytes *b, const char *s) { put(b, s, strlen(s)); }

static cairo_status_t collect(void *to, const unsigned char *data, unsigned n) {
    bytes *b = to;
    put(b, (const char *)data, n);
    return b->bad ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static void put_note(bytes *b, const hk__note *n) {
    static const char *const anchor[] = { "start", "middle", "end" };
    char buf[400], turn[80] = "";
    if (n->up) snprintf(turn, sizeof turn, " transform=\"rotate(-90 %.2f %.2f)\"", n->x, n->y);
    snprintf(buf, sizeof buf, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%g\"%s text-anchor=\"%s\" fill=\"#%02x%02x%02x\"%s>", n->x, n->y, n->size, n->bold ? " font-weight=\"bold\"" : "",
        anchor[n->across + 1], (unsigned)(n->ink.r * 255 + 0.5), (unsigned)(n->ink.g * 255 + 0.5), (unsigned)(n->ink.b * 255 + 0.5), turn);
    put_text(b, buf);
    for (const char *s = n->text; *s; s++)
        if (*s == '<') put_text(b, "&lt;");
        else if (*s == '>') put_text(b, "&gt;");
        else if (*s == '&') put_text(b, "&amp;");
        else if ((unsigned char)*s >= ' ') put(b, s, 1);
    put_text(b, "</text>\n");
}

/* Cairo's file with the texts before its end, ids with a prefix, and images that stay sharp. */
static void finish_svg(const hk__page *p, const bytes *in, bytes *out) {
    static const char *const id[] = { " id=\"", "\"#", "url(#" };
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < in->n; i++) hash = (hash ^ (unsigned char)in->at[i]) * 1099511628211u;
    for (int i = 0; i < p->n_note; i++)
        for (const char *s = p->note[i].text; *s; s++) hash = (hash ^ (unsigned char)*s) * 1099511628211u;
    char prefix[16];
    snprintf(prefix, sizeof prefix, "f%06x-", (unsigned)(hash >> 40));
    for (size_t i = 0; i < in->n;) {
        const char *s = in->at + i;
        size_t left = in->n - i, took = 0;
        for (int k = 0; k < 3 && !took; k++) {
            size_t n = strlen(id[k]);
            if (left >= n && !memcmp(s, id[k], n)) put(out, s, n), put_text(out, prefix), took = n;
        }
        if (!took && left >= 7 && !memcmp(s, "<image ", 7)) put_text(out, "<image style=\"image-rendering:crisp-edges;image-rendering:pixelated\""), took = 6;
        if (!took && left >= 6 && !memcmp(s, "</svg>", 6)) {
            put_text(out, "<g font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\n");
            for (int t = 0; t < p->n_note; t++) put_note(out, &p->note[t]);
            put_text(out, "</g>\n</svg>"), took = 6;
        }
        if (!took) put(out, s, 1), took = 1;
        i += took;
    }
}

static hk_status write_bytes(const char *path, const bytes *b) {
    FILE *f = fopen(path, "wbe");
    if (!f) return HK_EIO;
    size_t n = fwrite(b->at, 1, b->n, f);
    int bad = fclose(f) || n != b->n;
    return bad ? HK_EIO : HK_OK;
}

/* ---- files ---- */

enum { PNG, SVG, PDF, N_KIND };
static int kind_of(const char *path) {
    static const char *const ends[] = { ".png", ".svg", ".pdf" };
    const char *end = path ? strrchr(path, '.') : NULL;
    int k = 0;
    while (k < N_KIND && !(end && !strcmp(end, ends[k]))) k++;
    return k;
}

hk_status hk__page_write(double w, double h, int dpi, hk__draw *draw, const void *arg, const char *path, char *why, size_t size) {
    const int kind = kind_of(path);
    if (kind == N_KIND) return hk__plot_fail(why, size, HK_EINVAL, path, "expected a name that ends in .png, .svg or .pdf");
    if (dpi == 0) dpi = 144;
    const double scale = kind == PNG ? dpi / 72.0 : 0;
    if (dpi < 20 || dpi > 2400 || w < 40 || h < 40 || w * scale > 30000 || h * scale > 30000 || w > 30000 || h > 30000)
        return hk__plot_fail(why, size, HK_EINVAL, path, "expected a size of 40 to 30000 points and pixels and 20 to 2400 dpi, got %.0f x %.0f points at %d dpi", w, h, dpi);
    bytes raw = { 0 }, text = { 0 };
    hk_status st = HK_OK;
    hk__page p;
    char *tmp = malloc(strlen(path) + 24);
    if (!tmp) return hk__plot_fail(why, size, HK_ENOMEM, path, "out of memory");
    sprintf(tmp, "%s.%d.tmp", path, (int)getpid());
    errno = 0;
    cairo_surface_t *s = kind == PNG ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(w * scale + 0.5), (int)(h * scale + 0.5))
        : kind == SVG                ? cairo_svg_surface_create_for_stream(collect, &raw, w, h)
                                     : cairo_pdf_surface_create(tmp, w, h);
    hk__page_begin(&p, s, w, h, scale);
    p.svg = kind == SVG;
    draw(&p, arg);
    cairo_status_t bad = p.bad ? CAIRO_STATUS_NO_MEMORY : cairo_status(p.c);
    if (!bad && kind == PNG) bad = cairo_surface_write_to_png(s, tmp);
    cairo_surface_finish(s);
    if (!bad) bad = cairo_surface_status(s);
    if (!bad && kind == SVG) {
        finish_svg(&p, &raw, &text);
        if (text.bad) bad = CAIRO_STATUS_NO_MEMORY;
        else if (write_bytes(tmp, &text)) bad = CAIRO_STATUS_WRITE_ERROR;
    }
    if (bad)
        st = hk__plot_fail(why, size, bad == CAIRO_STATUS_NO_MEMORY ? HK_ENOMEM : HK_EIO, path, "%s",
            bad == CAIRO_STATUS_WRITE_ERROR && errno ? strerror(errno) : cairo_status_to_string(bad));
    else if (rename(tmp, path)) st = hk__plot_fail(why, size, HK_EIO, path, "%s", strerror(errno));
    if (st) unlink(tmp);
    hk__page_end(&p);
    cairo_surface_destroy(s);
    free(tmp), free(raw.at), free(text.at);
    return st;
}
