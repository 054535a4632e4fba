/* hillock/ops.h - the core's operations: what each computes, and one inline function that emits it.
 * Included by hillock/plugin.h.
 *
 * Notation: r runs over rows, that is over steps and samples as the operand's flags say; an operand that does not vary with t or n is
 * used again for each (broadcast, never copied). "f" is f32 (ref: stored as double); "s" a spike or count byte; "fs" either.
 * Operands in [brackets] may be absent. `-> G` is a partial sum per group of HK_GROUP samples: rows are added in the order t outermost,
 * then sample, one accumulator per element, so that bits depend on neither block size nor thread count.
 * Backends must not assume that outputs hold anything before, and write every element of every output that is present.
 *
 * | operation        | inputs -> outputs                                     | attributes      | computes
 * | linear           | x fs[K], w f[O,K], [b f[O]], [table f], [plus f[O]]   | columns         | y[o] = sum_k w[o,k] x[k] (+ b[o]) (+ plus[o]); table: spike_table(w), for spikes; plus: only with a
 * |                  |   -> y f[O]                                           |                 |   table. columns = 1: x f[1,H,W] or [H,W] HELD stands for column_as_time(x); who takes it takes
 * |                  |                                                       |                 |   linear_dw with it
 * | spike_table      | w f[O,K] -> f[16 ceil(K/4), O up to 16]               |                 | row 16 q + m, o: sum of w[o, 4 q + j], j ascending, over the bits j set in m; 0 beyond w.
 * |                  |                                                       |                 |   Emitted by a fusion rule alone; who takes it takes linear with a table, which adds its rows, q ascending, and with plus
 * | linear_dx        | g f[O], w f[O,K] -> gx f[K]                           |                 | gx[k] = sum_o g[o] w[o,k]
 * | linear_dw        | g f[O], x fs[K] -> G f[O,K]                           | columns         | sum_r g[r,o] x[r,k]
 * | matmul           | x fs[gA,B], y fs[gB,C] -> f[gA,C]                     | groups, transpose_x, transpose_y | of each of `groups` blocks along axis 0: z[a,c] = sum_b x[a,b] y[b,c], b ascending; both vary with n, or both are STATIC.
 * |                  |                                                       |                 |   transpose_x: x is [gB,A]; transpose_y: y is [gC,B]
 * | reduce           | x fs[shape] -> G f[to]                                | to, steps       | sum over rows; to: 0 whole row, 1 per channel (axis 0 at the border, last in storage), 2 scalar; steps = 1: of each step, G that varies with t
 * | merge            | p G f[shape] -> f[shape] STATIC                       | scale f         | scale * sum over groups, in order. Whole-batch operation
 * | reduce_max       | x fs[shape] -> G f[]                                  |                 | largest number over rows and places; not inside a loop; no gradient
 * | merge_max        | p G f[] -> f[] STATIC                                 |                 | largest over groups. Whole-batch operation; no gradient
 * | pairs            | x fs[shape] -> f[N,N] STATIC                          | distance        | [i,j]: sum over steps and places of x_i x_j, or with distance = 1 of (x_i - x_j)^2. Whole-batch operation over all blocks of nb samples
 * | pairs_bwd        | g f[N,N] STATIC, x fs[shape] -> f[shape]              | distance        | adjoint
 * | add sub mul div  | a fs, b fs -> f                                       |                 | elementwise; shapes equal, or one is a scalar, or one is [C] against [C,...]; G with G or STATIC is allowed
 * | affine           | x fs -> f                                             | a f, b f        | a x + b
 * | sigmoid          | x f -> f                                              |                 | 1 / (1 + exp(-x))
 * | sigmoid_bwd      | g f, y f -> f                                         |                 | g y (1 - y)
 * | exp log tanh relu | x f -> f                                             |                 | exp(x), ln(x), tanh(x), max(x, 0) (its derivative at 0 is 0)
 * | clamp            | x f -> f                                              | lo f, hi f      | min(max(x, lo), hi); its derivative at lo and hi is 1
 * | round            | x f -> f                                              |                 | to the nearest integer, half to even; no gradient
 * | within           | x f -> f                                              | lo f, hi f      | 1 where lo <= x <= hi, else 0; no gradient
 * | positive         | x f -> f                                              |                 | 1 where x > 0, else 0; no gradient
 * | sum_t            | x fs SEQ -> f HELD (STEP -> STATIC)                   | scale f         | scale * sum over t, t ascending
 * | repeat_t         | x HELD -> the same SEQ                                |                 | copy for each t
 * | max_t            | x fs SEQ -> f HELD                                    |                 | largest over t
 * | first_spike      | x fs SEQ -> f HELD                                    |                 | first t where x is not 0; T - 1 if there is none. Its derivative is -1 at that t, else 0
 * | at_moment        | g f HELD, x fs SEQ -> f SEQ                           | first, scale f  | scale g at the first largest x (first = 1: at first_spike of x), else 0
 * | since            | x f -> f, also varying with t                         |                 | t - x, t from 0
 * | concat           | a fs[A], b fs[B] -> [A+B], dtype of a if equal else f |                 | a then b, along the only axis
 * | slice            | x fs[.., K, ..] -> same dtype [.., len, ..]           | start, len, axis | along an axis of a STATIC value, or the first one of a row; axis counts from 1, 0: the last one
 * | pad              | g f[.., len, ..] -> f[.., total, ..]                  | start, total, axis | zeros around (adjoint of slice); also on G
 * | diagonal         | w f[K,K] STATIC -> f[K]                               |                 | w[k,k]
 * | diagonal_bwd     | g f[K] -> f[K,K]                                      |                 | g on the diagonal, else 0; also on G
 * | flatten          | x fs[C,...] -> same dtype [C*...]                     |                 | border order (storage H,W,C becomes C,H,W)
 * | unflatten        | x fs[n] or any shape -> same dtype, shape             | shape p         | the same numbers in border order; adjoint of flatten
 * | column_as_time   | x f[1,H,W] or [H,W] HELD -> f[H] SEQ, T = W           |                 | y[t,h] = x[h,t]
 * | time_as_column   | g f[H] SEQ -> f[1,H,W] or [H,W] HELD                  |                 | adjoint of column_as_time
 * | time_mix         | x fs SEQ, w f[T,T] or [T*T], [b f of T numbers or 1] -> f SEQ | transpose | y[t] = sum_u w[t,u] x[u] (w[u,t] if transpose) (+ b[t]); not in loops, and not by hk_executor_continue
 * | time_mix_dw      | g f SEQ, x fs SEQ -> G f of w's shape                 | shape p         | [t,u]: sum over samples and places of g[t] x[u]
 * | time_mix_db      | g f SEQ -> G f of b's shape                           | shape p         | [t]: sum over samples and places of g[t]; over t too for one number
 * | axis_as_time     | x f[T,...] STATIC -> f[...] STEP                      |                 | y[t] = x[t,...]: a parameter for each step
 * | time_as_axis     | g f[...] STEP, or G that varies with t -> f[T,...] STATIC or G |        | adjoint of axis_as_time
 * | pick_t           | x f SEQ -> f HELD                                     | how             | x at one step: 0 the last; 1 its largest; 2 its largest if that has the larger magnitude, else its smallest. The first of equals
 * | pick_t_bwd       | g f HELD, x f SEQ -> f SEQ                            | how             | g at that step, else 0
 * | gather           | x f[K] STATIC -> f[n]                                 | index p, i n    | y[j] = x[index[j]], 0 where index[j] < 0; index: int64_t[n]
 * | scatter          | g f[n] STATIC -> f[K]                                 | index p, i n, total | adjoint of gather: sum of g[j] over index[j] = k, in order of j
 * | fire             | z f -> spike (f when spiking = 0)                     | surrogate p, strict, spiking | z >= 0 (> 0 if strict); the surrogate's forward if it has one (then f); its primitive when spiking = 0
 * | fire_bwd         | g f, z f -> f                                         | surrogate p, strict, spiking | g s'(z)
 * | neuron           | x f, s0[n_state] f, p[n_param] f ->                   | neuron p        | the neuron over all T (hillock/neuron.h); y is a spike byte if the type SPIKES, spiking and the surrogate has no
 * |                  |   y, s1[n_state] f, seq[n_state] f                    |                 |   forward of its own, else f. s1: state after the last step; seq: after each step
 * | linear_neuron    | as linear (absent ones too), s0[n_state] f, p[n_param] f -> as neuron, then [sum f] | neuron p, columns, sum f | neuron of linear(x); sum: f times the sum over t of y. Emitted by
 * |                  |                                                       |                 |   fusion rules for inference alone; no gradient
 * | neuron_bwd       | x f, s0[n_state], p[n_param], [gy f], [gseq[n_state]], [gs1[n_state]] -> | neuron p | adjoint, replaying the forward from s0 per tile
 * |                  |   gx f, gs0[n_state] f, gp[n_param] G of p's shape    |                 |   (gx, gs0, gp each may be absent)
 * | neuron_z         | as neuron -> z f[n_fire]                              | neuron p        | the firing variables of the neuron over all T, before the reset: h - v_threshold
 * | fused_neuron     | as neuron, then [mean, rstd, w, b] -> as neuron, then | neuron p, window, train | neuron of batchnorm(x) (x itself without mean); pooled: maxpool2d of y, where: place of the
 * |                  |   [pooled, where count] (absent without a window)     |                 |   first largest in its window, row-major. Emitted by fusion rules alone; who takes it takes its backward
 * | fused_neuron_bwd | as neuron_bwd, then [mean, rstd, w, b], [gpooled, where] -> as neuron_bwd, | neuron p, window | gx: gradient of the neuron's input, summed over t when x is HELD;
 * |                  |   then sums G f[2,C]                                  |                 |   sums: batchnorm_sums of it
 * | bernoulli        | p f HELD or SEQ -> spike SEQ                          | [surrogate p]   | 1 where p > 0 and u <= p, u = hk_random(stream, step, t, sample, border position): 0 never fires, 1 always; with surrogate, gradient g s'(p), else none
 * | one_hot          | y i64[] -> f[classes]                                 | classes         | 1 at y, else 0
 * | first_max        | x f[K] -> f[K]                                        |                 | 1 at the first largest of the row, else 0; no gradient
 * | cross_entropy    | z f[C], y i64[] or f[C], [w f[C]] -> loss f[], weight f[] | smoothing f | nll = -log_softmax(z); loss = (1-e) w[y] nll[y] + (e/C) sum_c w[c] nll[c]; weight = w[y] (1 without w);
 * |                  |                                                       |                 |   with shares y[c] of the classes sum_c y[c] w[c] nll[c] and sum_c y[c] w[c] in place of w[y] nll[y] and w[y]
 * |                  |                                                       |                 |   z f[C,...] and y i64[places] in border order: the same of each place; loss, weight f[places]
 * | cross_entropy_bwd| z, y, [w], g f[] -> f[C]                              | smoothing f     | g * d loss / dz
 * | correct          | z f[C], y i64[] or f[C] -> f[]                        |                 | 1 if the first largest z is at y (at the first largest y), else 0
 * | correct_top      | z f[C], y i64[] -> f[]                                | top             | 1 if fewer than `top` scores come before z[y]: larger ones, and equal ones of a lower class; else, and for a NaN there or no such class, 0
 * | conv2d           | x fs[C,H,W], w f[O,C/groups,kh,kw], [b f[O]] -> y f[O,H',W'] | window, groups | cross-correlation; w is stored as written (OIHW)
 * | conv2d_pool      | x s[C,H,W], w, [b] -> y f[O,H'',W'']                  | window, groups, pool_h, pool_w | maxpool2d of conv2d, windows of pool_h x pool_w side by side, without rest. Emitted by a fusion
 * |                  |                                                       |                 |   rule for inference alone; no gradient
 * | conv2d_dx        | g f[O,H',W'], w -> gx f[C,H,W]                        | window, groups, shape p | adjoint in x; in a forward pass the transposed convolution of g
 * | conv2d_dw        | g f[O,H',W'], x fs[C,H,W] -> G f[O,C/groups,kh,kw]    | window, groups, shape p | sum over rows and places
 * | maxpool2d        | x fs[C,H,W] -> same dtype [C,H',W']                   | window, ceil    | padding counts as -inf
 * | maxpool2d_bwd    | g f[C,H',W'], x fs[C,H,W] -> f[C,H,W]                 | window, ceil    | g goes to the first maximum of the window in row-major order
 * | avgpool2d        | x fs[C,H,W] -> f[C,H',W']                             | window, ceil, include_pad, divisor | divisor 0: positions in the padded input if include_pad, else in the input
 * | avgpool2d_bwd    | g f[C,H',W'] -> f[C,H,W]                              | window, ceil, include_pad, divisor, shape p | adjoint
 * | adaptive_avgpool2d     | x fs[C,H,W] -> f[C,oh,ow]                       | out_h, out_w    | output i averages floor(i n/o) ... ceil((i+1) n/o) - 1
 * | adaptive_avgpool2d_bwd | g f[C,oh,ow] -> f[C,H,W]                        | out_h, out_w, shape p | adjoint
 * | nearest2d        | x fs[C,H,W] -> same dtype [C,H',W']                   | rows p, cols p  | y[c,i,j] = x[c, rows[i], cols[j]]; int64_t[H'], int64_t[W'], i their numbers
 * | nearest2d_bwd    | g f[C,H',W'] -> f[C,H,W]                              | rows p, cols p, shape p | adjoint, added up in the order of i, then j
 * | groupnorm        | x fs[C,...] -> f                                      | groups, eps f   | (x - mean) / sqrt(var + eps), mean and (biased) var of each row and group of C / groups channels; also of a STATIC value
 * | groupnorm_bwd    | g f[C,...], x fs[C,...] -> f                          | groups, eps f   | adjoint
 * | channel_stats    | x fs[C,...] -> G f[3,C]                               |                 | per channel over rows and places: count, mean, sum of squared distances from the mean; not inside a loop
 * | channel_merge    | p G f[3,C] -> mean f[C], var f[C] STATIC              |                 | Chan's formula over groups, in order; var is biased (divided by the count). Whole-batch operation
 * | rsqrt            | x f -> f                                              | eps f           | 1 / sqrt(x + eps)
 * | batchnorm        | x fs[C,...], mean f[C], rstd f[C], [w f[C]], [b f[C]] -> f | train      | (x - mean) rstd w + b; all but x STATIC
 * | batchnorm_sums   | g f[C,...], x fs[C,...], mean, rstd -> G f[2,C]       |                 | per channel: sum g, sum g (x - mean) rstd
 * | batchnorm_dx     | g f, x fs, mean, rstd, [w], sums f[2,C] STATIC -> f   | count f         | rstd w (g - sums0 / count - (x - mean) rstd sums1 / count)
 * | static_row       | x f[R,C] STATIC -> f[C]                               | row             | one row of a matrix
 * | dropout_mask     | x fs (for its shape), s0 f HELD -> f HELD             | p f, channel    | s0 where s0 >= 0; else 0 where u < p, else 1 / (1 - p); u = hk_random(stream, step, 0, sample, k), k the border
 * |                  |                                                       |                 |   position in the row, with channel = 1 the channel: one mask for all t, the same whenever it is drawn
 * | group_mean       | x fs[K] -> f[K / size]                                | size            | mean of consecutive groups
 * | group_spread     | g f[K / size] -> f[K]                                 | size            | g / size to each member: adjoint of group_mean
 * | optimizer        | w f[n], g f[n], s[n_state] f[n], [skip f[1]] -> w, s (in place) | optimizer p | the optimizer's text over all elements; constants from step->opt; where skip is not 0, w and s
 * |                  |                                                       |                 |   as they are. Whole-batch operation: STATIC operands only
 * | non_finite       | x f[n], before f[1] -> f[1]                           |                 | 1 where a number of x is infinite or none, or before is not 0; else 0. Whole-batch operation: STATIC operands only
 * | choose           | c f[1], x f[n], y f[n] -> f[n] (in y's memory or not) |                 | x where c is not 0, else y. Whole-batch operation: STATIC operands only
 * | grad_add         | s f[n], g f[n] -> f[n]                                |                 | s + g, or g where step->opt[1] is 0: sum over batches. From here to `average`: whole-batch operations over regions of parameters, in place
 * | grad_mean        | s f[n] -> f[n]                                        |                 | step->opt[0] s: 1 / batches
 * | grad_clamp       | g f[n] -> f[n]                                        | value f         | min(max(g, -value), value); what is not a number stays so
 * | grad_squares     | g f[n] -> f[ceil(n/4096)]                             |                 | sum of the squares of each 4096 numbers
 * | grad_norm        | p f[m] -> f[2]                                        | max f           | min(1, max / (norm + 1e-6)), norm: the root of the sum of p, in order
 * | grad_scale       | g f[n], c f[2] -> f[n]                                |                 | c[0] g; 0 stays 0, whatever c[0] is
 * | average          | a f[n], w f[n], [skip f[1]] -> f[n]                   |                 | a + c (w - a), c = step->opt[0]; w where c is 1; where skip is not 0, a
 * | pack             | x u8[shape] -> count[bytes]                           | bits            | eight numbers below 2^bits of the row, as it is stored, in `bits` bytes (1, 2 or 4), the first in the lowest bits, zeros behind the last
 * | unpack           | x count[bytes] -> u8[shape]                           | bits, dtype, shape p | inverse of pack
 * | copy             | x -> same desc                                        |                 | copy
 * | detach           | x -> same desc                                        |                 | copy; no gradient
 *
 * window: attributes kernel_h kernel_w stride_h stride_w pad_top pad_bottom pad_left pad_right dil_h dil_w (all i). Outputs are floor((H +
 * pad_top + pad_bottom - dil_h (kernel_h - 1) - 1) / stride_h) + 1 high; with ceil = 1 rounded up, but no window starts beyond the input and pad_top. Backends need
 * not look at ceil, out_h and out_w: the output's desc tells the same; positions beyond the input count as padding. out_h, out_w: 0 is the input's. shape: i the rank, p int64_t[rank] of the output. linear_dw and conv2d_dw with attribute direct = 1 write the sum over all groups, in order,
 * as one STATIC result: a whole-batch operation over all blocks of nb samples (opdesc.nb), each [T][n][row], without partial sums in memory; same bits as
 * the partial sums and their merge.
 * count_bits i, of any operation with a result of dtype count: its numbers are below 2^count_bits.
 * p of neuron operations: each operand is STATIC or STEP, scalar [] or [C] (per channel: axis 0 of x) or the row's full shape. */
