/* test_plot_spikes.c - pictures of spiking networks, looked at pixel by pixel: one stroke for each spike, bars as high as their numbers, squares in the colours of their
 * numbers, an animation that ends with the counts. */
#include "plot_image.h"
#include <math.h>
#ifdef HILLOCK_GIF
#include <gif_lib.h>
#endif

static hk_plot size_of(int w, int h, int dpi) { return (hk_plot){ .struct_size = sizeof(hk_plot), .width = w, .height = h, .dpi = dpi }; }

static void raster_has_a_stroke_for_each_spike(void **state) {
    (void)state;
    enum { T = 20, N = 6 };
    float s[T * N] = { 0 };
    const int at[][2] = { { 0, 0 }, { 3, 5 }, { 4, 2 }, { 7, 2 }, { 12, 0 }, { 12, 3 }, { 19, 5 } }, n = 7;
    for (int i = 0; i < n; i++) s[at[i][0] * N + at[i][1]] = 1;
    const hk_plot o = size_of(400, 240, 144);
    const char *path = plot_path("raster.png");
    patch p[16];
    plot_ok(hk_plot_raster(&o, s, T, N, path, WHY));
    image im = image_read(path);
    expect_int("strokes", n, patches(&im, BLUE, 55, p, 16));
    /* From left to right they come in the order above; equal distances stand for equal times, rows for neurons, upward. */
    const double dx = (p[6].x0 - p[0].x0) / 19.0, dy = (p[0].y0 - p[6].y0) / 5.0;
    if (dx < 10 || dy < 10) fail_msg("a step is %g pixels, a neuron %g: expected 10 or more of both", dx, dy);
    for (int i = 1; i < 4; i++) {
        expect_near("place in time", p[0].x0 + dx * at[i][0], p[i].x0, 1.5);
        expect_near("place of the neuron", p[0].y0 - dy * at[i][1], p[i].y0, 1.5);
    }
    image_free(&im);
}

static void rates_are_bars(void **state) {
    (void)state;
    enum { T = 40, N = 3 };
    float s[T * N] = { 0 };
    for (int t = 0; t < T; t++) s[t * N] = t % 2 == 0, s[t * N + 1] = t % 4 == 0; /* rates 0.5, 0.25, 0 */
    const hk_plot o = size_of(500, 200, 144);
    const char *path = plot_path("rates.png");
    patch p[4];
    plot_ok(hk_plot_spikes(&o, s, T, N, path, WHY));
    image im = image_read(path);
    expect_int("bars of neurons that fire", 2, patches(&im, ORANGE, 40, p, 4));
    const patch *low = p[0].y0 > p[1].y0 ? &p[0] : &p[1], *high = low == &p[0] ? &p[1] : &p[0]; /* neuron 0 is the lowest */
    expect_near("half the rate is half the length", 2.0 * (high->x1 - high->x0 + 1), low->x1 - low->x0 + 1, 3);
    image_free(&im);
}

static void membrane_has_a_stroke_for_each_spike(void **state) {
    (void)state;
    enum { T = 30, N = 2 };
    float v[T * N], s[T * N] = { 0 };
    for (int i = 0; i < T * N; i++) v[i] = (float)(i / N % 5) * 0.2f;
    for (int t = 4; t < T; t += 5) s[t * N] = 1; /* 6 */
    s[10 * N + 1] = 1;
    const hk_plot o = size_of(460, 240, 144);
    const char *path = plot_path("membrane.png");
    patch p[16];
    plot_ok(hk_plot_membrane(&o, v, s, T, N, 1.0, NAN, path, WHY));
    image im = image_read(path);
    expect_int("strokes, and one in the legend", 8, patches(&im, ORANGE, 60, p, 16));
    image_free(&im);
    path = plot_path("membrane.svg");
    plot_ok(hk_plot_membrane(&o, v, s, T, N, 1.0, NAN, path, WHY));
    char *t = text_read(path);
    if (!strstr(t, ">threshold</text>") || strstr(t, ">reset</text>")) fail_msg("expected a threshold in the legend, and no reset");
    if (!strstr(t, ">neuron 1</text>")) fail_msg("expected the name of neuron 1");
    free(t);
}

