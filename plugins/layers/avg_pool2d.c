/* avg_pool2d.c - the average of a sliding window. */
#include "pair.h"
#include <math.h>

static const hk_field fields[] = {
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of the window" },
    { "stride", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "from one window to the next; none: kernel_size" },
    { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "zeros around x, on each side; at most half the kernel" },
    { "ceil_mode", HK_BOOL, 0, "false", 0, 0, NULL, "a last window may reach beyond the padded input" },
    { "count_include_pad", HK_BOOL, 0, "true", 0, 0, NULL, "zeros of the padding count in the average" },
    { "divisor_override", HK_INT, HK_NULLABLE, "none", 1, INFINITY, NULL, "divide the sum by this instead of by the places" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    static const char *const pairs[] = { "kernel_size", "stride", "padding", NULL };
    hk_status st = check_pairs(self, pairs);
    if (st) return st;
    const hk_window w = pool_window(self, 0);
    if (2 * w.pad[0] > w.kernel[0] || 2 * w.pad[1] > w.kernel[1]) return self->api->fail(self, HK_ECONFIG, "padding must be at most half of kernel_size");
    return HK_OK;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_window w = pool_window(self, 0);
    const int64_t divisor = hk_is_none(self, "divisor_override") ? 0 : hk_get_int(self, "divisor_override");
    if (!check_picture(b, in[0], 0, NULL)) return HK_ESHAPE;
    out[0] = hk_avgpool2d(b, in[0], &w, hk_get_bool(self, "ceil_mode"), hk_get_bool(self, "count_include_pad"), divisor);
    return HK_OK;
}

const hk_module_type avg_pool2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = the average of each window",
    .source = "torch.nn.AvgPool2d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
