/* test_plot_figures.c - hk_figure_write: sizes, heights of bars in pixels, text in SVG and PDF, legends that cover nothing, refusals that leave no file. */
#include "plot_image.h"
#include <math.h>

static hk_figure one(const hk_panel *p, int w, int h, int dpi) {
    return (hk_figure){ .struct_size = sizeof(hk_figure), .width = w, .height = h, .n_panel = 1, .panel = p, .dpi = dpi };
}

static void sizes_and_dpi(void **state) {
    (void)state;
    const double y[] = { 1, 2 };
    const hk_series s = { .mark = HK_LINE, .n = 2, .y = y };
    const hk_panel p = { .n_series = 1, .series = &s };
    const int dpi[] = { 0, 72, 100, 300 }, want[] = { 400, 200, 278, 833 }; /* 0: 144 */
    for (int i = 0; i < 4; i++) {
        hk_figure f = one(&p, 200, 100, dpi[i]);
        const char *path = plot_path("size.png");
        plot_ok(hk_figure_write(&f, path, WHY));
        image im = image_read(path);
        expect_int("width in pixels", want[i], im.w);
        image_free(&im);
    }
    /* A program that was compiled before dpi was there: its figure ends before it. */
    hk_figure f = one(&p, 200, 100, 300);
    f.struct_size = offsetof(hk_figure, dpi);
    const char *path = plot_path("old.png");
    plot_ok(hk_figure_write(&f, path, WHY));
    image im = image_read(path);
    expect_int("width in pixels of a figure without dpi", 400, im.w);
    image_free(&im);
}

static void bars_are_as_high_as_their_numbers(void **state) {
    (void)state;
    const double y[] = { 1, 2, 4 };
    const hk_series s = { .mark = HK_BARS, .color = 1, .n = 3, .y = y };
    const hk_panel p = { .n_series = 1, .series = &s, .y_lo = 0, .y_hi = 5 };
    const hk_figure f = one(&p, 300, 300, 72);
    const char *path = plot_path("bars.png");
    patch b[8];
    plot_ok(hk_figure_write(&f, path, WHY));
    image im = image_read(path);
    expect_int("bars", 3, patches(&im, BLUE, 12, b, 8));
    const double unit = (b[2].y1 - b[2].y0 + 1) / 4.0;
    expect_near("height of the bar of 1", unit, b[0].y1 - b[0].y0 + 1, 1.2);
    expect_near("height of the bar of 2", 2 * unit, b[1].y1 - b[1].y0 + 1, 1.2);
    expect_near("all stand on one line", b[0].y1, b[2].y1, 0);
    image_free(&im);
}

static void a_line_stops_at_nan(void **state) {
    (void)state;
    const double y[] = { 1, 1, NAN, 1, 1 };
    const hk_series s = { .mark = HK_LINE, .color = 1, .n = 5, .y = y };
    const hk_panel p = { .n_series = 1, .series = &s };
    const hk_figure f = one(&p, 300, 100, 144);
    const char *path = plot_path("nan.png");
    patch b[4];
    plot_ok(hk_figure_write(&f, path, WHY));
    image im = image_read(path);
    expect_int("pieces of the line", 2, patches(&im, BLUE, 40, b, 4));
    image_free(&im);
}

static void svg_has_texts(void **state) {
    (void)state;
    const double y[] = { -0.02, 0.04, 0.01 };
    const hk_series s = { .mark = HK_LINE, .label = "a < b & c", .n = 3, .y = y };
    const hk_panel p = { .title = "Titel \xc3\xa4", .x_label = "time (ms)", .y_label = "v", .n_series = 1, .series = &s };
    const hk_figure f = one(&p, 300, 200, 0);
    const char *path = plot_path("text.svg");
    plot_ok(hk_figure_write(&f, path, WHY));
    char *t = text_read(path);
    const char *const want[] = { ">Titel \xc3\xa4</text>", ">time (ms)</text>", ">a &lt; b &amp; c</text>", ">\xe2\x88\x92" "0.02</text>", ">0.00</text>", ">0.04</text>", "rotate(-90", "</svg>" };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!strstr(t, want[i])) fail_msg("expected '%s' in the SVG", want[i]);
    if (strstr(t, "glyph")) fail_msg("letters are drawn as curves");
    if (strstr(t, "id=\"surface") || strstr(t, "url(#clip")) fail_msg("an id has no prefix: two figures in one page would mix");
    free(t);
}

static void ids_of_two_figures_differ(void **state) {
    (void)state;
    const double y[] = { 1, 2 };
    char *t[2], id[2][40];
    for (int i = 0; i < 2; i++) {
        const hk_series s = { .mark = HK_LINE, .n = 2, .y = y };
        const hk_panel p = { .title = i ? "one" : "two", .n_series = 1, .series = &s };
        const hk_figure f = one(&p, 200, 100, 0);
        const char *path = plot_path("id.svg");
        plot_ok(hk_figure_write(&f, path, WHY));
        t[i] = text_read(path);
        const char *at = strstr(t[i], " id=\"");
        assert_non_null(at);
        snprintf(id[i], sizeof id[i], "%.12s", at);
        free(t[i]);
    }
    if (!strcmp(id[0], id[1])) fail_msg("both figures have %s", id[0]);
}

