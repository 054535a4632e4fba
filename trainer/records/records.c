/* records.c - what a run leaves for people beside metrics.jsonl, of each epoch: a row of metrics.csv, the firing rates in its line of metrics.jsonl, what the test
 * said (report.json), and with [run] tensorboard = on an event file.
 *
 * All of it is made at the border of the device between an epoch's test and its line, from executors and buffers that are made before the first training step; the
 * training step itself does nothing for it. A run without a folder has none. */
#include "report/report.h"
#include "tensorboard/tensorboard.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct hk__records {
    hk__job *j;
    hk__csv *csv;
    hk__rates *rates;
    hk__tally *tally; /* NULL: the output is no row of scores */
    hk__layer_table layers;
    char *folder;
    hk__tb *tb;     /* NULL: off */
    float *values;  /* of the largest parameter */
};

static hk_status io_fail(const hk__records *r, hk_status st, const char *what) {
    return hk__conf_fail_key(r->j->conf, st, "run", "out", "%s/%s cannot be written: %s", r->folder, what, st == HK_ENOMEM ? "out of memory" : strerror(errno));
}

static hk_status open_csv(hk__records *r, const hk__rundir *dir) {
    char *jsonl = hk__rundir_file(dir, "metrics.jsonl"), *csv = hk__rundir_file(dir, "metrics.csv");
    hk_status st = jsonl && csv ? hk__csv_open(jsonl, csv, &r->csv) : HK_ENOMEM;
    free(jsonl), free(csv);
    return st ? io_fail(r, st, "metrics.csv") : HK_OK;
}

/* ---- TensorBoard ---- */

static hk_status open_tb(hk__records *r, const char *name, int64_t resumed) {
    char *folder = NULL;
    int64_t most = 1;
    if (!hk__conf_int(r->j->conf, "run", "tensorboard")) return HK_OK;
    hk_status st = asprintf(&folder, "%s/tb/%s", r->folder, name) < 0 ? HK_ENOMEM : hk__tb_open(folder, resumed ? resumed + 1 : -1, &r->tb);
    free(folder);
    if (st) return io_fail(r, st, "TensorBoard's event file");
    for (int i = 0; i < hk_network_n_param(r->j->net); i++) {
        const int64_t n = hk_network_param(r->j->net, i)->elems;
        most = n > most ? n : most;
    }
    r->values = malloc((size_t)most * sizeof *r->values);
    return r->values ? HK_OK : io_fail(r, HK_ENOMEM, "TensorBoard's event file");
}

static void scalar(hk__tb *t, const char *tag, double v) {
    if (v == v) hk__tb_scalar(t, tag, v);
}

/* A parameter's pictures side by side: each filter's first input plane, or each row that is as long as a sample's picture; their range is black to white. */
static void put_filters(hk__records *r, const hk_param_info *p, const char *tag) {
    hk__picture pic;
    const int conv = p->rank == 4, flat = p->rank == 2 && hk__sample_picture(r->j, &pic) && pic.C * pic.H * pic.W == p->shape[1];
    if (!(conv && p->shape[2] > 1) && !flat) return;
    const int64_t h = conv ? p->shape[2] : pic.H, w = conv ? p->shape[3] : pic.W, each = p->elems / p->shape[0], n = p->shape[0] < 256 ? p->shape[0] : 256;
    int64_t across = 1, scale = h < 12 ? 24 / h : 1;
    while (across * across < n) across++;
    const int64_t down = (n + across - 1) / across, W = across * (w * scale + 1) + 1, H = down * (h * scale + 1) + 1;
    uint8_t *out = calloc((size_t)(W * H), 1);
    float lo = r->values[0], hi = lo;
    for (int64_t i = 0; i < p->elems; i++) lo = r->values[i] < lo ? r->values[i] : lo, hi = r->values[i] > hi ? r->values[i] : hi;
    for (int64_t k = 0; out && k < n; k++)
        for (int64_t y = 0; y < h * scale; y++)
            for (int64_t x = 0; x < w * scale; x++) {
                const float v = hi > lo ? (r->values[k * each + y / scale * w + x / scale] - lo) / (hi - lo) : 0;
                out[((k / across) * (h * scale + 1) + 1 + y) * W + (k % across) * (w * scale + 1) + 1 + x] = (uint8_t)(v * 255.0f + 0.5f);
            }
    if (out) hk__tb_image(r->tb, tag, W, H, 1, out);
    free(out);
}

