/* axes.h - arguments of layers with one, two or three axes of places: one integer for all axes, or one for each. And how a row of one or three such
 * axes is seen as a picture [C,H,W], in which all sliding windows work:
 *
 *     [C,L] is [C,1,L];   [C,D,H,W] is [C D,H,W], in which channel c D + d is depth d of channel c. */
#ifndef LAYERS_AXES_H
#define LAYERS_AXES_H

#include "layers.h"

/* For init: every named field must be one integer or `axes` of them, where it is not none. */
static inline hk_status check_axes(const hk_module *self, int axes, const char *const *names) {
    int64_t v[4];
    for (; *names; names++) {
        const int n = hk_is_none(self, *names) ? 1 : hk_get_ints(self, *names, v, 4);
        if (n == 1 || n == axes) continue;
        if (axes == 1) return self->api->fail(self, HK_ECONFIG, "%s must be one integer, got %d", *names, n);
        return self->api->fail(self, HK_ECONFIG, "%s must be an integer or %d of them, got %d", *names, axes, n);
    }
    return HK_OK;
}

static inline void get_axes(const hk_module *self, int axes, const char *name, int64_t *v) {
    if (hk_get_ints(self, name, v, axes) == 1)
        for (int a = 1; a < axes; a++) v[a] = v[0];
}

/* For build: the input of one sample is [C, places], with C channels when C > 0. 1: it is known, 0: not yet; -1 after a failure, which is kept. */
static inline int check_places(hk_builder *b, hk_value in, int axes, int64_t C, const char *argument) {
    static const char *const want[] = { "two: [channels, length]", "three: [channels, height, width]", "four: [channels, depth, height, width]" };
    const hk_desc x = hk_value_desc(b, in);
    if (x.dtype == HK_ABSENT) return 0;
    if (x.rank != axes + 1) return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, expected %s", (int)x.rank, want[axes - 1]), -1;
    if (C > 0 && x.shape[0] != C)
        return b->api->fail(b, HK_ESHAPE, "the input has %lld channels, expected %s=%lld", (long long)x.shape[0], argument, (long long)C), -1;
    return 1;
}

static inline hk_value as_shape3(hk_builder *b, hk_value x, int64_t C, int64_t H, int64_t W) {
    const int64_t shape[3] = { C, H, W };
    return hk_unflatten(b, x, 3, shape);
}

/* A window over a picture, of arguments with one number per axis of the layer. axis[]: which of them is its height, and its width; -1: none, the window is 1. */
static inline hk_window window_of(const int axis[2], const int64_t *kernel, const int64_t *stride, const int64_t *pad, const int64_t *dil) {
    hk_window w = { { 1, 1 }, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    for (int a = 0; a < 2; a++)
        if (axis[a] >= 0) w.kernel[a] = kernel[axis[a]], w.stride[a] = stride[axis[a]], w.pad[a] = w.pad_end[a] = pad[axis[a]], w.dil[a] = dil[axis[a]];
    return w;
}

#endif
