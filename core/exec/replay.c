/* replay.c - what a plan need not keep whole between segments: it is made again where it is read, or kept in fewer bits meanwhile.
 *
 * A value that one segment makes and a later one reads lies in the arena for all samples; inside a segment there is one block of it for each
 * thread. So where the arena is fullest, a value alive there may be
 *   - made again: its operation is repeated in each later segment that reads it, right before the first reader, if its operands are there
 *     anyway (a picture, a parameter, what is kept for other readers) or can be made again themselves;
 *   - packed: spikes and other small numbers are kept as bits, and unpacked in each later segment that reads them.
 * Each is tried, and kept when the peak falls, cheapest for its bytes first, until what is done again would be more than [run] memory allows:
 * a share of the work of the plan. Both give the same bits as the value itself. */
#include "exec/place.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PER_NUMBER = 16, /* moving one number is as much work as so many multiplications */
    DEPTH = 4,       /* operations repeated for one value */
    TRIES = 200,
    WORTH = 256
}; /* the peak must fall by this part of it */

typedef struct change { /* to take a try back */
    int32_t node, at;
    hk_value was;
} change;

typedef struct replay {
    hk__plan *p;
    hk__builder *b;
    hk__graph *g;
    hk__placer q;
    int64_t *live;      /* [n_unit] */
    int64_t peak, left; /* work that may still be done again */
    int at;             /* unit of the peak */
    hk__list made;      /* nodes of this try */
    change *done;
    int n_done, cap_done;
    bool *tried; /* [n_tried] of value v: v at 2 v, its bits at 2 v + 1 */
    int n_tried;
} replay;

/* ---- work: multiplications, and numbers moved ---- */

int64_t hk__work(const hk__plan *p, const hk__node *n) {
    const hk__graph *g = p->g;
    int64_t moved = 0, products = 0, rows = 0, out = 0, places = 1;
    for (int k = 0; k < n->n_out; k++) {
        const hk_desc *d = &g->val[n->out[k]].desc;
        if (!g->val[n->out[k]].live) continue;
        int64_t m = hk__rows(p, d, p->N);
        moved = hk__sat_add(moved, hk__sat_mul(m, hk_desc_elems(d)));
        if (m > rows) rows = m, out = hk_desc_elems(d), places = d->rank && d->shape[0] ? out / d->shape[0] : 1;
    }
    for (int k = 0; k < n->n_in; k++) {
        const hk_desc *d = n->in[k] ? &g->val[n->in[k]].desc : NULL;
        if (!d) continue;
        if (d->flags & HK_N) moved = hk__sat_add(moved, hk__sat_mul(hk__rows(p, d, p->N), hk_desc_elems(d)));
        else products = hk__sat_add(products, hk__sat_mul(places, hk_desc_elems(d))); /* a weight is used at each place of a channel */
    }
    return hk__sat_add(hk__sat_mul(rows, products), hk__sat_mul(PER_NUMBER, moved));
}

/* ---- what may be done ---- */

/* The operation gives the same from the same operands, in one segment as in another. */
static bool repeatable(const replay *r, int32_t id) {
    const hk__node *n = &r->g->node[id];
    if (!id || n->body || n->loop || n->op->time != HK_TIME_POINT || n->op->flags & (HK_OP_WHOLE_BATCH | HK_OP_REDUCES | HK_OP_FIXED | HK_OP_PLUGIN))
        return false;
    return !hk__is_whole(r->g, id);
}

static int bits_of(const hk__graph *g, hk_value v) {
    const hk__val *x = &g->val[v];
    if (x->desc.dtype == HK_SPIKE) return 1;
    const hk_attr *bits = x->desc.dtype == HK_COUNT && x->node ? hk__attr(&g->node[x->node], "count_bits") : NULL;
    return bits && (bits->i == 1 || bits->i == 2 || bits->i == 4) ? (int)bits->i : 8;
}

