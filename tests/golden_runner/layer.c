/* layer.c - kind layer. */
#include "runner.h"
#include <stdlib.h>

void gr_layer(gr_case *c) {
    gr_text t = { 0 };
    gr_shape s = gr_shape_seq(gr_find(c, "in.x"));
    gr_put_object(c, &t, c->spec, NULL, false);
    if (!c->n_missing && !c->failed) gr_run_plain(c, t.s, &s, false);
    free(t.s);
}
