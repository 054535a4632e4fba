/* chunk_stage.c - chunks of steps: the stage of each operation of a segment, and the states that go from chunk to chunk (lines).
 *
 * In a sweep runs what gives the same for some steps as for all of them. What does not runs whole, with all that stands behind it on its way. */
#include "exec/chunk.h"
#include <stdlib.h>

typedef struct looker { /* what an operation reads */
    const hk__graph *g;
    const bool *inside;
    int most;        /* latest stage */
    bool part, time; /* some value of a sweep that varies with t; any that does */
} looker;

static void look(void *arg, hk_value v) {
    looker *l = arg;
    const hk__val *x = &l->g->val[v];
    bool time = (x->desc.flags & HK_T) != 0;
    l->time |= time;
    if (x->source != HK_SRC_NODE || x->loop || !l->inside[x->node]) return;
    const hk__node *n = &l->g->node[x->node];
    if (n->stage > l->most) l->most = n->stage;
    l->part |= time && hk__staged(n);
}

bool hk__chunk_varies(const hk__graph *g, const hk__node *n) {
    if (n->body || n->op->flags & HK_OP_STEPS) return true;
    for (int k = n->op->flags & HK_OP_SHAPE ? 1 : 0; k < n->n_in; k++)
        if (n->in[k] && g->val[n->in[k]].desc.flags & HK_T) return true;
    for (int k = 0; k < n->n_out; k++)
        if (g->val[n->out[k]].live && g->val[n->out[k]].desc.flags & HK_T) return true;
    return false;
}

static const void *neuron_of(const hk__node *n) {
    const hk_attr *a = n->op->flags & HK_OP_DEFAULT_STATE ? hk__attr(n, "neuron") : NULL;
    return a ? a->p : NULL;
}
static int n_states(const hk__node *n) {
    const hk_neuron *neuron = neuron_of(n);
    return neuron ? (int)neuron->type->n_state : 0;
}
static int n_params(const hk__node *n) { return (int)((const hk_neuron *)neuron_of(n))->type->n_param; }
/* Operand of the gradient of state i, which comes from later steps: x, s0.., p.., gy, gseq.., gs1.. */
static int gradient_in(const hk__node *n, int i) { return 2 + 2 * n_states(n) + n_params(n) + i; }

static int line_of(const hk__chunks *s, const void *neuron, int state) {
    for (int i = 0; i < s->n_line; i++)
        if (s->line[i].neuron == neuron && s->line[i].state == state && !s->line[i].back) return i;
    return -1;
}

/* The slot whose next value v is, 1 + number; 0: none. */
static int32_t slot_of(const hk__graph *g, hk_value v) {
    for (int i = 0; i < g->n_slot; i++)
        if (g->slot[i].next == v) return i + 1;
    return 0;
}

/* ---- what can run in part ---- */

static bool starts(const hk__graph *g, const hk__node *n, int i) {
    const hk__val *s0 = &g->val[n->in[1 + i]];
    const hk_desc *s1 = &g->val[n->out[1 + i]].desc;
    if (s0->source == HK_SRC_CONST) return s0->desc.rank == 0 && !s0->constants;
    return s0->desc.flags == HK_HELD && hk__same_shape(&s0->desc, s1) && (s0->source == HK_SRC_STATE || s0->source == HK_SRC_NODE);
}

/* States from chunk to chunk, of the forward pass: they start from one number or a row, and nobody but a slot wants the last one. */
static bool forward_states(const hk__chunks *s, const hk__graph *g, const hk__node *n) {
    bool reads_only = n->n_out < 1 + 2 * n_states(n); /* neuron_z: the states of the neuron beside it */
    for (int i = 0; i < n_states(n); i++) {
        const char *who;
        if (reads_only) {
            if (line_of(s, neuron_of(n), i) < 0) return false;
            continue;
        }
        hk_value s1 = n->out[1 + i];
        if (!starts(g, n, i) || hk__readers(g, s1, &who) > (slot_of(g, s1) != 0)) return false;
    }
    return true;
}

/* Gradients of states: the neuron itself runs in part, and what it starts from wants no gradient. */
static bool backward_states(const hk__chunks *s, const hk__graph *g, const hk__node *n) {
    for (int i = 0; i < n_states(n); i++)
        if (line_of(s, neuron_of(n), i) < 0 || n->in[gradient_in(n, i)] || g->val[n->out[1 + i]].live) return false;
    return true;
}

/* Partial sums of each step lie by group, then by step: those of a chunk are no part of them. */
static bool per_group(const hk__graph *g, hk_value v) { return g->val[v].desc.flags & HK_T && g->val[v].desc.flags & HK_G; }

static bool loop_in_part(const hk__graph *g, const hk__node *n, bool back) {
    const hk__loop *l = n->body;
    if ((l->reverse != 0) != back) return false;
    for (int j = 0; j < l->body.n; j++) {
        const hk__node *m = &g->node[l->body.at[j]];
        if (m->op->flags & HK_OP_WHOLE_BATCH) return false;
        for (int k = 0; k < m->n_in; k++)
            if (m->in[k] && !g->val[m->in[k]].loop && g->val[m->in[k]].desc.flags & HK_T) return false;
    }
    for (int k = 0; k < l->n_at; k++)
        if (per_group(g, l->at[k].outer)) return false;
    for (int k = 0; k < l->n_stack; k++)
        if (per_group(g, l->stack[k].outer)) return false;
    return true;
}

