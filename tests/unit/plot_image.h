/* plot_image.h - what tests of figures share: a PNG as pixels, colours and connected patches in it. */
#ifndef TEST_PLOT_IMAGE_H
#define TEST_PLOT_IMAGE_H

#include "hillock/plot.h"
#include <cairo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { BLUE = 0x0072b2, ORANGE = 0xd55e00, GREEN = 0x009e73 };

typedef struct image {
    int w, h;
    uint32_t *at; /* [h][w] 0xrrggbb */
} image;

static inline const char *plot_path(const char *name) {
    static char dir[256], path[4][512];
    static int k;
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "%s/hillock-plot-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        if (!mkdtemp(dir)) fail_msg("mkdtemp %s", dir);
    }
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", dir, name);
    return path[k];
}

static inline image image_read(const char *path) {
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    if (cairo_surface_status(s)) fail_msg("%s: %s", path, cairo_status_to_string(cairo_surface_status(s)));
    image i = { cairo_image_surface_get_width(s), cairo_image_surface_get_height(s), NULL };
    i.at = malloc((size_t)(i.w * i.h) * sizeof *i.at);
    assert_non_null(i.at);
    for (int y = 0; y < i.h; y++) memcpy(i.at + y * i.w, cairo_image_surface_get_data(s) + y * cairo_image_surface_get_stride(s), (size_t)i.w * 4);
    for (int q = 0; q < i.w * i.h; q++) i.at[q] &= 0xffffff;
    cairo_surface_destroy(s);
    unlink(path);
    return i;
}
static inline void image_free(image *i) { free(i->at); }

/* Within `far` in each of red, green and blue. */
static inline int is_color(uint32_t a, uint32_t b, int far) {
    for (int k = 0; k < 24; k += 8)
        if (abs((int)(a >> k & 255) - (int)(b >> k & 255)) > far) return 0;
    return 1;
}

typedef struct patch {
    int x0, y0, x1, y1, n; /* inclusive; pixels */
} patch;

/* Connected patches (by sides and corners) of a colour, from left to right as they begin; returns how many, out gets at most `most`. */
static inline int patches(const image *im, uint32_t color, int far, patch *out, int most) {
    unsigned char *seen = calloc((size_t)(im->w * im->h), 1);
    int *stack = malloc((size_t)(im->w * im->h) * 8 * sizeof *stack), n = 0;
    assert_true(seen && stack);
    for (int x = 0; x < im->w; x++)
        for (int y = 0; y < im->h; y++) {
            int q = y * im->w + x, top = 0;
            if (seen[q] || !is_color(im->at[q], color, far)) continue;
            patch p = { x, y, x, y, 0 };
            stack[top++] = q, seen[q] = 1;
            while (top) {
                int at = stack[--top], px = at % im->w, py = at / im->w;
                p.n++;
                p.x0 = px < p.x0 ? px : p.x0, p.x1 = px > p.x1 ? px : p.x1, p.y0 = py < p.y0 ? py : p.y0, p.y1 = py > p.y1 ? py : p.y1;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        int nx = px + dx, ny = py + dy, r = ny * im->w + nx;
                        if (nx < 0 || ny < 0 || nx >= im->w || ny >= im->h || seen[r] || !is_color(im->at[r], color, far)) continue;
                        seen[r] = 1, stack[top++] = r;
                    }
            }
            if (n < most) out[n] = p;
            n++;
        }
    free(seen), free(stack);
    return n;
}

static inline void expect_int(const char *what, long long want, long long got) {
    if (want != got) fail_msg("%s: expected %lld, got %lld", what, want, got);
}
static inline void expect_near(const char *what, double want, double got, double far) {
    if (!(got >= want - far && got <= want + far)) fail_msg("%s: expected %g within %g, got %g", what, want, far, got);
}

static inline char *text_read(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s is not there", path);
    char *s = calloc(1, 4000000);
    size_t n = fread(s, 1, 3999999, f);
    fclose(f), unlink(path);
    if (!n) fail_msg("%s is empty", path);
    return s;
}

#define plot_ok(call)                                                                                                                                          \
    do {                                                                                                                                                       \
        char why[512] = "";                                                                                                                                    \
        hk_status st_ = (call);                                                                                                                                \
        if (st_) fail_msg("%s: status %d: %s", #call, (int)st_, why);                                                                                          \
    } while (0)
#define WHY why, sizeof why

#endif
