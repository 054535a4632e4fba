/* calls.c - operation plans from the backend, and where each operand of each call lies: plain operations and loops (the update: update.c). */
#include "exec/chunk.h"
#include "exec/tune.h"
#include <stdlib.h>

hk_status hk__backend_plan(hk_network *net, const hk_opdesc *d, const hk_backend **be, hk_op_plan **plan) {
    hk_status st = HK_EUNSUPPORTED;
    hk_device *dev = net->dev;
    for (const hk_backend *try = net->be; try && st == HK_EUNSUPPORTED;) {
        st = try->plan_new(dev, d, plan);
        if (st == HK_OK) *be = try;
        else if (!try->extends) break;
        else dev = try->base(dev), try = hk__registry_get(net->ctx, "hk.backend/1", try->extends, NULL);
    }
    return st;
}

bool hk__backend_takes(hk__builder *b, const hk__node *n) {
    hk__graph *g = b->g;
    hk_network *net = b->net;
    hk_desc in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    for (int i = 0; i < n->n_in; i++) in[i] = n->in[i] ? g->val[n->in[i]].desc : (hk_desc){ .dtype = HK_ABSENT };
    for (int i = 0; i < n->n_out; i++) out[i] = g->val[n->out[i]].desc;
    hk_opdesc d = { .struct_size = sizeof d, .scope = HK_SCOPE_TEAM, .op = n->op->name, .path = n->path, .n_in = (uint32_t)n->n_in, .n_out = (uint32_t)n->n_out,
                    .n_attr = (uint32_t)n->n_attr, .isa = b->isa, .in = in, .out = out, .attr = n->attr, .T = g->T, .N = g->N, .nb = g->N, .stream = n->stream };
    const hk_backend *be = NULL;
    hk_op_plan *plan = NULL;
    hk_status st = hk__backend_plan(net, &d, &be, &plan);
    if (st == HK_ENOMEM) hk__builder_fail(&b->base, st, "out of memory for the plan"); /* it would have taken it */
    if (st != HK_OK) return false;
    be->plan_free(plan);
    return true;
}

static hk_status op_plan(hk__placer *q, hk__call *c, const hk__op *op, const char *path, uint64_t stream, int n_in, const hk_desc *in, int n_out, const hk_desc *out, int n_attr,
                         const hk_attr *attr, int64_t T, uint32_t scope, uint32_t constant) {
    hk_network *net = q->net;
    hk_opdesc d = { .struct_size = sizeof d, .scope = scope, .op = op->name, .path = path, .n_in = (uint32_t)n_in, .n_out = (uint32_t)n_out, .n_attr = (uint32_t)n_attr,
                    .isa = q->b->isa, .in = in, .out = out, .attr = attr, .T = T, .N = q->p->N, .nb = q->p->nb, .stream = stream,
                    .type = hk__op_type(op), .adjoint = (op->flags & HK_OP_ADJOINT) != 0, .constant = constant };
    const hk__tuned *tuned = NULL;
    hk_status st = net->tune && !q->in_loop ? hk__tune_find(q, &d, &tuned) : HK_OK;
    if (st == HK_OK) st = tuned ? hk__tune_plan(net, tuned, &d, &c->be, &c->plan) : hk__backend_plan(net, &d, &c->be, &c->plan);
    if (st == HK_EUNSUPPORTED) return hk__fail(net->ctx, st, "backend '%s' does not take operation '%s' of %s", net->cfg.backend, op->name, path[0] ? path : "(root)");
    if (st != HK_OK) return hk__fail_in(net->ctx, st, "operation '%s' of %s", op->name, path[0] ? path : "(root)");
    hk_query query = { .struct_size = sizeof query };
    c->be->plan_query(c->plan, &query);
    c->impl = query.impl ? query.impl : "?";
    c->scratch = query.scratch;
    if (query.kept) {
        if (!c->be->plan_prepare)
            return hk__fail(net->ctx, HK_EPLUGIN, "backend '%s': operation '%s' asks for memory to keep, but there is no plan_prepare", net->cfg.backend, op->name);
        c->kept = (int64_t)query.kept, c->kept_off = q->kept_used;
        q->kept_used = hk__sat_add(q->kept_used, (c->kept + 63) / 64 * 64);
    }
    hk__unit *u = &q->p->unit[q->unit];
    if ((int64_t)query.scratch > u->scratch) u->scratch = (int64_t)query.scratch;
    return HK_OK;
}

