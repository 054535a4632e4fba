/* spikes.h - convolutions and products of spikes: sums of the weights' rows where a spike is, in place of products with 0 and 1.
 *
 * An output number has one accumulator, which adds in the order of the dense kernels (gemm.h): 1 * w + a and 0 * w + a are exactly a + w
 * and a, so the bits are the dense ones, and which way is taken may depend on anything. It depends on how many spikes there are. */
#ifndef HILLOCK_CPU_SPIKES_H
#define HILLOCK_CPU_SPIKES_H

#include "cpu.h"

enum { SPIKE_CONV_DENSE = 45 /* per cent of spikes from which the dense way of a convolution is faster */, SPIKE_CONV_WINOGRAD = 25 /* the same where that is Winograd's */ };
enum { SPIKE_VECTORS = 8, SPIKE_TAPS = 7 /* of one row of the kernel, in one walk */ };

/* The spikes of one row of an image and how a row of outputs reads them. Entry e = place * C + channel, ascending; those of place x are
 * e[off[x]] ... e[off[x + 1] - 1]. */
typedef struct spike_row {
    int64_t OW, stride, pad, kernel, W, C;
    const int32_t *off;
    const uint16_t *e;
} spike_row;

/* acc[OW][vectors * vw] (+)= for each output the rows w[tap * C + channel] of its spikes; first: = */
typedef void spike_rows_fn(const spike_row *, const float *w, float *acc, int first);
/* acc[vectors * vw] (+)= sum over i of the rows w[e[i]]; first: = */
typedef void spike_sum_fn(int64_t n, const uint16_t *e, const float *w, float *acc, int first);
/* to[vectors * vw] (+)= sum over groups of the sum over i from off[group] to off[group + 1] of the rows g[e[i]]; first: = */
typedef void spike_groups_fn(int64_t groups, const int32_t *off, const uint16_t *e, const float *g, float *to, int first);
/* acc[r][k][vw] += sum over i of g[at[i] * vw - r * pitch - k * vw] */
typedef void spike_taps_fn(int64_t n, const uint16_t *at, const float *g, int64_t pitch, float *acc);

/* acc[k][vw] += sum over i of v[i] * w[e[i]][k][vw] */
typedef void spike_spread_fn(int64_t n, const uint16_t *e, const float *v, const float *w, float *acc);
/* Which of n numbers are not 0, and these; up to 16 more may be written. Returns how many. */
typedef int64_t spike_nonzero_fn(int64_t n, const float *x, uint16_t *e, float *v);

typedef struct cpu_spikes {
    int64_t vw;
    spike_rows_fn *rows[SPIKE_VECTORS + 1]; /* by vectors */
    spike_sum_fn *sum[SPIKE_VECTORS + 1];
    spike_groups_fn *groups[SPIKE_VECTORS + 1];
    spike_taps_fn *taps[SPIKE_TAPS + 1], *taps3x3; /* by taps of one row */
    spike_spread_fn *spread[SPIKE_TAPS + 1];
    spike_nonzero_fn *nonzero;
} cpu_spikes;
extern const cpu_spikes *const cpu_spikes_isa[3];

/* Positions of the ones among n bytes of 0 and 1, counted from `first`, into to (8 more may be written); returns how many. */
int64_t cpu_spike_list(int64_t n, const uint8_t *x, int64_t first, uint16_t *to);
/* The same of a row of W places with C numbers each, from to[n] on: place x's are to[off[x]] ... to[off[x + 1] - 1], counted from the row's start. Returns off[W]. */
int64_t cpu_spike_places(uint32_t isa, int64_t W, int64_t C, const uint8_t *x, int64_t n, int32_t *off, uint16_t *to);
int64_t cpu_spike_count(int64_t n, const uint8_t *x);

/* ---- patterns: at which of up to SPIKE_STEPS steps a number spikes, step k in bit k ---- */
enum { SPIKE_STEPS = 4, SPIKE_PATTERNS = (1 << SPIKE_STEPS) - 1 /* besides none */ };
void cpu_spike_patterns(uint32_t isa, int64_t n, int64_t steps, const uint8_t *const *x, uint8_t *to);
int64_t cpu_pattern_list(int64_t n, const uint8_t *patterns, uint16_t *to); /* where there is one: as cpu_spike_list */
int64_t cpu_pattern_count(int64_t n, const uint8_t *patterns);

/* ---- spikes_conv.c: conv2d of a spike image, when few of its numbers are spikes ---- */
typedef struct spike_conv {
    const cpu_spikes *s; /* NULL: not for this convolution */
    uint32_t isa;
    int64_t C, H, W, O, OW, wide, kernel[2], stride[2], pad[2];
    int64_t window; /* numbers under a window */
    int64_t most; /* per cent of spikes that this way is taken with */
} spike_conv;
/* Bytes of scratch, besides `packed` of kernel_h * kernel_w * C * wide numbers; rows: of outputs in one call, at most. */
size_t cpu_spike_conv_init(spike_conv *, uint32_t isa, const hk_opdesc *, int64_t rows);
void cpu_spike_conv_pack(const spike_conv *, const float *w, float *packed);
/* Lists the spikes that outputs of rows [q0, q1) read; 0: too many for this way. */
int cpu_spike_conv_list(const spike_conv *, const uint8_t *image, int64_t q0, int64_t q1, void *scratch);
/* Those outputs, of all channels, into the image y; after cpu_spike_conv_list. */
void cpu_spike_conv_run(const spike_conv *, int64_t q0, int64_t q1, const float *packed, const float *bias, float *y, void *scratch);

