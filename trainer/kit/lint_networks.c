/* lint_networks.c - the plugin's types in small networks: sizes that are odd or nothing, the same bits however the work is dealt out, gradients against differences,
 * and going on from what was saved. */
#include "kit/lint.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Calls f for each network that can be built. */
static void each(hk__lint *l, bool tell, void (*f)(hk__lint *, const hk__lint_net *)) {
    hk__lint_net *list = malloc(HK__LINT_NETS * sizeof *list);
    if (!list || !hk__lint_load(l, HK_ISA_AVX512)) {
        free(list);
        return;
    }
    int n = hk__lint_nets(l, list, tell);
    for (int i = 0; i < n; i++) f(l, &list[i]);
    free(list);
}

static bool not_finite(hk__lint *l, const hk__lint_net *e, const hk__lint_result *r) {
    for (int i = 0; i < r->n; i++)
        if (!isfinite(r->v[i])) {
            hk__lint_say(l, HK__LINT_FAIL, "%s gives %g among its outputs and gradients, from inputs between -0.25 and 1.5", e->what, r->v[i]);
            return true;
        }
    return false;
}

static void try_sizes(hk__lint *l, const hk__lint_net *e) {
    static const int64_t sizes[][2] = { { 1, 1 }, { 5, 3 }, { 7, 17 }, { 1, 33 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hk__lint_result r;
        hk_status st = hk__lint_run(l, e, &(hk__lint_setup){ .T = sizes[i][0], .N = sizes[i][1], .spiking = 1, .steps = 1 }, &r);
        if (st) hk__lint_say(l, HK__LINT_FAIL, "%s, T = %lld, N = %lld: %s", e->what, (long long)sizes[i][0], (long long)sizes[i][1], hk_error(l->ctx));
        else not_finite(l, e, &r);
        l->n_compared += !st;
        free(r.v);
        if (st) return;
    }
    for (int i = 0; i < 2; i++) { /* nothing at all is refused, with a text */
        hk__lint_live live;
        hk_status st = hk__lint_open(l, e, &(hk__lint_setup){ .T = i ? 0 : 3, .N = i ? 2 : 0, .spiking = 1 }, &live);
        if (!st) hk__lint_say(l, HK__LINT_FAIL, "%s: a plan for %s was made", e->what, i ? "T = 0" : "N = 0");
        else if (!hk_error(l->ctx)[0]) hk__lint_say(l, HK__LINT_FAIL, "%s: %s is refused without a text", e->what, i ? "T = 0" : "N = 0");
        l->n_compared++;
        hk__lint_close(&live);
    }
}
void hk__lint_sizes(hk__lint *l) { each(l, true, try_sizes); }

/* Compares two runs; says the first difference. */
static bool equal(hk__lint *l, const hk__lint_net *e, const char *what, const hk__lint_result *a, const hk__lint_result *b) {
    if (a->n == b->n && (a->n == 0 || !memcmp(a->v, b->v, (size_t)a->n * sizeof *a->v))) {
        l->n_compared += a->n;
        return true;
    }
    int i = 0;
    while (i < a->n && i < b->n && !memcmp(&a->v[i], &b->v[i], sizeof *a->v)) i++;
    hk__lint_say(l, HK__LINT_FAIL, "%s: other bits with %s: number %d of %d is %.9g, and was %.9g", e->what, what, i, a->n, i < b->n ? b->v[i] : NAN,
        i < a->n ? a->v[i] : NAN);
    return false;
}

enum { T_BITS = 4, N_BITS = 50 };
static void try_bits(hk__lint *l, const hk__lint_net *e) {
    static const struct {
        const char *what;
        int threads;
        int64_t nb;
    } way[] = { { "one thread and blocks of 16", 1, 16 }, { "two threads", 2, 16 }, { "two threads and blocks of 32", 2, 32 }, { "one block", 1, -1 },
        { "two threads on one block", 2, -1 } };
    hk__lint_result first, r;
    hk_status st = hk__lint_run(l, e, &(hk__lint_setup){ .T = T_BITS, .N = N_BITS, .threads = 1, .nb = 16, .spiking = 1, .steps = 2 }, &first);
    bool same = !st;
    for (size_t i = 0; i < sizeof way / sizeof way[0] && same; i++) {
        st = hk__lint_run(l, e, &(hk__lint_setup){ .T = T_BITS, .N = N_BITS, .threads = way[i].threads, .nb = way[i].nb, .spiking = 1, .steps = 2 }, &r);
        same = !st && equal(l, e, way[i].what, &first, &r);
        free(r.v);
    }
    if (st) hk__lint_say(l, HK__LINT_FAIL, "%s: %s", e->what, hk_error(l->ctx));
    free(first.v);
}

/* A neuron alone has the same bits at every level (a product may not: its sums are in another order). */
static void try_levels(hk__lint *l, uint32_t isa, const char *name, hk__lint_net *list, hk__lint_result *first, int n) {
    if (!hk__lint_load(l, isa)) return;
    for (int i = 0; i < n; i++) {
        hk__lint_result r;
        if (strcmp(list[i].backend, "cpu") || strstr(list[i].root, "Linear") || !strncmp(list[i].what, "--with", 6)) continue;
        hk_status st = hk__lint_run(l, &list[i], &(hk__lint_setup){ .T = T_BITS, .N = N_BITS, .threads = 1, .nb = 16, .spiking = 1, .steps = 2 }, &r);
        if (!st && isa == HK_ISA_AVX512) first[i] = r;
        else if (!st) equal(l, &list[i], name, &first[i], &r), free(r.v);
    }
}

void hk__lint_bits(hk__lint *l) {
    each(l, false, try_bits);
    static hk__lint_result first[HK__LINT_NETS];
    hk__lint_net *list = malloc(HK__LINT_NETS * sizeof *list);
    int n = list && hk__lint_load(l, HK_ISA_AVX512) ? hk__lint_nets(l, list, false) : 0, kept = 0;
    for (int i = 0; i < n; i++) { /* layers may have products inside; neurons and surrogates have none */
        bool neuron = false;
        HK__LINT_EACH(l, t, "") neuron |= (!strcmp(t->iface, "hk.neuron/1") || !strcmp(t->iface, "hk.surrogate/1")) && strstr(list[i].what, t->id);
        if (neuron) list[kept++] = list[i];
    }
    try_levels(l, HK_ISA_AVX512, "", list, first, kept);
    try_levels(l, HK_ISA_AVX2, "max_isa = avx2", list, first, kept);
    try_levels(l, HK_ISA_BASELINE, "max_isa = baseline", list, first, kept);
    free(list);
}

/* ---- gradients ---- */

typedef struct smooth { /* a network on ref, with surrogates' primitives in place of steps */
    hk__lint *l;
    const hk__lint_net *e;
    hk__lint_live live;
    int64_t n, ny;
    double *x, *y, *g;
} smooth;
enum { T_GRAD = 3, N_GRAD = 2, MOST = 24 };

static double value(smooth *s, hk_status *st) {
    int64_t target[N_GRAD] = { 0, 1 };
    double sum = 0;
    if (!*st) *st = hk_executor_write(s->live.ex, "x", HK_F64, s->x, s->n);
    if (!*st && s->e->loss[0]) *st = hk_executor_write(s->live.ex, "target", HK_I64, target, N_GRAD);
    if (!*st && !s->e->loss[0]) *st = hk_executor_write(s->live.ex, "grad_out:y", HK_F64, s->g, s->ny);
    if (!*st) *st = hk_executor_run(s->live.ex);
    if (!*st && s->e->loss[0]) *st = hk_executor_read(s->live.ex, "loss", HK_F64, &sum, 1);
    if (!*st && !s->e->loss[0]) *st = hk_executor_read(s->live.ex, "y", HK_F64, s->y, s->ny);
    for (int64_t i = 0; i < s->ny && !s->e->loss[0]; i++) sum += s->g[i] * s->y[i];
    return sum;
}

/* Numbers v[0..n) that `put` hands to the network, against the gradient grad. */
static void compare(smooth *s, const char *what, double *v, int64_t n, const double *grad, hk_status (*put)(smooth *, int, const double *), int which) {
    hk_status st = HK_OK;
    for (int64_t k = 0, every = (n + MOST - 1) / MOST; k < n && !st; k += every) {
        double keep = v[k], d[2], e = 1e-4;
        for (int i = 0; i < 2; i++, e /= 4) {
            v[k] = keep + e;
            if (put) st = put(s, which, v);
            double up = value(s, &st);
            v[k] = keep - e;
            if (put && !st) st = put(s, which, v);
            d[i] = (up - value(s, &st)) / (2 * e);
        }
        v[k] = keep;
        if (put && !st) st = put(s, which, v);
        double scale = fmax(0.1, fabs(d[1]));
        if (st || !(fabs(d[0] - d[1]) <= 1e-5 * scale)) continue; /* a bend */
        s->l->n_compared++;
        double off = fabs(d[1] - grad[k]);
        const bool flat = d[0] == 0 && d[1] == 0; /* counts, first spikes: whoever gives it a slope does so on purpose */
        if (off <= 2e-5 * scale) continue;
        hk__lint_say(s->l, off > HK__LINT_ROUGH * scale && !flat ? HK__LINT_FAIL : HK__LINT_WARN,
            "%s: the derivative by %s, number %lld, is %.9g by differences, and the gradient says %.9g", s->e->what, what, (long long)k, d[1], grad[k]);
        return;
    }
    if (st) hk__lint_say(s->l, HK__LINT_FAIL, "%s on ref: %s", s->e->what, hk_error(s->l->ctx));
}
static hk_status put_param(smooth *s, int which, const double *v) { return hk_network_write_param64(s->live.net, which, v); }

static void try_gradients(hk__lint *l, const hk__lint_net *e) {
    smooth s = { .l = l, .e = e };
    if (strcmp(e->backend, "cpu")) return;
    hk_status st = hk__lint_open(l, e, &(hk__lint_setup){ .T = T_GRAD, .N = N_GRAD, .spiking = 0, .backend = "ref" }, &s.live);
    if (st) {
        hk__lint_say(l, HK__LINT_NOTE, "%s: gradients were not compared: %s", e->what, hk_error(l->ctx));
        hk__lint_close(&s.live);
        return;
    }
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    s.n = T_GRAD * N_GRAD, s.ny = 1;
    for (int i = 0; i < e->rank; i++) s.n *= e->shape[i];
    st = hk_executor_dims(s.live.ex, "y", &rank, dims);
    for (int i = 0; i < rank && !st; i++) s.ny *= dims[i];
    s.x = malloc((size_t)s.n * sizeof *s.x), s.y = malloc((size_t)s.ny * sizeof *s.y), s.g = malloc((size_t)s.ny * sizeof *s.g);
    double *gx = malloc((size_t)s.n * sizeof *gx);
    for (int64_t i = 0; i < s.n && s.x; i++) s.x[i] = hk__lint_number(0, i);
    for (int64_t i = 0; i < s.ny && s.g; i++) s.g[i] = hk__lint_number(1, i);
    if (!st && s.x && s.y && s.g && gx) {
        value(&s, &st);
        if (!st) st = hk_executor_backward(s.live.ex);
        if (st) hk__lint_say(l, HK__LINT_FAIL, "%s on ref: %s", e->what, hk_error(l->ctx));
        bool has_gx = !st && !hk_executor_read(s.live.ex, "grad:x", HK_F64, gx, s.n);
        int n_param = st ? 0 : hk_network_n_param(s.live.net);
        double **gp = calloc((size_t)n_param + 1, sizeof *gp);
        for (int i = 0; i < n_param && gp; i++) { /* all gradients first: differences run the network again */
            char name[300];
            const hk_param_info *p = hk_network_param(s.live.net, i);
            snprintf(name, sizeof name, "grad:%s", p->name);
            gp[i] = p->learnable ? malloc((size_t)p->elems * sizeof **gp) : NULL;
            if (gp[i] && hk_executor_read(s.live.ex, name, HK_F64, gp[i], p->elems)) free(gp[i]), gp[i] = NULL;
        }
        for (int i = 0; i < n_param && gp; i++) {
            const hk_param_info *p = hk_network_param(s.live.net, i);
            double *v = gp[i] ? malloc((size_t)p->elems * sizeof *v) : NULL;
            if (v && !hk_network_read_param64(s.live.net, i, v)) compare(&s, p->name, v, p->elems, gp[i], put_param, i);
            free(v), free(gp[i]);
        }
        free(gp);
        if (has_gx) compare(&s, "x", s.x, s.n, gx, NULL, 0);
    }
    free(s.x), free(s.y), free(s.g), free(gx);
    hk__lint_close(&s.live);
}
void hk__lint_gradients(hk__lint *l) { each(l, false, try_gradients); }

/* ---- going on ---- */

static void try_resume(hk__lint *l, const hk__lint_net *e) {
    hk__lint_result whole, parts;
    hk__lint_setup s = { .T = 4, .N = 18, .threads = 1, .spiking = 1, .steps = 4 };
    hk_status st = hk__lint_run(l, e, &s, &whole);
    s.resume = true;
    parts.v = NULL;
    if (!st) st = hk__lint_run(l, e, &s, &parts);
    if (st) hk__lint_say(l, HK__LINT_FAIL, "%s: %s", e->what, hk_error(l->ctx));
    else equal(l, e, "parameters and optimizer state put into a new network after each step", &whole, &parts);
    free(whole.v), free(parts.v);
}
void hk__lint_resume(hk__lint *l) { each(l, false, try_resume); }
