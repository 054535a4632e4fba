/* linear_recurrent.c - y[t] = sub_module(W [x[t], y[t-1]] + b), y[-1] = 0: feedback through a fully connected layer. */
#include "containers.h"
#include <math.h>

static const hk_field fields[] = {
    { "in_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in x[t], and in the input of sub_module" },
    { "out_features", HK_INT, 0, NULL, 1, INFINITY, NULL, "numbers in y[t]" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    STEP_MODE_FIELD,
};
static const char *const child_names[] = { "sub_module" };

/* The inner layer is torch.nn.Linear(in + out, in), called rc in the state_dict. */
static hk_status init(hk_module *self) {
    const int64_t in = hk_get_int(self, "in_features"), out = hk_get_int(self, "out_features");
    const int64_t shape[2] = { in, in + out };
    const double bound = 1.0 / sqrt((double)(in + out));
    hk_status st = hk_add_param(self, "rc.weight", 2, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "rc.bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t want = hk_get_int(self, "in_features");
    const hk_desc d = hk_value_desc(b, in[0]);
    if (d.dtype != HK_ABSENT && (d.rank != 1 || d.shape[0] != want))
        return b->api->fail(b, HK_ESHAPE, "the input of one step has %d axes and %lld numbers, expected one axis of in_features=%lld", (int)d.rank,
                            (long long)hk_desc_elems(&d), (long long)want);
    hk_value w = hk_param(b, self, "rc.weight"), bias = hk_get_bool(self, "bias") ? hk_param(b, self, "rc.bias") : HK_NONE;
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in[0]);
    hk_value y1 = hk_loop_carry(b, loop, "y");
    hk_value u = hk_linear(b, hk_concat(b, x, y1), w, bias), y = HK_NONE;
    hk_module_build(b, hk_child(self, 0), 1, &u, 1, &y);
    hk_loop_next(b, loop, y1, y);
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

const hk_module_type linear_recurrent_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[t] = sub_module(W [x[t], y[t-1]] + b), y[-1] = 0; W is [in, in + out], x first",
    .source = "spikingjelly.activation_based.layer.LinearRecurrentContainer",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .min_child = 1,
    .max_child = 1,
    .child_names = child_names,
    .init = init,
    .build = build,
};
