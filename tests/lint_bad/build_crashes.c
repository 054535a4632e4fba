/* build_crashes.c - a layer that reads through NULL when it is built.
 * expect: fail sizes: crashed */
#include <hillock/plugin.h>

static const hk_field fields[] = {
    { "channels", HK_INT, 0, "4", 1, 1 << 20, NULL, "length of axis 0 of one sample" },
    { "gain", HK_REAL, 0, "1.0", 0, 0, NULL, "where every gain starts" },
    { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other" },
};

static hk_status type_init(hk_module *self) {
    const int64_t shape[1] = { hk_get_int(self, "channels") };
    hk_status st = hk_add_param(self, "gain", 1, shape, HK_INIT_CONST, hk_get_real(self, "gain"), 0);
    return st ? st : hk_add_param(self, "shift", 1, shape, HK_INIT_CONST, 0, 0);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_desc x = hk_value_desc(b, in[0]);
    const volatile int *nowhere = (const volatile int *)(uintptr_t)n_out - 1;
    const int64_t channels = *nowhere + hk_get_int(self, "channels");
    if (x.dtype != HK_ABSENT && (x.rank < 1 || x.shape[0] != channels)) /* ABSENT: a loop's carry whose shape is not known yet */
        return b->api->fail(b, HK_ESHAPE, "expected %lld channels, as `channels` says, got an input with %lld", (long long)channels, x.rank < 1 ? 0LL : (long long)x.shape[0]);
    out[0] = hk_add(b, hk_mul(b, in[0], hk_param(b, self, "gain")), hk_param(b, self, "shift"));
    return HK_OK;
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = gain x + shift, each channel with its own",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = type_init,
    .build = build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "Bad", &type); }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
