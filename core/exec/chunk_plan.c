/* chunk_plan.c - chunks of steps: which operations of a training plan's segment run once for each chunk, and which once.
 *
 * The segment is run in two sweeps. The first goes forward through the chunks and keeps the states at their borders (hk__line), and of the
 * values those that are read whole. The second goes backward: from the state kept at its border a chunk's forward operations are done again
 * (chunk_redo.c), then its backward operations are done, and their sums over t are added up. What stands between them, losses, reads whole
 * values. What cannot run in part (an operation that needs all steps at once) runs whole, with all that stands behind it on its way; then
 * little or nothing is saved, and the plan is made without chunks. docs/adr/0016-chunks-of-time.md says why so. */
#include "exec/chunk.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static bool varies(const hk__graph *g, const hk__node *n) {
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

enum {
    SMALL = 16,      /* a value is, when all others that a chunk has take so many times as much, */
    DEAR = 256,      /* and it is kept for all steps, when making it again would be so many multiplications for a byte */
    SUMMED = 4,      /* a result that is a sum over t is written, copied or read, added and written */
    DEARER = 10,     /* a call's beginning costs more than the bytes that it moves once */
    WORTH = 4,       /* chunks that nobody asked for save this part of a thread's region, or there are none */
    CACHE = 8 << 20  /* bytes of a thread's region above which chunks cost no time, what they do again counted: its share of a last cache, about */
};

typedef struct keeper {
    hk__plan *p;
    int64_t all; /* bytes of all values that a chunk has, for one step of a sample */
} keeper;

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

