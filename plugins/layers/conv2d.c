/* conv2d.c - cross-correlation of [C,H,W] with O kernels. */
#include "pair.h"
#include <math.h>
#include <string.h>

static const hk_field fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "out_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of y: kernels" },
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "height and width of a kernel" },
    { "stride", HK_INTS, 0, "1", 1, 65535, NULL, "from one place to the next" },
    { "padding", HK_INTS, 0, "0", 0, 65535, "same|valid", "zeros around x, on each side; same: as many as keep height and width (stride 1); valid: none" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one tap of a kernel to the next" },
    { "groups", HK_INT, 0, "1", 1, INFINITY, NULL, "parts of the channels, each with kernels of its own" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "padding_mode", HK_ENUM, 0, "zeros", 0, 0, "zeros", "what padding consists of" },
    STEP_MODE_FIELD,
};

static int is_same(const hk_module *self) {
    const char *word = hk_get_str(self, "padding");
    return word && !strcmp(word, "same");
}

/* torch.nn.Conv2d.reset_parameters: kaiming_uniform with a = sqrt(5) is the same law as the bias's. */
static hk_status init(hk_module *self) {
    static const char *const pairs[] = { "kernel_size", "stride", "dilation", NULL }, *const padding[] = { "padding", NULL };
    hk_status st = check_pairs(self, pairs);
    if (!st && !hk_get_str(self, "padding")) st = check_pairs(self, padding);
    if (st) return st;
    const int64_t in = hk_get_int(self, "in_channels"), out = hk_get_int(self, "out_channels"), groups = hk_get_int(self, "groups");
    int64_t kernel[2], stride[2];
    get_pair(self, "kernel_size", kernel), get_pair(self, "stride", stride);
    if (in % groups || out % groups)
        return self->api->fail(
            self, HK_ECONFIG, "groups=%lld does not divide in_channels=%lld and out_channels=%lld", (long long)groups, (long long)in, (long long)out);
    if (is_same(self) && (stride[0] != 1 || stride[1] != 1)) return self->api->fail(self, HK_ECONFIG, "padding=same needs stride=1");
    const int64_t shape[4] = { out, in / groups, kernel[0], kernel[1] };
    const double bound = 1.0 / sqrt((double)(in / groups) * (double)kernel[0] * (double)kernel[1]);
    st = hk_add_param(self, "weight", 4, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "bias", 1, shape, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_window w = { { 0 }, { 0 }, { 0 }, { 0 }, { 0 } };
    if (!check_picture(b, in[0], hk_get_int(self, "in_channels"), "in_channels")) return HK_ESHAPE;
    get_pair(self, "kernel_size", w.kernel), get_pair(self, "stride", w.stride), get_pair(self, "dilation", w.dil);
    if (!hk_get_str(self, "padding")) get_pair(self, "padding", w.pad);
    for (int a = 0; a < 2; a++) {
        if (is_same(self)) w.pad[a] = w.dil[a] * (w.kernel[a] - 1) / 2, w.pad_end[a] = w.dil[a] * (w.kernel[a] - 1) - w.pad[a];
        else w.pad_end[a] = w.pad[a];
    }
    out[0] = hk_conv2d(b, in[0], hk_param(b, self, "weight"), hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE, &w, hk_get_int(self, "groups"));
    return HK_OK;
}

const hk_module_type conv2d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[o,i,j] = sum_{c,u,v} w[o,c,u,v] x[c, i stride - padding + u dilation, j stride - padding + v dilation] + b[o]",
    .source = "torch.nn.Conv2d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
