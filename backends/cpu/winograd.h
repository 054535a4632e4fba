/* winograd.h - 3 x 3 convolutions and their input gradients with few products; see winograd.c. */
#ifndef HILLOCK_CPU_WINOGRAD_H
#define HILLOCK_CPU_WINOGRAD_H

#include "bf16.h"

typedef struct cpu_winograd {
    const cpu_gemm *g;
    const struct winograd_fns *fn;
    const cpu_bf16 *bf16; /* products at the points of bf16, or NULL */
    int64_t C, H, W, O, OH, OW;       /* of the source and of the output */
    int64_t org[2], tiles_h, tiles_w; /* tap 0 of output q lies at q + org of the source */
    int64_t w_in, w_out, bwd;         /* steps in the weight from channel to channel */
    int64_t row, wide, chunk, block;  /* C and O up to whole vectors; outputs whose weights are kept; tiles */
    int64_t v_step, m_step;
    size_t size; /* of a number of the source: f32 or u8 */
} cpu_winograd;

/* For a description that conv_new has checked: bytes of scratch, or 0: not this way (3 x 3, stride 1, and channels enough to pay or `conv=winograd`). */
size_t cpu_winograd_init(cpu_winograd *, const hk_device *, const hk_opdesc *);
/* Tiles [lo, hi) of the images list[0], list[1] ... (NULL: 0, 1 ...) of x into those of y. */
void cpu_winograd_run(const cpu_winograd *, const int32_t *list, int64_t lo, int64_t hi, const void *x, const float *w, const float *bias, float *y, void *scratch);
hk_status cpu_winograd_new(hk_device *, const hk_opdesc *, const cpu_winograd *, size_t scratch, cpu_plan **);

#endif
