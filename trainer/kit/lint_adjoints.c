/* lint_adjoints.c - the backward functions of texts, in double, against differences: a neuron's pre_bwd and post_bwd, a surrogate's derivative against its primitive.
 * Nothing is differentiated through the step: fire is replaced by a line of the slope that the surrogate gives. Where two step sizes disagree (a bend of abs or max,
 * a switch) a number is left out; a text that is bent nearly everywhere is a note. */
#include "kit/lint.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IN_X, IN_S, IN_P = 1 + HK_MAX_STATE, N_IN = IN_P + HK_MAX_P, TRIALS = 200 };
typedef struct neuron_text {
    void (*pre)(const double *, const double *, const double *, double *, double *);
    void (*post)(const double *, const double *, const double *, const double *, const double *, double *, double *);
    void (*pre_bwd)(const double *, const double *, const double *, const double *, const double *, double *, double *, double *);
    void (*post_bwd)(const double *, const double *, const double *, const double *, const double *, const double *, const double *, double *, double *,
        double *, double *, double *);
} neuron_text;
typedef struct point { /* where the derivative is taken */
    double in[N_IN], z0[HK_MAX_FIRE], f0[HK_MAX_FIRE], slope[HK_MAX_FIRE], gy, gs1[HK_MAX_STATE];
    int detach;
} point;

static uint64_t seed = 88172645463325252u;
static double uniform(double lo, double hi) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return lo + (hi - lo) * (double)(seed >> 11) * 0x1p-53;
}

/* gy y + sum of gs1 s1 */
static double objective(const hk_neuron_type *t, const neuron_text *f, const point *at) {
    double h[HK_MAX_H] = { 0 }, z[HK_MAX_FIRE] = { 0 }, fire[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE];
    f->pre(at->in + IN_X, at->in + IN_S, at->in + IN_P, h, z);
    for (int k = 0; k < HK_MAX_FIRE; k++) fire[k] = at->f0[k] + at->slope[k] * (z[k] - at->z0[k]);
    f->post(h, fire, at->detach ? at->f0 : fire, at->in + IN_S, at->in + IN_P, y, s1);
    double sum = at->gy * y[0];
    for (uint32_t k = 0; k < t->n_state; k++) sum += at->gs1[k] * s1[k];
    return sum;
}
static double difference(const hk_neuron_type *t, const neuron_text *f, point *at, int k, double e) {
    const double keep = at->in[k];
    at->in[k] = keep + e;
    double up = objective(t, f, at);
    at->in[k] = keep - e;
    double down = objective(t, f, at);
    at->in[k] = keep;
    return (up - down) / (2 * e);
}

