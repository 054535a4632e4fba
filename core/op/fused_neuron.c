/* fused_neuron.c - a neuron with the batch normalisation before it and the max pooling behind it, in one pass over the data; made by the
 * rules of core/fuse/, never by a module.
 *
 * Operands are those of neuron and, after them, those of the others: mean, rstd, [w], [b] (all absent: no normalisation); results are
 * those of neuron, then pooled and where (absent without a window). What the normalisation gives is never stored: backward computes it again. */
#include "op/op.h"

enum { N_NORM = 4 };
static const hk_neuron *of(const hk__node *n) { return hk__attr(n, "neuron")->p; }

HK_INFER(fused_neuron_infer) { /* x, s0.., p.., mean, rstd, w, b -> y, s1.., seq.., pooled, where */
    int at = 1 + 2 * (int)of(n)->type->n_state;
    hk__neuron_infer(b, n, in, out);
    if (hk__attr(n, "kernel_h")) {
        hk__pool_infer(b, n, &out[0], &out[at]);
        out[at + 1] = out[at];
    } else {
        out[at] = out[at + 1] = hk__desc(HK_F32, HK_STATIC, 0, NULL); /* nobody reads them */
    }
    out[at + 1].dtype = HK_COUNT;
}

/* fused_neuron_bwd: x, s0.., p.., gy, gseq.., gs1.., mean, rstd, w, b, gpooled, where -> gx, gs0.., gp.., sums */
HK_GRAD(fused_neuron_grad) {
    const hk_neuron *neuron = of(c->node);
    int ns = (int)neuron->type->n_state, np = (int)neuron->type->n_param, norm = 1 + ns + np, n = 0;
    hk_value in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    for (int i = 0; i < norm; i++) in[n++] = hk__saved_in(c, i);
    in[n++] = c->gout[0];
    for (int i = 0; i < ns; i++) in[n++] = c->gout[1 + ns + i];
    for (int i = 0; i < ns; i++) in[n++] = c->gout[1 + i];
    for (int i = 0; i < N_NORM; i++) in[n++] = c->node->in[norm + i] ? hk__saved_in(c, norm + i) : HK_NONE;
    in[n++] = c->gout[1 + 2 * ns] ? hk__grad_each(c->b, c->gout[1 + 2 * ns], hk__saved_out(c, 1 + 2 * ns)) : HK_NONE;
    in[n++] = c->gout[1 + 2 * ns] ? hk__saved_out(c, 2 + 2 * ns) : HK_NONE;
    hk_emit(c->b, "fused_neuron_bwd", n, in, norm + 1, out, c->node->n_attr, c->node->attr);
    for (int i = 0; i < norm; i++) c->gin[i] = c->need[i] ? out[i] : HK_NONE;
    c->summed = 1;
    if (!c->node->in[norm]) return;
    c->gin[0] = HK_NONE;
    hk__batchnorm_grads(c, out[0], 0, norm, out[norm]);
}

HK_INFER(fused_neuron_bwd_infer) {
    const hk_neuron *neuron = of(n);
    uint32_t ns = neuron->type->n_state, np = neuron->type->n_param, norm = 2 + 3 * ns + np;
    out[0] = in[0];
    out[0].dtype = HK_F32; /* a HELD input's gradient is summed over t */
    for (uint32_t i = 0; i < ns; i++) out[1 + i] = out[0], out[1 + i].flags = HK_HELD;
    for (uint32_t i = 0; i < np; i++) out[1 + ns + i] = hk__desc(HK_F32, HK_G | (in[1 + ns + i].flags & HK_T), in[1 + ns + i].rank, in[1 + ns + i].shape);
    int64_t shape[2] = { 2, in[norm].dtype == HK_ABSENT ? 1 : in[norm].shape[0] };
    out[1 + ns + np] = hk__desc(HK_F32, HK_G, 2, shape);
    (void)b;
}

const hk__op hk__ops_fused_neuron[] = {
    { "fused_neuron", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_STEPS, fused_neuron_infer, fused_neuron_grad, "batchnorm, neuron, maxpool2d" },
    { "fused_neuron_bwd", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_STEPS | HK_OP_BACK | HK_OP_SUMS, fused_neuron_bwd_infer, NULL, "adjoint of fused_neuron" },
    { 0 },
};