static void heatmap_has_the_colors_of_its_numbers(void **state) {
    (void)state;
    enum { T = 4, N = 3 };
    float v[T * N] = { 0 };
    v[0] = -2, v[3 * N + 2] = 6; /* least: first step, lowest neuron; greatest: last step, highest */
    const hk_plot o = size_of(400, 240, 72);
    const char *path = plot_path("heat.png");
    patch dark[4], bright[4];
    plot_ok(hk_plot_heatmap(&o, v, T, N, path, WHY));
    image im = image_read(path);
    expect_int("dark squares and the bar's end", 2, patches(&im, 0x440154, 6, dark, 4));
    expect_int("bright squares and the bar's end", 2, patches(&im, 0xfde725, 6, bright, 4));
    if (!(dark[0].x1 < bright[0].x0 && dark[0].y0 > bright[0].y1)) fail_msg("the least number is not below and left of the greatest");
    expect_near("squares of one width", dark[0].x1 - dark[0].x0, bright[0].x1 - bright[0].x0, 1);
    expect_near("three steps apart", 3.0 * (dark[0].x1 - dark[0].x0 + 1), bright[0].x0 - dark[0].x0, 3);
    image_free(&im);
}

static void maps_are_squares_of_whole_pixels(void **state) {
    (void)state;
    const float x[2][2][2] = { { { 1, 0 }, { 0, 0 } }, { { 1, 0 }, { 0, 1 } } };
    const hk_plot o = size_of(120, 0, 72);
    const char *path = plot_path("maps.png");
    plot_ok(hk_plot_maps(&o, &x[0][0][0], 1, 2, 2, 2, 2, path, WHY));
    image im = image_read(path);
    /* Along the middle of the upper row of numbers: white, black in the first map, the same in the second. */
    int y = 8 + 3, run[64] = { 0 }, n = 0;
    for (int q = 9; q < im.w - 8 && n < 63; q++) {
        const uint32_t k = im.at[y * im.w + q];
        if (q > 9 && k != im.at[y * im.w + q - 1]) n++;
        run[n]++;
    }
    int whites = 0, blacks = 0;
    for (int q = 0; q < im.w; q++) whites += im.at[y * im.w + q] == 0xffffff, blacks += im.at[y * im.w + q] == 0;
    expect_int("black numbers of the row, 8 points each", 16, blacks);
    if (whites < 16) fail_msg("white pixels of the row: expected 16 or more, got %d", whites);
    image_free(&im);
    const float rgb[3] = { 1, 0, 0.5f };
    hk_plot c = o;
    c.rgb = 1, c.lo = 0, c.hi = 1;
    path = plot_path("rgb.png");
    patch p[2];
    plot_ok(hk_plot_maps(&c, rgb, 1, 3, 1, 1, 0, path, WHY));
    im = image_read(path);
    expect_int("one picture of red, green, blue", 1, patches(&im, 0xff0080, 2, p, 2));
    image_free(&im);
}

/* Longest upright run of a colour. */
static int tallest(const image *im, uint32_t color, int far) {
    int best = 0;
    for (int x = 0; x < im->w; x++)
        for (int y = 0, run = 0; y < im->h; y++) {
            run = is_color(im->at[y * im->w + x], color, far) ? run + 1 : 0;
            best = run > best ? run : best;
        }
    return best;
}

static void bars3d_are_as_high_as_their_numbers(void **state) {
    (void)state;
    const float v[2] = { 1, 2 }; /* T = 2, N = 1: the near sides of both are seen */
    hk_plot o = size_of(480, 350, 144);
    o.value_label = "";
    const char *path = plot_path("bars3d.png");
    plot_ok(hk_plot_bars3d(&o, v, 2, 1, path, WHY));
    image im = image_read(path);
    const int one = tallest(&im, 0x360143, 3), two = tallest(&im, 0xcab91e, 3); /* both ends of the colours at 80 % */
    if (one < 30) fail_msg("the bar of 1 is %d pixels high", one);
    expect_near("the bar of 2", 2.0 * one, two, 5);
    image_free(&im);
}

static void counts(float *s, int T) { /* neuron 0: all steps, 1: every second, 2: none */
    for (int t = 0; t < T; t++) s[t * 3] = 1, s[t * 3 + 1] = (float)(t % 2), s[t * 3 + 2] = 0;
}

