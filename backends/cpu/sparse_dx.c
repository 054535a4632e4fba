/* sparse_dx.c - conv2d_dx of a gradient that is mostly 0, as max pooling leaves it: each number that is not 0 is spread over its window.
 *
 * The numbers of a place are listed once; a row of the kernel is outermost, so that its weights stay in cache, and the sums under it are in
 * registers while a place's list goes by. Rows of the kernel descend: each sum adds in the dense kernels' order, so the bits are the dense ones. */
#include "spikes.h"
#include "window.h"
#pragma GCC optimize("O3")

enum { TILE_BYTES = 64 << 10 };

typedef struct work {
    float *tile, *v; /* [TH][TW][vw]; numbers that are not 0 */
    int32_t *off;    /* of each place */
    uint16_t *e;     /* their channels */
    size_t size;
} work;

static int64_t tile_width(const sparse_dx *d) { return d->OW + d->kernel[1] - 1; }
static int64_t tile_height(const sparse_dx *d) { return d->OH + d->kernel[0] - 1; }

static work work_of(const sparse_dx *d, void *scratch) {
    work w = { .tile = scratch };
    w.v = w.tile + tile_height(d) * tile_width(d) * d->s->vw;
    w.off = (int32_t *)(w.v + cpu_up(d->most + d->O + 16, 16));
    w.e = (uint16_t *)(w.off + cpu_up(d->OH * d->OW + 1, 16));
    w.size = (size_t)((char *)(w.e + cpu_up(d->most + d->O + 16, 32)) - (char *)scratch);
    return w;
}

size_t cpu_sparse_dx_init(sparse_dx *d, uint32_t isa, const hk_opdesc *o) {
    const hk_desc *g = &o->in[0], *w = &o->in[1], *x = &o->out[0];
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    d->s = NULL;
    if (strcmp(o->op, "conv2d_dx") || cpu_attr(o, "groups")->i > 1 || g->dtype != HK_F32 || w->shape[3] > SPIKE_TAPS) return 0;
    for (int k = 0; k < 2; k++) {
        if (win[k].dil != 1 || win[k].stride != 1) return 0;
        d->kernel[k] = w->shape[2 + k], d->pad[k] = win[k].pad;
    }
    d->C = x->shape[0], d->H = x->shape[1], d->W = x->shape[2], d->O = g->shape[0], d->OH = g->shape[1], d->OW = g->shape[2];
    if (tile_height(d) * tile_width(d) * cpu_spikes_isa[isa]->vw * 4 > TILE_BYTES || d->O > 4096) return 0;
    d->s = cpu_spikes_isa[isa];
    int64_t K = d->kernel[1];
    d->most = d->H * d->W * d->O * K / (2 * cpu_max(4, K)); /* a row of taps takes 4 cycles at least, the dense way half a cycle for each tap and place */
    d->most = cpu_min(d->most, d->OH * d->OW * d->O);
    d->packed = cpu_up(d->C, d->s->vw) * d->kernel[0] * K * d->O;
    return work_of(d, NULL).size;
}

/* [panel of vw inputs][row][output][column][vw] */
void cpu_sparse_dx_pack(const sparse_dx *d, const float *w, float *packed) {
    int64_t KH = d->kernel[0], K = d->kernel[1], vw = d->s->vw;
    for (int64_t c = 0; c < d->C; c += vw)
        for (int64_t r = 0; r < KH; r++)
            for (int64_t o = 0; o < d->O; o++)
                for (int64_t k = 0; k < K; k++, packed += vw)
                    for (int64_t j = 0; j < vw; j++) packed[j] = c + j < d->C ? w[((o * d->C + c + j) * KH + r) * K + k] : 0.0f;
}

int cpu_sparse_dx_list(const sparse_dx *d, const float *g, void *scratch) {
    work w = work_of(d, scratch);
    int64_t n = 0, places = d->OH * d->OW;
    for (int64_t q = 0; q < places && n <= d->most; q++, g += d->O) w.off[q] = (int32_t)n, n += d->s->nonzero(d->O, g, w.e + n, w.v + n);
    if (n > d->most) return 0;
    w.off[places] = (int32_t)n;
    return 1;
}

void cpu_sparse_dx_run(const sparse_dx *d, const float *packed, float *gx, void *scratch) {
    work w = work_of(d, scratch);
    int64_t vw = d->s->vw, K = d->kernel[1], TW = tile_width(d), TH = tile_height(d);
    for (int64_t c = 0; c < d->C; c += vw) {
        int64_t n = cpu_min(vw, d->C - c);
        const float *panel = packed + c * d->kernel[0] * d->O * K;
        memset(w.tile, 0, (size_t)(TH * TW * vw) * 4);
        for (int64_t r = d->kernel[0] - 1; r >= 0; r--)
            for (int64_t y = 0, q = 0; y < d->OH; y++)
                for (int64_t x = 0; x < d->OW; x++, q++) {
                    int64_t m = w.off[q + 1] - w.off[q];
                    if (m) d->s->spread[K](m, w.e + w.off[q], w.v + w.off[q], panel + r * d->O * K * vw, w.tile + ((y + r) * TW + x) * vw);
                }
        for (int64_t y = 0; y < d->H; y++)
            for (int64_t x = 0; x < d->W; x++) {
                float *to = gx + (y * d->W + x) * d->C + c;
                const float *from = w.tile + ((y + d->pad[0]) * TW + x + d->pad[1]) * vw;
                if (y + d->pad[0] >= TH || x + d->pad[1] >= TW) memset(to, 0, (size_t)n * 4);
                else if (n == vw) memcpy(to, from, (size_t)vw * 4);
                else
                    for (int64_t j = 0; j < n; j++) to[j] = from[j];
            }
    }
}
