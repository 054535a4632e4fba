/* kinds.c - the kinds of figures of a network: what of a layer each one draws, and how it is called. One line of the table at the end for each. */
#include "figures/figures.h"
#include <stdlib.h>
#include <string.h>

typedef struct job {
    hk_plot o;
    const char *draw; /* of figures of one variable: the function of libhillock_plot */
    const float *y, *v; /* [T,n] */
    int64_t T, n, G, C, H, W;
    double threshold, reset;
} job;

#define FUNCTION(type, name) type *f = (type *)hk__plot_function(name, why, size)
typedef hk_status draw_2d(const hk_plot *, const float *, int64_t, int64_t, const char *, char *, size_t);
typedef hk_status draw_membrane(const hk_plot *, const float *, const float *, int64_t, int64_t, double, double, const char *, char *, size_t);
typedef hk_status draw_maps(const hk_plot *, const float *, int64_t, int64_t, int64_t, int64_t, int64_t, const char *, char *, size_t);

/* Neurons first .. first + n - 1 of the only sample: [T,n] of [T,1,elems]; NULL: out of memory. */
static float *slice(const float *x, const hk__seen_layer *s, int64_t first, int64_t n) {
    float *y = malloc((size_t)(s->T * n) * sizeof *y);
    for (int64_t t = 0; y && t < s->T; t++) memcpy(y + t * n, x + t * s->elems + first, (size_t)n * sizeof *y);
    return y;
}

/* "net.3: spikes, test sample 0 (Ankle boot)" */
static void title_of(const hk__seen_layer *s, const char *what, char *buf, size_t size) {
    char name[24];
    snprintf(buf, size, "%s: %s, test sample %lld (%s)", s->path, what, (long long)s->first, hk__class_name(s->job, s->label[0], name));
}

static hk_status write_2d(const void *arg, const char *path, char *why, size_t size) {
    const job *k = arg;
    FUNCTION(draw_2d, k->draw);
    return f ? f(&k->o, k->y, k->T, k->n, path, why, size) : HK_EUNSUPPORTED;
}

/* A figure of neurons first ... first + n of a layer: y, and v where it is not NULL; k: what else its writer takes. */
static int put_layer(const hk__plot_out *out, hk__seen_layer *s, const char *kind, const char *what, hk__plot_write *write, const float *y, const float *v, job k, int64_t first, int64_t n) {
    char title[400], file[600];
    title_of(s, what, title, sizeof title);
    snprintf(file, sizeof file, "%s_%s", kind, s->path[0] ? s->path : "network");
    float *a = slice(y, s, first, n), *b = v ? slice(v, s, first, n) : NULL;
    k.o.struct_size = sizeof k.o, k.o.dpi = out->dpi, k.o.title = title, k.o.first = first;
    k.y = a, k.v = b, k.T = s->T, k.n = n;
    int code = a && (b || !v) ? hk__plot_put(out, file, write, &k) : hk__plot_error(HK_ENOMEM, "out of memory");
    free(a), free(b);
    return code;
}

/* ---- one variable of a layer ---- */

static int raster(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    return put_layer(out, s, "raster", "spikes", write_2d, s->y, NULL, (job){ .draw = "hk_plot_raster" }, first, n);
}

static int spikes(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    return put_layer(out, s, "spikes", "spikes", write_2d, s->y, NULL, (job){ .draw = "hk_plot_spikes" }, first, n);
}

static int heatmap(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    const job k = { .o = { .value_label = s->state ? s->state_name : "y" }, .draw = "hk_plot_heatmap" };
    return put_layer(out, s, "heatmap", s->state ? s->state_name : "output", write_2d, s->state ? s->state : s->y, NULL, k, first, n);
}

static int bars3d(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    const job k = { .o = { .value_label = s->state ? s->state_name : NULL }, .draw = "hk_plot_bars3d" };
    return put_layer(out, s, "bars3d", s->state ? s->state_name : "spikes", write_2d, s->state ? s->state : s->y, NULL, k, first, n);
}

static int spike_count(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    const char *names[64];
    char text[64][24];
    if (n > 64) return hk__plot_error(HK_EINVAL, "spike-count: expected at most 64 neurons, got %lld", (long long)n);
    for (int64_t i = 0; i < n; i++) names[i] = hk__class_name(s->job, first + i, text[i]);
    const job k = { .o = { .names = s->elems == s->job->data_type->classes(s->job->ds_test) ? names : NULL }, .draw = "hk_plot_spike_count" };
    return put_layer(out, s, "spike_count", "spike count", write_2d, s->y, NULL, k, first, n);
}

/* ---- membrane ---- */