static void spike_count_ends_with_the_counts(void **state) {
    (void)state;
    enum { T = 10 };
    float s[T * 3];
    const char *const names[] = { "cat", "dog & co", "bird" };
    hk_plot o = size_of(400, 160, 144);
    counts(s, T);
    o.names = names;
    const char *path = plot_path("count.png");
    patch first[2], second[2];
    plot_ok(hk_plot_spike_count(&o, s, T, 3, path, WHY));
    image im = image_read(path);
    expect_int("bars of the winner", 1, patches(&im, ORANGE, 10, first, 2));
    expect_int("other bars", 1, patches(&im, 0x59a3cd, 10, second, 2));
    expect_near("half the spikes, half the length", (first[0].x1 - first[0].x0 + 1) / 2.0, second[0].x1 - second[0].x0 + 1, 2);
    if (first[0].y1 >= second[0].y0) fail_msg("the first neuron is not the uppermost");
    image_free(&im);
    path = plot_path("count.svg");
    plot_ok(hk_plot_spike_count(&o, s, T, 3, path, WHY));
    char *t = text_read(path);
    const char *const want[] = { ">cat</text>", ">dog &amp; co</text>", ">bird</text>", ">10</text>", ">5</text>", ">step 10 of 10</text>" };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!strstr(t, want[i])) fail_msg("expected '%s'", want[i]);
    free(t);
}

static void animation(void **state) {
    (void)state;
#ifndef HILLOCK_GIF
    print_message("skip: built without giflib\n");
    skip();
#else
    enum { T = 10 };
    float s[T * 3];
    counts(s, T);
    hk_plot o = size_of(360, 144, 100);
    const char *path = plot_path("count.gif");
    plot_ok(hk_plot_spike_count(&o, s, T, 3, path, WHY));
    int error = 0;
    GifFileType *g = DGifOpenFileName(path, &error);
    assert_non_null(g);
    if (DGifSlurp(g) == GIF_ERROR) fail_msg("the GIF can't be read: %s", GifErrorString(g->Error));
    expect_int("pictures: six for each of ten steps, and the beginning", 61, g->ImageCount);
    expect_int("width", 500, g->SWidth);
    expect_int("height", 200, g->SHeight);
    /* Put together as a viewer does it; the length of the winner's bar in each picture. */
    image im = { g->SWidth, g->SHeight, calloc((size_t)(g->SWidth * g->SHeight), 4) };
    int before = 0, last = 0;
    long total = 0;
    assert_non_null(im.at);
    for (int i = 0; i < g->ImageCount; i++) {
        const SavedImage *q = &g->SavedImages[i];
        GraphicsControlBlock b;
        assert_int_equal(DGifSavedExtensionToGCB(g, i, &b), GIF_OK);
        total += b.DelayTime;
        for (int y = 0; y < q->ImageDesc.Height; y++)
            for (int x = 0; x < q->ImageDesc.Width; x++) {
                int k = q->RasterBits[y * q->ImageDesc.Width + x];
                const GifColorType *c = &g->SColorMap->Colors[k];
                if (k != b.TransparentColor) im.at[(y + q->ImageDesc.Top) * im.w + x + q->ImageDesc.Left] = (uint32_t)c->Red << 16 | (uint32_t)c->Green << 8 | c->Blue;
            }
        patch p[2] = { { 0 } };
        int n = patches(&im, ORANGE, 10, p, 2);
        last = n ? p[0].x1 - p[0].x0 + 1 : 0;
        if (i == 0) expect_int("bars at the beginning", 0, n);
        else if (last < before || last > before + 12) fail_msg("picture %d: the bar went from %d to %d pixels", i, before, last);
        before = last;
    }
    if (last < 250) fail_msg("the winner's bar ends at %d pixels: expected 250 or more", last);
    if (total < 300 || total > 2000) fail_msg("it takes %ld hundredths of a second", total);
    free(im.at);
    DGifCloseFile(g, &error);
    char *t = text_read(path);
    char *loop = NULL;
    for (int i = 0; i < 2000 && !loop; i++)
        if (!memcmp(t + i, "NETSCAPE2.0", 11)) loop = t + i;
    if (!loop) fail_msg("it is played once");
    free(t);
#endif
}

