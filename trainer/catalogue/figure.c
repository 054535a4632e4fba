/* figure.c - what a type looks like: it is run, with its defaults. */
#include "catalogue/catalogue.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T_STEP = 60, ON = 6, OFF = 46, POINTS = 401, EPOCHS = 40 };

/* Constructor text with every field that has no default filled in, by its name or its kind; false: one cannot be guessed. */
static bool constructor(const char *id, const hk_field *f, uint32_t n, char *text, size_t size) {
    static const struct {
        const char *name, *value;
    } by_name[] = { { "T", "60" }, { "alpha", "0.9" }, { "beta", "0.8" }, { "linear_features", "1" }, { "milestones", "[10]" },
        { "lr_lambda", "\"0.9 ** epoch\"" }, { "first", "LinearLR(start_factor=0.1, total_iters=10)" }, { "second", "CosineAnnealingLR()" } };
    size_t at = (size_t)snprintf(text, size, "%s(", id);
    int k = 0;
    for (uint32_t i = 0; i < n && at < size; i++) {
        const char *value = NULL;
        size_t len;
        for (size_t q = 0; q < sizeof by_name / sizeof *by_name; q++)
            if (!strcmp(f[i].name, by_name[q].name)) value = by_name[q].value;
        if (f[i].def && strcmp(f[i].name, "linear_features") != 0) continue;
        if (!value && f[i].kind == HK_ENUM) value = f[i].choices;
        if (!value)
            value = f[i].kind == HK_REAL || f[i].kind == HK_REALS ? "0.8"
                : f[i].kind == HK_INT || f[i].kind == HK_INTS     ? "4"
                : f[i].kind == HK_BOOL                            ? "true"
                                                                  : NULL;
        if (!value) return false;
        len = f[i].kind == HK_ENUM ? strcspn(value, "|") : strlen(value);
        at += (size_t)snprintf(text + at, size - at, "%s%s=%.*s", k++ ? ", " : "", f[i].name, (int)len, value);
    }
    return at < size && (size_t)snprintf(text + at, size - at, ")") < size - at;
}

typedef struct response {
    double x[T_STEP], y[T_STEP], v[T_STEP];
    int has_v, spikes;
} response;

/* The first number of a sample through all steps. */
static hk_status respond(hk_context *ctx, const char *text, const char *state, double current, response *r) {
    static const int64_t shapes[][4] = { { 1, 1 }, { 1, 4 }, { 2, 1, 1 }, { 3, 1, 1, 1 } };
    hk_status st = HK_ENOTFOUND;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes && st; k++) {
        hk_module *root = NULL;
        hk_network *net = NULL;
        hk_executor *ex = NULL;
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        const hk_output out[] = { { state, 0, 0 } };
        int64_t elems = 1;
        double x[T_STEP * 4], y[T_STEP * 4];
        nc.threads = 1, nc.seed = 3;
        for (int64_t i = 0; i < shapes[k][0]; i++) elems *= shapes[k][1 + i];
        for (int t = 0; t < T_STEP; t++)
            for (int64_t e = 0; e < elems; e++) x[t * elems + e] = r->x[t] = t >= ON && t < OFF ? current : 0;
        st = hk_module_new_from_text(ctx, "hk.module/1", text, &root);
        if (!st) st = hk_network_new(ctx, root, &nc, &net);
        if (!st) st = hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, state ? 1 : 0, out }, &ex);
        if (!st) st = hk_executor_shape(ex, T_STEP, 1, 1, (int)shapes[k][0], shapes[k] + 1);
        if (!st) st = hk_executor_write(ex, "x", HK_F64, x, T_STEP * elems);
        if (!st) st = hk_executor_run(ex);
        if (!st) st = hk_executor_read(ex, "y", HK_F64, y, T_STEP * elems);
        for (int t = 0; t < T_STEP && !st; t++) r->y[t] = y[t * elems];
        r->has_v = !st && state && !hk_executor_read(ex, state, HK_F64, y, T_STEP * elems);
        for (int t = 0; t < T_STEP && r->has_v; t++) r->v[t] = y[t * elems];
        hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    }
    r->spikes = 0;
    for (int t = 0; t < T_STEP && !st; t++) r->spikes += fabs(r->y[t]) > 1e-3;
    return st;
}

