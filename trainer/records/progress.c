/* progress.c - a bar on a terminal, a plain line now and then elsewhere.
 *
 * The bar goes to stderr, at most ten times a second, as wide as the terminal; NO_COLOR and TERM=dumb are obeyed. Elsewhere stderr
 * gets one line every ten seconds. Results (one line per epoch) go to stdout. Nothing is drawn with --quiet. */
#include "trainer.h"
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double hk__now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void hk__progress_open(hk__progress *p, int quiet) {
    memset(p, 0, sizeof *p);
    p->quiet = quiet;
    p->tty = hk__term(STDERR_FILENO);
    p->color = hk__term_colors(STDERR_FILENO) > 0;
}

void hk__progress_begin(hk__progress *p, const char *label, int64_t total) {
    p->label = label, p->total = total, p->rate = 0, p->from = 0, p->shown_images = 0, p->drawn = 0;
    p->t_begin = p->t_shown = hk__now();
}

void hk__progress_from(hk__progress *p, int64_t done, int64_t images) { p->from = done, p->shown_images = images; }

static void draw(const hk__progress *p, int64_t done, const char *tail) {
    char line[4 * HK__TERM_MAX_WIDTH + 64];
    int w = hk__term_width(STDERR_FILENO) - 1, len = (int)strlen(p->label), text = (int)strlen(tail), bar = w - len - text - 4, n = 0;
    n += snprintf(line + n, sizeof line - (size_t)n, "\r\x1b[K%.*s ", w, p->label);
    if (bar >= 5) {
        int full = p->total > 0 ? (int)((double)bar * (double)done / (double)p->total) : 0;
        if (p->color) n += snprintf(line + n, sizeof line - (size_t)n, "\x1b[32m");
        line[n++] = '[';
        for (int i = 0; i < bar; i++) line[n++] = i < full ? '#' : '-';
        line[n++] = ']';
        if (p->color) n += snprintf(line + n, sizeof line - (size_t)n, "\x1b[0m");
        line[n++] = ' ', line[n] = 0;
    }
    int room = bar >= 5 ? text : w - len - 1;
    if (room > 0) n += snprintf(line + n, sizeof line - (size_t)n, "%.*s", room, tail);
    fwrite(line, 1, (size_t)n, stderr);
    fflush(stderr);
}

void hk__progress_update(hk__progress *p, int64_t done, int64_t images, double loss, double acc) {
    if (p->quiet) return;
    double now = hk__now(), dt = now - p->t_shown;
    if (dt < (p->tty ? 0.1 : 10.0)) return;
    double rate = (double)(images - p->shown_images) / dt;
    p->rate = p->rate > 0 ? p->rate + 0.3 * (rate - p->rate) : rate;
    p->t_shown = now, p->shown_images = images;
    double left = done > p->from ? (now - p->t_begin) / (double)(done - p->from) * (double)(p->total - done) : 0;
    char tail[160];
    int digits = snprintf(NULL, 0, "%lld", (long long)p->total); /* so that the bar keeps its length */
    snprintf(tail, sizeof tail, "%*lld/%lld  loss %.4f  acc %.3f  %.0f img/s  %d:%02d left", digits, (long long)done, (long long)p->total, loss, acc, p->rate,
        (int)left / 60, (int)left % 60);
    if (p->tty) draw(p, done, tail);
    else fprintf(stderr, "%s %s\n", p->label, tail);
    p->drawn = 1;
}

void hk__progress_end(hk__progress *p) {
    if (p->quiet || !p->tty || !p->drawn) return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
    p->drawn = 0;
}

void hk__progress_line(hk__progress *p, const char *fmt, ...) {
    if (p->quiet) return;
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}
