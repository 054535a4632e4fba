/* conv_nd.h - convolutions over one or three axes, and transposed ones over one, two or three, by the core's two-dimensional ones.
 *
 * [C,L] is the picture [C,1,L]. [C,D,H,W] is the picture [C D,H,W]: a kernel's taps along the depth become a weight [O D', C D, kh, kw] whose entry
 * (o d', c d) is the tap that output depth d' has on input depth d, or zero. Channels of a group stay together, so that groups stay groups. */
#ifndef LAYERS_CONV_ND_H
#define LAYERS_CONV_ND_H

#include "axes.h"

typedef struct conv_args {
    int axes, transposed, same;
    int64_t in, out, groups;
    int64_t kernel[3], stride[3], pad[3], pad_end[3], dil[3], more[3]; /* more: output_padding */
} conv_args;

hk_status conv_nd_init(hk_module *self, int axes, int transposed); /* checks the fields, declares weight and bias */
hk_status conv_nd_build(hk_builder *b, const hk_module *self, int axes, int transposed, hk_value x, hk_value *y);

#define CONV_FNS(n, axes, transposed)                                                                                                                          \
    static hk_status init##n(hk_module *self) { return conv_nd_init(self, axes, transposed); }                                                                 \
    static hk_status build##n(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                                  \
        (void)n_in, (void)n_out;                                                                                                                               \
        return conv_nd_build(b, self, axes, transposed, in[0], out);                                                                                           \
    }

#endif