/* Made in a segment, alive in the unit of the peak, and read later by operations of segments alone. */
static bool in_question(const replay *r, hk_value v) {
    const hk__graph *g = r->g;
    const hk__val *x = &g->val[v];
    const hk__placer *q = &r->q;
    int made = q->made_unit[v];
    if (!x->live || x->source != HK_SRC_NODE || x->loop || made < 0 || q->keep[v] || q->whole[v] || r->p->place[v].space != HK_SP_ARENA) return false;
    if (!(x->desc.flags & HK_N) || x->desc.flags & HK_G || r->p->unit[made].team || q->last_unit[v] <= made || made > r->at || q->last_unit[v] < r->at)
        return false;
    for (int u = made + 1; u < r->p->n_unit; u++)
        for (int i = 0; i < r->p->unit[u].n_call; i++) {
            const hk__node *n = &g->node[r->p->unit[u].call[i].node];
            for (int k = 0; n->body && k < n->body->n_at; k++)
                if (n->body->at[k].outer == v) return false;
        }
    return true;
}

static bool reads(const hk__node *n, hk_value v) {
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] == v) return true;
    return false;
}

/* ---- one try ---- */

static bool remember(replay *r, int32_t node, int at, hk_value was) {
    if (r->n_done == r->cap_done) {
        int cap = r->cap_done ? 2 * r->cap_done : 32;
        change *p = realloc(r->done, (size_t)cap * sizeof *p);
        if (!p) return false;
        r->done = p, r->cap_done = cap;
    }
    r->done[r->n_done++] = (change){ node, at, was };
    return true;
}

/* A node in front of place `at` of the top list, in the segment of unit u (-1: wherever it can be first). */
static int32_t add_node(
    replay *r, const hk__node *like, const hk__op *op, int n_in, const hk_value *in, int n_out, int n_attr, const hk_attr *attr, int at, int u) {
    hk__graph *g = r->g;
    hk__node n = *like; /* the table may move */
    int32_t id = hk__node_new(g, op, n.path, n_in, in, n_out, n_attr, attr, 0);
    if (!id || !hk__insert(&g->top, at, id) || !hk__push(&r->made, id)) {
        g->oom = true;
        return 0;
    }
    g->node[id].stream = n.stream, g->node[id].phase = n.phase, g->node[id].live = 1;
    if (u >= 0) g->node[id].late = 1 + r->p->unit[u].level;
    return id;
}

/* v in unit u, for what stands at place *at of the top list: v itself where it is there anyway, else its operation, and if need be those of its
 * operands, done again in front of it. NONE: it cannot be. *cost: the work added. */
static hk_value again(replay *r, hk_value v, int u, int32_t phase, int *at, int depth, bool forced, int64_t *cost) {
    hk__graph *g = r->g;
    const hk__val *x = &g->val[v];
    const hk__placer *q = &r->q;
    if (!(x->desc.flags & HK_N) || x->source == HK_SRC_INPUT || x->source == HK_SRC_TARGET) return v;
    bool there = !forced && v < r->n_tried / 2 && (q->keep[v] || (r->p->place[v].space == HK_SP_ARENA && q->last_unit[v] >= u));
    if (there) return v;
    for (int i = 0; i < *at; i++) { /* done again for another reader */
        const hk__node *n = &g->node[g->top.at[i]];
        if (!n->again || n->again != x->node || n->late != 1 + r->p->unit[u].level) continue;
        g->val[n->out[x->out]].live = 1;
        return n->out[x->out];
    }
    if (x->source != HK_SRC_NODE || depth == 0 || v >= r->n_tried / 2 || !repeatable(r, x->node)) return HK_NONE;
    int32_t from = x->node, out = x->out;
    hk__node n = g->node[from];
    hk_value in[HK_MAX_OPERANDS];
    for (int k = 0; k < n.n_in; k++) {
        in[k] = n.in[k] ? again(r, n.in[k], u, phase, at, depth - 1, false, cost) : HK_NONE;
        if (n.in[k] && !in[k]) return HK_NONE;
    }
    *cost = hk__sat_add(*cost, hk__work(r->p, &n));
    int32_t id = add_node(r, &n, n.op, n.n_in, in, n.n_out, n.n_attr, n.attr, *at, u);
    if (!id) return HK_NONE;
    ++*at;
    g->node[id].again = from, g->node[id].phase = phase;
    for (int k = 0; k < n.n_out; k++) g->val[g->node[id].out[k]].desc = g->val[n.out[k]].desc;
    g->val[g->node[id].out[out]].live = 1;
    return g->node[id].out[out];
}

