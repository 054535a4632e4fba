/* gain.c - a sample plugin of somebody else: a layer y = x * gain, with a learnable gain per number. Needs the one of leaky.c. */
#include "hillock/plugin.h"

static const hk_field fields[] = { { "n", HK_INT, 0, NULL, 1, 1e6, NULL, "numbers per row" } };

static hk_status declare(hk_module *self) {
    const int64_t shape[] = { hk_get_int(self, "n") };
    return hk_add_param(self, "gain", 1, shape, HK_INIT_UNIFORM, 0.5, 1.5);
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    out[0] = hk_mul(b, in[0], hk_param(b, self, "gain"));
    return HK_OK;
}

static const hk_module_type gain = {
    .struct_size = sizeof gain, .role = HK_LAYER, .doc = "y = x * gain", .fields = fields, .n_fields = 1, .init = declare, .build = build
};

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "abi.Gain", &gain); }

HK_PLUGIN_NEEDS("abi.gain", "1.0", "Apache-2.0", init, "abi.leaky");
