/* spikes_conv.c - conv2d of spikes: for each row of the kernel, the weights' rows of the spikes under it are added to a tile of outputs.
 *
 * Places x ... x + kernel - 1 of a row lie side by side in its list of spikes, so one walk serves all taps of a row. The row of the
 * kernel is outermost: its weights stay in cache while the image goes by. With few spikes an output's sums stay in registers instead: the lists of the rows under its window
 * become one list, without a branch for each row, whose length no processor foresees. Idea and measurements: docs/performance.md. */
#include "spikes.h"
#include "window.h"
#pragma GCC optimize("O3")

enum {
    SPIKES_FEW = 15, SPIKES_SMALL = 25, /* per cent up to which an output's sums are done at one go; the same with a panel of up to WEIGHTS bytes of weights */
    WEIGHTS = 96 << 10,
    PIECE = 16, /* entries of a list that are copied at a time */
};

size_t cpu_spike_conv_init(spike_conv *c, uint32_t isa, const hk_opdesc *o, int64_t rows) {
    const hk_desc *x = &o->in[0], *y = &o->out[0], *w = &o->in[1];
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    c->s = NULL;
    if (strcmp(o->op, "conv2d") || x->dtype != HK_SPIKE || cpu_attr(o, "groups")->i > 1 || win[0].dil != 1 || win[1].dil != 1) return 0;
    c->C = x->shape[0], c->H = x->shape[1], c->W = x->shape[2], c->O = y->shape[0], c->OW = y->shape[2];
    if (c->W * c->C > 65536 || c->H * c->W * c->C > INT32_MAX) return 0;
    c->s = cpu_spikes_isa[isa], c->isa = isa, c->most = SPIKE_CONV_DENSE;
    c->wide = cpu_up(c->O, c->s->vw);
    for (int k = 0; k < 2; k++) c->kernel[k] = w->shape[2 + k], c->stride[k] = win[k].stride, c->pad[k] = win[k].pad;
    int64_t in = cpu_min(c->H, (rows - 1) * c->stride[0] + c->kernel[0]), panel = cpu_min(c->wide, SPIKE_VECTORS * c->s->vw);
    c->window = c->kernel[0] * c->kernel[1] * c->C;
    return (size_t)cpu_up(rows * c->OW * panel * 4, 64) + (size_t)cpu_up(in * (c->W + 1) * 4, 64) + (size_t)cpu_up((c->window + 2 * PIECE) * 2, 64) +
        (size_t)cpu_up((in * c->W * c->C + 2 * PIECE) * 2, 64);
}

/* [panel of SPIKE_VECTORS vectors][row][column][channel][width] */
void cpu_spike_conv_pack(const spike_conv *c, const float *w, float *packed) {
    int64_t taps = c->kernel[0] * c->kernel[1], most = SPIKE_VECTORS * c->s->vw;
    for (int64_t o = 0, width; o < c->wide; o += width) {
        width = cpu_min(most, c->wide - o);
        for (int64_t k = 0; k < taps; k++)
            for (int64_t i = 0; i < c->C; i++, packed += width)
                for (int64_t j = 0; j < width; j++) packed[j] = o + j < c->O ? w[((o + j) * c->C + i) * taps + k] : 0.0f;
    }
}

typedef struct work {
    float *acc;
    int32_t *off;
    uint16_t *list; /* of one window */
    uint16_t *e;
    int64_t first, end; /* rows of the image */
} work;

static work work_of(const spike_conv *c, int64_t q0, int64_t q1, void *scratch) {
    int64_t panel = cpu_min(c->wide, SPIKE_VECTORS * c->s->vw);
    work w = { .acc = scratch, .first = cpu_max(0, q0 * c->stride[0] - c->pad[0]), .end = cpu_min(c->H, (q1 - 1) * c->stride[0] - c->pad[0] + c->kernel[0]) };
    w.end = cpu_max(w.end, w.first);
    w.off = (int32_t *)(void *)((char *)scratch + cpu_up((q1 - q0) * c->OW * panel * 4, 64));
    w.list = (uint16_t *)(void *)((char *)w.off + cpu_up((w.end - w.first) * (c->W + 1) * 4, 64));
    w.e = (uint16_t *)(void *)((char *)w.list + cpu_up((c->window + 2 * PIECE) * 2, 64));
    return w;
}

int cpu_spike_conv_list(const spike_conv *c, const uint8_t *image, int64_t q0, int64_t q1, void *scratch) {
    work w = work_of(c, q0, q1, scratch);
    int64_t most = (w.end - w.first) * c->W * c->C * c->most / 100, n = 0;
    for (int64_t y = w.first; y < w.end && n <= most; y++)
        n = cpu_spike_places(c->isa, c->W, c->C, image + y * c->W * c->C, n, w.off + (y - w.first) * (c->W + 1), w.e);
    return n <= most;
}

