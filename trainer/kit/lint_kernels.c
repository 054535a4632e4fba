/* lint_kernels.c - row kernels against their text, bit for bit, at each instruction set level: 0, 1 and odd numbers of neurons, parameters as numbers and as rows.
 * Every row ends at a page without access, inputs are compared before and after, and nothing that comes out may be subnormal or not a number. A charge that a
 * neuron declares is compared with its text too. */
#include "kit/lint.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS_MAX = 1027, MAX_ROW = 64, N_SIZE = 4 };
static const int64_t sizes[N_SIZE] = { 0, 1, 37, ROWS_MAX };

/* ---- rows in fenced memory ---- */

typedef struct fence {
    char *at; /* MAX_ROW areas of `area` bytes, a page without access behind each */
    size_t area, page;
} fence;
static bool fence_open(fence *f) {
    f->page = (size_t)sysconf(_SC_PAGESIZE);
    f->area = (ROWS_MAX * 4 + f->page - 1) / f->page * f->page + f->page;
    f->at = mmap(NULL, f->area * MAX_ROW + f->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->at == MAP_FAILED) return false;
    for (int i = 0; i < MAX_ROW; i++)
        if (mprotect(f->at + (size_t)(i + 1) * f->area - f->page, f->page, PROT_NONE)) return false;
    return true;
}
/* Row i of n numbers of `bytes` bytes, which ends at the fence. */
static void *row(const fence *f, int i, int64_t n, size_t bytes) { return f->at + (size_t)(i + 1) * f->area - f->page - (size_t)n * bytes; }

static uint64_t seed;
static float some(double lo, double hi) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (float)(lo + (hi - lo) * (double)(seed >> 11) * 0x1p-53);
}
static void fill(float *x, int64_t n, double lo, double hi) {
    for (int64_t i = 0; i < n; i++) x[i] = some(lo, hi);
}

static const char *level_name(uint32_t isa) { return isa == HK_ISA_AVX512 ? "avx512" : isa == HK_ISA_AVX2 ? "avx2" : "baseline"; }

/* Whether rows are equal; the first difference is said, once for each kernel. */
static bool same(hk__lint *l, const char *id, uint32_t isa, const char *what, const float *got, const float *want, int64_t n, bool *told) {
    for (int64_t i = 0; i < n; i++) {
        if (!memcmp(got + i, want + i, 4) || (isnan(got[i]) && isnan(want[i]))) continue;
        if (!*told)
            hk__lint_say(l, HK__LINT_FAIL,
                "%s, %s, n = %lld: %s[%lld] is %.9g by the kernel and %.9g by the text: take kernels from the HK_*_KERNELS macro, and compile without "
                "-ffast-math",
                id, level_name(isa), (long long)n, what, (long long)i, (double)got[i], (double)want[i]);
        *told = true;
        return false;
    }
    l->n_compared++;
    return true;
}
static void check_finite(hk__lint *l, const char *id, const char *what, const float *x, int64_t n, bool *told) {
    for (int64_t i = 0; i < n && !*told; i++)
        if (!isfinite(x[i]))
            hk__lint_say(l, HK__LINT_WARN, "%s: %s[%lld] is %g, from inputs between -3 and 3", id, what, (long long)i, (double)x[i]), *told = true;
}

/* ---- neurons ---- */

typedef struct neuron_text {
    void (*pre)(const float *, const float *, const float *, float *, float *);
    void (*post)(const float *, const float *, const float *, const float *, const float *, float *, float *);
    void (*pre_bwd)(const float *, const float *, const float *, const float *, const float *, float *, float *, float *);
    void (*post_bwd)(
        const float *, const float *, const float *, const float *, const float *, const float *, const float *, float *, float *, float *, float *, float *);
} neuron_text;
enum {
    R_X,
    R_GY,
    R_Y,
    R_GX,
    R_SPIKE,
    R_S,
    R_S1 = R_S + HK_MAX_STATE,
    R_GS = R_S1 + HK_MAX_STATE,
    R_D = R_GS + HK_MAX_STATE,
    R_P = R_D + HK_MAX_FIRE,
    R_GP = R_P + HK_MAX_P,
    R_END = R_GP + HK_MAX_P
};
_Static_assert((int)R_END <= (int)MAX_ROW, "more rows than areas");
enum { W_Y, W_GX, W_S1, W_GS = W_S1 + HK_MAX_STATE, W_GP = W_GS + HK_MAX_STATE, W_END = W_GP + HK_MAX_P };
typedef float wanted[W_END][ROWS_MAX];