#ifndef HILLOCK_PLUGIN_H
#include "hillock/plugin.h"
#endif
#ifndef HILLOCK_OPS_H
#define HILLOCK_OPS_H

#ifdef __cplusplus
extern "C" {
#endif

#define HK_OP1(name, n_in, n_attr)                                                                                                                             \
    hk_value out = HK_NONE;                                                                                                                                    \
    hk_emit(b, name, n_in, in, 1, &out, n_attr, attr);                                                                                                         \
    return out

static inline hk_value hk_op_unary(hk_builder *b, const char *op, hk_value x) {
    const hk_value in[1] = { x };
    const hk_attr *attr = NULL;
    HK_OP1(op, 1, 0);
}
static inline hk_value hk_op_binary(hk_builder *b, const char *op, hk_value x, hk_value y) {
    const hk_value in[2] = { x, y };
    const hk_attr *attr = NULL;
    HK_OP1(op, 2, 0);
}
static inline hk_value hk_linear(hk_builder *b, hk_value x, hk_value w, hk_value bias) {
    const hk_value in[3] = { x, w, bias };
    const hk_attr *attr = NULL;
    HK_OP1("linear", 3, 0);
}
static inline hk_value hk_add(hk_builder *b, hk_value x, hk_value y) { return hk_op_binary(b, "add", x, y); }
static inline hk_value hk_sub(hk_builder *b, hk_value x, hk_value y) { return hk_op_binary(b, "sub", x, y); }
static inline hk_value hk_mul(hk_builder *b, hk_value x, hk_value y) { return hk_op_binary(b, "mul", x, y); }
static inline hk_value hk_div(hk_builder *b, hk_value x, hk_value y) { return hk_op_binary(b, "div", x, y); }
static inline hk_value hk_concat(hk_builder *b, hk_value x, hk_value y) { return hk_op_binary(b, "concat", x, y); }
static inline hk_value hk_sigmoid(hk_builder *b, hk_value x) { return hk_op_unary(b, "sigmoid", x); }
/* The names hk_exp, hk_log and hk_tanh are the dialect's. */
static inline hk_value hk_op_exp(hk_builder *b, hk_value x) { return hk_op_unary(b, "exp", x); }
static inline hk_value hk_op_log(hk_builder *b, hk_value x) { return hk_op_unary(b, "log", x); }
static inline hk_value hk_op_tanh(hk_builder *b, hk_value x) { return hk_op_unary(b, "tanh", x); }
static inline hk_value hk_relu(hk_builder *b, hk_value x) { return hk_op_unary(b, "relu", x); }
static inline hk_value hk_positive(hk_builder *b, hk_value x) { return hk_op_unary(b, "positive", x); }
static inline hk_value hk_round(hk_builder *b, hk_value x) { return hk_op_unary(b, "round", x); }
static inline hk_value hk_max_t(hk_builder *b, hk_value x) { return hk_op_unary(b, "max_t", x); }
static inline hk_value hk_first_spike(hk_builder *b, hk_value x) { return hk_op_unary(b, "first_spike", x); }
static inline hk_value hk_since(hk_builder *b, hk_value x) { return hk_op_unary(b, "since", x); }
/* x, of which no gradient comes back. */
static inline hk_value hk_detach(hk_builder *b, hk_value x) { return hk_op_unary(b, "detach", x); }
static inline hk_value hk_flatten(hk_builder *b, hk_value x) { return hk_op_unary(b, "flatten", x); }
/* The same numbers in another shape, in border order; of STATIC values too. */
static inline hk_value hk_unflatten(hk_builder *b, hk_value x, int rank, const int64_t *shape) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "shape", rank, 0, hk_keep(b, shape, (size_t)rank * sizeof *shape) } };
    HK_OP1("unflatten", 1, 1);
}
static inline hk_value hk_column_as_time(hk_builder *b, hk_value x) { return hk_op_unary(b, "column_as_time", x); }
/* The other way round: [H] at each of T = W steps becomes a row of shape {H,W} or {1,H,W}. */
static inline hk_value hk_time_as_column(hk_builder *b, hk_value x, int rank, const int64_t *shape) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "shape", rank, 0, hk_keep(b, shape, (size_t)rank * sizeof *shape) } };
    HK_OP1("time_as_column", 1, 1);
}
static inline hk_value hk_axis_as_time(hk_builder *b, hk_value x) { return hk_op_unary(b, "axis_as_time", x); }
static inline hk_value hk_repeat_t(hk_builder *b, hk_value x) { return hk_op_unary(b, "repeat_t", x); }
static inline hk_value hk_bernoulli(hk_builder *b, hk_value p) { return hk_op_unary(b, "bernoulli", p); }
static inline hk_value hk_affine(hk_builder *b, hk_value x, double scale, double shift) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "a", 0, scale, NULL }, { "b", 0, shift, NULL } };
    HK_OP1("affine", 1, 2);
}
#define HK_OP_RANGE(name)                                                                                                                                      \
    static inline hk_value hk_##name(hk_builder *b, hk_value x, double lo, double hi) {                                                                        \
        const hk_value in[1] = { x };                                                                                                                          \
        const hk_attr attr[2] = { { "lo", 0, lo, NULL }, { "hi", 0, hi, NULL } };                                                                              \
        HK_OP1(#name, 1, 2);                                                                                                                                   \
    }
