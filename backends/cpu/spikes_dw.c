/* spikes_dw.c - conv2d_dw of spikes: for each input channel, the rows of g around each of its spikes are added to the sums of all taps, which
 * stay in registers.
 *
 * Of g, one vector of output channels at a time is put into a tile with a border of zeros, so that no tap has to look where it is. */
#include "spikes.h"
#include "window.h"
#pragma GCC optimize("O3")

typedef struct work {
    float *acc, *tile; /* [vector of outputs][channel][tap][vw]; [H + kernel - 1][W + kernel - 1][vw] */
    int32_t *n;        /* spikes of each channel of the image */
    uint16_t *at, *row; /* [channel][H * W] places in the tile; channels of one place */
    size_t size;
} work;

static int64_t tile_width(const spike_dw *d) { return d->W + d->kernel[1] - 1; }
static int64_t tile_places(const spike_dw *d) { return (d->H + d->kernel[0] - 1) * tile_width(d); }

static work work_of(const spike_dw *d, int64_t cn, int64_t on, void *scratch) {
    int64_t vw = d->s->vw, acc = cpu_up(on, vw) * cn * d->kernel[0] * d->kernel[1], tile = tile_places(d) * vw;
    work w = { .acc = scratch };
    w.tile = w.acc + cpu_up(acc, 16);
    w.n = (int32_t *)(w.tile + cpu_up(tile, 16));
    w.at = (uint16_t *)(w.n + cpu_up(cn, 16));
    w.row = w.at + cpu_up(cn * d->H * d->W, 32);
    w.size = (size_t)((char *)(w.row + cn + 8) - (char *)scratch);
    return w;
}

size_t cpu_spike_dw_init(spike_dw *d, uint32_t isa, const hk_opdesc *o, int64_t c_span, int64_t o_span) {
    const hk_desc *g = &o->in[0], *x = &o->in[1], *w = &o->out[0];
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    d->s = NULL;
    if (x->dtype != HK_SPIKE || cpu_attr(o, "groups")->i > 1 || cpu_attr(o, "direct")->i) return 0;
    for (int k = 0; k < 2; k++) {
        d->kernel[k] = w->shape[2 + k], d->pad[k] = win[k].pad;
        if (win[k].dil != 1 || win[k].stride != 1 || d->kernel[k] > SPIKE_TAPS) return 0;
    }
    d->C = x->shape[0], d->H = x->shape[1], d->W = x->shape[2], d->O = g->shape[0], d->OH = g->shape[1], d->OW = g->shape[2];
    if (tile_places(d) > 65536) return 0;
    d->s = cpu_spikes_isa[isa];
    return work_of(d, c_span, o_span, NULL).size;
}

void cpu_spike_dw_start(const spike_dw *d, int64_t cn, int64_t on, void *scratch) {
    work w = work_of(d, cn, on, scratch);
    memset(scratch, 0, (size_t)((char *)w.n - (char *)scratch));
}

void cpu_spike_dw_add(const spike_dw *d, const float *g, const uint8_t *x, int64_t c0, int64_t cn, int64_t o0, int64_t on, void *scratch) {
    work w = work_of(d, cn, on, scratch);
    int64_t vw = d->s->vw, KH = d->kernel[0], KW = d->kernel[1], TW = tile_width(d), places = d->H * d->W;
    memset(w.n, 0, (size_t)cn * 4);
    for (int64_t y = 0; y < d->H; y++)
        for (int64_t v = 0; v < d->W; v++) {
            int64_t n = cpu_spike_list(cn, x + (y * d->W + v) * d->C + c0, 0, w.row);
            uint16_t place = (uint16_t)((y + KH - 1) * TW + v + KW - 1);
            for (int64_t i = 0; i < n; i++) w.at[w.row[i] * places + w.n[w.row[i]]++] = place;
        }
    /* Output (q, u) lies at row q - pad + kernel - 1 ... of the tile, where the tap (0, 0) of its source place looks. */
    int64_t top = KH - 1 - d->pad[0], left = KW - 1 - d->pad[1], lo = cpu_max(0, -left), hi = cpu_min(d->OW, TW - left);
    float *acc = w.acc;
    for (int64_t o = 0; o < on; o += vw) {
        int64_t m = cpu_min(vw, on - o);
        for (int64_t q = cpu_max(0, -top); q < cpu_min(d->OH, d->H + KH - 1 - top); q++) {
            const float *from = g + (q * d->OW + lo) * d->O + o0 + o;
            float *to = w.tile + ((q + top) * TW + lo + left) * vw;
            for (int64_t u = lo; u < hi; u++, from += d->O, to += vw) {
                if (m == 8) memcpy(to, from, 32);
                else memcpy(to, from, (size_t)m * 4);
            }
        }
        for (int64_t c = 0; c < cn; c++, acc += KH * KW * vw) {
            const uint16_t *at = w.at + c * places;
            if (KH == 3 && KW == 3) d->s->taps3x3(w.n[c], at, w.tile, TW * vw, acc);
            else
                for (int64_t k = 0; k < KH; k++) d->s->taps[KW](w.n[c], at, w.tile - k * TW * vw, 0, acc + k * KW * vw);
        }
    }
}

void cpu_spike_dw_end(const spike_dw *d, int64_t c0, int64_t cn, int64_t o0, int64_t on, float *out, void *scratch) {
    work w = work_of(d, cn, on, scratch);
    int64_t vw = d->s->vw, taps = d->kernel[0] * d->kernel[1];
    for (int64_t o = 0; o < on; o++)
        for (int64_t c = 0; c < cn; c++)
            for (int64_t k = 0; k < taps; k++) out[((o0 + o) * d->C + c0 + c) * taps + k] = w.acc[((o / vw * cn + c) * taps + k) * vw + o % vw];
}