/* Step and adjoint of every row by the text. */
static void by_text(const hk_neuron_type *t, const neuron_text *f, const hk_neuron_args *a, wanted want) {
    for (int64_t r = 0; r < a->n; r++) {
        float s[HK_MAX_STATE], p[HK_MAX_P], h[HK_MAX_H] = { 0 }, z[HK_MAX_FIRE], fire[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE], gs1[HK_MAX_STATE];
        float gh[HK_MAX_H] = { 0 }, gf[HK_MAX_FIRE] = { 0 }, gr[HK_MAX_FIRE] = { 0 }, gz[HK_MAX_FIRE] = { 0 }, gx[1] = { 0 }, gs[HK_MAX_STATE] = { 0 },
              gp[HK_MAX_P] = { 0 };
        for (uint32_t k = 0; k < t->n_state; k++) s[k] = a->s[k][r], gs1[k] = a->gs[k][r];
        for (uint32_t k = 0; k < t->n_param; k++) p[k] = a->p[k][a->p_row >> k & 1 ? r : 0];
        f->pre(&a->x[0][r], s, p, h, z);
        for (uint32_t k = 0; k < t->n_fire; k++) fire[k] = (t->flags & HK_NEURON_STRICT ? z[k] > 0 : z[k] >= 0) ? 1.0f : 0.0f;
        f->post(h, fire, fire, s, p, y, s1);
        f->post_bwd(h, fire, fire, s, p, &a->gy[r], gs1, gh, gf, gr, gs, gp);
        for (uint32_t k = 0; k < t->n_fire; k++) gz[k] = (a->detach ? gf[k] : gf[k] + gr[k]) * a->d[k][r];
        f->pre_bwd(&a->x[0][r], s, p, gh, gz, gx, gs, gp);
        want[W_Y][r] = y[0], want[W_GX][r] = gx[0];
        for (uint32_t k = 0; k < t->n_state; k++) want[W_S1 + k][r] = s1[k], want[W_GS + k][r] = gs[k];
        for (uint32_t k = 0; k < t->n_param; k++) want[W_GP + k][r] = 0.25f + gp[k];
    }
}

static void neuron(
    hk__lint *l, const hk__lint_type *type, const fence *m, const hk_neuron_kernel *k, const neuron_text *text, int64_t n, uint32_t p_row, int detach) {
    static wanted want;
    static float kept[R_END][ROWS_MAX];
    const hk_neuron_type *t = type->vtable;
    hk_neuron_args a = { .n = n, .p_row = p_row, .detach = (uint32_t)detach, .strict = (t->flags & HK_NEURON_STRICT) != 0 };
    bool told = false;
    a.x[0] = row(m, R_X, n, 4), a.gy = row(m, R_GY, n, 4), a.y = row(m, R_Y, n, 4), a.gx[0] = row(m, R_GX, n, 4), a.spike = row(m, R_SPIKE, n, 1);
    fill(row(m, R_X, n, 4), n, -1, 3), fill(row(m, R_GY, n, 4), n, -1, 1);
    for (uint32_t j = 0; j < t->n_state; j++) {
        a.s[j] = row(m, R_S + (int)j, n, 4), a.s1[j] = row(m, R_S1 + (int)j, n, 4), a.gs[j] = row(m, R_GS + (int)j, n, 4);
        fill(row(m, R_S + (int)j, n, 4), n, -1, 1.5), fill(a.gs[j], n, -1, 1);
    }
    for (uint32_t j = 0; j < t->n_fire; j++) a.d[j] = row(m, R_D + (int)j, n, 4), fill(row(m, R_D + (int)j, n, 4), n, 0, 1);
    for (uint32_t j = 0; j < t->n_param; j++) {
        int64_t len = p_row >> j & 1 ? n : 1;
        a.p[j] = row(m, R_P + (int)j, len, 4), a.gp[j] = row(m, R_GP + (int)j, n, 4);
        fill(row(m, R_P + (int)j, len, 4), len, 0.2, 1.2);
        for (int64_t i = 0; i < n; i++) a.gp[j][i] = 0.25f;
    }
    by_text(t, text, &a, want);
    for (int i = 0; i < R_END; i++)
        if (i == R_X || i == R_GY || (i >= R_S && i < R_S1) || (i >= R_D && i < R_P)) memcpy(kept[i], row(m, i, n, 4), (size_t)n * 4);
    k->step(&a);
    const bool spikes = t->flags & HK_NEURON_SPIKES;
    for (int64_t i = 0; i < n && spikes; i++) a.y[i] = a.spike[i];
    bool ok = same(l, type->id, k->isa, "y", a.y, want[W_Y], n, &told);
    for (uint32_t j = 0; j < t->n_state; j++) ok &= same(l, type->id, k->isa, t->states[j].name, a.s1[j], want[W_S1 + j], n, &told);
    k->bwd_gp(&a);
    ok &= same(l, type->id, k->isa, "gradient of x", a.gx[0], want[W_GX], n, &told);
    for (uint32_t j = 0; j < t->n_state; j++) ok &= same(l, type->id, k->isa, "gradient of a state", a.gs[j], want[W_GS + j], n, &told);
    for (uint32_t j = 0; j < t->n_param; j++) ok &= same(l, type->id, k->isa, "gradient of a parameter", a.gp[j], want[W_GP + j], n, &told);
    for (int i = 0; i < R_END; i++)
        if ((i == R_X || i == R_GY || (i >= R_S && i < R_S1) || (i >= R_D && i < R_P)) && memcmp(kept[i], row(m, i, n, 4), (size_t)n * 4) && !told)
            hk__lint_say(l, HK__LINT_FAIL, "%s, %s: a kernel writes to its inputs", type->id, level_name(k->isa)), told = true;
    if (ok) check_finite(l, type->id, "y", a.y, n, &told), check_finite(l, type->id, "gradient of x", a.gx[0], n, &told);
}

