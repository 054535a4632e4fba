/* @name@.c - @Type@, a loss: squared distance of the firing rate from `on` for the sample's class and from `off` for the others, mean over samples and classes. */
#include <hillock/plugin.h>

static const hk_field fields[] = {
    { "on", HK_REAL, 0, "0.9", 0, 1, NULL, "firing rate wanted of the class" },
    { "off", HK_REAL, 0, "0.1", 0, 1, NULL, "firing rate wanted of the others" },
};

/* in: the output, [T,N,classes] or [N,classes], and one label for each sample. out: one number. */
static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_desc y = hk_value_desc(b, in[0]);
    const double on = hk_get_real(self, "on"), off = hk_get_real(self, "off");
    if (y.rank != 1) return b->api->fail(b, HK_ESHAPE, "the output of one sample has %d axes, expected one: a number for each class", (int)y.rank);
    hk_value rate = y.flags & HK_T ? hk_mean_t(b, in[0]) : in[0];
    hk_value wanted = hk_affine(b, hk_one_hot(b, in[1], y.shape[0]), on - off, off);
    hk_value distance = hk_sub(b, rate, wanted);
    out[0] = hk_merge(b, hk_reduce(b, hk_mul(b, distance, distance), 2), 1.0 / ((double)hk_batch(b) * (double)y.shape[0]));
    return HK_OK;
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "mean over samples and classes of (rate - wanted)^2; wanted: on for the class, off for the others",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "@Type@", &type); }

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
