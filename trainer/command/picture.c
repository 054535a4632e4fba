/* picture.c - a grey picture in character cells. A cell is about twice as high as wide, so it shows two rows of a column: as an upper half
 * block whose foreground is the upper number and whose background the lower one, or as one character of a ramp for their mean. */
#include "trainer.h"
#include <math.h>

hk__ink hk__picture_ink(int fd) {
    int colors = hk__term_colors(fd);
    if (colors < 256 || !hk__term_utf8()) return HK__ASCII;
    return colors > 256 ? HK__GREY24BIT : HK__GREY256;
}

/* Sum of x[from, to) with fractions of the numbers at both ends. */
static double part(const float *x, int64_t n, int64_t stride, double from, double to) {
    double sum = 0;
    for (int64_t i = (int64_t)from; i < n && (double)i < to; i++) sum += (double)x[i * stride] * (fmin(to, (double)i + 1) - fmax(from, (double)i));
    return sum;
}

void hk__picture_shrink(const float *x, int64_t H, int64_t W, float *y, int64_t h, int64_t w) {
    double sy = (double)H / (double)h, sx = (double)W / (double)w;
    for (int64_t r = 0; r < h; r++)
        for (int64_t c = 0; c < w; c++) {
            double sum = 0, from = (double)r * sy, to = from + sy;
            for (int64_t i = (int64_t)from; i < H && (double)i < to; i++)
                sum += part(x + i * W, W, 1, (double)c * sx, (double)(c + 1) * sx) * (fmin(to, (double)i + 1) - fmax(from, (double)i));
            y[r * w + c] = (float)(sum / (sy * sx));
        }
}

static int level(float v, int levels) { return !(v > 0.0f) ? 0 : v >= 1.0f ? levels - 1 : (int)(v * (float)(levels - 1) + 0.5f); }

/* Black, the 24 greys of the 256 colours, white. */
static int grey256(int k) { return k == 0 ? 16 : k == 25 ? 231 : 231 + k; }

static void color(FILE *f, hk__ink ink, int ground, int k) {
    if (k < 0) fprintf(f, "\x1b[%dm", ground + 1); /* 49: the terminal's own background */
    else if (ink == HK__GREY24BIT) fprintf(f, "\x1b[%d;2;%d;%d;%dm", ground, k, k, k);
    else fprintf(f, "\x1b[%d;5;%dm", ground, grey256(k));
}

void hk__picture_line(FILE *f, hk__ink ink, const float *x, int64_t h, int64_t w, int64_t line, int64_t columns) {
    static const char ramp[] = " .:-=+*#%@";
    const float *upper = x + 2 * line * w, *lower = 2 * line + 1 < h ? upper + w : NULL;
    int fore = -2, back = -2, levels = ink == HK__GREY24BIT ? 256 : ink == HK__GREY256 ? 26 : (int)sizeof ramp - 1;
    for (int64_t c = 0; c < w; c++) {
        if (ink == HK__ASCII) {
            fputc(ramp[level(0.5f * (upper[c] + (lower ? lower[c] : 0.0f)), levels)], f);
            continue;
        }
        int u = level(upper[c], levels), l = lower ? level(lower[c], levels) : -1;
        if (u != fore) color(f, ink, 38, fore = u);
        if (l != back) color(f, ink, 48, back = l);
        fputs("\xe2\x96\x80", f); /* U+2580, upper half block */
    }
    if (ink != HK__ASCII) fputs("\x1b[0m", f);
    for (int64_t c = w; c < columns; c++) fputc(' ', f);
}
