/* neuron_mean.c - the rule neuron+mean over T: the sum over t of what a neuron gives, which it alone reads, is made by the operation that linear+neuron made.
 * The spikes of the output layer are then never stored. */
#include "fuse/fuse.h"
#include <string.h>

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    hk__node sum = g->node[id];
    if (sum.body || strcmp(sum.op->name, "sum_t") != 0) return false;
    int32_t before = hk__made_by(g, sum.in[0], "linear_neuron");
    if (!before) return false;
    hk__node n = g->node[before];
    hk_value out[HK_MAX_OPERANDS];
    hk_attr attr[32];
    if (n.out[0] != sum.in[0] || hk__attr(&n, "sum") || n.n_in + n.n_out + 1 > HK_MAX_OPERANDS || n.n_attr + 1 > 32) return false;
    if (!hk__only_reader(g, rule, sum.in[0], id, "what the neuron gives")) return false;
    memcpy(attr, n.attr, (size_t)n.n_attr * sizeof *attr);
    attr[n.n_attr] = (hk_attr){ "sum", 1, hk__attr(&sum, "scale")->f, NULL };
    if (!hk__fuse_emit(b, rule, before, "linear_neuron", n.n_in, n.in, n.n_out + 1, out, n.n_attr + 1, attr)) return false;
    g->node[g->val[out[0]].node].stream = n.stream;
    for (int k = 0; k < n.n_out; k++) hk__replace(g, n.out[k], out[k]);
    hk__replace(g, sum.out[0], out[n.n_out]);
    hk__drop_node(g, id);
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_neuron_mean = { "neuron+mean over T", apply, false, true };