HK_OP_RANGE(clamp)
HK_OP_RANGE(within)
#undef HK_OP_RANGE
static inline hk_value hk_sum_t(hk_builder *b, hk_value x, double scale) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "scale", 0, scale, NULL } };
    HK_OP1("sum_t", 1, 1);
}
/* Product over time; an x that is the same at all t is repeated. bias may be HK_NONE. */
static inline hk_value hk_time_mix(hk_builder *b, hk_value x, hk_value w, hk_value bias) {
    const hk_value in[3] = { hk_value_desc(b, x).flags & HK_T ? x : hk_repeat_t(b, x), w, bias };
    const hk_attr *attr = NULL;
    HK_OP1("time_mix", 3, 0);
}
/* how: 0 the last step; 1 the largest number; 2 the largest or the smallest, whichever has the larger magnitude. [T,N,*] -> [N,*] */
static inline hk_value hk_pick_t(hk_builder *b, hk_value x, int how) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "how", how, 0, NULL } };
    HK_OP1("pick_t", 1, 1);
}
/* y[j] = x[index[j]], or 0 where index[j] < 0; n numbers of a STATIC row. */
static inline hk_value hk_gather(hk_builder *b, hk_value x, int64_t n, const int64_t *index) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "index", n, 0, hk_keep(b, index, (size_t)n * sizeof *index) } };
    HK_OP1("gather", 1, 1);
}
/* Mean over T: the firing rate. [T,N,*] -> [N,*] */
static inline hk_value hk_mean_t(hk_builder *b, hk_value x) { return hk_sum_t(b, x, 1.0 / (double)hk_steps(b)); }
/* x, SEQ, with zeros at the steps beyond each sample's length; x itself where samples have no lengths. */
static inline hk_value hk_masked(hk_builder *b, hk_value x) {
    hk_value length, mask = hk_mask(b, &length);
    return mask ? hk_mul(b, x, mask) : x;
}
/* Mean over each sample's own steps: sum over t < length of x[t] / length. */
static inline hk_value hk_mean_steps(hk_builder *b, hk_value x) {
    hk_value length, mask = hk_mask(b, &length);
    return mask ? hk_div(b, hk_sum_t(b, hk_mul(b, x, mask), 1.0), length) : hk_mean_t(b, x);
}
/* Sum over all samples and steps; to: 0 whole row, 1 per channel, 2 scalar. */
static inline hk_value hk_reduce(hk_builder *b, hk_value x, int to) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "to", to, 0, NULL } };
    HK_OP1("reduce", 1, 1);
}
/* The same of each step. */
static inline hk_value hk_reduce_steps(hk_builder *b, hk_value x, int to) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "to", to, 0, NULL }, { "steps", 1, 0, NULL } };
    HK_OP1("reduce", 1, 2);
}
static inline hk_value hk_merge(hk_builder *b, hk_value partial, double scale) {
    const hk_value in[1] = { partial };
    const hk_attr attr[1] = { { "scale", 0, scale, NULL } };
    HK_OP1("merge", 1, 1);
}
/* The largest number of all samples, steps and places, as a STATIC scalar. No gradient comes back. Outside loops. */
static inline hk_value hk_max_all(hk_builder *b, hk_value x) { return hk_op_unary(b, "merge_max", hk_op_unary(b, "reduce_max", x)); }
/* Of each two of the N samples, over all steps and places: the product, or with distance = 1 the squared distance: [N,N], STATIC. Outside loops. */
static inline hk_value hk_pairs(hk_builder *b, hk_value x, int distance) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "distance", distance, 0, NULL } };
    HK_OP1("pairs", 1, 1);
}
static inline hk_value hk_slice(hk_builder *b, hk_value x, int64_t start, int64_t len) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "start", start, 0, NULL }, { "len", len, 0, NULL } };
    HK_OP1("slice", 1, 2);
}
/* axis from 0: any of a STATIC value, the first one of a row. */
static inline hk_value hk_slice_axis(hk_builder *b, hk_value x, int axis, int64_t start, int64_t len) {
    const hk_value in[1] = { x };
    const hk_attr attr[3] = { { "start", start, 0, NULL }, { "len", len, 0, NULL }, { "axis", axis + 1, 0, NULL } };
    HK_OP1("slice", 1, 3);
}
static inline hk_value hk_diagonal(hk_builder *b, hk_value w) { return hk_op_unary(b, "diagonal", w); }
/* A target as a row of classes: 1 at the class; a soft target (HK_SOFT) is one already. */
static inline hk_value hk_one_hot(hk_builder *b, hk_value y, int64_t classes) {
    const hk_desc d = hk_value_desc(b, y);
    if (d.dtype == HK_F32 && d.rank == 1) {
        if (d.shape[0] == classes) return y;
        (b->api->fail)(b, HK_ESHAPE, "the soft target has %lld classes, expected %lld", (long long)d.shape[0], (long long)classes);
        return HK_NONE;
    }
    const hk_value in[1] = { y };
    const hk_attr attr[1] = { { "classes", classes, 0, NULL } };
    HK_OP1("one_hot", 1, 1);
}
/* The spike of z. One of a random surrogate is drawn: 1 with probability z, anew at each step. */
static inline hk_value hk_fire(hk_builder *b, hk_value z, const hk_surrogate *surrogate, int strict, int spiking) {
    const hk_value in[1] = { z };
    const hk_attr attr[3] = { { "surrogate", 0, 0, surrogate }, { "strict", strict, 0, NULL }, { "spiking", spiking, 0, NULL } };
    HK_OP1(surrogate->type->random && spiking ? "bernoulli" : "fire", 1, 3);
}
static inline void hk_cross_entropy(hk_builder *b, hk_value z, hk_value y, hk_value w, double smoothing, hk_value *loss, hk_value *weight) {
    const hk_value in[3] = { z, y, w };
    const hk_attr attr[1] = { { "smoothing", 0, smoothing, NULL } };
    hk_value out[2] = { HK_NONE, HK_NONE };
    hk_emit(b, "cross_entropy", 3, in, 2, out, 1, attr);
    *loss = out[0], *weight = out[1];
}

