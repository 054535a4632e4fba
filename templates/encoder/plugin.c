/* @name@.c - @Type@, an encoder: at each step a spike with probability gain x + offset (never below 0, always from 1 on). */
#include <hillock/plugin.h>

static const hk_field fields[] = {
    { "gain", HK_REAL, 0, "1.0", 0, 0, NULL, "what x is multiplied by" },
    { "offset", HK_REAL, 0, "0.0", 0, 0, NULL, "what is added" },
};

/* The draw is a function of seed, module path, training step, time step, sample and position alone, so it is the same for any number of threads. */
static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    out[0] = hk_bernoulli(b, hk_affine(b, in[0], hk_get_real(self, "gain"), hk_get_real(self, "offset")));
    return HK_OK;
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = 1 with probability gain x + offset, drawn anew at each step",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "@Type@", &type); }

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