/* v as bits: made right behind v; the work is that of both directions for each unit that reads it. */
static hk_value packed(replay *r, hk_value v, int64_t *cost) {
    hk__graph *g = r->g;
    const hk_attr attr[1] = { { "bits", bits_of(g, v), 0, NULL } };
    int32_t maker = g->val[v].node;
    int32_t id = add_node(r, &g->node[maker], hk__op_find("pack"), 1, &v, 1, 1, attr, hk__index_of(&g->top, maker) + 1, -1);
    if (!id) return HK_NONE;
    hk__infer_node(r->b, id);
    g->val[g->node[id].out[0]].live = 1;
    *cost = hk__sat_add(*cost, hk__work(r->p, &g->node[id]));
    return hk__backend_takes(r->b, &g->node[id]) ? g->node[id].out[0] : HK_NONE;
}

static hk_value unpacked(replay *r, hk_value v, hk_value bits, int u, int32_t phase, int *at, int64_t *cost) {
    hk__graph *g = r->g;
    hk_desc d = g->val[v].desc;
    const hk_attr attr[3] = { { "bits", bits_of(g, v), 0, NULL }, { "dtype", d.dtype, 0, NULL },
        { "shape", d.rank, 0, hk_keep(&r->b->base, d.shape, sizeof d.shape) } };
    int32_t id = add_node(r, &g->node[g->val[v].node], hk__op_find("unpack"), 1, &bits, 1, 3, attr, *at, u);
    if (!id) return HK_NONE;
    ++*at;
    g->node[id].phase = phase;
    hk__infer_node(r->b, id);
    g->val[g->node[id].out[0]].live = 1;
    *cost = hk__sat_add(*cost, hk__work(r->p, &g->node[id]));
    return hk__backend_takes(r->b, &g->node[id]) ? g->node[id].out[0] : HK_NONE;
}

/* Every later segment that reads v gets its own. False: it cannot. */
static bool try_value(replay *r, hk_value v, bool as_bits, int64_t *cost, int *times) {
    hk__graph *g = r->g;
    hk_value bits = as_bits ? packed(r, v, cost) : HK_NONE;
    if (as_bits && !bits) return false;
    for (int u = r->q.made_unit[v] + 1; u < r->p->n_unit; u++) {
        const hk__unit *unit = &r->p->unit[u];
        hk_value mine = HK_NONE;
        for (int i = 0; i < unit->n_call; i++) {
            int32_t id = unit->call[i].node;
            if (!reads(&g->node[id], v)) continue;
            if (!mine) {
                int at = hk__index_of(&g->top, id);
                int32_t phase = g->node[id].phase;
                mine = as_bits ? unpacked(r, v, bits, u, phase, &at, cost) : again(r, v, u, phase, &at, DEPTH, true, cost);
                if (!mine || r->b->status != HK_OK || g->oom) return false;
                ++*times;
            }
            for (int k = 0; k < g->node[id].n_in; k++)
                if (g->node[id].in[k] == v) {
                    if (!remember(r, id, k, v)) return !(g->oom = true);
                    g->node[id].in[k] = mine;
                }
        }
    }
    return true;
}

static void take_back(replay *r) {
    hk__graph *g = r->g;
    for (int i = 0; i < r->n_done; i++) g->node[r->done[i].node].in[r->done[i].at] = r->done[i].was;
    for (int i = 0; i < r->made.n; i++) {
        hk__node *n = &g->node[r->made.at[i]];
        hk__remove(&g->top, hk__index_of(&g->top, r->made.at[i]));
        n->live = 0, n->again = 0;
        for (int k = 0; k < n->n_out; k++) g->val[n->out[k]].live = 0;
        for (int k = 0; k < n->n_in; k++) n->in[k] = HK_NONE;
    }
}

/* ---- the search ---- */

/* Units, lifetimes, and where the arena is fullest. */
static hk_status look(replay *r, bool anew, uint32_t mode, uint32_t flags) {
    hk_status st = HK_OK;
    hk__placer_end(&r->q);
    memset(&r->q, 0, sizeof r->q);
    if (anew) {
        hk__unschedule(r->p);
        st = hk__schedule(r->p, r->b, mode, flags);
    }
    if (st == HK_OK) st = hk__placer_begin(&r->q, r->p, r->b);
    if (st != HK_OK) return st;
    int64_t *live = realloc(r->live, (size_t)(r->p->n_unit + 1) * sizeof *live);
    if (!live) return hk__fail(r->p->net->ctx, HK_ENOMEM, "out of memory for the plan");
    r->live = live;
    st = hk__placer_live(&r->q, live);
    r->peak = 0, r->at = 0;
    for (int u = 0; u < r->p->n_unit && st == HK_OK; u++)
        if (live[u] > r->peak) r->peak = live[u], r->at = u;
    return st;
}

