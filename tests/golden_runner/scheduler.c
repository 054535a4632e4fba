/* scheduler.c - kind scheduler: the learning rate of each epoch. */
#include "runner.h"
#include <stdlib.h>

void gr_scheduler(gr_case *c) {
    const hk_tensor *want = gr_find(c, "out.lr");
    const char *id = gr_spec_str(c, "class");
    int64_t epochs = json_integer_value(json_object_get(c->spec, "epochs"));
    double base = json_number_value(json_object_get(c->spec, "base_lr"));
    hk_module *m = NULL;
    gr_text t = { 0 };
    if (!gr_need(c, "hk.scheduler/1", id)) return;
    const hk_scheduler_type *type = hk_type_get(c->ctx, "hk.scheduler/1", id);
    gr_put(&t, "%s(", id);
    gr_put_args(&t, json_object_get(c->spec, "args"), NULL, false, true);
    gr_put(&t, ")");
    if (gr_elems(want) != epochs) gr_fail(c, "out.lr: expected %lld numbers", (long long)epochs);
    else if (gr_ok(c, hk_module_new_from_text(c->ctx, "hk.scheduler/1", t.s, &m), t.s)) {
        double *lr = malloc((size_t)(epochs + 1) * sizeof *lr);
        if (!lr) abort();
        for (int64_t e = 0; e < epochs; e++) lr[e] = type->lr(m, base, e, epochs);
        gr_compare(c, want, lr);
        free(lr);
    }
    hk_module_free(m);
    free(t.s);
}