static int stage_of(const hk__chunks *s, const hk__graph *g, int32_t id, const bool *inside) {
    const hk__node *n = &g->node[id];
    looker l = { .g = g, .inside = inside };
    bool back = n->phase != HK_FORWARD, time = varies(g, n);
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
static void note_lines(hk__plan *p, int32_t id) {
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
static void read_lines(hk__plan *p, int32_t id) {
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

/* ---- values of which a chunk's steps are enough ---- */

static bool asked_for(const hk__plan *p, hk_value v) {
    if (v == p->grad_x || (v == p->y && p->keep_y)) return true;
    for (int i = 0; p->output[i]; i++)
        if (v == p->output[i] || v == p->gradient[i]) return true;
    return false;
}

typedef struct marker {
    hk__graph *g;
    const hk__node *reader;
    bool outside;
} marker;

/* What another stage reads whole is kept whole; what the backward sweep reads of the forward one is done again. */
static void mark(void *arg, hk_value v) {
    marker *m = arg;
    const hk__val *x = &m->g->val[v];
    if (x->source == HK_SRC_NODE && !x->loop && (m->outside || !hk__staged(m->reader))) m->g->val[v].part = 0;
}

static void mark_outputs(hk__graph *g, const hk__plan *p, const hk_value *out, int n, int stride) {
    for (int k = 0; k < n; k++) {
        hk__val *x = &g->val[out[k * stride]];
        x->part = x->desc.flags & HK_T && x->desc.flags & HK_N && !(x->desc.flags & HK_G) && !asked_for(p, out[k * stride]);
    }
}

/* A value that is small beside all others and dear is kept whole rather than done again: what a small linear layer gives. */
static void keep_small(void *arg, hk_value v) {
    const hk__plan *p = ((keeper *)arg)->p;
    hk__val *x = &p->g->val[v];
    if (x->source != HK_SRC_NODE || x->loop || !x->part || p->g->node[x->node].stage != HK_STAGE_FORWARD) return;
    int64_t row = hk__row_bytes(p->net, &x->desc), steps = hk__sat_mul(p->T, p->N);
    if (hk__sat_mul(SMALL, row) <= ((keeper *)arg)->all && hk__work(p, &p->g->node[x->node]) / steps >= hk__sat_mul(DEAR, row)) x->part = 0;
}

static void find_parts(hk__plan *p, const bool *inside) {
    hk__graph *g = p->g;
    for (int i = 0; i < g->top.n; i++) {
        const hk__node *n = &g->node[g->top.at[i]];
        if (!inside[g->top.at[i]] || !hk__staged(n)) continue;
        mark_outputs(g, p, n->out, n->n_out, 1);
        if (n->body && n->body->n_stack) mark_outputs(g, p, &n->body->stack[0].outer, n->body->n_stack, sizeof *n->body->stack / sizeof(hk_value));
    }
    for (int i = 0; i < g->top.n; i++) {
        int32_t id = g->top.at[i];
        const hk__node *n = &g->node[id];
        marker m = { g, n, !inside[id] };
        if (inside[id] && n->op->flags & HK_OP_SHAPE)
            for (int k = 1; k < n->n_in; k++) mark(&m, n->in[k]);
        else hk__each_read(g, id, mark, &m);
    }
    keeper k = { p, 0 };
    for (hk_value v = 1; v < g->n_val; v++)
        if (g->val[v].part && g->val[v].live) k.all = hk__sat_add(k.all, hk__row_bytes(p->net, &g->val[v].desc));
    for (int i = 0; i < g->top.n; i++)
        if (inside[g->top.at[i]] && g->node[g->top.at[i]].stage == HK_STAGE_BACKWARD) hk__each_read(g, g->top.at[i], keep_small, &k);
}

/* ---- sums ---- */

static void add_sum(hk__plan *p, int32_t node, hk_value v) {
    hk__chunks *s = p->chunks;
    if (s->n_sum == s->cap_sum) {
        int cap = s->cap_sum ? 2 * s->cap_sum : 16;
        hk__sum *grown = realloc(s->sum, (size_t)cap * sizeof *grown);
        if (!grown) {
            p->g->oom = true;
            return;
        }
        s->sum = grown, s->cap_sum = cap;
    }
    s->sum[s->n_sum++] = (hk__sum){ .value = v, .node = node };
}

static void find_sums(hk__plan *p, hk__unit *u) {
    const hk__graph *g = p->g;
    for (int i = 0; i < u->n_call; i++) {
        const hk__node *n = &g->node[u->call[i].node];
        u->call[i].sum = p->chunks->n_sum;
        if (n->stage != HK_STAGE_BACKWARD || n->body) continue;
        for (int k = 0; k < n->n_out; k++)
            if (g->val[n->out[k]].live && !(g->val[n->out[k]].desc.flags & HK_T) && !g->val[n->out[k]].line) add_sum(p, u->call[i].node, n->out[k]);
        u->call[i].n_sum = p->chunks->n_sum - u->call[i].sum;
    }
}

/* ---- the plan ---- */

void hk__chunk_free(hk__plan *p) {
    hk__chunks *s = p->chunks;
    if (!s) return;
    for (int i = 0; i < s->n_line; i++) hk__call_free(&s->line[i].first), hk__call_free(&s->line[i].last);
    for (int i = 0; i < s->n_sum; i++) hk__call_free(&s->sum[i].first), hk__call_free(&s->sum[i].next);
    free(s->line);
    free(s->sum);
    free(s);
    p->chunks = NULL;
}

/* The segments whose operations vary with t: one, or one of the forward and one of the backward pass. False: there are more, or none, or they are
 * others. *who: an operation of one too many. */
static bool find_units(const hk__plan *p, int unit[2], const char **who) {
    int found = 0;
    *who = "";
    for (int u = 0; u < p->n_unit; u++) {
        bool forward = false, any = false;
        for (int i = 0; i < p->unit[u].n_call && !p->unit[u].team; i++) {
            const hk__node *n = &p->g->node[p->unit[u].call[i].node];
            if (!varies(p->g, n)) continue;
            any = true, forward |= n->phase == HK_FORWARD;
            if (found == 2 || (found == 1 && forward)) {
                *who = n->path;
                return false;
            }
        }
        if (any) unit[found++] = u;
    }
    if (found == 1) unit[1] = unit[0];
    return found > 0;
}

static int by_stage(hk__unit *u, const hk__graph *g, hk__call *room) {
    int n = 0;
    for (int stage = 0; stage <= HK_STAGE_AFTER; stage++) {
        int begin = n;
        for (int i = 0; i < u->n_call; i++)
            if (g->node[u->call[i].node].stage == stage) room[n++] = u->call[i];
        if (stage == HK_STAGE_FORWARD || stage == HK_STAGE_BACKWARD) u->sweep[stage == HK_STAGE_BACKWARD].begin = begin, u->sweep[stage == HK_STAGE_BACKWARD].end = n;
    }
    memcpy(u->call, room, (size_t)n * sizeof *room);
    return n;
}

/* Schedules the changed graph: the same segments, their calls by stage. */
static hk_status schedule(hk__plan *p, hk__builder *b, uint32_t mode, uint32_t flags) {
    const char *who;
    hk__unschedule(p);
    hk_status st = hk__schedule(p, b, mode, flags);
    if (st != HK_OK) return st;
    if (!find_units(p, p->chunks->unit, &who)) return hk__fail(p->net->ctx, HK_EINTERNAL, "chunks: the segment fell apart at %s", who);
    for (int s = 0; s < 2; s++) {
        hk__unit *u = &p->unit[p->chunks->unit[s]];
        hk__call *room = calloc((size_t)u->n_call + 1, sizeof *room);
        if (!room) return hk__fail(p->net->ctx, HK_ENOMEM, "out of memory for chunks");
        by_stage(u, p->g, room);
        free(room);
    }
    find_sums(p, &p->unit[p->chunks->unit[1]]);
    return HK_OK;
}

/* Bytes that a block of so many samples takes, in a thread's region and between the two segments; 0: of the plan's own. */
static hk_status region(hk__plan *p, hk__builder *b, const int unit[2], int64_t nb, int64_t *bytes) {
    hk__placer q;
    int64_t one = 0;
    *bytes = 0;
    hk_status st = hk__placer_begin(&q, p, b);
    if (nb) p->nb = nb;
    for (int s = 0; s < (unit[0] == unit[1] ? 1 : 2) && st == HK_OK; s++) {
        st = hk__placer_local(&q, unit[s], &one);
        *bytes = hk__sat_add(*bytes, one);
    }
    for (hk_value v = 1; v < p->g->n_val && st == HK_OK; v++) {
        const hk__val *x = &p->g->val[v];
        if (!x->live || x->source != HK_SRC_NODE || x->loop || x->line || q.keep[v] || (x->desc.flags & HK_SEQ) != HK_SEQ || p->place[v].space != HK_SP_ARENA) continue;
        *bytes = hk__sat_add(*bytes, hk__sat_mul(hk__stored(p, v, p->nb), p->place[v].row));
    }
    for (int i = 0; p->chunks && i < p->chunks->n_line; i++)
        if (hk__line_in_arena(p, &p->chunks->line[i])) *bytes = hk__sat_add(*bytes, hk__line_bytes(p, &p->chunks->line[i]));
    hk__placer_end(&q);
    return st;
}

/* What a chunk costs beside its steps, in steps: bytes that its calls move once, against those that they move for each step. */
static double overhead(const hk__plan *p) {
    const hk__graph *g = p->g;
    double once = 0, each = 1;
    for (int s = 0; s < 2; s++) {
        const hk__unit *u = &p->unit[p->chunks->unit[s]];
        for (int i = u->sweep[s].begin; i < u->sweep[s].end; i++) {
            const hk__node *n = &g->node[u->call[i].node];
            for (int k = 0; k < n->n_in + n->n_out; k++) {
                hk_value v = k < n->n_in ? n->in[k] : n->out[k - n->n_in];
                if (!v || (k >= n->n_in && !g->val[v].live)) continue;
                const hk_desc *d = &g->val[v].desc;
                double bytes = (double)hk__row_bytes(p->net, d) * (d->flags & HK_N ? HK_GROUP : 1);
                if (d->flags & HK_T) each += bytes;
                else once += k >= n->n_in && !g->val[v].line ? SUMMED * bytes : bytes;
            }
        }
    }
    return DEARER * once / each;
}

/* Steps of a chunk: of a few numbers of chunks, that which takes the fewest bytes, and the least time for them. Nothing in it depends on threads, blocks or
 * the machine, since gradients do depend on it. */
static hk_status choose(hk__plan *p, hk__builder *b, int64_t *bytes) {
    double best = 0, more = overhead(p);
    int64_t chosen = p->T, taken = 0;
    for (int64_t n = 2, before = p->T; n <= p->T; n += 1 + n / 4) {
        p->chunk = (p->T + n - 1) / n;
        if (p->chunk == before) continue;
        before = p->chunk;
        hk_status st = region(p, b, p->chunks->unit, HK_GROUP, bytes);
        if (st != HK_OK) return st;
        double cost = (double)*bytes * (1 + more / (double)p->chunk);
        if (best == 0 || cost < best) best = cost, chosen = p->chunk, taken = *bytes;
    }
    p->chunk = chosen, *bytes = taken;
    return HK_OK;
}

/* Stages for all operations of the segment; then lines, and the backward sweep's own forward operations. */
static hk_status change(hk__plan *p, hk__builder *b, const int unit[2], int n_root, const hk_value *root) {
    hk__graph *g = p->g;
    int n_node = 0, n = g->n_node;
    int32_t late = 1 + p->unit[unit[1]].level;
    bool *inside = calloc((size_t)n + 1, sizeof *inside);
    int32_t *node = calloc((size_t)n + 1, sizeof *node);
    hk_value *all = NULL;
    p->chunks = calloc(1, sizeof *p->chunks);
    if (!inside || !node || !p->chunks) goto end;
    for (int s = 0; s < (unit[0] == unit[1] ? 1 : 2); s++)
        for (int i = 0, u = unit[s]; i < p->unit[u].n_call; i++) node[n_node++] = p->unit[u].call[i].node, inside[p->unit[u].call[i].node] = true;
    for (int i = 0; i < n_node; i++) {
        g->node[node[i]].stage = stage_of(p->chunks, g, node[i], inside);
        note_lines(p, node[i]);
    }
    find_parts(p, inside);
    if (!g->oom) hk__chunk_redo(p, n_node, node);
    for (int i = 0; i < g->top.n; i++) /* the backward sweep is in its own segment, what it does again too */
        if (g->node[g->top.at[i]].stage == HK_STAGE_BACKWARD) g->node[g->top.at[i]].late = late;
    for (int i = 0, top = g->top.n; i < top && !g->oom; i++) read_lines(p, g->top.at[i]);
    all = calloc((size_t)(n_root + 2 * p->chunks->n_line + 1), sizeof *all);
    if (!all) goto end;
    memcpy(all, root, (size_t)n_root * sizeof *all);
    for (int i = 0; i < p->chunks->n_line; i++) all[n_root++] = p->chunks->line[i].out, all[n_root++] = p->chunks->line[i].in;
    if (!g->oom) hk__live(b, n_root, all);
end:
    free(inside);
    free(node);
    bool ok = all && !g->oom;
    free(all);
    return ok ? b->status : hk__fail(p->net->ctx, HK_ENOMEM, "out of memory for chunks");
}

/* The fewest samples to a block where more would not stay in cache, and the plan is free to choose. */
static hk_status small_blocks(hk__plan *p, hk__builder *b, const int unit[2]) {
    int64_t bytes = 0;
    if (p->net->cfg.nb || unit[0] != unit[1]) return HK_OK;
    hk_status st = region(p, b, unit, 0, &bytes);
    if (st == HK_OK && bytes > CACHE) p->nb_most = HK_GROUP;
    return st;
}

hk_status hk__chunk_plan(hk__plan *p, hk__builder *b, uint32_t mode, uint32_t flags, int n_root, const hk_value *root, bool *again) {
    const hk_network_config *cfg = &p->net->cfg;
    const char *who;
    int64_t before = 0, after = 0;
    *again = false;
    p->chunk = p->T;
    if (mode != HK_TRAIN || p->T < 2) return HK_OK;
    int unit[2];
    if (!find_units(p, unit, &who)) {
        if (cfg->chunk && cfg->chunk < p->T)
            hk__note(p->g, "no chunks of steps: forward and backward pass are more than a segment each, since what stands before %s needs all steps of all samples", who[0] ? who : "(root)");
        return HK_OK;
    }
    hk_status st = region(p, b, unit, HK_GROUP, &before);
    bool wanted = cfg->chunk ? cfg->chunk < p->T : cfg->memory == HK_MEMORY_SMALL || (cfg->memory == HK_MEMORY_BALANCED && before > CACHE);
    if (st != HK_OK || !wanted || p->whole) return st == HK_OK ? small_blocks(p, b, unit) : st;
    st = change(p, b, unit, n_root, root);
    if (st == HK_OK) st = schedule(p, b, mode, flags);
    if (st != HK_OK) return st;
    if (cfg->chunk) p->chunk = cfg->chunk;
    else st = choose(p, b, &after);
    *again = !cfg->chunk && after > before - before / WORTH;
    return st == HK_OK && !*again ? small_blocks(p, b, p->chunks->unit) : st;
}