static void refuse(const char *what, hk_status want, hk_status got, const char *text, const char *why) {
    if (got != want || !strstr(why, text)) fail_msg("%s: expected status %d and '%s', got %d and '%s'", what, (int)want, text, (int)got, why);
}

static void refusals(void **state) {
    (void)state;
    static float v[40 * 300];
    char why[512] = "";
    const char *path = plot_path("no.png");
    refuse("no steps", HK_EINVAL, hk_plot_raster(NULL, v, 0, 5, path, WHY), "at least 1 x 1", why);
    refuse("no array", HK_EINVAL, hk_plot_heatmap(NULL, NULL, 4, 5, path, WHY), "no array", why);
    refuse("too many traces", HK_EINVAL, hk_plot_membrane(NULL, v, NULL, 4, 17, 1, NAN, path, WHY), "at most 16", why);
    refuse("too many bars", HK_EINVAL, hk_plot_bars3d(NULL, v, 40, 300, path, WHY), "at most 10000", why);
    refuse("too many counts", HK_EINVAL, hk_plot_spike_count(NULL, v, 4, 65, path, WHY), "at most 64", why);
    refuse("two colours", HK_EINVAL, hk_plot_maps(&(hk_plot){ .struct_size = sizeof(hk_plot), .rgb = 1 }, v, 1, 2, 3, 3, 0, path, WHY), "red, green and blue", why);
    refuse("maps of nothing", HK_EINVAL, hk_plot_maps(NULL, v, 1, 2, 0, 3, 0, path, WHY), "at least", why);
    refuse("a GIF of a raster", HK_EINVAL, hk_plot_raster(NULL, v, 4, 5, plot_path("r.gif"), WHY), ".png, .svg or .pdf", why);
    refuse("no such folder", HK_EIO, hk_plot_raster(NULL, v, 4, 5, plot_path("none/r.png"), WHY), "No such file", why);
#ifdef HILLOCK_GIF
    refuse("no such folder, GIF", HK_EIO, hk_plot_spike_count(NULL, v, 4, 5, plot_path("none/r.gif"), WHY), "No such file", why);
#endif
    if (access(path, F_OK) == 0) fail_msg("a refused picture left %s behind", path);
}

/* What is not finite, all zero or all equal is drawn too. */
static void odd_numbers(void **state) {
    (void)state;
    float v[12] = { NAN, INFINITY, -INFINITY, 1, 2, 3, NAN, 0, 0, 0, 0, 0 }, zero[12] = { 0 };
    hk_plot o = size_of(300, 200, 72);
    for (int i = 0; i < 2; i++) {
        const float *x = i ? zero : v;
        const char *path = plot_path("odd.png");
        plot_ok(hk_plot_raster(&o, x, 4, 3, path, WHY));
        plot_ok(hk_plot_spikes(&o, x, 4, 3, path, WHY));
        plot_ok(hk_plot_heatmap(&o, x, 4, 3, path, WHY));
        plot_ok(hk_plot_membrane(&o, x, x, 4, 3, NAN, NAN, path, WHY));
        plot_ok(hk_plot_bars3d(&o, x, 4, 3, path, WHY));
        plot_ok(hk_plot_maps(&o, x, 1, 3, 2, 2, 0, path, WHY));
        plot_ok(hk_plot_spike_count(&o, x, 4, 3, path, WHY));
        image im = image_read(path);
        expect_int("width", 300, im.w);
        image_free(&im);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(raster_has_a_stroke_for_each_spike), cmocka_unit_test(rates_are_bars),
        cmocka_unit_test(membrane_has_a_stroke_for_each_spike), cmocka_unit_test(heatmap_has_the_colors_of_its_numbers), cmocka_unit_test(maps_are_squares_of_whole_pixels),
        cmocka_unit_test(bars3d_are_as_high_as_their_numbers), cmocka_unit_test(spike_count_ends_with_the_counts), cmocka_unit_test(animation), cmocka_unit_test(refusals),
        cmocka_unit_test(odd_numbers) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    char dir[512];
    snprintf(dir, sizeof dir, "%s", plot_path(""));
    rmdir(dir);
    return bad;
}
