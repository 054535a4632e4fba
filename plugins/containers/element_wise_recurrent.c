/* element_wise_recurrent.c - y[t] = sub_module(f(y[t-1], x[t])), y[-1] = 0. The previous output is f's first argument.
 *
 * f is named in the text, or given by a C program (hillock/containers.h). */
#include "containers.h"

enum { ADD, SUB, MUL, USER };

static const hk_field fields[] = {
    { "element_wise_function", HK_ENUM, 0, NULL, 0, 0, "add|sub|mul|user", "f: y[t-1] + x[t], y[t-1] - x[t], y[t-1] x[t], or the program's own" },
    STEP_MODE_FIELD,
};
static const char *const child_names[] = { "sub_module" };

static hk_value combine(hk_builder *b, const hk_module *self, hk_value y1, hk_value x) {
    const hk_ewr_user *user = hk_user(self);
    switch (hk_get_int(self, "element_wise_function")) {
    case ADD: return hk_add(b, y1, x);
    case SUB: return hk_sub(b, y1, x);
    case MUL: return hk_mul(b, y1, x);
    default: return user->f(b, y1, x, user->arg);
    }
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_ewr_user *user = hk_user(self);
    if (hk_get_int(self, "element_wise_function") == USER && (!user || !user->f))
        return b->api->fail(b, HK_ESTATE, "element_wise_function=user needs the program's function: call hk_module_set_user before the network is built");
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in[0]);
    hk_value y1 = hk_loop_carry(b, loop, "y");
    hk_value u = combine(b, self, y1, x), y = HK_NONE;
    hk_module_build(b, hk_child(self, 0), 1, &u, 1, &y);
    hk_loop_next(b, loop, y1, y);
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

const hk_module_type element_wise_recurrent_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[t] = sub_module(f(y[t-1], x[t])), y[-1] = 0",
    .source = "spikingjelly.activation_based.layer.ElementWiseRecurrentContainer",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .min_child = 1,
    .max_child = 1,
    .child_names = child_names,
    .build = build,
};