static hk_status write_membrane(const void *arg, const char *path, char *why, size_t size) {
    const job *k = arg;
    FUNCTION(draw_membrane, "hk_plot_membrane");
    return f ? f(&k->o, k->v, k->y, k->T, k->n, k->threshold, k->reset, path, why, size) : HK_EUNSUPPORTED;
}
static int membrane(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    const job k = { .o = { .value_label = s->state_name }, .threshold = hk__seen_threshold(s), .reset = hk__seen_reset(s) };
    return put_layer(out, s, "membrane", "membrane potential", write_membrane, s->y, s->state, k, first, n);
}

/* ---- encoder: the input, and what a layer of maps makes of it at each step ---- */

static hk_status write_maps(const void *arg, const char *path, char *why, size_t size) {
    const job *k = arg;
    FUNCTION(draw_maps, "hk_plot_maps");
    return f ? f(&k->o, k->y, k->G, k->C, k->H, k->W, 0, path, why, size) : HK_EUNSUPPORTED;
}

/* [C,H,W] or [H,W] of a picture; false: it is none. */
static int picture(int rank, const int64_t *shape, int64_t *C, int64_t *H, int64_t *W) {
    if (rank != 2 && rank != 3) return 0;
    *C = rank == 3 ? shape[0] : 1, *H = shape[rank - 2], *W = shape[rank - 1];
    return 1;
}

static int encoder(const hk__plot_out *out, hk__seen_layer *s, int64_t first, int64_t n) {
    const char *names[64];
    char text[64][24], title[300], file[64];
    job k = { .o = { .struct_size = sizeof k.o, .dpi = out->dpi, .names = names, .title = title }, .G = s->N };
    (void)first, (void)n;
    for (int64_t i = 0; i < s->N; i++) names[i] = hk__class_name(s->job, s->label[i], text[i]);
    if (!s->x || !picture(s->job->rank, s->job->shape, &k.C, &k.H, &k.W)) return hk__plot_error(HK_EINVAL, "encoder: expected pictures of [H, W] or [C, H, W] as test data, got %s of %d axes", s->x ? "samples" : "sequences", s->job->rank);
    int64_t m[3];
    if (!picture(s->rank, s->shape, &m[0], &m[1], &m[2]))
        return hk__plot_error(HK_EINVAL, "encoder: expected a layer of maps [C, H, W], but '%s' has %lld numbers in %d axes; choose another with --layer", s->path, (long long)s->elems, s->rank);
    k.y = s->x, k.o.rgb = k.C == 3, k.o.map = HK_GREY, k.o.lo = 0, k.o.hi = 1;
    snprintf(title, sizeof title, "input");
    int code = hk__plot_put(out, "input", write_maps, &k);
    if (code) return code;
    k.C = m[0], k.H = m[1], k.W = m[2];
    k.o.rgb = 0, k.o.map = HK_VIRIDIS, k.o.lo = k.o.hi = 0, k.o.value_label = "output";
    if (!s->neuron || !(s->neuron->flags & HK_NEURON_SPIKES)) { /* one range for all steps */
        k.o.lo = k.o.hi = (double)s->y[0];
        for (int64_t i = 0; i < s->T * s->N * s->elems; i++) {
            if ((double)s->y[i] < k.o.lo) k.o.lo = (double)s->y[i];
            if ((double)s->y[i] > k.o.hi) k.o.hi = (double)s->y[i];
        }
    }
    for (int64_t t = 0; t < s->T && !code; t++) {
        k.y = s->y + t * s->N * s->elems;
        snprintf(title, sizeof title, "%s: S[%lld]", s->path, (long long)t);
        snprintf(file, sizeof file, "s_%lld", (long long)t);
        code = hk__plot_put(out, file, write_maps, &k);
    }
    return code;
}

const hk__plot_kind hk__plot_kinds[] = {
    { "encoder", "png", HK__FIRST_SPIKING, HK__PLOT_NO_STATE, INT64_MAX, encoder },
    { "raster", "png", HK__LAST_SPIKING, HK__PLOT_NO_STATE, 1000, raster },
    { "spikes", "png", HK__LAST_SPIKING, HK__PLOT_NO_STATE, 1000, spikes },
    { "membrane", "png", HK__LAST_SPIKING, HK__PLOT_STATE, 4, membrane },
    { "heatmap", "png", HK__LAST_SPIKING, HK__PLOT_STATE, 1000, heatmap },
    { "bars3d", "png", HK__LAST_SPIKING, HK__PLOT_STATE_IF_ASKED, 32, bars3d },
    { "spike-count", "gif", HK__LAST_SPIKING, HK__PLOT_NO_STATE, 64, spike_count },
};
const int hk__n_plot_kind = (int)(sizeof hk__plot_kinds / sizeof hk__plot_kinds[0]);
