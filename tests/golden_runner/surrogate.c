/* surrogate.c - kinds surrogate and surrogate_snn: Fire alone; the primitive with spiking off. */
#include "runner.h"
#include <stdlib.h>

static void primitive(gr_case *c, const char *text, const gr_shape *s) {
    const hk_tensor *want = gr_find(c, "out.primitive");
    gr_net n = { 0 };
    bool ok = want && gr_net_open(c, &n, text, NULL, NULL, 0) && gr_net_executor(c, &n, HK_INFER, 0, 0, NULL) &&
        gr_ok(c, hk_executor_shape(n.ex, s->T, s->N, s->seq, s->rank, s->shape), "hk_executor_shape") && gr_net_write(c, &n, "x", gr_find(c, "in.x")) &&
        gr_ok(c, hk_executor_run(n.ex), "hk_executor_run");
    if (ok) gr_net_read(c, &n, "y", want);
    gr_net_close(&n);
}

static void run(gr_case *c, const char *more) {
    const hk_tensor *x = gr_find(c, "in.x");
    gr_shape s = { .T = 1, .N = 1, .seq = 1, .rank = 1, .shape = { gr_elems(x) } };
    gr_text t = { 0 };
    gr_put(&t, "Fire(surrogate=");
    gr_put_surrogate(c, &t, c->spec);
    gr_put(&t, "%s)", more);
    gr_need(c, "hk.module/1", "Fire");
    if (!c->n_missing && !c->failed) {
        gr_run_plain(c, t.s, &s, true);
        primitive(c, t.s, &s);
    }
    free(t.s);
}

void gr_surrogate(gr_case *c) { run(c, ""); }
void gr_surrogate_snn(gr_case *c) { run(c, ", strict=true"); }