static hk_status put_params(hk__records *r) {
    int drawn = 0;
    for (int i = 0; i < hk_network_n_param(r->j->net); i++) {
        const hk_param_info *p = hk_network_param(r->j->net, i);
        char tag[560];
        if (!p->learnable) continue;
        snprintf(tag, sizeof tag, "grad:%s", p->name);
        hk_status st = hk_executor_read(r->j->train, tag, HK_F32, r->values, p->elems);
        snprintf(tag, sizeof tag, "gradients/%s", p->name);
        if (!st) hk__tb_histogram(r->tb, tag, r->values, p->elems);
        if (!st) st = hk_network_read_param(r->j->net, i, r->values);
        if (st) return hk__job_fail_ctx(r->j, st, "run", "tensorboard");
        snprintf(tag, sizeof tag, "weights/%s", p->name);
        hk__tb_histogram(r->tb, tag, r->values, p->elems);
        snprintf(tag, sizeof tag, "filters/%s", p->name);
        if (!drawn++) put_filters(r, p, tag);
    }
    return HK_OK;
}

/* Samples of one side in a row of pictures. */
static void put_row(hk__records *r, int side, const char *tag) {
    hk__picture p;
    const hk__tally *t = r->tally;
    if (!t || !t->side[side].n || !hk__sample_picture(r->j, &p)) return;
    const int64_t n = t->side[side].n, row = n * p.W * p.channels;
    uint8_t *out = malloc((size_t)(row * p.H)), *one = malloc((size_t)(p.H * p.W * p.channels));
    for (int64_t i = 0; out && one && i < n; i++) {
        hk__sample_pixels(&p, t->side[side].x + i * t->elems, one);
        for (int64_t y = 0; y < p.H; y++) memcpy(out + y * row + i * p.W * p.channels, one + y * p.W * p.channels, (size_t)(p.W * p.channels));
    }
    if (out && one) hk__tb_image(r->tb, tag, n * p.W, p.H, p.channels, out);
    free(out), free(one);
}

static hk_status tb_epoch(hk__records *r, const hk__epoch_metrics *e, int64_t step) {
    const struct {
        const char *tag;
        double v;
    } list[] = { { "loss/train", e->train_loss }, { "loss/test", e->test_loss }, { "accuracy/train", e->train_acc }, { "accuracy/test", e->test_acc },
        { "accuracy_top5/train", e->train_acc5 }, { "accuracy_top5/test", e->test_acc5 }, { "lr", e->lr }, { "speed/train_img_per_s", e->img_per_s },
        { "speed/test_img_per_s", e->test_img_per_s }, { "memory/peak_bytes", (double)e->peak_memory }, { "epoch", (double)e->epoch } };
    hk__tb_begin(r->tb, step);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) scalar(r->tb, list[i].tag, list[i].v);
    for (int i = 0; i < r->rates->layers.n; i++) {
        char tag[560];
        snprintf(tag, sizeof tag, "firing_rate/%.*s", (int)strlen(r->rates->layers.out[i].name) - 2, r->rates->layers.out[i].name);
        scalar(r->tb, tag, r->rates->mean[i]);
        snprintf(tag, sizeof tag, "neuron_rates/%.*s", (int)strlen(r->rates->layers.out[i].name) - 2, r->rates->layers.out[i].name);
        hk__tb_histogram(r->tb, tag, r->rates->neuron[i], r->rates->n_neuron[i]);
    }
    put_row(r, 1, "samples/right"), put_row(r, 0, "samples/wrong");
    hk_status st = put_params(r);
    if (st) return st;
    st = hk__tb_end(r->tb);
    if (!st) st = hk__tb_flush(r->tb);
    return st ? io_fail(r, st, "TensorBoard's event file") : HK_OK;
}