/* Which operands lie still until a parameter is written. Inference alone: training writes one in each run, and would pay for what it does not use again. */
static uint32_t constant_operands(const hk__placer *q, const hk__node *n) {
    uint32_t bits = 0;
    if (q->b->phase_train || q->net->cfg.memory == HK_MEMORY_SMALL) return 0;
    for (int i = 0; i < n->n_in; i++) {
        const hk__ref *r = &q->p->place[n->in[i]];
        if (n->in[i] && !r->slice && (r->space == HK_SP_PARAM || r->space == HK_SP_CONST || r->space == HK_SP_KEPT) && !(r->flags & HK_T)) bits |= 1u << i;
    }
    return bits;
}

static hk_status node_plan(hk__placer *q, hk__call *c, int32_t id, bool in_loop) {
    hk__graph *g = q->g;
    const hk__node *n = &g->node[id];
    hk_desc in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    const hk_desc absent = { .dtype = HK_ABSENT };
    for (int i = 0; i < n->n_in; i++) in[i] = n->in[i] ? g->val[n->in[i]].desc : absent;
    for (int i = 0; i < n->n_out; i++) out[i] = g->val[n->out[i]].live ? g->val[n->out[i]].desc : absent;
    c->node = id;
    uint32_t scope = q->p->unit[q->unit].team ? HK_SCOPE_TEAM : q->p->scope;
    q->in_loop = in_loop;
    return op_plan(q, c, n->op, n->path, n->stream, n->n_in, in, n->n_out, out, n->n_attr, n->attr, in_loop ? 1 : hk__staged(n) ? q->p->chunk : q->p->T, scope, constant_operands(q, n));
}

hk_status hk__plan_node(hk__placer *q, hk__call *c, int32_t id) { return node_plan(q, c, id, false); }

hk_status hk__plan_loop(hk__placer *q, hk__call *c, int32_t id) {
    hk__graph *g = q->g;
    hk__loop *l = g->node[id].body;
    hk__loop_call *r = c->loop = calloc(1, sizeof *r);
    hk_status st = HK_OK;
    if (!r) goto oom;
    c->impl = "loop";
    r->reverse = l->reverse;
    r->body = calloc((size_t)l->body.n + 1, sizeof *r->body);
    r->carry = calloc((size_t)l->n_carry + 1, sizeof *r->carry);
    r->sum_first = calloc((size_t)l->n_sum + 1, sizeof *r->sum_first);
    r->sum_next = calloc((size_t)l->n_sum + 1, sizeof *r->sum_next);
    if (!r->body || !r->carry || !r->sum_first || !r->sum_next) goto oom;
    for (; r->n_body < l->body.n && st == HK_OK; r->n_body++) st = node_plan(q, &r->body[r->n_body], l->body.at[r->n_body], true);
    r->n_carry = l->n_carry;
    uint32_t scope = q->p->scope;
    const char *path = g->node[id].path;
    for (int i = 0; i < l->n_carry && st == HK_OK; i++)
        if (!l->carry[i].dead && (l->carry[i].slot || l->carry[i].line)) {
            hk_desc d = g->val[l->carry[i].in].desc;
            st = op_plan(q, &r->carry[i].copy, hk__op_find("copy"), path, 0, 1, &d, 1, &d, 0, NULL, 1, scope, 0);
        }
    for (; r->n_sum < l->n_sum && st == HK_OK; r->n_sum++) {
        hk_desc d[2] = { g->val[l->sum[r->n_sum].inner].desc, g->val[l->sum[r->n_sum].inner].desc };
        st = op_plan(q, &r->sum_first[r->n_sum], hk__op_find("copy"), path, 0, 1, d, 1, d, 0, NULL, 1, scope, 0);
        if (st == HK_OK) st = op_plan(q, &r->sum_next[r->n_sum], hk__op_find("add"), path, 0, 2, d, 1, d, 0, NULL, 1, scope, 0);
    }
    return st;
oom:
    return hk__fail(q->net->ctx, HK_ENOMEM, "out of memory for the plan");
}

static hk_status bind_node(hk__placer *q, hk__call *c) {
    const hk__node *n = &q->g->node[c->node];
    c->n_ref = n->n_in + n->n_out;
    c->ref = calloc((size_t)c->n_ref + 1, sizeof *c->ref);
    if (!c->ref) return hk__fail(q->net->ctx, HK_ENOMEM, "out of memory for the plan");
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]) c->ref[i] = q->p->place[n->in[i]];
    for (int i = 0; i < n->n_out; i++)
        if (q->g->val[n->out[i]].live) c->ref[n->n_in + i] = q->p->place[n->out[i]];
    return HK_OK;
}

