/* neuron.c - a neuron over all time steps (or, inside a loop, over one), and its adjoint, which replays the forward pass. */
#include "op/op.h"

static const hk_neuron *of(const hk__node *n) { return hk__attr(n, "neuron")->p; }

void hk__neuron_infer(hk_builder *b, const hk__node *n, const hk_desc *in, hk_desc *out) { /* x, s0.., p.. -> y, s1.., seq.. */
    const hk_neuron *neuron = of(n);
    uint32_t ns = neuron->type->n_state;
    hk_desc y = in[0];
    if (neuron->type->n_fire && neuron->spiking && neuron->surrogate.type->random) {
        hk__builder_fail(b, HK_EUNSUPPORTED, "its surrogate draws the spikes at random, which only works where the spike is an operation of its own, not inside a neuron's step; "
                         "take a surrogate that steps");
        return;
    }
    y.dtype = HK_F32;
    y.flags = n->loop ? HK_N : HK_SEQ; /* its state changes from one step to the next */
    for (uint32_t i = 0; i < neuron->type->n_param && hk__known(&in[0]); i++) {
        const hk_desc *p = &in[1 + ns + i];
        bool fits = p->rank == 0 || hk__same_shape(p, &in[0]) || (p->rank == 1 && in[0].rank >= 1 && p->shape[0] == in[0].shape[0]);
        if (!fits || (p->flags & HK_N)) {
            char t[96], u[96];
            hk__builder_fail(b, HK_ESHAPE, "parameter %s has shape %s; expected a scalar, one number per channel, or the input's shape %s", neuron->type->param_names[i],
                             hk__shape_text(p, t), hk__shape_text(&in[0], u));
            return;
        }
    }
    out[0] = y;
    bool bytes = (neuron->type->flags & HK_NEURON_SPIKES) && neuron->spiking && !neuron->surrogate.type->has_forward;
    if (bytes) out[0].dtype = HK_SPIKE;
    for (uint32_t i = 0; i < ns; i++) {
        out[1 + i] = y, out[1 + i].flags = HK_HELD;
        out[1 + ns + i] = y;
    }
}

/* neuron_bwd: x, s0.., p.., gy, gseq.., gs1.. -> gx, gs0.., gp.. */
HK_GRAD(neuron_grad) {
    const hk_neuron *neuron = of(c->node);
    int ns = (int)neuron->type->n_state, np = (int)neuron->type->n_param, n = 0;
    hk_value in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    for (int i = 0; i < 1 + ns + np; i++) in[n++] = hk__saved_in(c, i);
    in[n++] = c->gout[0];
    for (int i = 0; i < ns; i++) in[n++] = c->gout[1 + ns + i];
    for (int i = 0; i < ns; i++) in[n++] = c->gout[1 + i];
    hk_emit(c->b, "neuron_bwd", n, in, 1 + ns + np, out, c->node->n_attr, c->node->attr);
    for (int i = 0; i < 1 + ns + np; i++) c->gin[i] = c->need[i] ? out[i] : HK_NONE;
}

HK_INFER(neuron_bwd_infer) {
    const hk_neuron *neuron = of(n);
    uint32_t ns = neuron->type->n_state;
    out[0] = in[0];
    out[0].dtype = HK_F32, out[0].flags = n->loop ? HK_N : HK_SEQ;
    for (uint32_t i = 0; i < ns; i++) out[1 + i] = out[0], out[1 + i].flags = HK_HELD;
    for (uint32_t i = 0; i < neuron->type->n_param; i++) {
        const hk_desc *p = &in[1 + ns + i];
        out[1 + ns + i] = hk__desc(HK_F32, HK_G | (p->flags & HK_T), p->rank, p->shape); /* STEP: partial sums for each step */
    }
    (void)b;
}

HK_INFER(neuron_z_infer) {
    for (int i = 0; i < n->n_out; i++) {
        out[i] = in[0];
        out[i].dtype = HK_F32, out[i].flags = n->loop ? HK_N : HK_SEQ;
    }
    (void)b;
}

const hk__op hk__ops_neuron[] = {
    { "neuron", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_STEPS, hk__neuron_infer, neuron_grad, "a neuron over time" },
    { "neuron_bwd", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_STEPS | HK_OP_BACK | HK_OP_SUMS, neuron_bwd_infer, NULL, "adjoint of neuron" },
    { "neuron_z", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_STEPS, neuron_z_infer, NULL, "what a neuron's spikes are a step of" },
    { 0 },
};
