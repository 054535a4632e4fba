/* window.h - windows over images: what convolutions and pools share. */
#ifndef HILLOCK_CPU_WINDOW_H
#define HILLOCK_CPU_WINDOW_H

#include "cpu.h"

/* One axis of a window: tap k of output q lies at q * stride - pad + k * dil of the input. */
typedef struct cpu_window {
    int64_t kernel, stride, pad, pad_end, dil;
} cpu_window;

static inline cpu_window cpu_window_of(const hk_opdesc *o, int axis) {
    static const char *const names[2][5] = { { "kernel_h", "stride_h", "pad_top", "pad_bottom", "dil_h" },
        { "kernel_w", "stride_w", "pad_left", "pad_right", "dil_w" } };
    int64_t v[5];
    for (int k = 0; k < 5; k++) v[k] = cpu_attr(o, names[axis][k])->i;
    cpu_window w = { cpu_max(v[0], 1), cpu_max(v[1], 1), v[2], v[3], cpu_max(v[4], 1) };
    return w;
}

/* An image in storage: [H][W][C] of f32 or u8. */
typedef struct cpu_image {
    const void *x;
    int u8;
    int64_t H, W, C;
} cpu_image;

/* dst[rows][cols][ld]: channels [c0, c0 + take) of the rows from h0 and columns from w0 on, as f32; zeros outside of the image and in channels
 * from `take` to ld. window.c */
void cpu_cut(uint32_t isa, const cpu_image *, int64_t c0, int64_t take, int64_t ld, int64_t h0, int64_t rows, int64_t w0, int64_t cols, float *dst);

#endif