hk_status hk__records_step(hk__records *r, int64_t step, double loss, double acc, double lr) {
    if (!r || !r->tb) return HK_OK;
    hk__tb_begin(r->tb, step);
    scalar(r->tb, "loss/step", loss), scalar(r->tb, "accuracy/step", acc), scalar(r->tb, "lr", lr);
    hk_status st = hk__tb_end(r->tb);
    return st ? io_fail(r, st, "TensorBoard's event file") : HK_OK;
}

/* ---- all of it ---- */

/* Behind the first epoch, where the rates are known anyway; --watch looks at the first batches. */
static void warn_of_layers(const hk__rates *r) {
    for (int i = 0; i < r->layers.n; i++) {
        const char *what = r->mean[i] < HK__DEAD ? "dead" : r->mean[i] > HK__SATURATED ? "saturated" : NULL;
        if (what)
            fprintf(stderr, "hillock: warning: layer %.*s is %s behind the first epoch: %.3g of its outputs are spikes, on %lld test samples; --watch tells when it begins\n",
                (int)strlen(r->layers.out[i].name) - 2, r->layers.out[i].name, what, r->mean[i], (long long)r->n);
    }
}

hk_status hk__records_open(hk__job *j, const hk__rundir *dir, const hk__loader *test, const char *tb_name, hk__records **out) {
    *out = NULL;
    if (!dir->path) return HK_OK;
    hk__records *r = *out = calloc(1, sizeof *r);
    if (!r || !(r->folder = strdup(dir->path))) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
    r->j = j;
    hk_status st = open_csv(r, dir);
    if (!st) st = hk__rates_new(j, hk__conf_int(j->conf, "run", "tensorboard") != 0, &r->rates);
    if (!st) st = hk__tally_new(j, test, &r->tally);
    if (!st) st = hk__layer_table_make(j, &r->layers);
    return st ? st : open_tb(r, tb_name, dir->resumed);
}

void hk__records_test(hk__records *r) {
    if (r) hk__tally_begin(r->tally);
}
hk_status hk__records_batch(hk__records *r, const hk__loader *l) { return r ? hk__tally_batch(r->tally, r->j, l) : HK_OK; }

hk_status hk__records_epoch(hk__records *r, hk__metrics *m, hk__epoch_metrics *e, int64_t step, double t_begin) {
    struct rusage u;
    if (!r) return HK_OK;
    hk_status st = hk__rates_measure(r->rates, r->j);
    if (!st && e->epoch == 1 && !hk__conf_int(r->j->conf, "run", "watch")) warn_of_layers(r->rates);
    if (!st) st = hk__report_data_write(r->j, r->folder, r->tally, &r->layers, e->epoch, step);
    if (st) return st;
    getrusage(RUSAGE_SELF, &u);
    e->rates = r->rates, e->peak_memory = (int64_t)u.ru_maxrss * 1024;
    if (r->tb && (st = tb_epoch(r, e, step))) return st;
    e->seconds = hk__now() - t_begin;
    if (hk__metrics_epoch(m, e)) return io_fail(r, HK_EIO, "metrics.jsonl");
    return (st = hk__csv_follow(r->csv)) ? io_fail(r, st, "metrics.csv") : HK_OK;
}

void hk__records_end(hk__records *r, int failed) {
    char why[512];
    if (!r || !hk__conf_int(r->j->conf, "run", "report")) return;
    if (hk__report_write(r->folder, NULL, why, sizeof why) && !failed) /* one message: the error's */
        fprintf(stderr, "hillock: warning: no report.html: %s; hillock report writes it\n", why);
}

void hk__records_free(hk__records *r) {
    if (!r) return;
    hk__tb_free(r->tb);
    hk__csv_free(r->csv), hk__rates_free(r->rates), hk__tally_free(r->tally), hk__layer_table_free(&r->layers);
    free(r->values), free(r->folder), free(r);
}
