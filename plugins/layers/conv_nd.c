/* conv_nd.c - Conv1d and Conv3d, and what they share with the transposed convolutions of conv_transpose.c. */
#include "conv_nd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WEIGHT = 1 << 26 }; /* numbers in a weight over depths: 256 MiB */

static conv_args args_of(const hk_module *self, int axes, int transposed) {
    conv_args a = { .axes = axes, .transposed = transposed };
    a.in = hk_get_int(self, "in_channels"), a.out = hk_get_int(self, "out_channels"), a.groups = hk_get_int(self, "groups");
    a.same = !transposed && hk_get_str(self, "padding") && !strcmp(hk_get_str(self, "padding"), "same");
    get_axes(self, axes, "kernel_size", a.kernel), get_axes(self, axes, "stride", a.stride), get_axes(self, axes, "dilation", a.dil);
    if (transposed || !hk_get_str(self, "padding")) get_axes(self, axes, "padding", a.pad);
    if (transposed) get_axes(self, axes, "output_padding", a.more);
    for (int k = 0; k < axes; k++) {
        const int64_t reach = a.dil[k] * (a.kernel[k] - 1);
        if (a.same) a.pad[k] = reach / 2, a.pad_end[k] = reach - a.pad[k];
        else a.pad_end[k] = a.pad[k] - a.more[k]; /* so that the convolution back has exactly the input's places */
    }
    return a;
}

/* torch's reset_parameters: kaiming_uniform with a = sqrt(5) is the same law as the bias's. */
hk_status conv_nd_init(hk_module *self, int axes, int transposed) {
    static const char *const names[] = { "kernel_size", "stride", "dilation", NULL }, *const padding[] = { "padding", NULL },
                             *const more[] = { "output_padding", NULL };
    hk_status st = check_axes(self, axes, names);
    if (!st && (transposed || !hk_get_str(self, "padding"))) st = check_axes(self, axes, padding);
    if (!st && transposed) st = check_axes(self, axes, more);
    if (st) return st;
    const conv_args a = args_of(self, axes, transposed);
    if (a.in % a.groups || a.out % a.groups)
        return self->api->fail(
            self, HK_ECONFIG, "groups=%lld does not divide in_channels=%lld and out_channels=%lld", (long long)a.groups, (long long)a.in, (long long)a.out);
    double fan_in = (double)((transposed ? a.out : a.in) / a.groups);
    int64_t shape[5] = { transposed ? a.in : a.out, (transposed ? a.out : a.in) / a.groups };
    for (int k = 0; k < axes; k++) {
        if (a.same && a.stride[k] != 1) return self->api->fail(self, HK_ECONFIG, "padding=same needs stride=1");
        if (a.more[k] && a.more[k] >= a.stride[k])
            return self->api->fail(self, HK_ECONFIG, "output_padding=%lld must be less than stride=%lld", (long long)a.more[k], (long long)a.stride[k]);
        shape[2 + k] = a.kernel[k];
        fan_in *= (double)a.kernel[k];
    }
    const double bound = 1.0 / sqrt(fan_in);
    st = hk_add_param(self, "weight", 2 + axes, shape, HK_INIT_UNIFORM, -bound, bound);
    if (!st && hk_get_bool(self, "bias")) st = hk_add_param(self, "bias", 1, &a.out, HK_INIT_UNIFORM, -bound, bound);
    return st;
}

/* The weight [O,c,k,kh,kw] as [O wide, c deep, kh, kw]: wide depths of the convolution's output, deep of its input. HK_NONE after a failure. */
static hk_value over_depths(hk_builder *b, const conv_args *a, hk_value weight, int64_t wide, int64_t deep) {
    const int64_t O = a->transposed ? a->in : a->out, c = (a->transposed ? a->out : a->in) / a->groups, taps = a->kernel[1] * a->kernel[2];
    const int64_t shape[4] = { O * wide, c * deep, a->kernel[1], a->kernel[2] };
    const __int128 all = (__int128)shape[0] * shape[1] * taps;
    if (all > MAX_WEIGHT)
        return b->api->fail(
                   b, HK_EUNSUPPORTED, "a weight over %lld and %lld depths would have more than %d numbers", (long long)wide, (long long)deep, MAX_WEIGHT),
               HK_NONE;
    int64_t *index = malloc((size_t)all * sizeof *index), n = 0;
    if (!index) return b->api->fail(b, HK_ENOMEM, "out of memory for the weight's places"), HK_NONE;
    for (int64_t o = 0; o < O; o++)
        for (int64_t w = 0; w < wide; w++)
            for (int64_t i = 0; i < c; i++)
                for (int64_t d = 0; d < deep; d++) {
                    const int64_t far = d + a->pad[0] - w * a->stride[0], k = far / a->dil[0];
                    const int hit = far >= 0 && far % a->dil[0] == 0 && k < a->kernel[0];
                    for (int64_t q = 0; q < taps; q++) index[n++] = hit ? ((o * c + i) * a->kernel[0] + k) * taps + q : -1;
                }
    hk_value v = hk_unflatten(b, hk_gather(b, hk_flatten(b, weight), n, index), 4, shape);
    free(index);
    return v;
}