static bool in_part(const hk__chunks *s, const hk__graph *g, int32_t id, bool back) {
    const hk__node *n = &g->node[id];
    if (n->body) return loop_in_part(g, n, back);
    const hk_attr *columns = hk__attr(n, "columns"); /* an operand is a picture, whose columns are all steps */
    if (n->op->flags & HK_OP_WHOLE_BATCH || hk__is_whole(g, id) || (columns && columns->i)) return false;
    if (n->op->time != HK_TIME_POINT && !(n->op->flags & HK_OP_STEPS)) return false;
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && per_group(g, n->in[k])) return false;
    if (!back && n->op->flags & HK_OP_BACK) return false;
    if (n_states(n) && !(n->op->flags & HK_OP_BACK ? backward_states(s, g, n) : forward_states(s, g, n))) return false;
    for (int k = 0; k < n->n_out; k++) {
        const hk__val *v = &g->val[n->out[k]];
        if (v->live && per_group(g, n->out[k])) return false;
        if (!v->live || v->desc.flags & HK_T || (k >= 1 && k <= n_states(n))) continue;
        if (!back || !(n->op->flags & (HK_OP_SUMS | HK_OP_REDUCES))) return false; /* forward sums are those of all steps, in the order that they have without chunks */
    }
    return true;
}

int hk__chunk_stage(const hk__chunks *s, const hk__graph *g, int32_t id, const bool *inside) {
    const hk__node *n = &g->node[id];
    looker l = { .g = g, .inside = inside };
    bool back = n->phase != HK_FORWARD, time = hk__chunk_varies(g, n);
    if (n->op->flags & HK_OP_SHAPE)
        for (int k = 1; k < n->n_in; k++) look(&l, n->in[k]);
    else hk__each_read(g, id, look, &l);
    if (time && in_part(s, g, id, back)) {
        if (!back && l.most <= HK_STAGE_FORWARD) return HK_STAGE_FORWARD;
        if (back && l.most <= HK_STAGE_BACKWARD && (l.part || n_states(n))) return HK_STAGE_BACKWARD;
    }
    if (!back && l.most == HK_STAGE_BEFORE) return HK_STAGE_BEFORE;
    return l.most <= HK_STAGE_BETWEEN ? HK_STAGE_BETWEEN : HK_STAGE_AFTER;
}

/* ---- lines ---- */

static hk__line *add_line(hk__plan *p, hk__line line) {
    hk__chunks *s = p->chunks;
    if (s->n_line == s->cap_line) {
        int cap = s->cap_line ? 2 * s->cap_line : 16;
        hk__line *grown = realloc(s->line, (size_t)cap * sizeof *grown);
        if (!grown) {
            p->g->oom = true;
            return NULL;
        }
        s->line = grown, s->cap_line = cap;
    }
    s->line[s->n_line] = line;
    return &s->line[s->n_line++];
}

/* The lines of an operation that has its stage; before those of later ones, which look for them. */
void hk__chunk_lines(hk__plan *p, int32_t id) {
    hk__graph *g = p->g;
    hk__node *n = &g->node[id];
    if (!hk__staged(n)) return;
    for (int i = 0; n->body && i < n->body->n_carry; i++) {
        hk__carry *c = &n->body->carry[i];
        if (c->dead) continue;
        add_line(p, (hk__line){ .desc = g->val[c->in].desc, .back = n->body->reverse, .in = c->in, .out = c->next, .slot = c->slot });
        c->line = p->chunks->n_line;
    }
    for (int i = 0; i < n_states(n); i++) {
        bool back = n->op->flags & HK_OP_BACK;
        if (!back && n->n_out < 1 + 2 * n_states(n)) continue;
        hk_value out = n->out[1 + i], s0 = n->in[1 + i];
        hk__line line = { .desc = g->val[out].desc, .back = back, .neuron = neuron_of(n), .state = i, .out = out };
        if (!back) {
            line.slot = g->val[s0].source == HK_SRC_STATE ? 1 + g->val[s0].ref : slot_of(g, out);
            if (g->val[s0].source == HK_SRC_NODE) line.from = s0;
            if (g->val[s0].source == HK_SRC_CONST) line.def = g->val[s0].constant;
        }
        add_line(p, line);
    }
}

/* Operations read states at borders in place of what the sequence starts from. */
void hk__chunk_borders(hk__plan *p, int32_t id) {
    hk__graph *g = p->g;
    hk__chunks *s = p->chunks;
    const hk__loop *l = g->node[id].body;
    if (!hk__staged(&g->node[id])) return;
    for (int i = 0; l && g->node[id].again && i < l->n_carry; i++)
        if (l->carry[i].line) s->line[l->carry[i].line - 1].kept = 1;
    for (int i = 0; i < n_states(&g->node[id]); i++) {
        hk__node *n = &g->node[id];
        int k = line_of(s, neuron_of(n), i);
        hk__line *line = &s->line[k];
        if (!line->in) {
            line->in = hk__val_new(g, &line->desc, HK_SRC_BORDER, k, 0);
            if (!line->in) return;
            g->val[line->in].line = g->val[line->out].line = 1 + k;
        }
        n->in[1 + i] = line->in;
        if (n->stage == HK_STAGE_BACKWARD) line->kept = 1;
        if (!(n->op->flags & HK_OP_BACK)) continue;
        for (k = 0; k < s->n_line && s->line[k].out != n->out[1 + i]; k++) {}
        line = &s->line[k];
        line->in = hk__val_new(g, &line->desc, HK_SRC_BORDER, k, 0);
        if (!line->in) return;
        g->val[line->in].line = g->val[line->out].line = 1 + k;
        n->in[gradient_in(n, i)] = line->in;
    }
}