/* ---- spikes_dw.c: conv2d_dw of spike images, when few of their numbers are spikes ---- */
typedef struct spike_dw {
    const cpu_spikes *s; /* NULL: not for this convolution */
    uint32_t isa;
    int64_t C, H, W, O, OH, OW, kernel[2], pad[2];
    int patterns; /* cpu_spike_dw_add_steps may be used */
} spike_dw;
/* Bytes of scratch for c_span inputs and o_span outputs. */
size_t cpu_spike_dw_init(spike_dw *, const hk_device *, const hk_opdesc *, int64_t c_span, int64_t o_span);
/* Starts the sums of inputs [c0, c0 + cn) and outputs [o0, o0 + on); adds one image; writes them into the weight's gradient. */
void cpu_spike_dw_start(const spike_dw *, int64_t cn, int64_t on, void *scratch);
void cpu_spike_dw_add(const spike_dw *, const float *g, const uint8_t *x, int64_t c0, int64_t cn, int64_t o0, int64_t on, void *scratch);
/* The same for `steps` (at most SPIKE_STEPS) images of one sample, step after step, with one list for each pattern of steps: what spikes at several of them is added once, as the sum of
 * their g. Only where d->patterns is set. */
void cpu_spike_dw_add_steps(const spike_dw *, int64_t steps, const float *const *g, const uint8_t *const *x, int64_t c0, int64_t cn, int64_t o0, int64_t on, void *scratch);
void cpu_spike_dw_end(const spike_dw *, int64_t c0, int64_t cn, int64_t o0, int64_t on, float *out, void *scratch);

/* ---- sparse_dx.c: conv2d_dx of a gradient with few numbers that are not 0 ---- */
typedef struct sparse_dx {
    const cpu_spikes *s;                                         /* NULL: not for this convolution */
    int64_t C, H, W, O, OH, OW, kernel[2], pad[2], most, packed; /* most numbers for which this way is taken; numbers of the packed weights */
} sparse_dx;
size_t cpu_sparse_dx_init(sparse_dx *, uint32_t isa, const hk_opdesc *); /* bytes of scratch, besides `packed` numbers */
void cpu_sparse_dx_pack(const sparse_dx *, const float *w, float *packed);
int cpu_sparse_dx_list(const sparse_dx *, const float *g, void *scratch);                 /* one image; 0: too many for this way */
void cpu_sparse_dx_run(const sparse_dx *, const float *packed, float *gx, void *scratch); /* after cpu_sparse_dx_list */

/* ---- spikes_linear.c: linear and linear_dw with direct = 1 of spikes, when few of the numbers are ---- */
enum { SPIKE_LINEAR_DENSE = 40 /* per cent of spikes from which the dense way is faster; `most` below: that, or what is asked for */ };
enum { SPIKE_ROWS = 128 /* rows of x in one call, at most */, SPIKE_FEW = 16 /* rows that go by their lists at any share of spikes when w is packed */ };
size_t cpu_spike_linear_scratch(uint32_t isa, int64_t K, int64_t O, int packed, int64_t most); /* 0: not for this size; packed: with packed weights */
/* w turned round, [panel of outputs][k][width of the panel]: how many numbers, and these. */
int64_t cpu_spike_linear_packed(uint32_t isa, int64_t K, int64_t O);
void cpu_spike_linear_pack(uint32_t isa, int64_t K, int64_t O, const float *w, float *packed);
int64_t cpu_spike_linear_panel(uint32_t isa); /* outputs in a panel */
/* m rows of O numbers, of which [o0, o1) are written, from m rows of K bytes; 0: too many spikes, nothing done. o0: where a panel begins.
 * packed: NULL, or cpu_spike_linear_pack of w. */
int cpu_spike_linear(uint32_t isa, int64_t most, int64_t m, const uint8_t *const *x, int64_t K, const float *w, const float *packed, const float *bias, int64_t O, int64_t o0, int64_t o1, float *y,
    void *scratch);

/* out[o, k] = sum over groups, in order, of the sum over their rows of g[row, o] x[row, k]; rows lie group by group. */
size_t cpu_spike_linear_dw_scratch(uint32_t isa, int64_t rows, int64_t cols, int64_t most);
/* Columns [k0, k0 + cols) of the outputs [o0, o0 + on); first[j]: where the rows of group j start, first[groups] = rows. 0: too many spikes, nothing done. */
int cpu_spike_linear_dw(uint32_t isa, int64_t most, int64_t groups, const int64_t *first, const uint8_t *const *x, const float *const *g, int64_t k0, int64_t cols,
    int64_t o0, int64_t on, int64_t K, float *out, void *scratch);

/* ---- spikes_steps.c: the same by patterns of steps; a group's rows lie [step][sample] ---- */
size_t cpu_steps_linear_dw_scratch(uint32_t isa, int64_t samples, int64_t T, int64_t cols, int forced); /* 0: not for this size; forced: where it does not pay, too */
int cpu_steps_linear_dw_pays(uint32_t isa, int64_t groups, const int64_t *first, int64_t T, const uint8_t *const *x, int64_t K, void *scratch); /* scratch: K bytes */
void cpu_steps_linear_dw(uint32_t isa, int64_t groups, const int64_t *first, int64_t T, const uint8_t *const *x, const float *const *g, int64_t k0, int64_t cols,
    int64_t o0, int64_t on, int64_t K, float *out, void *scratch);

#endif
