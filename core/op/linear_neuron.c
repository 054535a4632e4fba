/* linear_neuron.c - a small linear and the neuron that alone reads it, in one pass over the data, and with it the sum over t of what the neuron gives; made by
 * the rules of core/fuse/ for inference, never by a module.
 *
 * Operands are those of linear (five, some of them absent) and, after them, those of neuron without its x; results are those of neuron, then [sum]. */
#include "op/op.h"

enum { N_LINEAR = 5 };

HK_INFER(linear_neuron_infer) { /* x, w, b, table, plus, s0.., p.. -> y, s1.., seq.., [sum] */
    const hk_neuron *neuron = hk__attr(n, "neuron")->p;
    int ns = (int)neuron->type->n_state, np = (int)neuron->type->n_param;
    hk_desc part[HK_MAX_OPERANDS];
    part[0] = hk__desc(HK_F32, in[0].flags | (hk__attr_int(n, "columns") ? HK_T : 0), 1, &in[1].shape[0]);
    for (int i = 0; i < ns + np; i++) part[1 + i] = in[N_LINEAR + i];
    hk__neuron_infer(b, n, part, out);
    if (n->n_out > 1 + 2 * ns) out[1 + 2 * ns] = hk__desc(HK_F32, HK_HELD, 1, &in[1].shape[0]);
}

const hk__op hk__ops_linear_neuron[] = {
    { "linear_neuron", HK_TIME_SCAN, HK_OP_FIXED | HK_OP_DEFAULT_STATE | HK_OP_PRODUCT, linear_neuron_infer, NULL, "linear, neuron, sum over t" },
    { 0 },
};
