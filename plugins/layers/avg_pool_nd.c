/* avg_pool_nd.c - AvgPool1d and AvgPool3d, AdaptiveAvgPool1d and AdaptiveAvgPool3d: averages over one axis, or over three. */
#include "pool_nd.h"
#include <math.h>

#define WINDOW_FIELDS                                                                                                                                          \
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "size of the window along each axis" },                                                                 \
        { "stride", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "from one window to the next; none: kernel_size" },                                          \
        { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "zeros around x, on each side; at most half the kernel" },                                               \
        { "ceil_mode", HK_BOOL, 0, "false", 0, 0, NULL, "a last window may reach beyond the padded input" }, {                                                 \
        "count_include_pad", HK_BOOL, 0, "true", 0, 0, NULL, "zeros of the padding count in the average"                                                       \
    }

static const hk_field fields1[] = { WINDOW_FIELDS, STEP_MODE_FIELD };
static const hk_field fields3[] = {
    WINDOW_FIELDS,
    { "divisor_override", HK_INT, HK_NULLABLE, "none", 1, INFINITY, NULL, "divide the sum by this instead of by the places" },
    STEP_MODE_FIELD,
};
static const hk_field adaptive_fields[] = {
    { "output_size", HK_INTS, 0, NULL, 1, 65535, NULL, "places of y along each axis" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self, int axes) {
    static const char *const names[] = { "kernel_size", "stride", "padding", NULL };
    int64_t kernel[3], pad[3];
    hk_status st = check_axes(self, axes, names);
    if (st) return st;
    get_axes(self, axes, "kernel_size", kernel), get_axes(self, axes, "padding", pad);
    for (int a = 0; a < axes; a++)
        if (2 * pad[a] > kernel[a]) return self->api->fail(self, HK_ECONFIG, "padding must be at most half of kernel_size");
    return HK_OK;
}
static hk_status init1(hk_module *self) { return init(self, 1); }
static hk_status init3(hk_module *self) { return init(self, 3); }

/* A given divisor belongs to the last of the two pools of three axes; the first one gives sums. */
static hk_value picture(hk_builder *b, const hk_module *self, hk_value x, int axes, const int axis[2]) {
    static const int64_t ones[3] = { 1, 1, 1 };
    int64_t kernel[3], stride[3], pad[3];
    get_axes(self, axes, "kernel_size", kernel), get_axes(self, axes, "padding", pad);
    get_axes(self, axes, hk_is_none(self, "stride") ? "kernel_size" : "stride", stride);
    const hk_window w = window_of(axis, kernel, stride, pad, ones);
    const int64_t divisor = axes == 1 || hk_is_none(self, "divisor_override") ? 0 : axis[0] == 0 ? hk_get_int(self, "divisor_override") : 1;
    return hk_avgpool2d(b, x, &w, hk_get_bool(self, "ceil_mode"), hk_get_bool(self, "count_include_pad"), divisor);
}
POOL_BUILD(build1, 1, picture)
POOL_BUILD(build3, 3, picture)

static hk_status adaptive_init(hk_module *self, int axes) {
    static const char *const names[] = { "output_size", NULL };
    return check_axes(self, axes, names);
}
static hk_status adaptive_init1(hk_module *self) { return adaptive_init(self, 1); }
static hk_status adaptive_init3(hk_module *self) { return adaptive_init(self, 3); }

static hk_value adaptive_picture(hk_builder *b, const hk_module *self, hk_value x, int axes, const int axis[2]) {
    int64_t size[3];
    get_axes(self, axes, "output_size", size);
    return hk_adaptive_avgpool2d(b, x, axis[0] < 0 ? 0 : size[axis[0]], axis[1] < 0 ? 0 : size[axis[1]]); /* 0: as the input */
}
POOL_BUILD(adaptive_build1, 1, adaptive_picture)
POOL_BUILD(adaptive_build3, 3, adaptive_picture)

#define AVERAGE(name, doc_, source_, fields_, init_, build_)                                                                                                   \
    const hk_module_type name = {                                                                                                                              \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = doc_,                                                                                                                                           \
        .source = source_,                                                                                                                                     \
        .fields = fields_,                                                                                                                                     \
        .n_fields = sizeof fields_ / sizeof fields_[0],                                                                                                        \
        .init = init_,                                                                                                                                         \
        .build = build_,                                                                                                                                       \
    }
AVERAGE(avg_pool1d_type, "y = the average of each window over [C,L]", "torch.nn.AvgPool1d", fields1, init1, build1);
AVERAGE(avg_pool3d_type, "y = the average of each window over [C,D,H,W]", "torch.nn.AvgPool3d", fields3, init3, build3);
AVERAGE(adaptive_avg_pool1d_type, "y[i] = the average of x[floor(i n/o)] ... x[ceil((i+1) n/o) - 1]", "torch.nn.AdaptiveAvgPool1d", adaptive_fields,
    adaptive_init1, adaptive_build1);
AVERAGE(adaptive_avg_pool3d_type, "y[i] = the average of x[floor(i n/o)] ... x[ceil((i+1) n/o) - 1], on all three axes", "torch.nn.AdaptiveAvgPool3d",
    adaptive_fields, adaptive_init3, adaptive_build3);
