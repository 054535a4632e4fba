/* padding.c - networks whose samples have lengths: what looks at steps beyond them.
 *
 * What a network computes at a step depends on the steps before, and zero gradients come back from steps that no loss counts; so a padded sequence
 * trains as the same one without padding. The exceptions are operations that look at all steps at once. Those that a type has not masked (hk_mask)
 * are refused, with the layer; batch normalisation in training counts padded steps, as SpikingJelly's does, and a warning says so. */
#include "exec/exec.h"
#include <string.h>

/* Whether v was made with the mask, by at most `depth` operations. */
static bool masked(const hk__builder *b, hk_value v, int depth) {
    const hk__val *x = &b->g->val[v];
    if (b->mask && v == b->mask) return true;
    if (!v || x->source != HK_SRC_NODE || depth == 0) return false;
    const hk__node *n = &b->g->node[x->node];
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && masked(b, n->in[i], depth - 1)) return true;
    return false;
}

static bool one_of(const char *op, const char *const *list) {
    for (; *list; list++)
        if (strcmp(op, *list) == 0) return true;
    return false;
}

void hk__padding_check(hk__builder *b) {
    static const char *const whole[] = { "time_mix", "sum_t", "max_t", "first_spike", "pick_t", NULL }, *const counts[] = { "channel_stats", NULL };
    bool warned = b->net->warned_padding;
    for (int32_t i = 1; i < b->g->n_node && b->status == HK_OK; i++) {
        const hk__node *n = &b->g->node[i];
        if (!n->op || !n->n_in || !n->in[0] || (b->g->val[n->in[0]].desc.flags & HK_SEQ) != HK_SEQ || masked(b, n->in[0], 2)) continue;
        if (one_of(n->op->name, whole))
            hk__builder_fail(&b->base, HK_EUNSUPPORTED, "layer %s looks at all time steps (%s), also those beyond a sample's length, and takes no lengths", n->path[0] ? n->path : "(root)", n->op->name);
        else if (one_of(n->op->name, counts) && !warned) {
            hk__log(b->ctx, 1, "layer %s: the mean and variance of batch normalisation count the steps beyond a sample's length too", n->path[0] ? n->path : "(root)");
            b->net->warned_padding = warned = true;
        }
    }
}
