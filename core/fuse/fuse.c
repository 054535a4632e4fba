/* fuse.c - tries every rule at every operation, and what rules need to look at the graph and to change it. */
#include "fuse/fuse.h"
#include <string.h>

#define ADDRESS(name) &hk__rule_##name,
static const hk__rule *const rules[] = { HK_RULES(ADDRESS) };

int32_t hk__made_by(const hk__graph *g, hk_value v, const char *op) {
    const hk__val *x = &g->val[v];
    if (!v || x->source != HK_SRC_NODE || x->loop || g->node[x->node].body || strcmp(g->node[x->node].op->name, op) != 0) return 0;
    return x->node;
}

bool hk__only_reader(hk__graph *g, const hk__rule *rule, hk_value v, int32_t reader, const char *what) {
    const char *who = "";
    hk_value *slot = NULL;
    for (int k = 0; k < g->node[reader].n_in; k++)
        if (g->node[reader].in[k] == v) slot = &g->node[reader].in[k];
    if (slot) *slot = HK_NONE; /* others only */
    int n = hk__readers(g, v, &who);
    if (slot) *slot = v;
    if (n) hk__note(g, "%s: not fused by %s: %s is also read by %s", g->node[reader].path, rule->name, what, who[0] ? who : "the loss");
    return n == 0;
}

bool hk__fuse_emit(hk__builder *b, const hk__rule *rule, int32_t at, const char *op, int n_in, const hk_value *in, int n_out, hk_value *out, int n_attr,
                   const hk_attr *attr) {
    hk__graph *g = b->g;
    b->path = g->node[at].path;
    hk_emit(&b->base, op, n_in, in, n_out, out, n_attr, attr);
    b->path = NULL;
    if (b->status != HK_OK) return false;
    int32_t id = g->top.at[--g->top.n];
    if (!hk__backend_takes(b, &g->node[id])) {
        hk__note(g, "%s: not fused by %s: backend '%s' does not take it", g->node[at].path, rule->name, b->net->cfg.backend);
        hk__drop_node(g, id);
        return false;
    }
    g->node[id].phase = g->node[at].phase;
    if (!hk__insert(&g->top, hk__index_of(&g->top, at), id)) g->oom = true;
    return true;
}

void hk__drop_node(hk__graph *g, int32_t node) {
    hk__list *region = hk__body(g, g->node[node].loop);
    int at = hk__index_of(region, node);
    for (int k = 0; k < g->node[node].n_in; k++) g->node[node].in[k] = HK_NONE;
    if (at >= 0) hk__remove(region, at);
}

/* Tries the rules at one operation. */
static bool try_rules(hk__builder *b, int32_t id, bool in_loop, bool gradients) {
    for (size_t r = 0; r < sizeof rules / sizeof *rules && b->status == HK_OK; r++)
        if ((rules[r]->in_loops || !in_loop) && !(rules[r]->no_gradients && gradients) && rules[r]->apply(b, rules[r], id)) return true;
    return false;
}

void hk__fuse(hk__builder *b, bool gradients) {
    hk__graph *g = b->g;
    for (int i = 0; i < g->top.n && b->status == HK_OK; i++) {
        int32_t id = g->top.at[i];
        bool done = try_rules(b, id, false, gradients);
        for (int k = 0; !done && g->node[id].body && k < g->node[id].body->body.n && b->status == HK_OK; k++) done = try_rules(b, g->node[id].body->body.at[k], true, gradients);
        if (done) i = -1; /* places have moved */
    }
}