static int64_t whole_bytes(const replay *r, hk_value v) {
    const hk_desc *d = &r->g->val[v].desc;
    return hk__sat_mul(hk__rows(r->p, d, r->p->N), hk__row_bytes(r->p->net, d));
}

/* The largest value that has not been tried; its bits are tried when it cannot be made again, or that costs too much. */
static hk_value next(const replay *r, bool *as_bits) {
    hk_value best = HK_NONE;
    for (hk_value v = 1; v < r->n_tried / 2; v++) {
        if (!in_question(r, v) || (r->tried[2 * v] && r->tried[2 * v + 1])) continue;
        if (!best || whole_bytes(r, v) > whole_bytes(r, best)) best = v;
    }
    if (best) *as_bits = r->tried[2 * best];
    return best;
}

static hk_status search(replay *r, uint32_t mode, uint32_t flags) {
    hk_status st = HK_OK;
    bool as_bits = false;
    hk_value v;
    for (int i = 0; i < TRIES && st == HK_OK && (v = next(r, &as_bits)) != HK_NONE; i++) {
        int64_t cost = 0, before = r->peak, bytes = whole_bytes(r, v);
        int times = 0;
        r->tried[2 * v + as_bits] = true;
        if (as_bits ? bits_of(r->g, v) == 8 : !repeatable(r, r->g->val[v].node)) continue;
        r->n_done = 0, r->made.n = 0;
        bool good = try_value(r, v, as_bits, &cost, &times) && cost <= r->left;
        if (r->g->oom || r->b->status != HK_OK)
            return r->b->status != HK_OK ? r->b->status : hk__fail(r->p->net->ctx, HK_ENOMEM, "out of memory for the graph");
        if (good) {
            st = look(r, true, mode, flags);
            good = st == HK_OK && r->peak < before - before / WORTH;
        }
        if (st != HK_OK) return st;
        if (!good) {
            take_back(r);
            st = look(r, true, mode, flags);
            continue;
        }
        r->left -= cost;
        r->tried[2 * v] = r->tried[2 * v + 1] = true;
        const hk__node *n = &r->g->node[r->g->val[v].node];
        if (as_bits)
            hk__note(r->g, "%s: of %s, %" PRId64 " bytes are kept as %d bit%s for each", n->path, n->op->name, bytes, bits_of(r->g, v),
                bits_of(r->g, v) > 1 ? "s" : "");
        else
            hk__note(
                r->g, "%s: %s is done again in %d segment%s, and %" PRId64 " bytes are not kept", n->path, n->op->name, times, times > 1 ? "s" : "", bytes);
    }
    return st;
}

hk_status hk__replay(hk__plan *p, hk__builder *b, uint32_t mode, uint32_t flags) {
    static const int part[] = { [HK_MEMORY_BALANCED] = 16, [HK_MEMORY_SMALL] = 4 }; /* of the plan's work may be done again */
    replay r = { .p = p, .b = b, .g = p->g, .n_tried = 2 * p->g->n_val };
    if (p->net->cfg.memory == HK_MEMORY_FAST) return HK_OK;
    for (int i = 0; i < p->g->top.n; i++)
        if (!p->g->node[p->g->top.at[i]].body) r.left = hk__sat_add(r.left, hk__work(p, &p->g->node[p->g->top.at[i]]));
    r.left /= part[p->net->cfg.memory];
    r.tried = calloc((size_t)r.n_tried + 2, sizeof *r.tried);
    hk_status st = r.tried ? look(&r, false, mode, flags) : hk__fail(p->net->ctx, HK_ENOMEM, "out of memory for the plan");
    if (st == HK_OK) st = search(&r, mode, flags);
    hk__placer_end(&r.q);
    free(r.live);
    free(r.made.at);
    free(r.done);
    free(r.tried);
    return st;
}
