/* max_pool_nd.c - MaxPool1d and MaxPool3d: the maximum of a sliding window over one axis, or over three. */
#include "pool_nd.h"

static const hk_field fields[] = {
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "size of the window along each axis" },
    { "stride", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "from one window to the next; none: kernel_size" },
    { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "places around x that are never the maximum, on each side; at most half the kernel" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one place of the window to the next" },
    { "return_indices", HK_BOOL, 0, "false", 0, 0, NULL, "only false" },
    { "ceil_mode", HK_BOOL, 0, "false", 0, 0, NULL, "a last window may reach beyond the padded input" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self, int axes) {
    static const char *const names[] = { "kernel_size", "stride", "padding", "dilation", NULL };
    int64_t kernel[3], pad[3];
    hk_status st = check_axes(self, axes, names);
    if (st) return st;
    if (hk_get_bool(self, "return_indices")) return self->api->fail(self, HK_EUNSUPPORTED, "return_indices=true: the places of the maxima cannot be had");
    get_axes(self, axes, "kernel_size", kernel), get_axes(self, axes, "padding", pad);
    for (int a = 0; a < axes; a++)
        if (2 * pad[a] > kernel[a]) return self->api->fail(self, HK_ECONFIG, "padding must be at most half of kernel_size");
    return HK_OK;
}
static hk_status init1(hk_module *self) { return init(self, 1); }
static hk_status init3(hk_module *self) { return init(self, 3); }

static hk_value picture(hk_builder *b, const hk_module *self, hk_value x, int axes, const int axis[2]) {
    int64_t kernel[3], stride[3], pad[3], dil[3];
    get_axes(self, axes, "kernel_size", kernel), get_axes(self, axes, "padding", pad), get_axes(self, axes, "dilation", dil);
    get_axes(self, axes, hk_is_none(self, "stride") ? "kernel_size" : "stride", stride);
    const hk_window w = window_of(axis, kernel, stride, pad, dil);
    return hk_maxpool2d(b, x, &w, hk_get_bool(self, "ceil_mode"));
}
POOL_BUILD(build1, 1, picture)
POOL_BUILD(build3, 3, picture)

const hk_module_type max_pool1d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = the maximum of each window over [C,L]; its gradient goes to the first maximum",
    .source = "torch.nn.MaxPool1d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init1,
    .build = build1,
};
const hk_module_type max_pool3d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = the maximum of each window over [C,D,H,W]; its gradient goes to the first maximum, depth by depth and row by row",
    .source = "torch.nn.MaxPool3d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init3,
    .build = build3,
};
