/* delay.c - Delay: x some steps later, zeros first. The last inputs are sequence state, a queue. */
#include "layers.h"
#include <stdio.h>

enum { MOST = 48 }; /* steps: carries that a loop has room for, some left to others */

static const hk_field fields[] = {
    { "delay_steps", HK_INT, 0, NULL, 0, MOST, NULL, "time steps until x comes out" },
    STEP_MODE_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int d = (int)hk_get_int(self, "delay_steps");
    char name[32];
    hk_value queue[MOST];
    out[0] = in[0];
    if (!d) return HK_OK;
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in[0]);
    for (int k = 0; k < d; k++) {
        snprintf(name, sizeof name, "queue.%d", k);
        queue[k] = b->api->state(b, self, name, x, 0.0);
    }
    for (int k = 0; k < d; k++) {
        snprintf(name, sizeof name, "queue.%d", k);
        b->api->state_next(b, self, name, hk_affine(b, k + 1 < d ? queue[k + 1] : x, 1.0, 0.0));
    }
    out[0] = hk_loop_stack(b, loop, hk_affine(b, queue[0], 1.0, 0.0));
    hk_loop_end(b, loop);
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
