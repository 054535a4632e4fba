/* window.c - the share of a layer's membranes that lie inside its surrogate's window: where the derivative that backpropagation uses in place
 * of the step's is at least a tenth of its largest value. A layer of which no membrane is there learns nothing, however much it fires.
 *
 * What is looked at is z, what the spike is a step of (h - v_threshold, before the reset): output "PATH:z". The largest derivative is looked for
 * at z from -4 to 4. */
#include "trainer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 800, PIECE = 256 };
#define INSIDE 0.1

static int is_z(const char *name) {
    size_t n = strlen(name);
    return n > 2 && !strcmp(name + n - 2, ":z");
}
int hk__window_output(const hk__layers *l, int i) { return is_z(l->out[i].name); }

hk_status hk__windows_add(hk__layers *l) {
    const int n = l->n;
    for (int i = 0; i < n; i++)
        if (l->spiking[i] && hk__layers_add(l, l->out[i].name, (int)strlen(l->out[i].name) - 2, ":z", "")) return HK_ENOMEM;
    return HK_OK;
}

static const hk_module *module_at(const hk_module *m, const char *path, size_t n) {
    if (strlen(hk_path(m)) == n && !strncmp(hk_path(m), path, n)) return m;
    for (int i = 0; i < hk_n_child(m); i++) {
        const hk_module *found = module_at(hk_child(m, i), path, n);
        if (found) return found;
    }
    return NULL;
}

/* |s'(z)| of n numbers, into d. */
static void derivative(const hk_surrogate *s, const float *p, int64_t n, const float *z, float *d) {
    const hk_surrogate_kernel *k = s->type->kernels + s->type->n_kernel - 1; /* the one that every processor has; all give the same bits */
    k->grad(n, z, p, d);
    for (int64_t i = 0; i < n; i++) d[i] = fabsf(d[i]);
}

double hk__window_share(const hk__job *j, const char *name, const float *z, int64_t n) {
    const hk_module *m = module_at(j->root, name, strlen(name) - 2), *of = m ? hk_get_object(m, "surrogate") : NULL;
    float p[HK_MAX_P], d[PIECE], most = 0;
    int64_t inside = 0;
    if (!of || !n) return NAN;
    const hk_surrogate s = hk_surrogate_of(of);
    for (int i = 0; i < HK_MAX_P; i++) p[i] = (float)s.p[i];
    for (int i = 0; i <= STEPS; i++) {
        const float at = 0.01f * (float)(i - STEPS / 2);
        derivative(&s, p, 1, &at, d);
        if (d[0] > most) most = d[0];
    }
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t k = n - at < PIECE ? n - at : PIECE;
        derivative(&s, p, k, z + at, d);
        for (int64_t i = 0; i < k; i++) inside += most > 0 && d[i] >= (float)INSIDE * most;
    }
    return (double)inside / (double)n;
}
