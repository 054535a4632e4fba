/* window.c - cutting a padded rectangle out of an image. */
#include "window.h"
#pragma GCC optimize("O3")

#define PIXELS(name, type)                                                                                                                                     \
    CPU_BODY name##_body(int64_t n, const type *restrict x, int64_t C, int64_t take, int64_t ld, float *restrict y) {                                          \
        if (take == 16 && ld == 16) {                                                                                                                          \
            for (int64_t i = 0; i < n; i++, x += C, y += 16)                                                                                                   \
                for (int j = 0; j < 16; j++) y[j] = (float)x[j];                                                                                               \
            return;                                                                                                                                            \
        }                                                                                                                                                      \
        for (int64_t i = 0; i < n; i++, x += C, y += ld) {                                                                                                     \
            for (int64_t j = 0; j < take; j++) y[j] = (float)x[j];                                                                                             \
            for (int64_t j = take; j < ld; j++) y[j] = 0.0f;                                                                                                   \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    CPU_CLONES(name, (int64_t n, const type *restrict x, int64_t C, int64_t take, int64_t ld, float *restrict y), (n, x, C, take, ld, y))
PIXELS(pixels_f32, float);
PIXELS(pixels_u8, uint8_t);

void cpu_cut(uint32_t isa, const cpu_image *x, int64_t c0, int64_t take, int64_t ld, int64_t h0, int64_t rows, int64_t w0, int64_t cols, float *dst) {
    int64_t left = cpu_min(cpu_max(-w0, 0), cols), right = cpu_min(cpu_max(w0 + cols - x->W, 0), cols - left), n = cols - left - right;
    for (int64_t r = 0; r < rows; r++, dst += cols * ld) {
        int64_t h = h0 + r, at = (h * x->W + w0 + left) * x->C + c0;
        if (h < 0 || h >= x->H || n <= 0) {
            memset(dst, 0, (size_t)(cols * ld) * 4);
            continue;
        }
        float *to = dst + left * ld;
        memset(dst, 0, (size_t)(left * ld) * 4);
        if (take == x->C && ld == x->C) {
            if (x->u8) cpu_from_u8[isa](n * ld, (const uint8_t *)x->x + at, to);
            else memcpy(to, (const float *)x->x + at, (size_t)(n * ld) * 4);
        } else {
            if (x->u8) pixels_u8[isa](n, (const uint8_t *)x->x + at, x->C, take, ld, to);
            else pixels_f32[isa](n, (const float *)x->x + at, x->C, take, ld, to);
        }
        memset(to + n * ld, 0, (size_t)(right * ld) * 4);
    }
}