/* A sliding window over [C,H,W]; index 0 is the height, 1 the width. pad: before (top, left), pad_end: after (bottom, right). */
typedef struct hk_window {
    int64_t kernel[2], stride[2], pad[2], pad_end[2], dil[2];
} hk_window;
#define HK_WINDOW_ATTR(w)                                                                                                                                      \
    { "kernel_h", (w)->kernel[0], 0, NULL }, { "kernel_w", (w)->kernel[1], 0, NULL }, { "stride_h", (w)->stride[0], 0, NULL },                                 \
        { "stride_w", (w)->stride[1], 0, NULL }, { "pad_top", (w)->pad[0], 0, NULL }, { "pad_bottom", (w)->pad_end[0], 0, NULL },                              \
        { "pad_left", (w)->pad[1], 0, NULL }, { "pad_right", (w)->pad_end[1], 0, NULL }, { "dil_h", (w)->dil[0], 0, NULL },                                    \
        { "dil_w", (w)->dil[1], 0, NULL }
static inline hk_value hk_conv2d(hk_builder *b, hk_value x, hk_value w, hk_value bias, const hk_window *window, int64_t groups) {
    const hk_value in[3] = { x, w, bias };
    const hk_attr attr[11] = { HK_WINDOW_ATTR(window), { "groups", groups, 0, NULL } };
    HK_OP1("conv2d", 3, 11);
}
/* Transposed convolution of x f[O,H',W'] to `shape` = {C,H,W}, of which a conv2d with this window and w [O,C/groups,kh,kw] makes [O,H',W']. */
static inline hk_value hk_conv2d_transposed(hk_builder *b, hk_value x, hk_value w, const hk_window *window, int64_t groups, const int64_t shape[3]) {
    const hk_value in[2] = { x, w };
    const hk_attr attr[12] = { HK_WINDOW_ATTR(window), { "groups", groups, 0, NULL }, { "shape", 3, 0, hk_keep(b, shape, 3 * sizeof *shape) } };
    HK_OP1("conv2d_dx", 2, 12);
}
/* y[c,i,j] = x[c, rows[i], cols[j]]: [C,H,W] -> [C,h,w] */
static inline hk_value hk_nearest2d(hk_builder *b, hk_value x, int64_t h, const int64_t *rows, int64_t w, const int64_t *cols) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "rows", h, 0, hk_keep(b, rows, (size_t)h * sizeof *rows) }, { "cols", w, 0, hk_keep(b, cols, (size_t)w * sizeof *cols) } };
    HK_OP1("nearest2d", 1, 2);
}
/* ceil: a last window may reach beyond the padded input, but not start there. */
static inline hk_value hk_maxpool2d(hk_builder *b, hk_value x, const hk_window *window, int ceil) {
    const hk_value in[1] = { x };
    const hk_attr attr[11] = { HK_WINDOW_ATTR(window), { "ceil", ceil, 0, NULL } };
    HK_OP1("maxpool2d", 1, 11);
}
static inline hk_value hk_avgpool2d(hk_builder *b, hk_value x, const hk_window *window, int ceil, int include_pad, int64_t divisor) {
    const hk_value in[1] = { x };
    const hk_attr attr[13] = { HK_WINDOW_ATTR(window), { "ceil", ceil, 0, NULL }, { "include_pad", include_pad, 0, NULL }, { "divisor", divisor, 0, NULL } };
    HK_OP1("avgpool2d", 1, 13);
}
static inline hk_value hk_adaptive_avgpool2d(hk_builder *b, hk_value x, int64_t out_h, int64_t out_w) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "out_h", out_h, 0, NULL }, { "out_w", out_w, 0, NULL } };
    HK_OP1("adaptive_avgpool2d", 1, 2);
}
static inline hk_value hk_channel_stats(hk_builder *b, hk_value x) { return hk_op_unary(b, "channel_stats", x); }
static inline void hk_channel_merge(hk_builder *b, hk_value partial, hk_value *mean, hk_value *var) {
    hk_value out[2] = { HK_NONE, HK_NONE };
    hk_emit(b, "channel_merge", 1, &partial, 2, out, 0, NULL);
    *mean = out[0], *var = out[1];
}
static inline hk_value hk_rsqrt(hk_builder *b, hk_value x, double eps) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "eps", 0, eps, NULL } };
    HK_OP1("rsqrt", 1, 1);
}
/* train: mean and rstd are those of x, and its gradient flows through them too. */
static inline hk_value hk_batchnorm(hk_builder *b, hk_value x, hk_value mean, hk_value rstd, hk_value w, hk_value bias, int train) {
    const hk_value in[5] = { x, mean, rstd, w, bias };
    const hk_attr attr[1] = { { "train", train, 0, NULL } };
    HK_OP1("batchnorm", 5, 1);
}
/* Each row's groups of C / groups channels with mean 0 and variance 1; also of a STATIC value. */
static inline hk_value hk_groupnorm(hk_builder *b, hk_value x, int64_t groups, double eps) {
    const hk_value in[1] = { x };
    const hk_attr attr[2] = { { "groups", groups, 0, NULL }, { "eps", 0, eps, NULL } };
    HK_OP1("groupnorm", 1, 2);
}
/* z = x y of each of `groups` blocks along axis 0 of both; transpose_x, transpose_y: the operand's blocks are given transposed. */
static inline hk_value hk_matmul(hk_builder *b, hk_value x, hk_value y, int64_t groups, int transpose_x, int transpose_y) {
    const hk_value in[2] = { x, y };
    const hk_attr attr[3] = { { "groups", groups, 0, NULL }, { "transpose_x", transpose_x, 0, NULL }, { "transpose_y", transpose_y, 0, NULL } };
    HK_OP1("matmul", 2, 3);
}
static inline hk_value hk_dropout_mask(hk_builder *b, hk_value x, hk_value s0, double p, int channel) {
    const hk_value in[2] = { x, s0 };
    const hk_attr attr[2] = { { "p", 0, p, NULL }, { "channel", channel, 0, NULL } };
    HK_OP1("dropout_mask", 2, 2);
}
static inline hk_value hk_group_mean(hk_builder *b, hk_value x, int64_t size) {
    const hk_value in[1] = { x };
    const hk_attr attr[1] = { { "size", size, 0, NULL } };
    HK_OP1("group_mean", 1, 1);
}
static inline hk_value hk_first_max(hk_builder *b, hk_value x) { return hk_op_unary(b, "first_max", x); }
static inline hk_value hk_correct(hk_builder *b, hk_value z, hk_value y) { return hk_op_binary(b, "correct", z, y); }
static inline hk_value hk_correct_top(hk_builder *b, hk_value z, hk_value y, int64_t top) {
    const hk_value in[2] = { z, y };
    const hk_attr attr[1] = { { "top", top, 0, NULL } };
    HK_OP1("correct_top", 2, 1);
}

#undef HK_OP1

#ifdef __cplusplus
}
#endif
#endif