static void neuron(hk__lint *l, const hk__lint_type *type) {
    const hk_neuron_type *t = type->vtable;
    const char *text, *prefix;
    neuron_text f;
    int bent = 0, looked = 0;
    if (!hk__lint_text_of(type, &text, &prefix)) return;
    *(void **)&f.pre = hk__lint_function(l, 1, prefix, "pre"), *(void **)&f.post = hk__lint_function(l, 1, prefix, "post");
    *(void **)&f.pre_bwd = hk__lint_function(l, 1, prefix, "pre_bwd"), *(void **)&f.post_bwd = hk__lint_function(l, 1, prefix, "post_bwd");
    if (!f.pre || !f.post || !f.pre_bwd || !f.post_bwd) return;
    for (int trial = 0; trial < TRIALS; trial++) {
        point at = { .gy = uniform(-1, 1), .detach = trial % 2 };
        double h[HK_MAX_H] = { 0 }, gh[HK_MAX_H] = { 0 }, gf[HK_MAX_FIRE] = { 0 }, gr[HK_MAX_FIRE] = { 0 }, gz[HK_MAX_FIRE], g[N_IN] = { 0 };
        for (int k = 0; k < N_IN; k++) at.in[k] = k < IN_P ? uniform(-2, 2) : uniform(0, 1) < 0.3 ? 0 : uniform(0.2, 1.5);
        for (int k = 0; k < HK_MAX_STATE; k++) at.gs1[k] = uniform(-1, 1);
        f.pre(at.in + IN_X, at.in + IN_S, at.in + IN_P, h, at.z0);
        for (int k = 0; k < HK_MAX_FIRE; k++) at.f0[k] = uniform(0, 1), at.slope[k] = uniform(0, 1);
        f.post_bwd(h, at.f0, at.f0, at.in + IN_S, at.in + IN_P, &at.gy, at.gs1, gh, gf, gr, g + IN_S, g + IN_P);
        for (int k = 0; k < HK_MAX_FIRE; k++) gz[k] = (at.detach ? gf[k] : gf[k] + gr[k]) * at.slope[k];
        f.pre_bwd(at.in + IN_X, at.in + IN_S, at.in + IN_P, gh, gz, g + IN_X, g + IN_S, g + IN_P);
        for (int k = 0; k < IN_P + (int)t->n_param; k++) {
            if ((k > (int)t->n_state && k < IN_P) || (k >= IN_P && at.in[k] == 0)) continue; /* a 0 is perhaps a switch */
            double d = difference(t, &f, &at, k, 1e-5), half = difference(t, &f, &at, k, 2.5e-6), scale = fmax(1, fabs(d));
            looked++;
            if (!isfinite(d) || fabs(d - half) > 1e-7 * scale) {
                bent++;
                continue;
            }
            l->n_compared++;
            if (fabs(d - g[k]) <= 1e-6 * scale) continue;
            hk__lint_say(l, HK__LINT_FAIL, "%s: the derivative by %s is %.9g by differences, and its adjoint gives %.9g (%s reset)", type->id,
                k == 0         ? "x"
                    : k < IN_P ? t->states[k - IN_S].name
                               : t->param_names[k - IN_P],
                d, g[k], at.detach ? "detached" : "attached");
            return;
        }
    }
    if (bent > looked / 2) hk__lint_say(l, HK__LINT_NOTE, "%s: at %d of %d points there is no derivative to compare with", type->id, bent, looked);
}

static void surrogate(hk__lint *l, const hk__lint_type *type) {
    const hk_surrogate_type *t = type->vtable;
    double (*grad)(double, const double *), (*primitive)(double, const double *), p[HK_MAX_P] = { 0 };
    if (!t->has_primitive || !t->prefix) {
        if (!t->has_primitive) hk__lint_say(l, HK__LINT_NOTE, "surrogate '%s' has no primitive: its derivative has nothing to be compared with", type->id);
        return;
    }
    *(void **)&grad = hk__lint_function(l, 1, t->prefix, "grad"), *(void **)&primitive = hk__lint_function(l, 1, t->prefix, "primitive");
    if (!grad || !primitive) return;
    for (uint32_t k = 0; k < t->n_fields; k++) p[k] = !t->fields[k].def ? 4 : !strcmp(t->fields[k].def, "none") ? NAN : atof(t->fields[k].def);
    for (int i = 0; i < TRIALS; i++) {
        double x = uniform(-3, 3), e = 1e-5;
        double d = (primitive(x + e, p) - primitive(x - e, p)) / (2 * e), half = (primitive(x + e / 4, p) - primitive(x - e / 4, p)) / (e / 2),
               scale = fmax(1, fabs(d));
        if (fabs(d - half) > 1e-7 * scale) continue;
        l->n_compared++;
        double off = fabs(d - grad(x, p));
        if (off <= 1e-6 * scale) continue;
        hk__lint_say(l, off > HK__LINT_ROUGH * scale ? HK__LINT_FAIL : HK__LINT_WARN,
            "surrogate '%s': the slope of its primitive at %.6g is %.9g, and its derivative gives %.9g", type->id, x, d, grad(x, p));
        return;
    }
}

void hk__lint_adjoints(hk__lint *l) {
    if (!hk__lint_load(l, HK_ISA_AVX512)) return;
    HK__LINT_EACH(l, t, "hk.neuron/1") neuron(l, t);
    HK__LINT_EACH(l, t, "hk.surrogate/1") surrogate(l, t);
}
