/* test_picture.c - pictures as characters: shrinking keeps means, cells show two rows, greys and ramp; which samples are pictures. */
#include "trainer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void shrinking(void **state) {
    (void)state;
    const float x[2][4] = { { 0.0f, 1.0f, 2.0f, 3.0f }, { 4.0f, 5.0f, 6.0f, 7.0f } };
    float y[6];
    hk__picture_shrink(&x[0][0], 2, 4, y, 1, 2);
    assert_true(y[0] == 2.5f && y[1] == 4.5f);
    hk__picture_shrink(&x[0][0], 2, 4, y, 2, 3); /* parts of columns: (0 + 1/3) / (4/3) and so on */
    const double want[6] = { 0.25, 1.5, 2.75, 4.25, 5.5, 6.75 };
    for (int i = 0; i < 6; i++)
        if (fabs((double)y[i] - want[i]) > 1e-6) fail_msg("number %d: expected %g, got %g", i, want[i], (double)y[i]);
    float same[8];
    hk__picture_shrink(&x[0][0], 2, 4, same, 2, 4);
    assert_memory_equal(same, x, sizeof x);
    /* Any size: the mean stays. */
    float big[28 * 27], small[18 * 17];
    double sum = 0, mean = 0;
    for (int i = 0; i < 28 * 27; i++) sum += (double)(big[i] = (float)(i * 37 % 101));
    hk__picture_shrink(big, 28, 27, small, 18, 17);
    for (int i = 0; i < 18 * 17; i++) mean += (double)small[i];
    if (fabs(mean / (18 * 17) - sum / (28 * 27)) > 1e-4) fail_msg("mean %g became %g", sum / (28 * 27), mean / (18 * 17));
}

static void expect_line(hk__ink ink, const float *x, int64_t h, int64_t w, int64_t line, int64_t columns, const char *want) {
    char *got = NULL;
    size_t n;
    FILE *f = open_memstream(&got, &n);
    assert_non_null(f);
    hk__picture_line(f, ink, x, h, w, line, columns);
    fclose(f);
    assert_string_equal(got, want);
    free(got);
}

static void cells(void **state) {
    (void)state;
    const float x[3][2] = { { 0.0f, 1.0f }, { 0.0f, 1.0f }, { 0.5f, NAN } };
#define HALF "\xe2\x96\x80"
    expect_line(HK__ASCII, &x[0][0], 3, 2, 0, 3, " @ ");
    expect_line(HK__ASCII, &x[0][0], 3, 2, 1, 2, ": "); /* nothing below: half as bright */
    expect_line(HK__GREY24BIT, &x[0][0], 3, 2, 0, 3, "\x1b[38;2;0;0;0m\x1b[48;2;0;0;0m" HALF "\x1b[38;2;255;255;255m\x1b[48;2;255;255;255m" HALF "\x1b[0m ");
    expect_line(HK__GREY256, &x[0][0], 3, 2, 0, 2, "\x1b[38;5;16m\x1b[48;5;16m" HALF "\x1b[38;5;231m\x1b[48;5;231m" HALF "\x1b[0m");
    expect_line(HK__GREY256, &x[0][0], 3, 2, 1, 2, "\x1b[38;5;244m\x1b[49m" HALF "\x1b[38;5;16m" HALF "\x1b[0m");
}

static void expect_refused(int rank, const int64_t *shape, int64_t n, int64_t of, const char *word) {
    hk__show *s = NULL;
    hk__job j = { .conf = hk__conf_new(&hk__train_schema), .rank = rank };
    assert_non_null(j.conf);
    memcpy(j.shape, shape, (size_t)rank * sizeof *shape);
    hk_status st = hk__show_new(&j, n, of, &s);
    assert_int_equal(st, word ? HK_ECONFIG : HK_OK);
    if (word && !strstr(hk__conf_error(j.conf), word)) fail_msg("expected '%s' in: %s", word, hk__conf_error(j.conf));
    if (!word) assert_true(s->n == n && s->H == shape[rank - 2] && s->W == shape[rank - 1]);
    hk__show_free(s), hk__conf_free(j.conf);
}

static void samples(void **state) {
    (void)state;
    const int64_t row[1] = { 784 }, plain[2] = { 28, 30 }, grey[3] = { 1, 28, 30 }, color[3] = { 3, 32, 32 }, film[4] = { 1, 8, 28, 28 };
    expect_refused(2, plain, 3, 3, NULL);
    expect_refused(3, grey, 1, 3, NULL);
    expect_refused(1, row, 3, 3, "expected grey pictures of shape [H, W] or [1, H, W], got samples of [784]");
    expect_refused(3, color, 3, 3, "got samples of [3, 32, 32]");
    expect_refused(4, film, 3, 3, "got samples of [1, 8, 28, 28]");
    expect_refused(3, grey, 4, 3, "expected 1 to 3, the number of pictures that are tested, got 4");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(shrinking), cmocka_unit_test(cells), cmocka_unit_test(samples) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
