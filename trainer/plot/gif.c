/* gif.c - animations with giflib: every picture is drawn twice, first to count its colours. A picture holds only the rectangle that changed, and in it only the pixels
 * that did. */
#include "draw.h"
#ifdef HILLOCK_GIF
#include <errno.h>
#include <fcntl.h>
#include <gif_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLORS = 255, CLEAR = 255, SLOTS = 1 << 17 }; /* CLEAR: the pixel stays as it was */

typedef struct slot {
    uint32_t color, count; /* count 0: free */
    uint8_t index;
} slot;
typedef struct work {
    const hk__film *film;
    int w, h, n_color, full;
    uint32_t *now, *before, palette[COLORS];
    slot *slots;
} work;

static slot *find(work *k, uint32_t color) {
    uint32_t i = color * 2654435761u >> 15;
    while (k->slots[i].count && k->slots[i].color != color) i = (i + 1) & (SLOTS - 1);
    return &k->slots[i];
}

static int by_count(const void *a, const void *b) {
    const slot *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->color < y->color ? -1 : x->color > y->color;
}

static uint8_t nearest(const work *k, uint32_t c) {
    int best = 0;
    long least = -1;
    for (int i = 0; i < k->n_color; i++) {
        long r = (long)(c >> 16 & 255) - (long)(k->palette[i] >> 16 & 255), g = (long)(c >> 8 & 255) - (long)(k->palette[i] >> 8 & 255), b = (long)(c & 255) - (long)(k->palette[i] & 255);
        long d = 3 * r * r + 5 * g * g + 2 * b * b;
        if (least < 0 || d < least) least = d, best = i;
    }
    return (uint8_t)best;
}

/* Picture i into now. */
static hk_status render(work *k, int i) {
    const hk__film *f = k->film;
    cairo_surface_t *s = cairo_image_surface_create_for_data((unsigned char *)k->now, CAIRO_FORMAT_RGB24, k->w, k->h, k->w * 4);
    hk__page p;
    hk__page_begin(&p, s, f->w, f->h, f->dpi / 72.0);
    f->draw(&p, i, f->arg);
    const int bad = p.bad || cairo_status(p.c);
    hk__page_end(&p);
    cairo_surface_flush(s);
    cairo_surface_destroy(s);
    for (int64_t q = 0; q < (int64_t)k->w * k->h; q++) k->now[q] &= 0xffffffu;
    return bad ? HK_ENOMEM : HK_OK;
}

/* The most frequent colours of all pictures become the palette; the others get the nearest one. */
static hk_status choose_colors(work *k) {
    int used = 0;
    for (int i = 0; i < k->film->n; i++) {
        hk_status st = render(k, i);
        if (st) return st;
        for (int64_t q = 0; q < (int64_t)k->w * k->h; q++) {
            slot *s = find(k, k->now[q]);
            if (!s->count && used > SLOTS / 2) continue; /* more than anyone sees: the nearest is looked up */
            if (!s->count) s->color = k->now[q], used++;
            if (s->count < UINT32_MAX) s->count++;
        }
    }
    slot *order = malloc(SLOTS * sizeof *order);
    if (!order) return HK_ENOMEM;
    memcpy(order, k->slots, SLOTS * sizeof *order);
    qsort(order, SLOTS, sizeof *order, by_count);
    for (k->n_color = 0; k->n_color < COLORS && order[k->n_color].count; k->n_color++) k->palette[k->n_color] = order[k->n_color].color;
    free(order);
    for (int i = 0; i < SLOTS; i++)
        if (k->slots[i].count) k->slots[i].index = nearest(k, k->slots[i].color);
    return HK_OK;
}

static uint8_t index_of(work *k, uint32_t color) {
    const slot *s = find(k, color);
    return s->count ? s->index : nearest(k, color);
}

static int put_picture(work *k, GifFileType *g, int i, GifByteType *line) {
    int left = k->w, right = -1, up = k->h, low = -1;
    for (int y = 0; y < k->h; y++)
        for (int x = 0; x < k->w; x++)
            if (i == 0 || k->now[y * k->w + x] != k->before[y * k->w + x]) {
                left = x < left ? x : left, right = x > right ? x : right;
                up = y < up ? y : up, low = y;
            }
    if (right < 0) left = right = up = low = 0; /* nothing changed: one pixel, for the time that it takes */
    GraphicsControlBlock gcb = { .DisposalMode = DISPOSE_DO_NOT, .UserInputFlag = false, .DelayTime = i + 1 < k->film->n ? k->film->delay : k->film->last, .TransparentColor = CLEAR };
    GifByteType ext[4];
    EGifGCBToExtension(&gcb, ext);
    if (EGifPutExtension(g, GRAPHICS_EXT_FUNC_CODE, 4, ext) == GIF_ERROR) return -1;
    if (EGifPutImageDesc(g, left, up, right - left + 1, low - up + 1, false, NULL) == GIF_ERROR) return -1;
    for (int y = up; y <= low; y++) {
        for (int x = left; x <= right; x++) {
            const int64_t q = (int64_t)y * k->w + x;
            line[x - left] = i > 0 && k->now[q] == k->before[q] ? CLEAR : index_of(k, k->now[q]);
        }
        if (EGifPutLine(g, line, right - left + 1) == GIF_ERROR) return -1;
    }
    return 0;
}

