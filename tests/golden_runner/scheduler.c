/* scheduler.c - kind scheduler: the learning rate of each epoch. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

/* What a note says, as LambdaLR's expression with the numbers of `args` in it. */
static void put_lambda(gr_case *c, gr_text *t) {
    static const char *const notes[] = { "lr = base_lr * min(1, (epoch + 1) / warmup)", "min(1, (epoch + 1) / %g)", NULL };
    const char *text = gr_phrase(c, "note", notes);
    double warmup = json_number_value(json_object_get(json_object_get(c->spec, "args"), "warmup"));
    char expression[128];
    if (c->failed || strcmp(text, notes[1])) return;
    snprintf(expression, sizeof expression, "min(1, (epoch + 1) / %g)", warmup);
    gr_put(t, "lr_lambda=\"%s\"", expression);
}

/* Each part of a SequentialLR, then the milestones. */
static void put_parts(gr_case *c, gr_text *t) {
    size_t i;
    json_t *part, *at, *milestones = json_object_get(c->spec, "milestones");
    json_array_foreach(json_object_get(c->spec, "parts"), i, part) {
        gr_put(t, "%s%s(", i ? ", " : "", json_string_value(json_object_get(part, "class")));
        gr_put_args(t, json_object_get(part, "args"), NULL, false, true);
        gr_put(t, ")");
    }
    gr_put(t, ", milestones=[");
    json_array_foreach(milestones, i, at) gr_put(t, "%s%lld", i ? ", " : "", (long long)json_integer_value(at));
    gr_put(t, "]");
}

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
    if (!strcmp(id, "LambdaLR")) put_lambda(c, &t);
    else if (json_is_array(json_object_get(c->spec, "parts"))) put_parts(c, &t);
    else gr_put_args(&t, json_object_get(c->spec, "args"), NULL, false, true);
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
