/* print.c - the plan as a table: every operation with its rows, its implementation and its bytes; then the memory it takes. */
#include "exec/chunk.h"
#include "exec/tune.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const hk_desc *result(const hk__graph *g, const hk__node *n) { /* what tells the rows of an operation */
    const hk_desc *d = NULL;
    for (int i = 0; i < n->n_out && !d; i++)
        if (g->val[n->out[i]].live && !(g->val[n->out[i]].desc.flags & HK_G)) d = &g->val[n->out[i]].desc;
    for (int i = 0; i < n->n_in && !d; i++)
        if (n->in[i] && g->val[n->in[i]].desc.flags & HK_N) d = &g->val[n->in[i]].desc;
    if (!d && n->n_out) d = &g->val[n->out[0]].desc;
    return d;
}

static int64_t bytes(const hk__plan *p, const hk__node *n) {
    int64_t sum = 0;
    for (int i = 0; i < n->n_out; i++)
        if (p->g->val[n->out[i]].live) sum += hk__rows(p, &p->g->val[n->out[i]].desc, p->N) * hk__row_bytes(p->net, &p->g->val[n->out[i]].desc);
    return sum;
}

static void shape_text(const hk_desc *d, char *buf, size_t size) {
    size_t at = 0;
    buf[0] = 0;
    for (int i = 0; i < d->rank && at < size; i++) at += (size_t)snprintf(buf + at, size - at, "%s%" PRId64, i ? "x" : "", d->shape[i]);
    if (!d->rank) snprintf(buf, size, "1");
}

static void line(const hk__plan *p, FILE *f, const hk__call *c, int depth, const char *unit, const char *phase) {
    const hk__node *n = &p->g->node[c->node];
    char shape[64] = "", name[64];
    if (c->node == 0) {
        fprintf(f, "  %-9s %-8s %-22s %-18s %10" PRId64 " %-14s %-22s %12s\n", unit, phase, c->op, "(all)", c->ref[0].row / p->net->real, "1", c->impl, "-");
        return;
    }
    snprintf(name, sizeof name, "%*s%s", 2 * depth, "", n->op->name);
    const hk_desc *d = n->body ? NULL : result(p->g, n);
    if (d) shape_text(d, shape, sizeof shape);
    if (n->body)
        fprintf(f, "  %-9s %-8s %-22s %-18s %10s %-14s %-22s %12s\n", unit, phase, n->body->reverse ? "loop, t descending" : "loop", n->path[0] ? n->path : ".", "T times", "", "", "");
    else
        fprintf(f, "  %-9s %-8s %-22s %-18s %10" PRId64 " %-14s %-22s %12" PRId64 "\n", unit, phase, name, n->path[0] ? n->path : ".", hk__rows(p, d, p->N), shape, c->impl, bytes(p, n));
}

static const char *const modes[] = { [HK_MEMORY_BALANCED] = "balanced", [HK_MEMORY_FAST] = "fast", [HK_MEMORY_SMALL] = "small" };
static const char *const phases[] = { "forward", "backward", "update", "gather" };

int hk__plan_lines(const hk__plan *p) {
    int n = 0;
    for (int u = 0; u < p->n_unit; u++)
        for (int i = 0; i < p->unit[u].n_call; i++) n += 1 + (p->unit[u].call[i].loop ? p->unit[u].call[i].loop->n_body : 0);
    return n;
}

hk_status hk_executor_print(const hk_executor *ex, FILE *f) {
    const hk__plan *p = ex->now;
    if (!p) return hk__fail(ex->net->ctx, HK_ESTATE, "print: no batch shape yet; call hk_executor_shape first");
    fprintf(f, "%s, backend %s, T=%" PRId64 ", N=%" PRId64 ", %" PRId64 " block%s of %" PRId64 " samples, %d thread%s%s, memory %s\n", ex->cfg.mode == HK_TRAIN ? "training" : "inference",
            ex->net->cfg.backend, p->T, p->N, p->blocks, p->blocks == 1 ? "" : "s", p->nb, p->net->threads, p->net->threads == 1 ? "" : "s",
            p->scope == HK_SCOPE_TEAM && p->net->threads > 1 ? ", operations split among threads" : "", modes[ex->net->cfg.memory]);
    if (p->chunk < p->T) fprintf(f, "segment %d%s: %" PRId64 " chunks of %" PRId64 " steps, forward, then backward from the last one on\n", p->chunks->unit[0], p->chunks->unit[0] == p->chunks->unit[1] ? "" : " and the backward one", (p->T + p->chunk - 1) / p->chunk, p->chunk);
    fprintf(f, "  %-9s %-8s %-22s %-18s %10s %-14s %-22s %12s\n", "unit", "phase", "operation", "module", "rows", "row", "implementation", "bytes");
    for (int u = 0; u < p->n_unit; u++) {
        const hk__unit *unit = &p->unit[u];
        char name[32];
        snprintf(name, sizeof name, "%s %d", unit->kept ? "kept" : unit->team ? "whole" : "segment", u);
        for (int i = 0; i < unit->n_call; i++) {
            const hk__call *c = &unit->call[i];
            line(p, f, c, 0, name, phases[c->node ? p->g->node[c->node].phase : unit->phase]);
            for (int k = 0; c->loop && k < c->loop->n_body; k++) line(p, f, &c->loop->body[k], 1, name, phases[p->g->node[c->node].phase]);
        }
    }
    for (int i = 0; i < p->g->n_note; i++) fprintf(f, "%s\n", p->g->note[i]);
    hk__tune_print(ex->net, ex->cfg.mode == HK_TRAIN, f);
    hk_plan_stats s;
    hk_executor_stats(ex, &s);
    fprintf(f, "arena %" PRId64 " bytes, largest live sum %" PRId64 " bytes (%.2fx); parameters, gradients and optimizer state %" PRId64 " bytes; sequence state %" PRId64 " bytes; packed weights and what else is kept %" PRId64 " bytes\n",
            s.arena, s.live_max, s.live_max ? (double)s.arena / (double)s.live_max : 1.0, s.params, s.state, s.kept);
    return HK_OK;
}
