/* delay.c - Delay: x some steps later, zeros first. The last inputs are sequence state, a queue. */
#include "layers.h"
#include <stdio.h>

enum {
    PART = 48, /* steps of one loop: carries that it has room for, some left to others */
    MOST = 4096
};

static const hk_field fields[] = {
    { "delay_steps", HK_INT, 0, NULL, 0, MOST, NULL, "time steps until x comes out" },
    STEP_MODE_FIELD,
};

/* x some steps later: numbers lo to hi - 1 of the queue, of which number 0 comes out next. */
static hk_value part(hk_builder *b, const hk_module *self, hk_value in, int lo, int hi) {
    char name[32];
    hk_value queue[PART];
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in);
    for (int k = lo; k < hi; k++) {
        snprintf(name, sizeof name, "queue.%d", k);
        queue[k - lo] = b->api->state(b, self, name, x, 0.0);
    }
    for (int k = lo; k < hi; k++) {
        snprintf(name, sizeof name, "queue.%d", k);
        b->api->state_next(b, self, name, hk_affine(b, k + 1 < hi ? queue[k + 1 - lo] : x, 1.0, 0.0));
    }
    hk_value y = hk_loop_stack(b, loop, hk_affine(b, queue[0], 1.0, 0.0));
    hk_loop_end(b, loop);
    return y;
}

/* A long delay is several loops, one behind the other; within a loop of somebody else it has that one's room alone. */
static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    out[0] = in[0];
    for (int hi = (int)hk_get_int(self, "delay_steps"), lo; hi > 0; hi = lo) {
        lo = hi > PART ? hi - PART : 0;
        out[0] = part(b, self, out[0], lo, hi);
    }
    return HK_OK;
}

const hk_module_type delay_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[t] = x[t - delay_steps], 0 before",
    .source = "spikingjelly.activation_based.layer.Delay",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
