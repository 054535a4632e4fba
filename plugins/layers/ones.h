/* ones.h - fixed weights of 1x1 convolutions that add up channels, or hand one channel to several. */
#ifndef LAYERS_ONES_H
#define LAYERS_ONES_H

#include "layers.h"
#include <stdlib.h>

/* [out,in,1,1], all 1 */
static inline hk_value ones(hk_builder *b, int64_t out, int64_t in) {
    const int64_t shape[4] = { out, in, 1, 1 }, n = out * in;
    double *v = malloc((size_t)n * sizeof *v);
    if (!v) return b->api->fail(b, HK_ENOMEM, "out of memory for a fixed weight"), HK_NONE;
    for (int64_t i = 0; i < n; i++) v[i] = 1.0;
    hk_value w = hk_unflatten(b, hk_constants(b, n, v), 4, shape);
    free(v);
    return w;
}

/* [in,H,W] to [out,H,W]: in each of `groups` parts of the channels, every output is the sum of the inputs. */
static inline hk_value by_ones(hk_builder *b, hk_value x, int64_t in, int64_t out, int64_t groups) {
    static const hk_window one = { { 1, 1 }, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    return hk_conv2d(b, x, ones(b, out, in / groups), HK_NONE, &one, groups);
}

#endif