/* A declared charge (hk_charge) against the text: kernels that take the step from the declaration do not look at the text. Both resets, both forms of the leak. */
static void declared_charge(hk__lint *l, const hk__lint_type *t, const neuron_text *f) {
    const hk_neuron_type *type = t->vtable;
    const bool leak = type->charge == HK_CHARGE_LEAK;
    const uint32_t n_param = leak ? 6 : 3;
    if (type->charge == HK_CHARGE_OTHER) return;
    if (type->charge > HK_CHARGE_LEAK || type->n_state != 1 || type->n_fire != 1 || type->n_h != 1 || type->n_param != n_param) {
        hk__lint_say(l, HK__LINT_FAIL, "neuron '%s': charge = %u is declared, for which it must have one state, one firing variable and %u parameters", t->id, type->charge, n_param);
        return;
    }
    seed = 88172645463325252u;
    for (int i = 0; i < 256; i++) {
        float x = some(-1, 3), s[HK_MAX_STATE] = { some(-1, 1.5) }, p[HK_MAX_P] = { some(0.2, 1.2), some(-0.5, 0.5), (float)(i & 1), some(0.1, 0.9), (float)(i >> 1 & 1), some(-0.5, 0.5) };
        float h[HK_MAX_H] = { 0 }, z[HK_MAX_FIRE], fire[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE], away = s[0] - p[5], k = p[3];
        f->pre(&x, s, p, h, z);
        fire[0] = (type->flags & HK_NEURON_STRICT ? z[0] > 0 : z[0] >= 0) ? 1.0f : 0.0f;
        f->post(h, fire, fire, s, p, y, s1);
        const float want = !leak ? s[0] + x : p[4] != 0 ? s[0] + (x - away) * k : s[0] - away * k + x;
        const float after = p[2] != 0 ? want - fire[0] * p[0] : fire[0] * p[1] + (1 - fire[0]) * want;
        l->n_compared++;
        if (!memcmp(&h[0], &want, 4) && !memcmp(&s1[0], &after, 4) && y[0] == fire[0]) continue;
        hk__lint_say(l, HK__LINT_FAIL, "neuron '%s' declares charge = %s, and its text has another step: h is %.9g by the declaration and %.9g by the text, v after it %.9g and %.9g: leave `charge` out",
            t->id, leak ? "HK_CHARGE_LEAK" : "HK_CHARGE_ADD", (double)want, (double)h[0], (double)after, (double)s1[0]);
        return;
    }
}

static void neurons(hk__lint *l, const hk__lint_type *t, const fence *m, uint32_t best) {
    const hk_neuron_type *type = t->vtable;
    const char *text, *prefix;
    neuron_text f;
    if (!hk__lint_text_of(t, &text, &prefix)) {
        hk__lint_say(l, HK__LINT_WARN, "neuron '%s' has kernels and no text: backends that compile the text (ref, a GPU's) cannot run it", t->id);
        return;
    }
    *(void **)&f.pre = hk__lint_function(l, 0, prefix, "pre"), *(void **)&f.post = hk__lint_function(l, 0, prefix, "post");
    *(void **)&f.pre_bwd = hk__lint_function(l, 0, prefix, "pre_bwd"), *(void **)&f.post_bwd = hk__lint_function(l, 0, prefix, "post_bwd");
    if (!f.pre || !f.post || !f.pre_bwd || !f.post_bwd) {
        hk__lint_say(l, HK__LINT_NOTE, "neuron '%s': kernels were not compared: its text was not compiled", t->id);
        return;
    }
    declared_charge(l, t, &f);
    for (uint32_t k = 0; k < type->n_kernel; k++)
        for (int i = 0; i < N_SIZE && type->kernels[k].isa <= best; i++)
            for (int config = 0; config < 4; config++) {
                seed = 88172645463325252u + (uint64_t)(i * 4 + config);
                neuron(l, t, m, &type->kernels[k], &f, sizes[i], config & 1 ? (1u << type->n_param) - 1 : 0, config >> 1);
            }
}

