/* encoder.c - kind encoder. Random ones: values 0 or 1, and the mean over many steps within the tolerance given. */
#include "runner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void random_law(gr_case *c, const char *text) {
    const hk_tensor *x = gr_find(c, "in.x"), *mean_t = gr_find(c, "out.mean"), *tol_t = gr_find(c, "out.tol");
    int64_t T = json_integer_value(json_object_get(c->spec, "steps")), N = x->shape[0], row = gr_elems(x) / N, all = gr_elems(x);
    double *mean = gr_doubles(mean_t), *tol = gr_doubles(tol_t), *y = malloc((size_t)(T * all) * sizeof *y);
    gr_net n = { 0 };
    if (!y) abort();
    bool ok = gr_net_open(c, &n, text, NULL, NULL, 1) && gr_net_executor(c, &n, HK_INFER, 0, 0, NULL) &&
        gr_ok(c, hk_executor_shape(n.ex, T, N, 0, x->rank - 1, x->shape + 1), "hk_executor_shape") && gr_net_write(c, &n, "x", x) &&
        gr_ok(c, hk_executor_run(n.ex), "hk_executor_run") && gr_ok(c, hk_executor_read(n.ex, "y", HK_F64, y, T * all), "y");
    for (int64_t e = 0; ok && e < all; e++) {
        double sum = 0.0;
        for (int64_t t = 0; t < T; t++) {
            if (y[t * all + e] != 0.0 && y[t * all + e] != 1.0) ok = false;
            sum += y[t * all + e];
        }
        if (!ok) gr_fail(c, "y: a value is neither 0 nor 1 (element %lld of %lld in a row)", (long long)(e % row), (long long)row);
        else if (!(fabs(sum / (double)T - mean[e]) <= tol[e])) {
            gr_fail(c, "out.mean[%lld]: got %.9g, want %.9g, tolerance %.3g", (long long)e, sum / (double)T, mean[e], tol[e]);
            ok = false;
        }
    }
    gr_mark(c, mean_t), gr_mark(c, tol_t);
    gr_net_close(&n);
    free(mean), free(tol), free(y);
}

/* in.x is a period, the sequence that is run goes on with zeros behind it. */
static void periodic(gr_case *c) {
    const hk_tensor *x = gr_find(c, "in.x"), *y = gr_find(c, "out.y");
    const int64_t calls = json_integer_value(json_object_get(c->spec, "calls"));
    char text[64];
    snprintf(text, sizeof text, "Periodic(period=%lld)", (long long)x->shape[0]);
    gr_shape s = gr_shape_seq(y);
    double *given = gr_doubles(x), *whole = calloc((size_t)gr_elems(y), sizeof *whole);
    if (!whole) abort();
    memcpy(whole, given, (size_t)gr_elems(x) * sizeof *whole);
    gr_net n = { 0 };
    if (s.T != calls) gr_fail(c, "out.y has %lld steps, expected calls=%lld", (long long)s.T, (long long)calls);
    else if (gr_net_open(c, &n, text, NULL, NULL, 1) && gr_net_executor(c, &n, HK_INFER, 0, 0, NULL) &&
        gr_ok(c, hk_executor_shape(n.ex, s.T, s.N, 1, s.rank, s.shape), "hk_executor_shape") &&
        gr_ok(c, hk_executor_write(n.ex, "x", HK_F64, whole, gr_elems(y)), "x") && gr_ok(c, hk_executor_run(n.ex), "hk_executor_run"))
        gr_net_read(c, &n, "y", y);
    gr_net_close(&n);
    free(given), free(whole);
}

void gr_encoder(gr_case *c) {
    gr_text t = { 0 };
    if (!strcmp(gr_spec_str(c, "class"), "PeriodicEncoder")) {
        if (gr_need(c, "hk.module/1", "Periodic") && gr_find(c, "in.x") && gr_find(c, "out.y")) periodic(c);
        return;
    }
    if (*gr_spec_str(c, "class")) gr_put_object(c, &t, c->spec, NULL, false);
    else {
        char id[96];
        snprintf(id, sizeof id, "snn.%s", gr_spec_str(c, "function"));
        gr_need(c, "hk.module/1", id);
        gr_put(&t, "%s(", id);
        gr_put_args(&t, json_object_get(c->spec, "args"), NULL, false, true);
        gr_put(&t, ")");
    }
    if (!c->n_missing && !c->failed) {
        const hk_tensor *x = gr_find(c, "in.x"), *y = gr_find(c, "out.y"), *target = gr_find(c, "in.target");
        if (json_is_true(json_object_get(c->spec, "random"))) random_law(c, t.s);
        else if (!(x || target) || !y) gr_fail(c, "an encoder without in.x or out.y is not known to the runner");
        else if (json_object_get(c->spec, "calls") && json_integer_value(json_object_get(c->spec, "calls")) != y->shape[0])
            gr_fail(c, "out.y has %lld steps, expected `calls`", (long long)y->shape[0]);
        else if (target) { /* classes in place of numbers */
            gr_shape s = { .T = y->rank > 2 ? y->shape[0] : 1, .N = target->shape[0] };
            gr_run_plain(c, t.s, &s, false);
        } else if (!strcmp(gr_spec_str(c, "function"), "delta")) {
            gr_shape s = gr_shape_seq(x);
            gr_run_plain(c, t.s, &s, false);
        } else { /* one picture [N,*] shown for as many steps as out.y has */ gr_shape s = { .T = y->shape[0], .N = x->shape[0], .rank = x->rank - 1 };
            memcpy(s.shape, x->shape + 1, (size_t)s.rank * sizeof s.shape[0]);
            gr_run_plain(c, t.s, &s, false);
        }
    }
    free(t.s);
}
