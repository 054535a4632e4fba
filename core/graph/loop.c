/* loop.c - loops over time, and sequence state.
 *
 * A loop is one node with a body. Inside, a value has no t: a slice of a SEQ value varies with n only. A carry is the value that one
 * step hands to the next; its shape and dtype are those of what is fed back, found by inferring the body until nothing changes.
 * Sequence state outside loops is a pair of values (before, after) bound to a slot; inside a loop it is a carry bound to the slot. */
#include "graph/graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void oom(hk_builder *b) { hk__builder_fail(b, HK_ENOMEM, "out of memory for the graph"); }

hk_loop hk__loop_begin(hk_builder *bb) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status != HK_OK) return 0;
    if (b->stateless) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "runs step by step and hands on what it had, and the container around it takes steps as samples like others: take the layer out of it");
        return 0;
    }
    if (b->loop) { /* a loop inside a loop runs one step: it is built in place */
        b->inlined++;
        return b->loop;
    }
    int32_t id = hk__node_new(g, hk__ops_loop, b->at ? b->at->path : "", 0, NULL, 0, 0, NULL, 0);
    hk__loop *l = id ? hk__pool(g, sizeof *l) : NULL;
    if (!l || !hk__push(&g->top, id)) {
        oom(bb);
        return 0;
    }
    g->node[id].body = l;
    g->node[id].phase = b->phase;
    b->loop = id;
    return id;
}

hk_value hk__loop_at(hk_builder *bb, hk_loop id, hk_value v) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status != HK_OK || !v || b->inlined || !id) return v;
    if (g->val[v].loop == id || !(g->val[v].desc.flags & HK_T)) return v; /* already inside, or the same at all t */
    hk__loop *l = g->node[id].body;
    for (int i = 0; i < l->n_at; i++)
        if (l->at[i].outer == v) return l->at[i].inner;
    hk_desc d = g->val[v].desc;
    d.flags &= (uint8_t)~HK_T;
    hk_value inner = hk__val_new(g, &d, HK_SRC_AT, v, id);
    if (!inner || !hk__pair_add(g, &l->at, &l->n_at, inner, v)) oom(bb);
    return inner;
}

static hk_value add_carry(hk__builder *b, int32_t id, const hk_desc *d, int32_t slot) {
    hk__graph *g = b->g;
    hk__loop *l = g->node[id].body;
    if (l->n_carry == HK__MAX_CARRY) {
        hk__builder_fail(&b->base, HK_EUNSUPPORTED, "a loop with more than %d carries", HK__MAX_CARRY);
        return HK_NONE;
    }
    hk__carry *c = hk__pool(g, (size_t)(l->n_carry + 1) * sizeof *c);
    hk_value v = c ? hk__val_new(g, d, HK_SRC_CARRY, l->n_carry, id) : HK_NONE;
    if (!v) {
        oom(&b->base);
        return HK_NONE;
    }
    if (l->n_carry) memcpy(c, l->carry, (size_t)l->n_carry * sizeof *c);
    c[l->n_carry] = (hk__carry){ .in = v, .slot = slot };
    l->carry = c;
    l->n_carry++;
    return v;
}

hk_value hk__loop_carry_plain(hk__builder *b, int32_t id, const hk_desc *d) { return b->status == HK_OK ? add_carry(b, id, d, 0) : HK_NONE; }

static int32_t new_slot(hk__builder *b, const hk__module *m, const char *field, double def) {
    hk__graph *g = b->g;
    if (g->n_slot == g->cap_slot) {
        int32_t cap = g->cap_slot ? 2 * g->cap_slot : 16;
        hk__slot *p = realloc(g->slot, (size_t)cap * sizeof *p);
        if (!p) return -1;
        g->slot = p, g->cap_slot = cap;
    }
    char name[512];
    hk__name_in(m, field, name, sizeof name);
    char *s = hk__pool_str(g, name);
    if (!s) return -1;
    g->slot[g->n_slot] = (hk__slot){ .name = s, .def = def };
    return g->n_slot++;
}

static hk_value carry_with_slot(hk__builder *b, const hk__module *m, const char *field, double def) {
    hk_desc unknown = { .dtype = HK_F32, .flags = HK_N, .rank = HK_UNKNOWN };
    int32_t s = new_slot(b, m, field, def);
    if (s < 0) {
        oom(&b->base);
        return HK_NONE;
    }
    int32_t k = b->g->node[b->loop].body->n_carry;
    b->g->slot[s].loop = b->loop, b->g->slot[s].carry = k;
    return add_carry(b, b->loop, &unknown, s + 1);
}

hk_value hk__loop_carry(hk_builder *bb, hk_loop id, const char *name) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK || !id) return HK_NONE;
    return carry_with_slot(b, b->at, name, 0.0);
}

void hk__loop_next(hk_builder *bb, hk_loop id, hk_value carry, hk_value next) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK || !carry || !next) return;
    const hk__val *v = &b->g->val[carry];
    if (v->source != HK_SRC_CARRY || v->loop != id) hk__builder_fail(bb, HK_EINVAL, "loop_next: not a carry of this loop");
    else b->g->node[id].body->carry[v->ref].next = next;
}

static hk_desc stacked(hk_desc d) {
    if (hk__known(&d)) d.flags |= HK_T;
    return d;
}

