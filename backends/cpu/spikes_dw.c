/* spikes_dw.c - conv2d_dw of spikes: for each input channel, the rows of g around each of its spikes are added to the sums of all taps, which
 * stay in registers.
 *
 * Of g, one vector of output channels at a time is put into a tile with a border of zeros, so that no tap has to look where it is.
 * Of the steps of a sample, four at a time: a number that spikes at several of them is one entry of the list of that pattern, whose tile holds the sum of these steps' g
 * (docs/adr/0015-patterns-of-steps.md). */
#include "spikes.h"
#include "window.h"
#pragma GCC optimize("O3")

typedef struct work {
    float *acc, *tile; /* [vector of outputs][channel][tap][vw]; [H + kernel - 1][W + kernel - 1][vw] */
    int32_t *n;        /* spikes of each channel of the image */
    uint16_t *at, *row; /* [pattern][channel][H * W] places in the tile (without patterns: one); channels of one place */
    uint8_t *patterns;  /* of the spikes: [H * W][channel] */
    size_t size;
} work;

enum { PATTERN_BYTES = 2 << 20 /* of lists and tiles, at most */ };

static int64_t tile_width(const spike_dw *d) { return d->W + d->kernel[1] - 1; }
static int64_t tile_places(const spike_dw *d) { return (d->H + d->kernel[0] - 1) * tile_width(d); }

static int64_t tile_step(const spike_dw *d) { return cpu_up(tile_places(d) * d->s->vw, 16) + 16; } /* apart by a line more: tiles do not share cache sets */

static work work_of(const spike_dw *d, int64_t cn, int64_t on, void *scratch) {
    int64_t lists = d->patterns ? SPIKE_PATTERNS : 1, vw = d->s->vw, acc = cpu_up(on, vw) * cn * d->kernel[0] * d->kernel[1], tile = tile_step(d) * (d->patterns ? SPIKE_PATTERNS + 1 : 1);
    work w = { .acc = scratch };
    w.tile = w.acc + cpu_up(acc, 16);
    w.n = (int32_t *)(w.tile + tile);
    w.at = (uint16_t *)(w.n + cpu_up(cn * lists, 16));
    w.row = w.at + cpu_up(lists * cn * d->H * d->W, 32);
    w.patterns = (uint8_t *)(w.row + cpu_up(cn + 8, 32));
    w.size = (size_t)((char *)w.patterns - (char *)scratch) + (size_t)(d->patterns ? d->H * d->W * d->C : 0);
    return w;
}

