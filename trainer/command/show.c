/* show.c - `hillock eval --show N`: the first N test pictures, side by side, each with its class and with what the network said in the very
 * run that was counted. Grey pictures only: [H,W] or [1,H,W]. Those wider than a quarter of the line are shrunk, so that four stand in a row. */
#include "trainer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, ABREAST = 4 };

hk_status hk__show_new(hk__job *j, int64_t n, int64_t of, hk__show **out) {
    int grey = !j->steps && (j->rank == 2 || (j->rank == 3 && j->shape[0] == 1));
    *out = NULL;
    if (!grey) {
        char shape[HK_MAX_RANK * 24] = "";
        for (int i = 0; i < j->rank; i++) snprintf(shape + strlen(shape), 24, "%s%lld", i ? ", " : "", (long long)j->shape[i]);
        return hk__conf_fail_key(j->conf, HK_ECONFIG, "data", "name", "--show: expected grey pictures of shape [H, W] or [1, H, W], got samples of [%s]", shape);
    }
    if (n < 1 || n > of)
        return hk__conf_fail(j->conf, HK_ECONFIG, "--show: expected 1 to %lld, the number of pictures that are tested, got %lld", (long long)of, (long long)n);
    hk__show *s = calloc(1, sizeof *s);
    if (!s) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    s->n = n, s->H = j->shape[j->rank - 2], s->W = j->shape[j->rank - 1];
    s->x = malloc((size_t)(n * s->H * s->W) * sizeof *s->x);
    s->label = calloc((size_t)n, sizeof *s->label), s->said = calloc((size_t)n, sizeof *s->said), s->rate = calloc((size_t)n, sizeof *s->rate);
    if (!s->x || !s->label || !s->said || !s->rate) {
        hk__show_free(s);
        return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    }
    *out = s;
    return HK_OK;
}

void hk__show_free(hk__show *s) {
    if (!s) return;
    free(s->x), free(s->label), free(s->said), free(s->rate), free(s);
}

/* y [T,N,C], or with T = 1 [N,C]: the class with the highest mean over T, the first one of equals, as "correct" counts. */
static void take(hk__show *s, const float *y, int64_t T, int64_t N, int64_t C, int64_t sample) {
    double best = 0;
    for (int64_t c = 0; c < C; c++) {
        double sum = 0;
        for (int64_t t = 0; t < T; t++) sum += (double)y[(t * N + sample) * C + c];
        if (c && sum <= best) continue;
        best = sum, s->said[s->have] = c, s->rate[s->have] = sum / (double)T;
    }
}

hk_status hk__show_take(hk__show *s, hk__job *j, const hk__loader *l) {
    int64_t dims[HK_MAX_RANK + 2], picture = s->H * s->W;
    int rank;
    if (s->have == s->n) return HK_OK;
    hk_status st = hk_executor_dims(j->infer, "y", &rank, dims);
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    if ((rank != 2 && rank != 3) || dims[rank - 2] != l->count)
        return hk__conf_fail_key(j->conf, HK_ESHAPE, "model", "type", "--show: expected an output with one number for each class, got one of %d axes", rank - 1);
    int64_t T = rank == 3 ? dims[0] : 1, C = dims[rank - 1], n = T * l->count * C;
    float *y = malloc((size_t)n * sizeof *y);
    if (!y) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    if ((st = hk_executor_read(j->infer, "y", HK_F32, y, n))) hk__job_fail_ctx(j, st, "model", "type");
    for (int64_t i = 0; i < l->count && s->have < s->n && !st; i++, s->have++) {
        for (int64_t k = 0; k < picture; k++) /* as it was before [augment] mean and std */
            s->x[s->have * picture + k] = j->augment.n_norm ? l->x[i * picture + k] * (float)j->augment.std[0] + (float)j->augment.mean[0] : l->x[i * picture + k];
        s->label[s->have] = l->y[i];
        take(s, y, T, l->count, C, i);
    }
    free(y);
    return st;
}

/* ---- printing ---- */

static const char *class_name(const hk__job *j, int64_t c, char buf[24]) {
    const char *name = j->data_type->class_name && c < j->data_type->classes(j->ds_test) ? j->data_type->class_name(j->ds_test, c) : NULL;
    if (name) return name;
    snprintf(buf, 24, "%lld", (long long)c);
    return buf;
}