hk_value hk__loop_stack(hk_builder *bb, hk_loop id, hk_value v) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status != HK_OK || !v || !id || b->inlined) return v;
    if (g->val[v].loop != id) return v; /* the same at all t */
    if (g->val[v].source == HK_SRC_AT) return g->val[v].ref;
    hk__loop *l = g->node[id].body;
    for (int i = 0; i < l->n_stack; i++)
        if (l->stack[i].inner == v) return l->stack[i].outer;
    hk_desc d = stacked(g->val[v].desc);
    hk_value outer = hk__val_new(g, &d, HK_SRC_NODE, 0, 0);
    if (outer) g->val[outer].node = id;
    if (!outer || !hk__pair_add(g, &l->stack, &l->n_stack, v, outer)) oom(bb);
    return outer;
}

hk_value hk__loop_sum(hk_builder *bb, hk_loop id, hk_value v) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status != HK_OK || !v || !id || b->inlined) return v;
    if (g->val[v].loop != id) return hk_affine(bb, v, (double)g->T, 0.0); /* the same at all t */
    hk__loop *l = g->node[id].body;
    hk_desc d = g->val[v].desc;
    hk_value outer = hk__val_new(g, &d, HK_SRC_NODE, 0, 0);
    if (outer) g->val[outer].node = id;
    if (!outer || !hk__pair_add(g, &l->sum, &l->n_sum, v, outer)) oom(bb);
    return outer;
}

void hk__loop_end(hk_builder *bb, hk_loop id) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->inlined) {
        b->inlined--;
        return;
    }
    if (b->status != HK_OK || !id) return;
    hk__loop *l = g->node[id].body;
    for (int i = 0; i < l->n_carry; i++)
        if (!l->carry[i].next) {
            hk__builder_fail(bb, HK_EINVAL, "a loop's carry was never given its next value (loop_next)");
            return;
        }
    bool changed = true;
    for (int round = 0; changed && b->status == HK_OK; round++) {
        changed = false;
        for (int i = 0; i < l->n_carry; i++) {
            hk_desc *in = &g->val[l->carry[i].in].desc, next = g->val[l->carry[i].next].desc;
            if (!hk__known(&next)) continue;
            next.flags |= HK_N; /* carries are kept for each sample */
            if (!hk__same_desc(in, &next)) *in = next, changed = true;
        }
        if (!changed) break;
        if (round == 8 + l->n_carry) { /* a shape goes on by one carry in a round, where each hands on to the next */
            hk__builder_fail(bb, HK_ESHAPE, "what the loop feeds back has a shape or dtype that changes from step to step");
            return;
        }
        for (int i = 0; i < l->body.n && b->status == HK_OK; i++) hk__infer_node(b, l->body.at[i]);
    }
    if (b->status != HK_OK) return;
    for (int i = 0; i < l->n_carry; i++) {
        const hk_desc *in = &g->val[l->carry[i].in].desc;
        if (!hk__known(in)) {
            hk__builder_fail(bb, HK_ESHAPE, "the shape of what the loop feeds back cannot be found: nothing in the loop gives it");
            return;
        }
        if (l->carry[i].slot) g->slot[l->carry[i].slot - 1].desc = *in;
    }
    for (int i = 0, n = g->n_named; i < n; i++)
        if (g->val[g->named[i].value].loop == id) g->named[i].value = hk__loop_stack(bb, id, g->named[i].value);
    for (int i = 0; i < l->n_stack; i++) g->val[l->stack[i].outer].desc = stacked(g->val[l->stack[i].inner].desc);
    for (int i = 0; i < l->n_sum; i++) g->val[l->sum[i].outer].desc = g->val[l->sum[i].inner].desc;
    b->loop = 0;
}

hk_value hk__state(hk_builder *bb, const hk_module *m, const char *field, hk_value like, double def) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status == HK_OK && b->stateless)
        hk__builder_fail(bb, HK_EUNSUPPORTED, "keeps state ('%s') from step to step, and the container around it takes steps as samples like others: take the layer out of it", field);
    if (b->status != HK_OK) return HK_NONE;
    if (b->loop) return carry_with_slot(b, hk__mod(m), field, def);
    hk_desc d = g->val[like].desc;
    d.dtype = HK_F32, d.flags = HK_HELD;
    int32_t s = new_slot(b, hk__mod(m), field, def);
    hk_value v = s >= 0 ? hk__val_new(g, &d, HK_SRC_STATE, s, 0) : HK_NONE;
    if (!v) {
        oom(bb);
        return HK_NONE;
    }
    g->slot[s].desc = d, g->slot[s].in = v;
    return v;
}

void hk__state_next(hk_builder *bb, const hk_module *m, const char *field, hk_value v) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK || !v) return;
    char name[512];
    hk__name_in(hk__mod(m), field, name, sizeof name);
    int32_t s = b->g->n_slot - 1; /* the last of this name: a module built twice in one graph has a slot for each use */
    while (s >= 0 && strcmp(b->g->slot[s].name, name) != 0) s--;
    if (s < 0) {
        hk__builder_fail(bb, HK_EINVAL, "state '%s' is set but was never read", field);
        return;
    }
    if (b->loop) hk__loop_next(bb, b->loop, b->g->node[b->loop].body->carry[b->g->slot[s].carry].in, v);
    else b->g->slot[s].next = v;
}
