/* backends.c - each backend: usable or why not, and whether it computes what it should. Two tests of a few milliseconds: a layer
 * forward and backward is compared with the backend `ref` (double precision, plain loops), and, where there are neurons, a training step
 * with the best instructions of this CPU with one without them. `ref` runs no neuron here: it would call a compiler. */
#include "doctor/doctor.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T = 3, N = 20, IN = 9, OUT = 4 };

typedef struct result {
    double loss, v[OUT * IN];
} result;

/* Loss, and either the gradient of the weight (neuron 0) or the weight after a step (neuron 1). */
static hk_status compute(hk_context *ctx, const char *backend, int neuron, result *r) {
    hk_module *root = NULL, *loss = NULL, *optimizer = NULL;
    hk_network *net = NULL;
    hk_executor *ex = NULL;
    float x[T * N * IN], w[OUT * IN];
    int64_t y[N], shape[1] = { IN };
    for (int i = 0; i < T * N * IN; i++) x[i] = (float)(i * 37 % 64) / 64.0f;
    for (int i = 0; i < OUT * IN; i++) w[i] = (float)(i * 29 % 32) / 64.0f - 0.13f;
    for (int i = 0; i < N; i++) y[i] = i % OUT;
    const char *names[] = { "fc", "neuron" }, *texts[] = { "Linear(9, 4, bias=false)", "IF(surrogate=ATan())" };
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN, .flags = HK_SEPARATE };
    hk_status st = hk_module_new_sequential(ctx, 1 + neuron, names, texts, &root);
    if (!st) st = hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss);
    if (!st && neuron) st = hk_module_new_from_text(ctx, "hk.optimizer/1", "SGD(lr=0.5)", &optimizer);
    nc.backend = backend, nc.loss = loss, nc.optimizer = optimizer;
    if (!st) st = hk_network_new(ctx, root, &nc, &net);
    if (!st) st = hk_network_write_param(net, 0, w);
    if (!st) st = hk_executor_new(net, &ec, &ex);
    if (!st) st = hk_executor_shape(ex, T, N, 1, 1, shape);
    if (!st) st = hk_executor_write(ex, "x", HK_F32, x, T * N * IN);
    if (!st) st = hk_executor_write(ex, "target", HK_I64, y, N);
    if (!st) st = hk_executor_run(ex);
    if (!st) st = hk_executor_read(ex, "loss", HK_F64, &r->loss, 1);
    if (!st) st = hk_executor_backward(ex);
    if (!st && neuron) st = hk_executor_step(ex);
    if (!st) st = neuron ? hk_network_read_param64(net, 0, r->v) : hk_executor_read(ex, "grad:fc.weight", HK_F64, r->v, OUT * IN);
    hk_executor_free(ex), hk_network_free(net);
    hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer);
    return st;
}

/* Largest difference, relative to the largest number. */
static double distance(const result *a, const result *b) {
    double most = fabs(b->loss), far = fabs(a->loss - b->loss);
    for (int i = 0; i < OUT * IN; i++) {
        most = fmax(most, fabs(b->v[i]));
        far = fmax(far, fabs(a->v[i] - b->v[i]));
    }
    return isfinite(far) && most > 0 ? far / most : INFINITY;
}

static void verdict(hk__doctor *d, const char *id, const char *what, hk_status st, const result *a, const result *b) {
    const double limit = 1e-5;
    if (st) hk__doctor_add(d, "backends", id, HK__PROBLEM, "%s: %s", what, hk_error(d->ctx));
    else if (distance(a, b) > limit)
        hk__doctor_add(d, "backends", id, HK__PROBLEM, "%s: differs by %.1e, expected at most %.0e: its numbers are wrong on this machine; report it, and try "
                       "[run] max_isa = baseline", what, distance(a, b), limit);
    else hk__doctor_add(d, "backends", id, HK__FINE, "%s: differs by %.1e", what, distance(a, b));
}

static bool has(const hk__doctor *d, const char *iface, const char *id) { return hk_type_get(d->ctx, iface, id) != NULL; }

static bool usable(const hk__doctor *d, const char *id) {
    char why[256] = "";
    const hk_backend *b = hk_type_get(d->ctx, "hk.backend/1", id);
    return b && b->probe(why, sizeof why) > 0;
}

static void self_test(hk__doctor *d, const char *id) {
    result mine, other;
    if (!has(d, "hk.module/1", "Linear") || !has(d, "hk.module/1", "MSE")) return;
    hk_status st = compute(d->ctx, id, 0, &mine);
    if (st || !usable(d, "ref")) verdict(d, id, "a layer, forward and backward", st, &mine, &mine);
    else if (strcmp(id, "ref") != 0) {
        st = compute(d->ctx, "ref", 0, &other);
        verdict(d, id, "a layer, forward and backward, against ref", st, &mine, &other);
    }
    if (!strcmp(id, "ref") || !has(d, "hk.neuron/1", "IF") || !has(d, "hk.surrogate/1", "ATan") || !has(d, "hk.optimizer/1", "SGD")) return;
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *plain = NULL;
    cc.max_isa = HK_ISA_BASELINE, cc.plugin_path = d->plugin_path, cc.log_level = 0;
    hk_context_new(&cc, &plain); /* a named plugin's failure was told already */
    if (plain && hk_type_get(plain, "hk.backend/1", id)) {
        char what[128];
        snprintf(what, sizeof what, "a training step with neurons, %s against baseline", hk__isa_name(hk_context_isa(d->ctx)));
        if ((st = compute(plain, id, 1, &other))) hk__doctor_add(d, "backends", id, HK__PROBLEM, "a training step, baseline: %s", hk_error(plain));
        else {
            st = compute(d->ctx, id, 1, &mine);
            verdict(d, id, what, st, &mine, &other);
        }
    }
    hk_context_free(plain);
}

static void one_backend(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    hk__doctor *d = arg;
    const hk_backend *b = vtable;
    char why[512] = "";
    (void)iface;
    int score = b->probe(why, sizeof why);
    bool asked = d->backend && !strcmp(d->backend, id);
    if (score > 0) {
        hk__doctor_add(d, "backends", id, HK__FINE, "usable%s%s%s%s%s (%s)", asked ? ", [backend] name" : "", b->extends ? ", extends " : "",
            b->extends ? b->extends : "", why[0] ? ", by " : "", why, plugin);
        self_test(d, id);
    } else hk__doctor_add(d, "backends", id, asked ? HK__PROBLEM : HK__NOTE, "not usable here: %s", why[0] ? why : "it gives no reason");
}

void hk__doctor_backends(hk__doctor *d) {
    hk_type_each(d->ctx, "hk.backend/1", one_backend, d);
    if (d->backend && !has(d, "hk.backend/1", d->backend))
        hk__doctor_add(d, "backends", d->backend, HK__PROBLEM, "not there, but [backend] name asks for it: see the refused plugins above, or name another");
}
