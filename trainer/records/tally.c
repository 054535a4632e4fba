/* tally.c - what a test said, sample by sample: how often each class was taken for each other, and a few samples that are right and wrong.
 *
 * It reads the output's mean over T, whose largest number the executor counts as "correct", so that both always agree. Kept of the right ones: the first of each
 * class, in the order of the test; of the wrong ones those of which the network was surest. A network whose output is no row of scores has none. */
#include "trainer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

hk_status hk__tally_new(hk__job *j, const hk__loader *test, hk__tally **out) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], labels = j->data_type->classes(j->ds_test);
    *out = NULL;
    if (hk_executor_dims(j->infer, "rate", &rank, dims) || rank != 2 || labels < 2) return HK_OK;
    hk__tally *t = *out = calloc(1, sizeof *t);
    if (!t) goto no_memory;
    t->scores = dims[1], t->K = labels > dims[1] ? labels : dims[1], t->elems = test->sample.row;
    t->count = calloc((size_t)(t->K * t->K), sizeof *t->count);
    t->kept_of = calloc((size_t)t->K, sizeof *t->kept_of);
    t->one = malloc((size_t)t->elems * sizeof *t->one);
    t->score = malloc((size_t)(test->batch < test->n ? test->batch : test->n) * (size_t)t->scores * sizeof *t->score);
    for (int s = 0; s < 2; s++) {
        t->side[s].x = malloc((size_t)(HK__TALLY_KEPT * t->elems) * sizeof *t->side[s].x);
        if (!t->side[s].x) goto no_memory;
    }
    if (t->count && t->kept_of && t->score && t->one) return HK_OK;
no_memory:
    return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
}

void hk__tally_begin(hk__tally *t) {
    if (!t) return;
    memset(t->count, 0, (size_t)(t->K * t->K) * sizeof *t->count);
    memset(t->kept_of, 0, (size_t)t->K * sizeof *t->kept_of);
    t->n = t->side[0].n = t->side[1].n = 0;
}

static void put(hk__tally *t, int side, int at, const hk__tally_sample *s, const float *x) {
    t->side[side].s[at] = *s;
    memcpy(t->side[side].x + at * t->elems, x, (size_t)t->elems * sizeof *x);
}

static void keep_right(hk__tally *t, const hk__tally_sample *s, const float *x) {
    const int64_t each = (HK__TALLY_KEPT + t->K - 1) / t->K;
    if (t->side[1].n == HK__TALLY_KEPT || t->kept_of[s->label] == each) return;
    t->kept_of[s->label]++;
    put(t, 1, t->side[1].n++, s, x);
}

/* In order of the margin, the largest first; of equal ones the first. */
static void keep_wrong(hk__tally *t, const hk__tally_sample *s, const float *x) {
    int at = t->side[0].n;
    while (at && s->score - s->label_score > t->side[0].s[at - 1].score - t->side[0].s[at - 1].label_score) at--;
    if (at == HK__TALLY_KEPT) return;
    const int last = t->side[0].n < HK__TALLY_KEPT ? t->side[0].n++ : HK__TALLY_KEPT - 1;
    for (int i = last; i > at; i--) put(t, 0, i, &t->side[0].s[i - 1], t->side[0].x + (i - 1) * t->elems);
    put(t, 0, at, s, x);
}

/* Sample i of a batch [n,row]; of sequences [T,n,row] its mean over T. */
static const float *gather(hk__tally *t, const hk__loader *l, int64_t i) {
    if (!l->T) return l->x + i * t->elems;
    memset(t->one, 0, (size_t)t->elems * sizeof *t->one);
    for (int64_t s = 0; s < l->T; s++)
        for (int64_t k = 0; k < t->elems; k++) t->one[k] += l->x[(s * l->count + i) * t->elems + k] / (float)l->T;
    return t->one;
}

hk_status hk__tally_batch(hk__tally *t, hk__job *j, const hk__loader *l) {
    if (!t) return HK_OK;
    hk_status st = hk_executor_read(j->infer, "rate", HK_F32, t->score, l->count * t->scores);
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    for (int64_t i = 0; i < l->count; i++, t->n++) {
        const float *z = t->score + i * t->scores;
        const int64_t y = l->y[i];
        int64_t said = 0;
        for (int64_t c = 1; c < t->scores; c++) said = z[c] > z[said] ? c : said;
        if (y < 0 || y >= t->K) continue; /* no class: some losses leave such samples out */
        t->count[y * t->K + said]++;
        const hk__tally_sample s = { t->n, y, said, (double)z[said], y < t->scores ? (double)z[y] : NAN };
        if (said == y && t->side[1].n == HK__TALLY_KEPT) continue;
        const float *x = gather(t, l, i);
        if (said == y) keep_right(t, &s, x);
        else keep_wrong(t, &s, x);
    }
    return HK_OK;
}

void hk__tally_free(hk__tally *t) {
    if (!t) return;
    free(t->count), free(t->kept_of), free(t->score), free(t->one), free(t->side[0].x), free(t->side[1].x), free(t);
}

/* ---- samples as pictures ---- */

int hk__sample_picture(const hk__job *j, hk__picture *p) {
    int64_t C = 1;
    if (j->rank < 2) return 0;
    for (int i = 0; i < j->rank - 2; i++) C *= j->shape[i];
    p->H = j->shape[j->rank - 2], p->W = j->shape[j->rank - 1], p->C = C;
    p->channels = C == 3 || C == 2 ? 3 : 1;
    return p->H >= 2 && p->W >= 2 && p->H <= 512 && p->W <= 512;
}

/* Numbers of [0, 1] as they are; others are stretched to it. Two channels, as of an event camera: red and blue. Others than 1, 2 and 3: their mean. */
void hk__sample_pixels(const hk__picture *p, const float *x, uint8_t *out) {
    const int64_t plane = p->H * p->W;
    float lo = 0, hi = 1;
    for (int64_t i = 0; i < p->C * plane; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
    const float scale = hi > lo ? 255.0f / (hi - lo) : 0;
    for (int64_t i = 0; i < plane; i++) {
        float v[3] = { 0, 0, 0 };
        if (p->C == 3)
            for (int c = 0; c < 3; c++) v[c] = x[c * plane + i] - lo;
        else if (p->C == 2) v[0] = x[i] - lo, v[2] = x[plane + i] - lo, v[1] = (v[0] < v[2] ? v[0] : v[2]) * 0.6f;
        else
            for (int64_t c = 0; c < p->C; c++) v[0] += (x[c * plane + i] - lo) / (float)p->C;
        for (int c = 0; c < p->channels; c++) out[i * p->channels + c] = (uint8_t)(v[c] * scale + 0.5f);
    }
}