/* "x Ankle boot 0.75": mark, name, number on the right; `columns` wide. */
static void caption(FILE *f, const char *mark, const char *name, const char *number, int columns, const char *color) {
    int room = columns - 2 - (int)strlen(number) - (number[0] != 0);
    fprintf(f, "%s%-1s %-*.*s%s%s%s", color, mark, room, room, name, number[0] ? " " : "", number, color[0] ? "\x1b[0m" : "");
}

typedef struct layout {
    int abreast, cell;   /* pictures of a row; columns of each, without the gap */
    int64_t w, h, lines; /* of a picture as it is drawn */
    float *x;            /* [n,h,w], 0 to 1 */
} layout;

/* Least 0 and most 1, unless the numbers go beyond. */
static void stretch(float *x, int64_t n) {
    float lo = 0.0f, hi = 1.0f;
    for (int64_t i = 0; i < n; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
    for (int64_t i = 0; i < n; i++) x[i] = (x[i] - lo) / (hi - lo);
}

static int make_layout(layout *y, const hk__show *s, int width) {
    enum { CAPTION = 18 }; /* "x T-shirt/top 0.75" */
    int64_t box = (width - (ABREAST - 1) * GAP) / ABREAST;
    if (box < CAPTION) box = CAPTION;
    double scale = 1.0;
    if ((double)s->W * scale > (double)box) scale = (double)box / (double)s->W;
    if ((double)s->H * scale > 2.0 * (double)box) scale = 2.0 * (double)box / (double)s->H;
    y->w = (int64_t)((double)s->W * scale + 0.5), y->h = (int64_t)((double)s->H * scale + 0.5);
    y->w = y->w < 1 ? 1 : y->w, y->h = y->h < 1 ? 1 : y->h;
    y->lines = (y->h + 1) / 2;
    y->cell = y->w > CAPTION ? (int)y->w : CAPTION;
    y->abreast = (width + GAP) / (y->cell + GAP);
    if (y->abreast < 1) y->abreast = 1;
    y->x = malloc((size_t)(s->have * y->h * y->w) * sizeof *y->x);
    if (!y->x) return -1;
    for (int64_t i = 0; i < s->have; i++) hk__picture_shrink(s->x + i * s->H * s->W, s->H, s->W, y->x + i * y->h * y->w, y->h, y->w);
    stretch(y->x, s->have * y->h * y->w);
    return 0;
}

static void print_row(const hk__show *s, const hk__job *j, FILE *f, hk__ink ink, const layout *y, int64_t from, int64_t to) {
    char name[24], rate[24];
    for (int64_t line = 0; line < y->lines; line++, fputc('\n', f))
        for (int64_t i = from; i < to; i++) hk__picture_line(f, ink, y->x + i * y->h * y->w, y->h, y->w, line, i + 1 < to ? y->cell + GAP : y->w);
    for (int64_t i = from; i < to; i++) {
        caption(f, "", class_name(j, s->label[i], name), "", y->cell, "");
        fprintf(f, "%*s", i + 1 < to ? GAP : 0, "");
    }
    fputc('\n', f);
    for (int64_t i = from; i < to; i++) {
        int right = s->said[i] == s->label[i];
        snprintf(rate, sizeof rate, fabs(s->rate[i]) < 1000 ? "%.2f" : "%.2g", s->rate[i]);
        caption(f, right ? "" : "x", class_name(j, s->said[i], name), rate, y->cell, ink == HK__ASCII ? "" : right ? "\x1b[32m" : "\x1b[31m");
        fprintf(f, "%*s", i + 1 < to ? GAP : 0, "");
    }
    fputc('\n', f);
}

hk_status hk__show_print(const hk__show *s, hk__job *j, FILE *f, hk__ink ink, int width) {
    int64_t right = 0;
    layout y;
    if (make_layout(&y, s, width)) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    for (int64_t i = 0; i < s->have; i++) right += s->said[i] == s->label[i];
    fprintf(f, "\n%lld of the first %lld pictures are right. Below each: its class;\nthe predicted class and its firing rate, after an x where it is wrong.\n",
        (long long)right, (long long)s->have);
    for (int64_t i = 0; i < s->have; i += y.abreast) {
        fputc('\n', f);
        print_row(s, j, f, ink, &y, i, i + y.abreast < s->have ? i + y.abreast : s->have);
    }
    free(y.x);
    return HK_OK;
}
