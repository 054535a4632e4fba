/* loss.c - kinds loss and loss_snn: a loss on the firing rate of in.x. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

static const char *const on[] = { "rate = mean over dim 0 of x", "MeanT()", NULL };
static const char *const targets[] = { "class index", "class", "one_hot", "one_hot", NULL };
static const char *const functions[] = { "cross_entropy", "CrossEntropy", "mse_loss", "MSE", "temporal_efficient_training_cross_entropy", "TET", NULL };

static void put_loss(gr_case *c, gr_text *t, const char *id) {
    const hk_tensor *w = gr_find(c, "in.weight");
    gr_need(c, "hk.module/1", id);
    gr_put(t, "%s(", id);
    bool first = gr_put_args(t, json_object_get(c->spec, "args"), NULL, false, true);
    if (w) {
        double *v = gr_doubles(w);
        gr_put(t, "%sweight=[", first ? "" : ", ");
        for (int64_t i = 0; i < gr_elems(w); i++) gr_put(t, "%s%.17g", i ? ", " : "", v[i]);
        gr_put(t, "]");
        free(v);
    }
    gr_put(t, ")");
}

static void run(gr_case *c, const char *root, const char *loss) {
    const hk_tensor *value = gr_find(c, "out.value"), *grad_x = gr_find(c, "grad.x"), *up = gr_find(c, "grad_out.value");
    const hk_tensor *x = gr_find(c, "in.x"), *target = gr_find(c, "in.target");
    const hk_output out = { .name = "loss", .upstream = up != NULL };
    gr_shape s = gr_shape_seq(x);
    gr_net n = { 0 };
    bool ok = gr_net_open(c, &n, root, loss, NULL, 1) &&
        gr_net_executor(c, &n, grad_x ? HK_TRAIN : HK_INFER, grad_x ? HK_SEPARATE | HK_INPUT_GRAD : 0, up ? 1 : 0, &out) &&
        gr_ok(c, hk_executor_shape(n.ex, s.T, s.N, s.seq, s.rank, s.shape), "hk_executor_shape") && gr_net_write(c, &n, "x", x) &&
        (!target || gr_net_write(c, &n, "target", target)) && gr_ok(c, hk_executor_run(n.ex), "hk_executor_run") && gr_net_read(c, &n, "loss", value);
    if (ok && up) ok = gr_net_write(c, &n, "grad_out:loss", up);
    if (ok && grad_x) ok = gr_ok(c, hk_executor_backward(n.ex), "hk_executor_backward") && gr_net_read(c, &n, "grad:x", grad_x);
    gr_net_close(&n);
}

void gr_loss(gr_case *c) {
    gr_text t = { 0 };
    const char *root = gr_phrase(c, "on", on), *id = gr_phrase(c, "function", functions);
    gr_phrase(c, "target", targets); /* which the loss takes; here only that it is a known one */
    if (*root) gr_need(c, "hk.module/1", "MeanT");
    put_loss(c, &t, id);
    if (!c->n_missing && !c->failed) run(c, *root ? root : "Sequential()", t.s);
    free(t.s);
}

/* snnTorch's losses are on the sequence itself. */
void gr_loss_snn(gr_case *c) {
    gr_text t = { 0 };
    char id[96];
    snprintf(id, sizeof id, "snn.%s", gr_spec_str(c, "function"));
    put_loss(c, &t, id);
    if (!c->n_missing && !c->failed) run(c, "Sequential()", t.s);
    free(t.s);
}
