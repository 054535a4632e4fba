/* data.c - report.json: what a report needs and metrics.jsonl has not. Written whole behind each test, by way of a temporary file. */
#include "report.h"
#include "../tensorboard/tensorboard.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_classes(FILE *f, const hk__job *j, const hk__tally *t) {
    const hk_dataset_type *type = j->data_type;
    fputs("  \"classes\": [", f);
    for (int64_t c = 0; c < t->K; c++) {
        char number[24];
        const char *name = type->class_name && c < type->classes(j->ds_test) ? type->class_name(j->ds_test, c) : NULL;
        snprintf(number, sizeof number, "%lld", (long long)c);
        fputs(c ? ", " : "", f), hk__json_text(f, name ? name : number);
    }
    fputs("],\n  \"confusion\": [", f);
    for (int64_t y = 0; y < t->K; y++) {
        fputs(y ? ",\n    [" : "\n    [", f);
        for (int64_t c = 0; c < t->K; c++) fprintf(f, "%s%lld", c ? ", " : "", (long long)t->count[y * t->K + c]);
        putc(']', f);
    }
    fputs("],\n", f);
}

static void put_number(FILE *f, const char *key, double v) {
    if (isfinite(v)) fprintf(f, ", \"%s\": %.6g", key, v);
}

static int put_samples(FILE *f, const hk__job *j, const hk__tally *t) {
    hk__picture p;
    const int drawn = hk__sample_picture(j, &p);
    uint8_t *pixels = drawn ? malloc((size_t)(p.H * p.W * p.channels)) : NULL;
    hk__bytes png = { 0 };
    if (drawn) fprintf(f, "  \"picture\": [%lld, %lld, %d],\n", (long long)p.H, (long long)p.W, p.channels);
    fputs("  \"samples\": [", f);
    for (int side = 1, k = 0; side >= 0; side--)
        for (int i = 0; i < t->side[side].n; i++, k++) {
            const hk__tally_sample *s = &t->side[side].s[i];
            fprintf(f, "%s\n    {\"index\": %lld, \"label\": %lld, \"said\": %lld", k ? "," : "", (long long)s->index, (long long)s->label, (long long)s->said);
            put_number(f, "score", s->score), put_number(f, "label_score", s->label_score);
            if (pixels) {
                png.n = 0;
                hk__sample_pixels(&p, t->side[side].x + i * t->elems, pixels);
                hk__png(&png, p.W, p.H, p.channels, pixels);
                fputs(", \"png\": \"", f), hk__base64(f, png.p, png.bad ? 0 : png.n), putc('"', f);
            }
            putc('}', f);
        }
    fputs("],\n", f);
    const int bad = (drawn && !pixels) || png.bad;
    free(pixels), free(png.p);
    return bad;
}

static void put_layers(FILE *f, const hk__layer_table *t) {
    fputs("  \"layers\": [", f);
    for (int i = 0; i < t->n; i++) {
        const hk__layer_row *r = &t->row[i];
        fprintf(f, "%s\n    {\"path\": ", i ? "," : "");
        hk__json_text(f, r->path), fputs(", \"type\": ", f), hk__json_text(f, r->type), fputs(", \"text\": ", f), hk__json_text(f, r->text);
        fprintf(f, ", \"depth\": %d, \"spiking\": %s, \"params\": %lld, \"learnable\": %lld", r->depth, r->spiking ? "true" : "false", (long long)r->params,
            (long long)r->learnable);
        if (r->rank >= 0) {
            fputs(", \"shape\": [", f);
            for (int k = 0; k < r->rank; k++) fprintf(f, "%s%lld", k ? ", " : "", (long long)r->dims[k]);
            putc(']', f);
        }
        putc('}', f);
    }
    fputs("],\n", f);
}

static int put_all(FILE *f, hk__job *j, const hk__tally *t, const hk__layer_table *l, int64_t epoch, int64_t step) {
    int bad = 0;
    fprintf(f, "{\n  \"format\": 1,\n  \"epoch\": %lld,\n  \"step\": %lld,\n", (long long)epoch, (long long)step);
    if (t) put_classes(f, j, t), bad = put_samples(f, j, t);
    put_layers(f, l);
    fprintf(f, "  \"input\": {\"train\": %lld, \"test\": %lld, \"T\": %lld, \"shape\": [", (long long)j->data_type->size(j->ds_train),
        (long long)j->data_type->size(j->ds_test), (long long)j->T);
    for (int i = 0; i < j->rank; i++) fprintf(f, "%s%lld", i ? ", " : "", (long long)j->shape[i]);
    fputs("]}\n}\n", f);
    return bad;
}

hk_status hk__report_data_write(hk__job *j, const char *folder, const hk__tally *t, const hk__layer_table *l, int64_t epoch, int64_t step) {
    char *path = NULL, *tmp = NULL;
    hk_status st = asprintf(&path, "%s/report.json", folder) < 0 || asprintf(&tmp, "%s/report.json.tmp", folder) < 0 ? HK_ENOMEM : HK_OK;
    FILE *f = st ? NULL : fopen(tmp, "we");
    if (!st && !f) st = HK_EIO;
    if (f) {
        if (put_all(f, j, t, l, epoch, step)) st = HK_ENOMEM;
        const int bad = ferror(f) | fclose(f);
        if (!st && (bad || rename(tmp, path))) st = HK_EIO;
        if (st) unlink(tmp);
    }
    if (st) hk__conf_fail_key(j->conf, st, "run", "out", "%s/report.json cannot be written: %s", folder, st == HK_ENOMEM ? "out of memory" : strerror(errno));
    free(path), free(tmp);
    return st;
}
