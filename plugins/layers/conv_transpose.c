/* conv_transpose.c - ConvTranspose1d, ConvTranspose2d, ConvTranspose3d: the adjoint in x of the convolution with the same weight. */
#include "conv_nd.h"
#include <math.h>

static const hk_field fields[] = {
    { "in_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of x" },
    { "out_channels", HK_INT, 0, NULL, 1, INFINITY, NULL, "channels of y" },
    { "kernel_size", HK_INTS, 0, NULL, 1, 65535, NULL, "size of a kernel along each axis" },
    { "stride", HK_INTS, 0, "1", 1, 65535, NULL, "places of y from one place of x to the next" },
    { "padding", HK_INTS, 0, "0", 0, 65535, NULL, "places of y that are left out, on each side" },
    { "output_padding", HK_INTS, 0, "0", 0, 65535, NULL, "places more at the end of y; less than stride" },
    { "groups", HK_INT, 0, "1", 1, INFINITY, NULL, "parts of the channels, each with kernels of its own" },
    { "bias", HK_BOOL, 0, "true", 0, 0, NULL, "whether b is there" },
    { "dilation", HK_INTS, 0, "1", 1, 65535, NULL, "from one tap of a kernel to the next" },
    { "padding_mode", HK_ENUM, 0, "zeros", 0, 0, "zeros", "what padding consists of" },
    STEP_MODE_FIELD,
};

CONV_FNS(1, 1, 1)
CONV_FNS(2, 2, 1)
CONV_FNS(3, 3, 1)

#define TRANSPOSED(n, doc_)                                                                                                                                    \
    const hk_module_type conv_transpose##n##d_type = {                                                                                                         \
        .struct_size = sizeof(hk_module_type),                                                                                                                 \
        .role = HK_LAYER,                                                                                                                                      \
        .doc = doc_,                                                                                                                                           \
        .source = "torch.nn.ConvTranspose" #n "d",                                                                                                             \
        .fields = fields,                                                                                                                                      \
        .n_fields = sizeof fields / sizeof fields[0],                                                                                                          \
        .init = init##n,                                                                                                                                       \
        .build = build##n,                                                                                                                                     \
    }
TRANSPOSED(1, "y[o, i stride - padding + u dilation] += w[c,o,u] x[c,i] for all c, i, u; + b[o]; w is [in, out / groups, k]");
TRANSPOSED(2, "y[o, i stride - padding + u dilation, j stride - padding + v dilation] += w[c,o,u,v] x[c,i,j] for all c, i, j, u, v; + b[o]");
TRANSPOSED(3, "as ConvTranspose2d, over depth, height and width: w is [in, out / groups, kd, kh, kw]");
