/* pair.h - arguments of two axes: one integer for both, or two (height, width). */
#ifndef LAYERS_PAIR_H
#define LAYERS_PAIR_H

#include "layers.h"

/* For init: every named field must be one integer or two, where it is not none. */
static inline hk_status check_pairs(const hk_module *self, const char *const *names) {
    int64_t v[2];
    for (; *names; names++) {
        const int n = hk_is_none(self, *names) ? 1 : hk_get_ints(self, *names, v, 2);
        if (n != 1 && n != 2) return self->api->fail(self, HK_ECONFIG, "%s must be an integer or two of them (height, width), got %d", *names, n);
    }
    return HK_OK;
}

static inline void get_pair(const hk_module *self, const char *name, int64_t v[2]) {
    if (hk_get_ints(self, name, v, 2) == 1) v[1] = v[0];
}

/* The window of kernel_size, stride (none: kernel_size), padding and dilation, as far as the type has them. */
static inline hk_window pool_window(const hk_module *self, int dilation) {
    hk_window w = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 1, 1 } };
    get_pair(self, "kernel_size", w.kernel);
    get_pair(self, hk_is_none(self, "stride") ? "kernel_size" : "stride", w.stride);
    get_pair(self, "padding", w.pad);
    if (dilation) get_pair(self, "dilation", w.dil);
    for (int a = 0; a < 2; a++) w.pad_end[a] = w.pad[a];
    return w;
}

/* For build: the input is [C,H,W], with C channels when C > 0. False after a failure, which is kept. */
static inline int check_picture(hk_builder *b, hk_value in, int64_t C, const char *argument) {
    const hk_desc x = hk_value_desc(b, in);
    if (x.dtype == HK_ABSENT) return 1; /* not known yet */
    if (x.rank != 3) return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, expected three: [channels, height, width]", (int)x.rank), 0;
    if (C > 0 && x.shape[0] != C)
        return b->api->fail(b, HK_ESHAPE, "the input has %lld channels, expected %s=%lld", (long long)x.shape[0], argument, (long long)C), 0;
    return 1;
}

#endif
