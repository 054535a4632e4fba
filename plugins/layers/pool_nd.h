/* pool_nd.h - pools over one or three axes by those of pictures: [C,L] as [C,1,L]; [C,D,H,W] first over height and width, then over depth. Averages and
 * maxima may be taken axis by axis, and the first maximum, depth by depth and row by row, stays the first. */
#ifndef LAYERS_POOL_ND_H
#define LAYERS_POOL_ND_H

#include "axes.h"

/* Pools a picture; axis[]: the layer's axis that is its height, and its width; -1: none, it stays as it is. */
typedef hk_value pool_picture(hk_builder *, const hk_module *, hk_value x, int axes, const int axis[2]);

static inline hk_status pool_build(hk_builder *b, const hk_module *self, int axes, pool_picture *pool, hk_value in, hk_value *out) {
    static const int length[2] = { -1, 0 }, places[2] = { 1, 2 }, depth[2] = { 0, -1 };
    const hk_desc x = hk_value_desc(b, in);
    const int known = check_places(b, in, axes, 0, NULL);
    if (known < 0) return HK_ESHAPE;
    if (!known) return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    const int64_t C = x.shape[0];
    if (axes == 1) {
        hk_value y = pool(b, self, as_shape3(b, in, C, 1, x.shape[1]), axes, length);
        const int64_t shape[2] = { C, hk_value_desc(b, y).shape[2] };
        *out = hk_unflatten(b, y, 2, shape);
        return HK_OK;
    }
    hk_value flat = pool(b, self, as_shape3(b, in, C * x.shape[1], x.shape[2], x.shape[3]), axes, places);
    const int64_t H = hk_value_desc(b, flat).shape[1], W = hk_value_desc(b, flat).shape[2];
    hk_value deep = pool(b, self, as_shape3(b, flat, C, x.shape[1], H * W), axes, depth);
    const int64_t shape[4] = { C, hk_value_desc(b, deep).shape[1], H, W };
    *out = hk_unflatten(b, deep, 4, shape);
    return HK_OK;
}

#define POOL_BUILD(name, axes, picture)                                                                                                                        \
    static hk_status name(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {                                      \
        (void)n_in, (void)n_out;                                                                                                                               \
        return pool_build(b, self, axes, picture, in[0], out);                                                                                                 \
    }

#endif