/* The lists of the rows under one window as one: entry = (row, column, channel) of the kernel. Returns its length. */
CPU_BODY join_body(const spike_row *s, int64_t rows, int64_t x, uint16_t *restrict list, int64_t *n_out) {
    int64_t lo = x * s->stride - s->pad, hi = lo + s->kernel, n = 0;
    const int32_t *from = s->off + (lo < 0 ? 0 : lo > s->W ? s->W : lo), *to = s->off + (hi < 0 ? 0 : hi > s->W ? s->W : hi);
    uint16_t add = (uint16_t)(-lo * s->C), more = (uint16_t)(s->kernel * s->C);
    for (int64_t r = 0; r < rows; r++, from += s->W + 1, to += s->W + 1, add = (uint16_t)(add + more)) {
        int64_t len = *to - *from;
        const uint16_t *e = s->e + *from;
        for (int64_t i = 0; i < len || !i; i += PIECE)
            for (int k = 0; k < PIECE; k++) list[n + i + k] = (uint16_t)(e[i + k] + add);
        n += len;
    }
    *n_out = n;
}
CPU_CLONES(join, (const spike_row *s, int64_t rows, int64_t x, uint16_t *list, int64_t *n), (s, rows, x, list, n));

CPU_BODY put_body(int64_t places, int64_t width, int64_t n, const float *restrict from, const float *restrict bias, float *restrict to, int64_t O) {
    for (int64_t x = 0; x < places; x++, from += width, to += O) {
        if (bias)
            for (int64_t j = 0; j < n; j++) to[j] = from[j] + bias[j];
        else
            for (int64_t j = 0; j < n; j++) to[j] = from[j];
    }
}
CPU_CLONES(put, (int64_t places, int64_t width, int64_t n, const float *from, const float *bias, float *to, int64_t O), (places, width, n, from, bias, to, O));

void cpu_spike_conv_run(const spike_conv *c, int64_t q0, int64_t q1, const float *packed, const float *bias, float *y, void *scratch) {
    work w = work_of(c, q0, q1, scratch);
    int64_t rows = w.end - w.first, weights = c->window * cpu_min(c->wide, SPIKE_VECTORS * c->s->vw) * 4, most = weights <= WEIGHTS ? SPIKES_SMALL : SPIKES_FEW;
    int few = rows > 0 && c->window <= UINT16_MAX && (int64_t)w.off[rows * (c->W + 1) - 1] * 100 <= rows * c->W * c->C * most;
    for (int64_t o = 0, width; o < c->wide; o += width) {
        width = cpu_min(SPIKE_VECTORS * c->s->vw, c->wide - o);
        int64_t line = c->OW * width, tap_row = c->kernel[1] * c->C * width;
        for (int64_t q = q0; few && q < q1; q++) {
            int64_t at = q * c->stride[0] - c->pad[0], k0 = cpu_max(0, w.first - at), k1 = cpu_min(c->kernel[0], w.end - at);
            if (k0 >= k1) continue; /* wholly in the padding */
            spike_row row = { c->OW, c->stride[1], c->pad[1], c->kernel[1], c->W, c->C, w.off + (at + k0 - w.first) * (c->W + 1), w.e };
            for (int64_t x = 0, n; x < c->OW; x++) {
                join[c->isa](&row, k1 - k0, x, w.list, &n);
                c->s->sum[width / c->s->vw](n, w.list, packed + k0 * tap_row, w.acc + (q - q0) * line + x * width, 1);
            }
        }
        if (few) packed += c->kernel[0] * tap_row;
        for (int64_t k = 0; !few && k < c->kernel[0]; k++, packed += tap_row)
            for (int64_t q = q0; q < q1; q++) {
                int64_t at = q * c->stride[0] - c->pad[0] + k;
                if (at < w.first || at >= w.end) continue;
                spike_row row = { c->OW, c->stride[1], c->pad[1], c->kernel[1], c->W, c->C, w.off + (at - w.first) * (c->W + 1), w.e };
                c->s->rows[width / c->s->vw](&row, packed, w.acc + (q - q0) * line, k == 0 || at == w.first);
            }
        int64_t n = cpu_min(width, c->O - o);
        for (int64_t q = q0; q < q1; q++) {
            float *from = w.acc + (q - q0) * line, *to = y + q * c->OW * c->O + o;
            if (q * c->stride[0] - c->pad[0] >= c->H || q * c->stride[0] - c->pad[0] + c->kernel[0] <= 0) memset(from, 0, (size_t)line * 4);
            put[c->isa](c->OW, width, n, from, bias ? bias + o : NULL, to, c->O);
        }
    }
}
