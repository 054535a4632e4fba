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

enum {
    SMALL = 16,      /* a value is, when all others that a chunk has take so many times as much, */
    DEAR = 256,      /* and it is kept for all steps, when making it again would be so many multiplications for a byte */
    SUMMED = 4,      /* a result that is a sum over t is written, copied or read, added and written */
    DEARER = 30,     /* a call's beginning costs more than the bytes that it moves once */
    WORTH = 4,       /* chunks that nobody asked for save this part of a thread's region, or there are none */
    CACHE = 8 << 20  /* bytes of a thread's region above which chunks cost no time, what they do again counted: its share of a last cache, about */
};

typedef struct keeper {
    hk__plan *p;
    int64_t all; /* bytes of all values that a chunk has, for one step of a sample */
} keeper;

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
            if (!hk__chunk_varies(p->g, n)) continue;
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
        g->node[node[i]].stage = hk__chunk_stage(p->chunks, g, node[i], inside);
        hk__chunk_lines(p, node[i]);
    }
    find_parts(p, inside);
    if (!g->oom) hk__chunk_redo(p, n_node, node);
    for (int i = 0; i < g->top.n; i++) /* the backward sweep is in its own segment, what it does again too */
        if (g->node[g->top.at[i]].stage == HK_STAGE_BACKWARD) g->node[g->top.at[i]].late = late;
    for (int i = 0, top = g->top.n; i < top && !g->oom; i++) hk__chunk_borders(p, g->top.at[i]);
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