static int put_all(work *k, GifFileType *g, hk_status *st) {
    static const unsigned char netscape[] = "NETSCAPE2.0", forever[] = { 1, 0, 0 };
    GifColorType colors[256] = { { 0, 0, 0 } };
    for (int i = 0; i < k->n_color; i++)
        colors[i] = (GifColorType){ (GifByteType)(k->palette[i] >> 16), (GifByteType)(k->palette[i] >> 8 & 255), (GifByteType)(k->palette[i] & 255) };
    ColorMapObject *map = GifMakeMapObject(256, colors);
    GifByteType *line = malloc((size_t)k->w);
    int bad = !map || !line;
    if (bad) *st = HK_ENOMEM;
    EGifSetGifVersion(g, true);
    bad = bad || EGifPutScreenDesc(g, k->w, k->h, 8, 0, map) == GIF_ERROR || EGifPutExtensionLeader(g, APPLICATION_EXT_FUNC_CODE) == GIF_ERROR
        || EGifPutExtensionBlock(g, 11, netscape) == GIF_ERROR || EGifPutExtensionBlock(g, 3, forever) == GIF_ERROR || EGifPutExtensionTrailer(g) == GIF_ERROR;
    for (int i = 0; i < k->film->n && !bad; i++) {
        if ((*st = render(k, i))) bad = 1;
        bad = bad || put_picture(k, g, i, line);
        uint32_t *swap = k->before;
        k->before = k->now, k->now = swap;
    }
    GifFreeMapObject(map);
    free(line);
    return bad;
}

static hk_status write_file(work *k, const char *path, char *why, size_t size) {
    char *tmp = malloc(strlen(path) + 24);
    if (!tmp) return hk__plot_fail(why, size, HK_ENOMEM, path, "out of memory");
    sprintf(tmp, "%s.%d.tmp", path, (int)getpid());
    int error = 0, bad = 1;
    hk_status st = HK_OK;
    errno = 0;
    const int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); /* giflib's own open leaves the file to its owner alone */
    GifFileType *g = fd < 0 ? NULL : EGifOpenFileHandle(fd, &error);
    if (!g && fd >= 0) close(fd);
    if (g) {
        bad = put_all(k, g, &st);
        if (bad) error = g->Error;
        int close_error = 0;
        if (EGifCloseFile(g, &close_error) == GIF_ERROR && !bad) bad = 1, error = close_error;
    }
    if (st) hk__plot_fail(why, size, st, path, "out of memory");
    else if (bad) st = hk__plot_fail(why, size, HK_EIO, path, "%s", errno ? strerror(errno) : error ? GifErrorString(error) : "it can't be written");
    else if (rename(tmp, path)) st = hk__plot_fail(why, size, HK_EIO, path, "%s", strerror(errno));
    if (st) unlink(tmp);
    free(tmp);
    return st;
}

hk_status hk__gif_write(const hk__film *f, const char *path, char *why, size_t size) {
    work k = { .film = f, .w = (int)(f->w * f->dpi / 72 + 0.5), .h = (int)(f->h * f->dpi / 72 + 0.5) };
    if (f->dpi < 20 || f->dpi > 600 || k.w < 20 || k.h < 20 || k.w > 4096 || k.h > 4096)
        return hk__plot_fail(why, size, HK_EINVAL, path, "expected an animation of 20 to 4096 pixels each way, got %d x %d", k.w, k.h);
    const size_t bytes = (size_t)k.w * (size_t)k.h * 4;
    k.now = malloc(bytes), k.before = malloc(bytes), k.slots = calloc(SLOTS, sizeof *k.slots);
    hk_status st = k.now && k.before && k.slots ? choose_colors(&k) : HK_ENOMEM;
    if (st) hk__plot_fail(why, size, st, path, "out of memory");
    else st = write_file(&k, path, why, size);
    free(k.now), free(k.before), free(k.slots);
    return st;
}

#else

hk_status hk__gif_write(const hk__film *f, const char *path, char *why, size_t size) {
    (void)f;
    return hk__plot_fail(why, size, HK_EUNSUPPORTED, path, "animations need giflib, without which this was built: install libgif-dev and build again");
}
#endif
