/* after.c - needs good, comes before it in the order of names, and looks at what good has added. */
#include "hillock/plugin.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)b, (void)self, (void)n_in, (void)n_out;
    out[0] = in[0];
    return HK_OK;
}
static const hk_module_type type = { .struct_size = sizeof type, .role = HK_LAYER, .doc = "passes on what it gets", .build = build };

static hk_status init(const hk_host *h) {
    if (!h->get(h->ctx, "hk.module/1", "Good")) return (h->fail)(h->ctx, HK_EPLUGIN, "init runs before that of good");
    return h->add(h->ctx, "hk.module/1", "After", &type);
}

HK_PLUGIN_NEEDS("after", "1.0", "Apache-2.0", init, "good");