static hk_status neuron(hk_context *ctx, const char *text, const char *state, const char *path, char *why, size_t size) {
    static const double currents[] = { 0.3, 0.6, 1.2, 2.5, 5, 15, 40 };
    response r;
    char name[96] = "", label[64];
    hk_status st = HK_ENOTFOUND;
    if (state) snprintf(name, sizeof name, ":%s", state);
    for (size_t i = 0; i < sizeof currents / sizeof *currents; i++) { /* the weakest that makes it fire a few times */
        st = respond(ctx, text, state ? name : NULL, currents[i], &r);
        if (st || r.spikes >= 3) break;
    }
    if (st) return HK_ENOTFOUND;
    if (!r.spikes) return HK_ENOTFOUND; /* with the weights it begins with it says nothing */
    const hk_series x = { HK_STEPS, 8, NULL, T_STEP, NULL, r.x }, v = { HK_LINE, 1, NULL, T_STEP, NULL, r.v },
                    y = { HK_STEMS, 4, NULL, T_STEP, NULL, r.y };
    snprintf(label, sizeof label, "state %s", state ? state : "");
    hk_panel panels[3] = { { .y_label = "input", .n_series = 1, .series = &x, .share = 0.6, .x_lo = -1, .x_hi = T_STEP } };
    int n = 1;
    if (r.has_v) panels[n++] = (hk_panel){ .y_label = label, .n_series = 1, .series = &v, .share = 1.3, .x_lo = -1, .x_hi = T_STEP };
    panels[n++] = (hk_panel){ .y_label = "output", .x_label = "time step", .n_series = 1, .series = &y, .share = 0.9, .x_lo = -1, .x_hi = T_STEP };
    return hk__figure_write(&(hk_figure){ .struct_size = sizeof(hk_figure), .width = 520, .height = r.has_v ? 290 : 210, .n_panel = n, .panel = panels }, path, why, size);
}

static hk_status surrogate(const hk_surrogate_type *t, const char *path, char *why, size_t size) {
    const hk_surrogate_kernel *k = &t->kernels[t->n_kernel - 1];
    float z[POINTS], d[POINTS], f[POINTS], p[HK_MAX_P] = { 0 };
    double x[POINTS], slope[POINTS], forward[POINTS];
    for (uint32_t i = 0; i < t->n_fields; i++) p[i] = !t->fields[i].def ? 4 : !strcmp(t->fields[i].def, "none") ? NAN : strtof(t->fields[i].def, NULL);
    for (int i = 0; i < POINTS; i++) x[i] = -2 + 4.0 * i / (POINTS - 1), z[i] = (float)x[i];
    k->grad(POINTS, z, p, d);
    void (*rows)(int64_t, const float *, const float *, float *) = k->primitive ? k->primitive : k->forward;
    if (rows) rows(POINTS, z, p, f);
    for (int i = 0; i < POINTS; i++) slope[i] = (double)d[i], forward[i] = rows ? (double)f[i] : x[i] >= 0;
    const hk_series s = { HK_LINE, 1, NULL, POINTS, x, slope }, g = { HK_LINE, 2, NULL, POINTS, x, forward };
    const char *what = k->primitive ? "primitive" : rows ? "forward" : "step";
    const hk_panel panels[] = { { .title = "derivative", .x_label = "h - v_threshold", .n_series = 1, .series = &s, .x_lo = -2, .x_hi = 2 },
        { .title = what, .x_label = "h - v_threshold", .n_series = 1, .series = &g, .x_lo = -2, .x_hi = 2 } };
    return hk__figure_write(&(hk_figure){ .struct_size = sizeof(hk_figure), .width = 520, .height = 190, .columns = 2, .n_panel = 2, .panel = panels }, path, why, size);
}

static hk_status scheduler(hk_context *ctx, const hk_scheduler_type *t, const char *text, const char *path, char *why, size_t size) {
    hk_module *m = NULL;
    double lr[EPOCHS];
    if (hk_module_new_from_text(ctx, "hk.scheduler/1", text, &m)) return HK_ENOTFOUND;
    for (int e = 0; e < EPOCHS; e++) lr[e] = t->lr(m, 0.1, e, EPOCHS);
    hk_module_free(m);
    const hk_series s = { HK_STEPS, 1, NULL, EPOCHS, NULL, lr };
    const hk_panel p = { .x_label = "epoch", .y_label = "learning rate", .n_series = 1, .series = &s };
    return hk__figure_write(&(hk_figure){ .struct_size = sizeof(hk_figure), .width = 420, .height = 180, .n_panel = 1, .panel = &p }, path, why, size);
}

hk_status hk__catalogue_figure(hk_context *ctx, const char *iface, const char *id, const void *vt, const char *path, char *why, size_t size) {
    const hk_module_type *m = strcmp(iface, "hk.module/1") ? NULL : vt;
    const hk_neuron_type *n = strcmp(iface, "hk.neuron/1") ? NULL : vt;
    const hk_scheduler_type *s = strcmp(iface, "hk.scheduler/1") ? NULL : vt;
    char text[512];
    if (!strcmp(iface, "hk.surrogate/1")) return surrogate(vt, path, why, size);
    if (n && constructor(id, n->fields, n->n_fields, text, sizeof text)) return neuron(ctx, text, n->n_state ? n->states[0].name : NULL, path, why, size);
    if (m && m->role == HK_NEURON && constructor(id, m->fields, m->n_fields, text, sizeof text)) return neuron(ctx, text, NULL, path, why, size);
    if (s && constructor(id, s->fields, s->n_fields, text, sizeof text)) return scheduler(ctx, s, text, path, why, size);
    return HK_ENOTFOUND;
}
