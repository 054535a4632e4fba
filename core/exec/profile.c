/* profile.c - where the time of an executor's runs goes: summed for each operation, and call by call for a trace.
 *
 * Each thread adds to numbers and writes events of its own, so that nothing is shared while a plan runs. A segment that several threads run
 * counts by its share of the clock: the threads' sum divided by their number. So the operations' times add up to what the runs took, but for
 * waiting and dispatch. Everything is allocated when profiling starts, or with a plan that is built later. */
#include "exec/chunk.h"
#include <stdlib.h>
#include <time.h>

enum { MAX_EVENTS = 1 << 21, ROW = 8 }; /* events of one thread; timed numbers to a cache line: threads' rows share none */

int64_t hk__ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Numbers the calls of a plan; returns how many. */
static int32_t number(hk__plan *p) {
    int32_t n = 0;
    for (int u = 0; u < p->n_unit; u++)
        for (int i = 0; i < p->unit[u].n_call; i++) {
            hk__call *c = &p->unit[u].call[i];
            c->id = n++;
            for (int k = 0; c->loop && k < c->loop->n_body; k++) c->loop->body[k].id = n++;
        }
    return n;
}

/* Events of one run at most, whoever runs the blocks; pieces of operations that are split among threads come on top. */
static int64_t events_of(const hk__plan *p) {
    int64_t n = 1;
    for (int u = 0; u < p->n_unit; u++)
        for (int i = 0; i < p->unit[u].n_call; i++) {
            const hk__call *c = &p->unit[u].call[i];
            int64_t times = p->unit[u].team ? 1 : p->blocks, calls = 1 + (c->loop ? c->loop->n_body * p->T : 0);
            n += times * calls * (p->scope == HK_SCOPE_TEAM || p->unit[u].team ? 4 : 1);
        }
    return n;
}

static hk_status plan_numbers(hk_executor *ex, hk__plan *p) {
    free(p->timed);
    p->n_timed = (number(p) + ROW - 1) / ROW * ROW;
    p->timed = calloc((size_t)p->n_timed * (size_t)ex->net->threads + 1, sizeof *p->timed);
    return p->timed ? HK_OK : HK_ENOMEM;
}

static hk_status grow_events(hk_executor *ex, const hk__plan *p) {
    hk__profile *r = ex->profile;
    int64_t want = r->trace_runs ? events_of(p) * r->trace_runs : 0;
    if (want > MAX_EVENTS) want = MAX_EVENTS;
    for (int i = 0; i < ex->net->threads && want; i++) {
        hk__track *t = &r->track[i];
        if (t->n + want <= t->cap) continue;
        hk__event *grown = realloc(t->event, (size_t)(t->n + want) * sizeof *grown);
        if (!grown) return HK_ENOMEM;
        t->event = grown, t->cap = t->n + want;
    }
    return HK_OK;
}

hk_status hk__profile_plan(hk_executor *ex, hk__plan *p) {
    if (!ex->profile) return HK_OK;
    hk_status st = p->timed ? HK_OK : plan_numbers(ex, p);
    if (st == HK_OK) st = grow_events(ex, p);
    return st == HK_OK ? HK_OK : hk__fail(ex->net->ctx, st, "out of memory to measure the plan");
}

void hk__profile_free(hk_executor *ex) {
    hk__profile *r = ex->profile;
    for (int i = 0; r && i < ex->net->threads; i++) free(r->track[i].event);
    free(r);
    ex->profile = NULL;
    for (int i = 0; i < ex->n_plan; i++) free(ex->plan[i]->timed), ex->plan[i]->timed = NULL;
}

hk_status hk_executor_profile(hk_executor *ex, int on, int64_t trace_runs) {
    hk_context *ctx = ex->net->ctx;
    if (trace_runs < 0) return hk__fail(ctx, HK_EINVAL, "profile: expected 0 or more runs to trace, got %lld", (long long)trace_runs);
    hk__profile_free(ex);
    if (!on) return HK_OK;
    ex->profile = calloc(1, sizeof *ex->profile + (size_t)ex->net->threads * sizeof *ex->profile->track);
    if (!ex->profile) return hk__fail(ctx, HK_ENOMEM, "out of memory to measure the plan");
    ex->profile->trace_runs = trace_runs;
    hk_status st = HK_OK;
    for (int i = 0; i < ex->n_plan && st == HK_OK; i++) st = hk__profile_plan(ex, ex->plan[i]);
    if (st != HK_OK) hk__profile_free(ex);
    return st;
}

/* ---- what was measured ---- */

static double operand_bytes(const hk__plan *p, hk_value v) {
    const hk_desc *d = &p->g->val[v].desc;
    return (double)hk__rows(p, d, p->N) * (double)hk__row_bytes(p->net, d);
}

