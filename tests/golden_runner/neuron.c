/* neuron.c - kind neuron: neurons of SpikingJelly. */
#include "runner.h"
#include <stdlib.h>

/* A number in the arguments that is a row in the state_dict was given for each channel. */
static void numbers_per_channel(gr_case *c) {
    json_t *args = json_object_get(c->spec, "args"), *v;
    const char *key;
    void *tmp;
    json_object_foreach_safe(args, tmp, key, v) {
        const hk_tensor *t = gr_find(c, "param.%s", key);
        if (!t || t->rank != 1 || !json_is_number(v)) continue;
        json_t *row = json_array();
        for (int64_t i = 0; i < t->shape[0]; i++) json_array_append(row, v);
        json_object_set_new(args, key, row);
    }
}

void gr_neuron(gr_case *c) {
    gr_text t = { 0 };
    gr_shape s = gr_shape_seq(gr_find(c, "in.x"));
    numbers_per_channel(c);
    gr_put_object(c, &t, c->spec, NULL, false);
    if (!c->n_missing && !c->failed) gr_run_plain(c, t.s, &s, true);
    free(t.s);
}