/* ---- surrogates and optimizers ---- */

static void surrogates(hk__lint *l, const hk__lint_type *t, const fence *m, uint32_t best) {
    static const char *const names[] = { "grad", "primitive", "forward" };
    const hk_surrogate_type *type = t->vtable;
    float p[HK_MAX_P] = { 0 }, want[ROWS_MAX];
    bool told = false;
    for (uint32_t k = 0; k < type->n_fields; k++)
        p[k] = !type->fields[k].def ? 4 : !strcmp(type->fields[k].def, "none") ? NAN : strtof(type->fields[k].def, NULL);
    for (int what = 0; what < 3; what++) {
        float (*f)(float, const float *);
        *(void **)&f = type->prefix ? hk__lint_function(l, 0, type->prefix, names[what]) : NULL;
        for (uint32_t k = 0; k < type->n_kernel; k++) {
            const hk_surrogate_kernel *kernel = &type->kernels[k];
            void (*rows)(int64_t, const float *, const float *, float *) = what == 0 ? kernel->grad : what == 1 ? kernel->primitive : kernel->forward;
            if ((what == 1 && !rows != !type->has_primitive) || (what == 2 && !rows != !type->has_forward) || (what == 0 && !rows))
                hk__lint_say(l, HK__LINT_FAIL, "surrogate '%s', %s: the kernel `%s` is %s, and the type says otherwise", t->id, level_name(kernel->isa),
                    names[what], rows ? "there" : "NULL");
            for (int i = 0; i < N_SIZE && rows && f && kernel->isa <= best; i++) {
                float *z = row(m, 0, sizes[i], 4);
                fill(z, sizes[i], -3, 3);
                for (int64_t r = 0; r < sizes[i]; r++) want[r] = f(z[r], p);
                rows(sizes[i], z, p, z);
                if (same(l, t->id, kernel->isa, names[what], z, want, sizes[i], &told)) check_finite(l, t->id, names[what], z, sizes[i], &told);
            }
        }
    }
}

static void optimizers(hk__lint *l, const hk__lint_type *t, const fence *m, uint32_t best) {
    const hk_optimizer_type *type = t->vtable;
    void (*update)(float *, float, float *, const float *);
    float c[HK_MAX_OPT_CONST], want[1 + HK_MAX_STATE][ROWS_MAX], *s[HK_MAX_STATE];
    bool told = false;
    *(void **)&update = type->prefix ? hk__lint_function(l, 0, type->prefix, "update") : NULL;
    if (!update) {
        hk__lint_say(l, HK__LINT_NOTE, "optimizer '%s': kernels were not compared: its text was not compiled", t->id);
        return;
    }
    for (uint32_t k = 0; k < type->n_kernel; k++)
        for (int i = 0; i < N_SIZE && type->kernels[k].isa <= best; i++) {
            const int64_t n = sizes[i];
            float *w = row(m, 0, n, 4), *g = row(m, 1, n, 4);
            fill(w, n, -1, 1), fill(g, n, -1, 1), fill(c, HK_MAX_OPT_CONST, 0.1, 0.9);
            for (uint32_t j = 0; j < type->n_state; j++) s[j] = row(m, 2 + (int)j, n, 4), fill(s[j], n, 0, 1);
            for (int64_t r = 0; r < n; r++) {
                float state[HK_MAX_STATE];
                for (uint32_t j = 0; j < type->n_state; j++) state[j] = s[j][r];
                want[0][r] = w[r];
                update(&want[0][r], g[r], state, c);
                for (uint32_t j = 0; j < type->n_state; j++) want[1 + j][r] = state[j];
            }
            type->kernels[k].update(n, w, g, s, c);
            same(l, t->id, type->kernels[k].isa, "w", w, want[0], n, &told);
            for (uint32_t j = 0; j < type->n_state; j++) same(l, t->id, type->kernels[k].isa, type->state_names[j], s[j], want[1 + j], n, &told);
        }
}

void hk__lint_kernels(hk__lint *l) {
    fence m;
    if (!hk__lint_load(l, HK_ISA_AVX512)) return;
    if (!fence_open(&m)) {
        hk__lint_say(l, HK__LINT_NOTE, "kernels were not run: no memory for the fences");
        return;
    }
    const uint32_t best = hk_context_isa(l->ctx);
    HK__LINT_EACH(l, t, "hk.neuron/1") neurons(l, t, &m, best);
    HK__LINT_EACH(l, t, "hk.surrogate/1") surrogates(l, t, &m, best);
    HK__LINT_EACH(l, t, "hk.optimizer/1") optimizers(l, t, &m, best);
}