/* What one execution over all blocks reads and writes, each operand once, and its floating point operations (0: no product). */
static void work(const hk__plan *p, const hk__call *c, double *flop, double *bytes) {
    const hk__graph *g = p->g;
    const hk__node *n = &g->node[c->node];
    *flop = *bytes = 0;
    if (c->node == 0) { /* the update: its operands are places alone */
        for (int i = 0; i < c->n_ref; i++) *bytes += (double)c->ref[i].row;
        return;
    }
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]) *bytes += operand_bytes(p, n->in[i]);
    for (int i = 0; i < n->n_out; i++)
        if (g->val[n->out[i]].live) *bytes += operand_bytes(p, n->out[i]);
    int64_t rows = 1;
    for (int i = 0; i <= n->n_in; i++) { /* of all: an input may be a picture whose columns are the steps */
        hk_value v = i < n->n_in ? n->in[i] : n->out[0];
        int64_t r = v ? hk__rows(p, &g->val[v].desc, p->N) : 0;
        rows = r > rows ? r : rows;
    }
    *flop = (double)rows * hk__op_flop(g, n);
    if (hk__staged(n)) *flop *= (double)p->chunk / (double)p->T, *bytes *= (double)p->chunk / (double)p->T;
}

static hk_op_time names(const hk__plan *p, const hk__call *c) {
    const hk__node *n = &p->g->node[c->node];
    return (hk_op_time){
        .op = c->node ? n->op->name : c->op, .path = c->node && n->path[0] ? n->path : ".", .impl = c->impl, .phase = c->node ? n->phase : HK_UPDATE
    };
}

static int64_t sum_ns(const hk__plan *p, const hk_executor *ex, const hk__call *c, int64_t *calls) {
    int64_t ns = 0;
    *calls = 0;
    for (int i = 0; i < ex->net->threads; i++) ns += p->timed[(int64_t)i * p->n_timed + c->id].ns, *calls += p->timed[(int64_t)i * p->n_timed + c->id].calls;
    return ns;
}

static void tell(
    const hk_executor *ex, const hk__plan *p, const hk__unit *u, const hk__call *c, int64_t inner, void (*cb)(void *, const hk_op_time *), void *arg) {
    int64_t calls, ns = sum_ns(p, ex, c, &calls) - inner;
    bool alone = u->team || p->scope == HK_SCOPE_TEAM || p->blocks == 1;
    hk_op_time t = names(p, c);
    if (!calls) return;
    t.calls = calls, t.seconds = 1e-9 * (double)ns / (alone ? 1 : ex->net->threads);
    if (!c->loop) {
        work(p, c, &t.flop, &t.bytes);
        double times = (double)calls / (double)(u->team ? 1 : p->blocks);
        t.flop *= times, t.bytes *= times;
    }
    cb(arg, &t);
}

hk_status hk_executor_profile_each(const hk_executor *ex, void (*cb)(void *arg, const hk_op_time *), void *arg, int64_t *runs, double *seconds) {
    if (!ex->profile) return hk__fail(ex->net->ctx, HK_ESTATE, "profile: nothing was measured; call hk_executor_profile before the runs");
    for (int i = 0; i < ex->n_plan; i++) {
        const hk__plan *p = ex->plan[i];
        for (int u = 0; u < p->n_unit; u++)
            for (int k = 0; k < p->unit[u].n_call; k++) {
                const hk__call *c = &p->unit[u].call[k];
                int64_t inner = 0, calls;
                for (int b = 0; c->loop && b < c->loop->n_body; b++) {
                    inner += sum_ns(p, ex, &c->loop->body[b], &calls);
                    tell(ex, p, &p->unit[u], &c->loop->body[b], 0, cb, arg);
                }
                tell(ex, p, &p->unit[u], c, inner, cb, arg);
            }
    }
    *runs = ex->profile->runs, *seconds = 1e-9 * (double)ex->profile->ns;
    return HK_OK;
}

hk_status hk_executor_profile_events(const hk_executor *ex, void (*cb)(void *arg, const hk_op_event *), void *arg, int64_t *lost) {
    if (!ex->profile) return hk__fail(ex->net->ctx, HK_ESTATE, "profile: nothing was measured; call hk_executor_profile before the runs");
    *lost = 0;
    for (int i = 0; i < ex->net->threads; i++) {
        const hk__track *t = &ex->profile->track[i];
        *lost += t->lost;
        for (int64_t k = 0; k < t->n; k++) {
            const hk__event *e = &t->event[k];
            hk_op_event out = { .op = { .op = "run", .path = ".", .impl = "run", .phase = -1, .calls = 1 },
                .thread = i,
                .run = e->run,
                .t = e->t,
                .block = e->block,
                .piece = e->piece,
                .start = 1e-9 * (double)e->start };
            if (e->call) out.op = names(e->plan, e->call);
            out.op.calls = 1, out.op.seconds = 1e-9 * (double)e->ns;
            cb(arg, &out);
        }
    }
    return HK_OK;
}
