/* max_pool2d.c - the maximum of a sliding window. */
#include "pair.h"

static const hk_field fields[] = {
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of the window" },
    { "stride", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "from one window to the next; none: kernel_size" },
    { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "places around x that are never the maximum, on each side; at most half the kernel" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one place of the window to the next" },
    { "return_indices", HK_BOOL, 0, "false", 0, 0, NULL, "only false" },
    { "ceil_mode", HK_BOOL, 0, "false", 0, 0, NULL, "a last window may reach beyond the padded input" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    static const char *const pairs[] = { "kernel_size", "stride", "padding", "dilation", NULL };
    hk_status st = check_pairs(self, pairs);
    if (st) return st;
    const hk_window w = pool_window(self, 1);
    if (hk_get_bool(self, "return_indices")) return self->api->fail(self, HK_EUNSUPPORTED, "return_indices=true: the places of the maxima cannot be had");
    if (2 * w.pad[0] > w.kernel[0] || 2 * w.pad[1] > w.kernel[1]) return self->api->fail(self, HK_ECONFIG, "padding must be at most half of kernel_size");
    return HK_OK;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_window w = pool_window(self, 1);
    if (!check_picture(b, in[0], 0, NULL)) return HK_ESHAPE;
    out[0] = hk_maxpool2d(b, in[0], &w, hk_get_bool(self, "ceil_mode"));
    return HK_OK;
}

const hk_module_type max_pool2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = the maximum of each window; its gradient goes to the first maximum, row by row",
    .source = "torch.nn.MaxPool2d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