hk_status conv_nd_build(hk_builder *b, const hk_module *self, int axes, int transposed, hk_value in, hk_value *out) {
    const conv_args a = args_of(self, axes, transposed);
    const int known = check_places(b, in, axes, a.in, "in_channels");
    const hk_desc x = hk_value_desc(b, in);
    if (known < 0) return HK_ESHAPE;
    if (!known) return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    int64_t size[4] = { a.out };
    for (int k = 0; k < axes; k++) {
        const int64_t reach = a.dil[k] * (a.kernel[k] - 1) + 1, room = x.shape[1 + k] + a.pad[k] + a.pad_end[k] - reach;
        size[1 + k] = transposed ? (x.shape[1 + k] - 1) * a.stride[k] - a.pad[k] - a.pad_end[k] + reach : room < 0 ? 0 : room / a.stride[k] + 1;
        if (size[1 + k] < 1)
            return b->api->fail(b, HK_ESHAPE, "%lld places along axis %d leave none in the output (kernel_size=%lld, padding=%lld)", (long long)x.shape[1 + k],
                1 + k, (long long)a.kernel[k], (long long)a.pad[k]);
    }
    static const int planes[3][2] = { { -1, 0 }, { 0, 1 }, { 1, 2 } };
    hk_window w = window_of(planes[axes - 1], a.kernel, a.stride, a.pad, a.dil);
    for (int k = 0; k < 2; k++)
        if (planes[axes - 1][k] >= 0) w.pad_end[k] = a.pad_end[planes[axes - 1][k]];
    const int64_t D = axes == 3 ? x.shape[1] : 1, D2 = axes == 3 ? size[1] : 1, H2 = axes == 1 ? 1 : size[axes - 1];
    hk_value weight = hk_param(b, self, "weight"), bias = hk_get_bool(self, "bias") ? hk_param(b, self, "bias") : HK_NONE;
    if (axes == 1) {
        const int64_t flat[4] = { transposed ? a.in : a.out, (transposed ? a.out : a.in) / a.groups, 1, a.kernel[0] };
        weight = hk_unflatten(b, weight, 4, flat);
    }
    if (axes == 3) weight = over_depths(b, &a, weight, transposed ? D : D2, transposed ? D2 : D);
    hk_value v = axes == 2 ? in : as_shape3(b, in, a.in * D, axes == 1 ? 1 : x.shape[axes - 1], x.shape[axes]);
    if (transposed) {
        const int64_t to[3] = { a.out * D2, H2, size[axes] };
        if (x.dtype != HK_F32) v = hk_affine(b, v, 1.0, 0.0);
        v = hk_conv2d_transposed(b, v, weight, &w, a.groups, to);
    } else {
        v = hk_conv2d(b, v, weight, axes == 3 ? HK_NONE : bias, &w, a.groups);
    }
    if (axes != 2) v = hk_unflatten(b, v, 1 + axes, size);
    *out = bias && (transposed || axes == 3) ? hk_add(b, v, bias) : v;
    return HK_OK;
}

static const hk_field fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "out_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of y: kernels" },
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "size of a kernel along each axis" },
    { "stride", HK_INTS, 0, "1", 1, 65535, NULL, "from one place to the next" },
    { "padding", HK_INTS, 0, "0", 0, 65535, "same|valid", "zeros around x, on each side; same: as many as keep the places (stride 1); valid: none" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one tap of a kernel to the next" },
    { "groups", HK_INT, 0, "1", 1, INFINITY, NULL, "parts of the channels, each with kernels of its own" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "padding_mode", HK_ENUM, 0, "zeros", 0, 0, "zeros", "what padding consists of" },
    STEP_MODE_FIELD,
};

CONV_FNS(1, 1, 0)
CONV_FNS(3, 3, 0)

const hk_module_type conv1d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[o,i] = sum_{c,u} w[o,c,u] x[c, i stride - padding + u dilation] + b[o]",
    .source = "torch.nn.Conv1d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init1,
    .build = build1,
};
const hk_module_type conv3d_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[o,l,i,j] = sum_{c,s,u,v} w[o,c,s,u,v] x[c, l stride - padding + s dilation, i stride - padding + u dilation, j stride - padding + v dilation] + "
           "b[o]",
    .source = "torch.nn.Conv3d",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init3,
    .build = build3,
};