size_t cpu_spike_dw_init(spike_dw *d, const hk_device *dev, const hk_opdesc *o, int64_t c_span, int64_t o_span) {
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
    d->isa = o->isa < dev->isa ? o->isa : dev->isa;
    d->s = cpu_spikes_isa[d->isa];
    d->patterns = o->T > 1 && x->flags & HK_T && dev->steps != CPU_STEPS_SINGLE && dev->conv != CPU_CONV_DIRECT && SPIKE_PATTERNS * (c_span * d->H * d->W * 2 + tile_step(d) * 4) <= PATTERN_BYTES;
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

typedef float f4 __attribute__((vector_size(16)));
typedef float f8 __attribute__((vector_size(32)));
typedef float f16 __attribute__((vector_size(64)));
#define UNROLL _Pragma("GCC unroll 16")

/* to[pattern * tile + place * vw] = the sum of the pattern's steps of from[step][place * O], for the patterns that occur; m numbers, the rest of the vector 0 */
CPU_BODY fill_body(uint32_t occurs, const float *const *from, int64_t places, int64_t O, int64_t m, int64_t vw, float *restrict to, int64_t tile) {
#define FILL(V)                                                                                                                                                \
    for (int64_t u = 0; u < places; u++, to += vw) {                                                                                                           \
        V s[SPIKE_PATTERNS + 1] = { { 0 } };                                                                                                                   \
        UNROLL for (int k = 0; k < SPIKE_STEPS; k++) {                                                                                                         \
            V g;                                                                                                                                               \
            memcpy(&g, from[k] + u * O, sizeof g);                                                                                                             \
            s[1 << k] = g;                                                                                                                                     \
            UNROLL for (int p = 1; p <= SPIKE_PATTERNS / 2; p++) if (p < 1 << k) s[1 << k | p] = s[p] + g;                                                     \
        }                                                                                                                                                      \
        UNROLL for (int p = 1; p <= SPIKE_PATTERNS; p++) if (occurs >> p & 1) memcpy(to + p * tile, &s[p], sizeof s[p]);                                       \
    }
    if (m == vw && m == 16) FILL(f16)
    else if (m == vw && m == 8) FILL(f8)
    else if (m == vw && m == 4) FILL(f4)
    else
        for (int64_t u = 0; u < places; u++, to += vw)
            for (int64_t j = 0; j < m; j++) {
                float s[SPIKE_PATTERNS + 1] = { 0 };
                for (int k = 0; k < SPIKE_STEPS; k++)
                    for (int p = 0; p < 1 << k; p++) s[1 << k | p] = p ? s[p] + from[k][u * O + j] : from[k][u * O + j];
                for (int p = 1; p <= SPIKE_PATTERNS; p++)
                    if (occurs >> p & 1) to[p * tile + j] = s[p];
            }
#undef FILL
}
CPU_CLONES(fill, (uint32_t occurs, const float *const *from, int64_t places, int64_t O, int64_t m, int64_t vw, float *to, int64_t tile),
    (occurs, from, places, O, m, vw, to, tile));

/* The tiles of the patterns that occur: a vector of outputs, from o on, inside their borders. */
static void fill_tiles(const spike_dw *d, uint32_t occurs, int64_t steps, const float *const *g, int64_t o, int64_t m, float *tiles, int64_t tile) {
    int64_t vw = d->s->vw, TW = tile_width(d), top = d->kernel[0] - 1 - d->pad[0], left = d->kernel[1] - 1 - d->pad[1];
    int64_t lo = cpu_max(0, -left), hi = cpu_min(d->OW, TW - left);
    const float *from[SPIKE_STEPS];
    for (int64_t q = cpu_max(0, -top); q < cpu_min(d->OH, d->H + d->kernel[0] - 1 - top); q++) {
        for (int64_t k = 0; k < SPIKE_STEPS; k++) from[k] = g[k < steps ? k : 0] + (q * d->OW + lo) * d->O + o; /* of steps that are not there no pattern is stored */
        fill[d->isa](occurs, from, hi - lo, d->O, m, vw, tiles + ((q + top) * TW + lo + left) * vw, tile);
    }
}

void cpu_spike_dw_add_steps(const spike_dw *d, int64_t steps, const float *const *g, const uint8_t *const *x, int64_t c0, int64_t cn, int64_t o0, int64_t on, void *scratch) {
    work w = work_of(d, cn, on, scratch);
    int64_t vw = d->s->vw, KH = d->kernel[0], KW = d->kernel[1], TW = tile_width(d), places = d->H * d->W, tile_size = tile_step(d), all[SPIKE_PATTERNS + 1] = { 0 };
    memset(w.n, 0, (size_t)(SPIKE_PATTERNS * cn) * 4);
    cpu_spike_patterns(d->isa, places * d->C, steps, x, w.patterns);
    for (int64_t y = 0; y < d->H; y++)
        for (int64_t v = 0; v < d->W; v++) {
            const uint8_t *pattern = w.patterns + (y * d->W + v) * d->C + c0;
            int64_t n = cpu_pattern_list(cn, pattern, w.row);
            uint16_t place = (uint16_t)((y + KH - 1) * TW + v + KW - 1);
            for (int64_t i = 0; i < n; i++) {
                int64_t p = pattern[w.row[i]], k = (p - 1) * cn + w.row[i];
                w.at[k * places + w.n[k]++] = place, all[p]++;
            }
        }
    float *acc = w.acc;
    uint32_t occurs = 0;
    for (int p = 1; p <= SPIKE_PATTERNS; p++) occurs |= (uint32_t)(all[p] > 0) << p;
    for (int64_t o = 0; o < on; o += vw, acc += cn * KH * KW * vw) {
        fill_tiles(d, occurs, steps, g, o0 + o, cpu_min(vw, on - o), w.tile, tile_size);
        for (int64_t p = 1; p < 1 << steps; p++) {
            const float *tile = w.tile + p * tile_size;
            for (int64_t c = 0; all[p] && c < cn; c++) {
                int64_t k = (p - 1) * cn + c;
                const uint16_t *at = w.at + k * places;
                float *to = acc + c * KH * KW * vw;
                if (!w.n[k]) continue;
                if (KH == 3 && KW == 3) d->s->taps3x3(w.n[k], at, tile, TW * vw, to);
                else
                    for (int64_t r = 0; r < KH; r++) d->s->taps[KW](w.n[k], at, tile - r * TW * vw, 0, to + r * KW * vw);
            }
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
