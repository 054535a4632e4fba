/* @name@.c - @Type@, a container: y[t] = child(x[t] + feedback y[t-1]), y[-1] = 0.
 *
 * The loop is one operation with a body; its backward pass, through time, is derived by the core. Whatever state the child has becomes a carry of the loop. */
#include <hillock/plugin.h>

static const hk_field fields[] = {
    { "feedback", HK_REAL, 0, "0.5", 0, 0, NULL, "how much of the last output is added to the input" },
};
static const char *const child_names[] = { "child" };

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_loop loop = hk_loop_begin(b);
    hk_value x = hk_loop_at(b, loop, in[0]);
    hk_value last = hk_loop_carry(b, loop, "y"), y = HK_NONE;
    hk_value u = hk_add(b, x, hk_affine(b, last, hk_get_real(self, "feedback"), 0.0));
    hk_module_build(b, hk_child(self, 0), 1, &u, 1, &y);
    hk_loop_next(b, loop, last, y);
    out[0] = hk_loop_stack(b, loop, y);
    hk_loop_end(b, loop);
    return HK_OK;
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[t] = child(x[t] + feedback y[t-1]), y[-1] = 0",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .min_child = 1,
    .max_child = 1,
    .child_names = child_names,
    .build = build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "@Type@", &type); }

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
