/* spike_table.c - the rule spike_table: a small linear of spikes adds entries of a table of its weights, made once per run, in place of multiplying.
 *
 * Four spikes are one of 16 sums of four columns of w: a row of 32 spikes costs 8 additions. In loops too; the table is made before the loop.
 * Which linears have one depends on shapes alone, so that bits depend neither on what spikes nor on the batch. */
#include "fuse/fuse.h"
#include <string.h>

enum { K_MAX = 64, ELEMS_MAX = 4096 }; /* spikes in a word of bits; numbers of w: a table of 64 KiB */

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    const hk__node *n = &g->node[id];
    if (n->body || strcmp(n->op->name, "linear") != 0 || n->n_in != 3 || !n->in[1]) return false;
    const hk_desc *x = &g->val[n->in[0]].desc, *w = &g->val[n->in[1]].desc;
    if (x->dtype != HK_SPIKE || x->rank != 1 || w->flags || w->rank != 2 || g->val[n->in[1]].loop) return false;
    if (w->shape[1] > K_MAX || hk_desc_elems(w) > ELEMS_MAX) return false;
    hk_value weight = n->in[1], table;
    hk_value *in = hk__pool(g, 4 * sizeof *in);
    if (!in || !hk__fuse_emit(b, rule, n->loop ? n->loop : id, "spike_table", 1, &weight, 1, &table, 0, NULL)) return false;
    hk__node *m = &g->node[id]; /* tables have moved */
    memcpy(in, m->in, 3 * sizeof *in);
    in[3] = table, m->in = in, m->n_in = 4;
    return true;
}

const hk__rule hk__rule_spike_table = { "spike_table", apply, true, false };