static void pdf_is_a_pdf(void **state) {
    (void)state;
    const double y[] = { 1, 2 };
    const hk_series s = { .mark = HK_LINE, .n = 2, .y = y };
    const hk_panel p = { .title = "abc", .n_series = 1, .series = &s };
    const hk_figure f = one(&p, 200, 100, 0);
    const char *path = plot_path("f.pdf");
    plot_ok(hk_figure_write(&f, path, WHY));
    char *t = text_read(path);
    if (strncmp(t, "%PDF-", 5)) fail_msg("expected %%PDF- at the start, got '%.5s'", t);
    free(t);
}

/* The blue of the line is the same with and without a label, but for the legend's own sample; when there is no free place, the axes get narrower. */
static int blue(const hk_panel *p, patch *frame) {
    const hk_figure f = one(p, 400, 240, 144);
    const char *path = plot_path("legend.png");
    plot_ok(hk_figure_write(&f, path, WHY));
    image im = image_read(path);
    int n = 0;
    *frame = (patch){ im.w, im.h, 0, 0, 0 };
    for (int x = 0; x < im.w; x++)
        for (int y = 0; y < im.h; y++)
            if (is_color(im.at[y * im.w + x], BLUE, 60)) n++;
    for (int x = im.w - 1; x > 0 && !frame->x1; x--) { /* the right side of the frame: dark for most of the height */
        int dark = 0;
        for (int y = 0; y < im.h; y++) dark += (im.at[y * im.w + x] & 255) < 110 && !is_color(im.at[y * im.w + x], BLUE, 60);
        if (dark > im.h / 2) frame->x1 = x;
    }
    image_free(&im);
    return n;
}

static void legends_cover_no_data(void **state) {
    (void)state;
    enum { N = 400 };
    static double x[N * 4], y[N * 4];
    patch with, without;
    const int sample = 36 * 4 + 80; /* pixels of the line in the legend, and its soft edges */
    for (int i = 0; i < N; i++) x[i] = i, y[i] = i < N / 2 ? i : N - i; /* a roof: the corners above are free, the middle is not */
    hk_series s = { .mark = HK_LINE, .color = 1, .n = N, .x = x, .y = y };
    hk_panel p = { .n_series = 1, .series = &s };
    int plain = blue(&p, &without);
    s.label = "a roof";
    int labelled = blue(&p, &with);
    expect_int("right side of the frame: the legend is inside", without.x1, with.x1);
    if (labelled < plain || labelled > plain + sample) fail_msg("blue pixels: %d without a legend, %d with one", plain, labelled);
    for (int i = 0; i < N * 4; i++) x[i] = i % 40, y[i] = i / 40; /* dots everywhere */
    s = (hk_series){ .mark = HK_DOTS, .color = 1, .label = "dots", .n = N * 4, .x = x, .y = y };
    blue(&p, &with);
    if (with.x1 > without.x1 - 60) fail_msg("the frame ends at pixel %d: expected room for the legend at its right, before %d", with.x1, without.x1 - 60);
}

static void refuse(const char *what, const hk_figure *f, const char *path, hk_status want, const char *text) {
    char why[512] = "";
    hk_status st = hk_figure_write(f, path, why, sizeof why);
    if (st != want || !strstr(why, text)) fail_msg("%s: expected status %d and '%s', got %d and '%s'", what, (int)want, text, (int)st, why);
    if (path && access(path, F_OK) == 0) fail_msg("%s: %s was left behind", what, path);
}

static void refusals(void **state) {
    (void)state;
    const double y[] = { 1, 2 };
    const hk_series s = { .mark = HK_LINE, .n = 2, .y = y }, bad = { .mark = 77, .n = 2, .y = y }, none = { .mark = HK_LINE, .n = 2 };
    const hk_panel p = { .n_series = 1, .series = &s }, q = { .n_series = 1, .series = &bad }, r = { .n_series = 1, .series = &none };
    hk_figure f = one(&p, 200, 100, 0), g = one(&q, 200, 100, 0), h = one(&r, 200, 100, 0), small = one(&p, 10, 100, 0), wild = one(&p, 200, 100, 9999);
    refuse("another ending", &f, plot_path("f.bmp"), HK_EINVAL, ".png, .svg or .pdf");
    refuse("no ending", &f, plot_path("f"), HK_EINVAL, ".png, .svg or .pdf");
    refuse("an unknown mark", &g, plot_path("f.png"), HK_EINVAL, "unknown mark");
    refuse("no numbers", &h, plot_path("f.png"), HK_EINVAL, "no numbers");
    refuse("too small", &small, plot_path("f.png"), HK_EINVAL, "40 to 30000 points");
    refuse("dpi", &wild, plot_path("f.svg"), HK_EINVAL, "20 to 2400 dpi");
    for (int k = 0; k < 3; k++) refuse("no such folder", &f, plot_path(k == 0 ? "no/f.png" : k == 1 ? "no/f.svg" : "no/f.pdf"), HK_EIO, "No such file");
    f.n_panel = 0;
    refuse("no panel", &f, plot_path("f.png"), HK_EINVAL, "needs a panel");
    expect_int("without a text", HK_EINVAL, hk_figure_write(&f, "f.png", NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(sizes_and_dpi), cmocka_unit_test(bars_are_as_high_as_their_numbers), cmocka_unit_test(a_line_stops_at_nan),
        cmocka_unit_test(svg_has_texts), cmocka_unit_test(ids_of_two_figures_differ), cmocka_unit_test(pdf_is_a_pdf), cmocka_unit_test(legends_cover_no_data),
        cmocka_unit_test(refusals) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    char dir[512];
    snprintf(dir, sizeof dir, "%s", plot_path(""));
    rmdir(dir);
    return bad;
}
