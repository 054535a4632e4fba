/* linear_neuron.c - the rule linear+neuron: a neuron and the small linear that it alone reads (columns of a picture, or a table of spikes), for inference. The
 * product's rows stay in the first cache, a few samples at a time. In loops too. */
#include "fuse/fuse.h"
#include "op/op.h"
#include <string.h>

enum { N_LINEAR = 5 };

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "neuron") != 0) return false;
    const hk__val *x = &g->val[n.in[0]];
    if (x->source != HK_SRC_NODE || x->loop != n.loop || g->node[x->node].body) return false;
    int32_t before = x->node;
    hk__node linear = g->node[before];
    if (strcmp(linear.op->name, "linear") != 0 || (!hk__attr_int(&linear, "columns") && linear.n_in < 4)) return false;
    if (N_LINEAR + n.n_in + n.n_out > HK_MAX_OPERANDS || !hk__only_reader(g, rule, n.in[0], id, "what linear gives")) return false;
    hk_value *in = hk__pool(g, (size_t)(N_LINEAR + n.n_in) * sizeof *in);
    hk_attr *attr = hk__pool(g, (size_t)(linear.n_attr + n.n_attr) * sizeof *attr);
    if (!in || !attr) return false;
    memcpy(in, linear.in, (size_t)linear.n_in * sizeof *in);
    memcpy(in + N_LINEAR, n.in + 1, (size_t)(n.n_in - 1) * sizeof *in);
    if (linear.n_attr) memcpy(attr, linear.attr, (size_t)linear.n_attr * sizeof *attr);
    memcpy(attr + linear.n_attr, n.attr, (size_t)n.n_attr * sizeof *attr);
    hk__node *both = &g->node[id];
    both->op = hk__op_find("linear_neuron");
    both->in = in, both->n_in = N_LINEAR + n.n_in - 1;
    both->attr = attr, both->n_attr = linear.n_attr + n.n_attr;
    if (!hk__backend_takes(b, both)) {
        hk__note(g, "%s: not fused by %s: backend '%s' does not take it", n.path, rule->name, b->net->cfg.backend);
        g->node[id] = n;
        return false;
    }
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_linear_neuron = { "linear+neuron", apply, true, true };