static hk_status bind_loop(hk__placer *q, hk__call *c) {
    hk__loop *l = q->g->node[c->node].body;
    hk__loop_call *r = c->loop;
    hk_status st = HK_OK;
    for (int i = 0; i < r->n_body && st == HK_OK; i++) st = bind_node(q, &r->body[i]);
    for (int i = 0; i < l->n_carry; i++)
        if (!l->carry[i].dead && q->p->place[l->carry[i].next].slice) r->carry[i].next = q->p->place[l->carry[i].next];
    for (int i = 0; i < l->n_sum && st == HK_OK; i++) {
        hk__ref inner = q->p->place[l->sum[i].inner], outer = q->p->place[l->sum[i].outer];
        hk__ref *a = calloc(2, sizeof *a), *b = calloc(3, sizeof *b);
        r->sum_first[i].ref = a, r->sum_next[i].ref = b;
        if (!a || !b) return hk__fail(q->net->ctx, HK_ENOMEM, "out of memory for the plan");
        a[0] = inner, a[1] = outer, b[0] = outer, b[1] = inner, b[2] = outer;
        r->sum_first[i].n_ref = 2, r->sum_next[i].n_ref = 3;
    }
    return st;
}

hk_status hk__bind(hk__placer *q, hk__call *c) { return c->loop ? bind_loop(q, c) : bind_node(q, c); }

/* Memory of carries: two buffers in the local region of the loop's segment; zeros among the constants. */
int64_t hk__carry_memory(hk__placer *q, hk__call *c, int64_t local) {
    int64_t used = 0;
    hk__loop *l = q->g->node[c->node].body;
    for (int i = 0; i < l->n_carry; i++) {
        hk__carry_call *k = &c->loop->carry[i];
        if (l->carry[i].dead) continue;
        hk_desc d = q->g->val[l->carry[i].in].desc;
        int64_t row = hk__row_bytes(q->net, &d), bytes = (row * q->p->nb + 63) / 64 * 64;
        bool stacked = q->p->place[l->carry[i].next].slice;
        if (!stacked)
            for (int j = 0; j < 2; j++) {
                k->buffer[j] = (hk__ref){ .space = HK_SP_LOCAL, .flags = d.flags, .row = row, .off = local + used };
                used += bytes;
            }
        if (l->carry[i].slot) {
            k->init = (hk__ref){ .space = HK_SP_CUR, .index = l->carry[i].slot - 1, .flags = d.flags, .row = row };
            k->final = (hk__ref){ .space = HK_SP_NEXT, .index = l->carry[i].slot - 1, .flags = d.flags, .row = row };
        } else { /* zeros: the same for every block */
            k->init = (hk__ref){ .space = HK_SP_CONST, .flags = 0, .row = row, .off = q->const_used };
            q->const_used += bytes;
        }
    }
    return used;
}

hk_status hk__plan_op(hk__placer *q, hk__call *c, const char *op, int n_in, const hk_desc *in, int n_out, const hk_desc *out, int n_attr, const hk_attr *attr) {
    c->node = 0, c->op = op;
    return op_plan(q, c, hk__op_find(op), "", 0, n_in, in, n_out, out, n_attr, attr, 1, HK_SCOPE_TEAM, 0);
}

hk_status hk__plan_op_in(hk__placer *q, hk__call *c, const char *op, int n_in, const hk_desc *in, int n_out, const hk_desc *out) {
    c->node = 0, c->op = op;
    return op_plan(q, c, hk__op_find(op), "", 0, n_in, in, n_out, out, 0, NULL, 1, q->p->scope, 0);
}

hk__unit *hk__unit_add(hk__placer *q, int n_call) {
    hk__plan *p = q->p;
    hk__unit *grown = realloc(p->unit, (size_t)(p->n_unit + 1) * sizeof *grown);
    if (!grown) return NULL;
    p->unit = grown;
    hk__unit *u = &p->unit[p->n_unit];
    *u = (hk__unit){ .team = 1, .phase = HK_UPDATE, .call = calloc((size_t)n_call, sizeof *u->call) };
    if (!u->call) return NULL;
    q->unit = p->n_unit++;
    return u;
}
