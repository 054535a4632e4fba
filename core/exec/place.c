/* place.c - gives every value of a scheduled plan its memory and every operation its backend's plan.
 *
 * What stays inside one segment is LOCAL: one block of it for each thread. What crosses segments lies whole in the arena. Both are packed
 * by liveness before the first run; nothing is allocated afterwards. */
#include "exec/exec.h"
#include <stdlib.h>
#include <string.h>

typedef struct placer {
    hk__plan *p;
    hk__builder *b;
    hk__graph *g;
    hk_network *net;
    int32_t *made_unit, *made_op; /* [n_val] unit and operation that makes it; -1: not made here */
    int32_t *last_unit, *last_op; /* last reader; last_op counts in made_unit */
    bool *keep;                   /* persistent */
    int64_t const_used;
    int unit, op;
} placer;

int64_t hk__row_bytes(const hk_network *net, const hk_desc *d) {
    int64_t each = d->dtype == HK_F32 ? net->real : d->dtype == HK_I64 ? 8 : 1;
    return hk_desc_elems(d) * each;
}

static int64_t rows(const hk__plan *p, const hk_desc *d, int64_t n) {
    if (d->flags & HK_G) return (n + HK_GROUP - 1) / HK_GROUP;
    return (d->flags & HK_T ? p->T : 1) * (d->flags & HK_N ? n : 1);
}

static void note_read(void *arg, hk_value v) {
    placer *q = arg;
    if (q->unit > q->last_unit[v]) q->last_unit[v] = q->unit;
    if (q->unit == q->made_unit[v] && q->op > q->last_op[v]) q->last_op[v] = q->op;
}

static void note_made(placer *q, hk_value v) {
    q->made_unit[v] = q->last_unit[v] = q->unit;
    q->made_op[v] = q->last_op[v] = q->op;
}

static void lifetimes(placer *q) {
    hk__graph *g = q->g;
    for (int v = 0; v < g->n_val; v++) q->made_unit[v] = -1, q->last_unit[v] = -1, q->made_op[v] = q->last_op[v] = -1;
    for (int u = 0; u < q->p->n_unit; u++)
        for (int i = 0; i < q->p->unit[u].n_call; i++) {
            int32_t id = q->p->unit[u].call[i].node;
            q->unit = u, q->op = i;
            hk__each_read(g, id, note_read, q);
            hk__loop *l = g->node[id].body;
            for (int k = 0; k < g->node[id].n_out; k++) note_made(q, g->node[id].out[k]);
            if (!l) continue;
            for (int k = 0; k < l->n_stack; k++) note_made(q, l->stack[k].outer);
            for (int k = 0; k < l->n_sum; k++) note_made(q, l->sum[k].outer);
            for (int j = 0; j < l->body.n; j++)
                for (int k = 0; k < g->node[l->body.at[j]].n_out; k++) note_made(q, g->node[l->body.at[j]].out[k]);
        }
}

static hk__ref ref_of(const placer *q, hk__space space, hk_value v) {
    const hk_desc *d = &q->g->val[v].desc;
    return (hk__ref){ .space = (uint8_t)space, .flags = d->flags, .row = hk__row_bytes(q->net, d) };
}

/* Space for each value; offsets in the arena and in local regions come later. */
static void spaces(placer *q) {
    hk__graph *g = q->g;
    hk__plan *p = q->p;
    for (hk_value v = 1; v < g->n_val; v++) {
        hk__val *x = &g->val[v];
        if (!x->live) continue;
        switch ((hk__source)x->source) {
        case HK_SRC_INPUT:
        case HK_SRC_TARGET:
        case HK_SRC_UPSTREAM:
            p->place[v] = ref_of(q, HK_SP_ARENA, v);
            q->keep[v] = true;
            break;
        case HK_SRC_PARAM:
            p->place[v] = ref_of(q, HK_SP_PARAM, v);
            p->place[v].off = q->net->offset[x->ref] * q->net->real;
            break;
        case HK_SRC_CONST:
            p->place[v] = ref_of(q, HK_SP_CONST, v);
            p->place[v].off = q->const_used;
            q->const_used += (p->place[v].row + 63) / 64 * 64;
            break;
        case HK_SRC_STATE:
            p->place[v] = ref_of(q, HK_SP_CUR, v);
            p->place[v].index = x->ref;
            break;
        case HK_SRC_NODE:
            if (q->made_unit[v] < 0) break;
            if (x->grad_slot) {
                p->place[v] = ref_of(q, HK_SP_GRAD, v);
                p->place[v].off = q->net->offset[x->grad_slot - 1] * q->net->real;
            } else if (x->param_slot) {
                p->place[v] = ref_of(q, HK_SP_PARAM, v);
                p->place[v].off = q->net->offset[x->param_slot - 1] * q->net->real;
            } else if (x->loop) {
                p->place[v] = ref_of(q, HK_SP_LOCAL, v); /* stacked and carried ones are set below */
            } else {
                bool local = (x->desc.flags & HK_N) && !(x->desc.flags & HK_G) && !p->unit[q->made_unit[v]].team && q->last_unit[v] == q->made_unit[v] && !q->keep[v];
                p->place[v] = ref_of(q, local ? HK_SP_LOCAL : HK_SP_ARENA, v);
            }
            break;
        default: break;
        }
    }
    for (int s = 0; s < g->n_slot; s++) {
        hk_value next = g->slot[s].next;
        if (next && g->val[next].live && q->made_unit[next] >= 0) {
            p->place[next] = ref_of(q, HK_SP_NEXT, next);
            p->place[next].index = s;
        }
    }
}

/* Memory of carries: two buffers in the local region of the loop's segment; zeros among the constants. */
static int64_t carry_memory(placer *q, hk__call *c, int64_t local) {
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

/* Packs local regions and the arena. */
static hk_status pack(placer *q) {
    hk__plan *p = q->p;
    hk__graph *g = q->g;
    int n_item = 0, cap = g->n_val + p->n_unit + 1;
    hk__item *item = calloc((size_t)cap, sizeof *item);
    int32_t *whose = calloc((size_t)cap, sizeof *whose);
    hk_status st = HK_OK;
    if (!item || !whose) goto oom;
    int workers = p->scope == HK_SCOPE_BLOCK ? q->net->threads : 1;
    for (int u = 0; u < p->n_unit; u++) {
        hk__unit *unit = &p->unit[u];
        n_item = 0;
        for (hk_value v = 1; v < g->n_val; v++) {
            if (!g->val[v].live || p->place[v].space != HK_SP_LOCAL || q->made_unit[v] != u || p->place[v].slice) continue;
            whose[n_item] = v;
            item[n_item++] = (hk__item){ .bytes = rows(p, &g->val[v].desc, p->nb) * p->place[v].row, .first = q->made_op[v], .last = q->last_op[v] };
        }
        unit->local = hk__pack(item, n_item, &unit->local_live);
        if (unit->local < 0) goto oom;
        for (int i = 0; i < n_item; i++) p->place[whose[i]].off = item[i].offset;
        int64_t carries = 0;
        for (int i = 0; i < unit->n_call; i++)
            if (unit->call[i].loop) carries += carry_memory(q, &unit->call[i], unit->local + carries);
        unit->local += carries, unit->local_live += carries;
        unit->scratch = (unit->scratch + 63) / 64 * 64;
    }
    n_item = 0;
    for (hk_value v = 1; v < g->n_val; v++) {
        if (!g->val[v].live || p->place[v].space != HK_SP_ARENA || p->place[v].slice) continue;
        whose[n_item] = v;
        item[n_item++] = (hk__item){ .bytes = rows(p, &g->val[v].desc, p->N) * p->place[v].row,
                                     .first = q->keep[v] ? 0 : q->made_unit[v],
                                     .last = q->keep[v] ? p->n_unit : q->last_unit[v] };
    }
    for (int u = 0; u < p->n_unit; u++) {
        int k = p->unit[u].team ? 1 : workers;
        whose[n_item] = -1 - u;
        item[n_item++] = (hk__item){ .bytes = k * (p->unit[u].local + p->unit[u].scratch), .first = u, .last = u };
    }
    p->arena = hk__pack(item, n_item, &p->live_max);
    if (p->arena < 0) goto oom;
    p->live_max = 0;
    for (int u = 0; u < p->n_unit; u++) { /* the largest sum of what is alive, counting what is alive inside a segment, not its region */
        int64_t sum = (p->unit[u].team ? 1 : workers) * (p->unit[u].local_live + p->unit[u].scratch);
        for (int i = 0; i < n_item; i++)
            if (whose[i] >= 0 && item[i].first <= u && u <= item[i].last) sum += item[i].bytes;
        if (sum > p->live_max) p->live_max = sum;
    }
    for (int i = 0; i < n_item; i++) {
        if (whose[i] >= 0) p->place[whose[i]].off = item[i].offset;
        else p->unit[-1 - whose[i]].local_off = item[i].offset;
    }
    goto end;
oom:
    st = hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
end:
    free(item);
    free(whose);
    return st;
}

/* References of values that lie in another's memory: slices, stacked and carried values. After packing. */
static void derived(placer *q) {
    hk__graph *g = q->g;
    hk__plan *p = q->p;
    for (int i = 0; i < g->top.n; i++) {
        hk__loop *l = g->node[g->top.at[i]].body;
        if (!l) continue;
        for (int k = 0; k < l->n_at; k++) {
            p->place[l->at[k].inner] = p->place[l->at[k].outer];
            p->place[l->at[k].inner].slice = 1;
        }
        for (int k = 0; k < l->n_stack; k++) {
            p->place[l->stack[k].inner] = p->place[l->stack[k].outer];
            p->place[l->stack[k].inner].slice = 1;
        }
        for (int k = 0; k < l->n_carry; k++) {
            if (l->carry[k].dead) continue;
            p->place[l->carry[k].in] = (hk__ref){ .space = HK_SP_CARRY_IN, .index = k };
            if (!p->place[l->carry[k].next].slice) p->place[l->carry[k].next] = (hk__ref){ .space = HK_SP_CARRY_OUT, .index = k };
        }
    }
}

/* Before packing: which body values will lie in a stack or in a carry's buffers, and so need no memory of their own. */
static void mark_derived(placer *q) {
    hk__graph *g = q->g;
    for (int i = 0; i < g->top.n; i++) {
        hk__loop *l = g->node[g->top.at[i]].body;
        if (!l) continue;
        for (int k = 0; k < l->n_stack; k++) q->p->place[l->stack[k].inner].slice = 1;
    }
}

static hk_status op_plan(placer *q, hk__call *c, const char *op, const char *path, uint64_t stream, int n_in, const hk_desc *in, int n_out, const hk_desc *out, int n_attr,
                         const hk_attr *attr, int64_t T, uint32_t scope) {
    hk_network *net = q->net;
    hk_opdesc d = { .struct_size = sizeof d, .scope = scope, .op = op, .path = path, .n_in = (uint32_t)n_in, .n_out = (uint32_t)n_out, .n_attr = (uint32_t)n_attr,
                    .isa = q->b->isa, .in = in, .out = out, .attr = attr, .T = T, .N = q->p->N, .nb = q->p->nb, .stream = stream };
    hk_status st = HK_EUNSUPPORTED;
    for (const hk_backend *be = net->be; be && st == HK_EUNSUPPORTED;) {
        st = be->plan_new(net->dev, &d, &c->plan);
        if (st == HK_OK) c->be = be;
        else be = be->extends ? hk__registry_get(net->ctx, "hk.backend/1", be->extends, NULL) : NULL;
    }
    if (st == HK_EUNSUPPORTED) return hk__fail(net->ctx, st, "backend '%s' does not take operation '%s' of %s", net->cfg.backend, op, path[0] ? path : "(root)");
    if (st != HK_OK) return hk__fail_in(net->ctx, st, "operation '%s' of %s", op, path[0] ? path : "(root)");
    hk_query query = { .struct_size = sizeof query };
    c->be->plan_query(c->plan, &query);
    c->impl = query.impl ? query.impl : "?";
    c->scratch = query.scratch;
    hk__unit *u = &q->p->unit[q->unit];
    if ((int64_t)query.scratch > u->scratch) u->scratch = (int64_t)query.scratch;
    return HK_OK;
}

static hk_status node_plan(placer *q, hk__call *c, int32_t id, bool in_loop) {
    hk__graph *g = q->g;
    const hk__node *n = &g->node[id];
    hk_desc in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    const hk_desc absent = { .dtype = HK_ABSENT };
    for (int i = 0; i < n->n_in; i++) in[i] = n->in[i] ? g->val[n->in[i]].desc : absent;
    for (int i = 0; i < n->n_out; i++) out[i] = g->val[n->out[i]].live ? g->val[n->out[i]].desc : absent;
    c->node = id;
    uint32_t scope = q->p->unit[q->unit].team ? HK_SCOPE_TEAM : q->p->scope;
    return op_plan(q, c, n->op->name, n->path, n->stream, n->n_in, in, n->n_out, out, n->n_attr, n->attr, in_loop ? 1 : q->p->T, scope);
}

static hk_status loop_plan(placer *q, hk__call *c, int32_t id) {
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
        if (!l->carry[i].dead && l->carry[i].slot) {
            hk_desc d = g->val[l->carry[i].in].desc;
            st = op_plan(q, &r->carry[i].copy, "copy", path, 0, 1, &d, 1, &d, 0, NULL, 1, scope);
        }
    for (; r->n_sum < l->n_sum && st == HK_OK; r->n_sum++) {
        hk_desc d[2] = { g->val[l->sum[r->n_sum].inner].desc, g->val[l->sum[r->n_sum].inner].desc };
        st = op_plan(q, &r->sum_first[r->n_sum], "copy", path, 0, 1, d, 1, d, 0, NULL, 1, scope);
        if (st == HK_OK) st = op_plan(q, &r->sum_next[r->n_sum], "add", path, 0, 2, d, 1, d, 0, NULL, 1, scope);
    }
    return st;
oom:
    return hk__fail(q->net->ctx, HK_ENOMEM, "out of memory for the plan");
}

static hk_status bind_node(placer *q, hk__call *c) {
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

static hk_status bind_loop(placer *q, hk__call *c) {
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

/* Samples per block: what the configuration says, else the backend's choice by the widest operation. */
static void choose_blocks(placer *q) {
    hk__plan *p = q->p;
    hk_network *net = q->net;
    int64_t widest = 1;
    for (int i = 0; i < q->g->top.n; i++) {
        const hk__node *n = &q->g->node[q->g->top.at[i]];
        int64_t sum = 0;
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && q->g->val[n->in[k]].desc.flags & HK_N) sum += hk__row_bytes(net, &q->g->val[n->in[k]].desc);
        for (int k = 0; k < n->n_out; k++)
            if (q->g->val[n->out[k]].desc.flags & HK_N && q->g->val[n->out[k]].live) sum += hk__row_bytes(net, &q->g->val[n->out[k]].desc);
        if (sum > widest) widest = sum;
    }
    bool whole_in_loop = false; /* then there can be one block only */
    for (int i = 0; i < q->g->top.n; i++) {
        const hk__loop *l = q->g->node[q->g->top.at[i]].body;
        for (int k = 0; l && k < l->body.n; k++) whole_in_loop |= (q->g->node[l->body.at[k]].op->flags & HK_OP_WHOLE_BATCH) != 0;
    }
    p->nb = whole_in_loop ? p->N : net->cfg.nb > 0 ? net->cfg.nb : net->cfg.nb < 0 ? p->N : net->be->block(net->dev, p->N, p->T, widest);
    if (p->nb > p->N || p->nb < 1) p->nb = p->N;
    p->blocks = (p->N + p->nb - 1) / p->nb;
    p->scope = p->blocks >= net->threads && !whole_in_loop ? HK_SCOPE_BLOCK : HK_SCOPE_TEAM;
}

static hk_status fill_constants(placer *q) {
    hk__plan *p = q->p;
    hk_network *net = q->net;
    size_t bytes = (size_t)(q->const_used ? q->const_used : 64);
    hk_status st = net->be->buf_new(net->dev, bytes, (void **)&p->constants);
    char *host = calloc(1, bytes);
    if (st != HK_OK || !host) {
        free(host);
        return hk__fail(net->ctx, HK_ENOMEM, "out of memory for constants");
    }
    for (hk_value v = 1; v < q->g->n_val; v++) {
        const hk__val *x = &q->g->val[v];
        if (!x->live || x->source != HK_SRC_CONST) continue;
        for (int64_t i = 0, n = hk_desc_elems(&x->desc); i < n; i++) {
            double c = x->constants ? x->constants[i] : x->constant;
            if (net->real == 8) ((double *)(host + p->place[v].off))[i] = c;
            else ((float *)(host + p->place[v].off))[i] = (float)c;
        }
    }
    st = net->be->upload(net->dev, p->constants, host, bytes);
    free(host);
    return st == HK_OK ? HK_OK : hk__fail_in(net->ctx, st, "constants of the plan");
}

/* One update for each run of parameters that learn. */
static hk_status add_update(placer *q) {
    hk__plan *p = q->p;
    hk_network *net = q->net;
    if (!net->opt_type) return HK_OK;
    for (int i = 0; i < net->n_param;) {
        int first = i;
        while (i < net->n_param && net->param[i].learnable) i++;
        if (i == first) {
            i++;
            continue;
        }
        int64_t from = net->offset[first], to = i < net->n_param ? net->offset[i] : net->region;
        hk__unit *grown = realloc(p->unit, (size_t)(p->n_unit + 1) * sizeof *grown);
        if (!grown) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
        p->unit = grown;
        hk__unit *u = &p->unit[p->n_unit++];
        *u = (hk__unit){ .team = 1, .phase = HK_UPDATE, .n_call = 1, .call = calloc(1, sizeof *u->call) };
        if (!u->call) {
            u->n_call = 0;
            return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
        }
        hk__call *c = &u->call[0];
        c->node = 0;
        int ns = net->n_opt;
        int64_t n[1] = { to - from };
        hk_desc d[2 + HK_MAX_STATE];
        for (int k = 0; k < 2 + HK_MAX_STATE; k++) d[k] = hk__desc(HK_F32, HK_STATIC, 1, n);
        const hk_attr attr[1] = { { "optimizer", 0, 0, net->opt_type } };
        q->unit = p->n_unit - 1;
        hk_status st = op_plan(q, c, "optimizer", "", 0, 2 + ns, d, 1 + ns, d, 1, attr, 1, HK_SCOPE_TEAM);
        if (st != HK_OK) return st;
        c->n_ref = 3 + 2 * ns;
        c->ref = calloc((size_t)c->n_ref, sizeof *c->ref);
        if (!c->ref) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
        hk__ref r = { .space = HK_SP_PARAM, .off = from * net->real, .row = (to - from) * net->real };
        c->ref[0] = c->ref[2 + ns] = r;
        r.space = HK_SP_GRAD;
        c->ref[1] = r;
        r.space = HK_SP_OPT;
        for (int k = 0; k < ns; k++) r.index = k, c->ref[2 + k] = c->ref[3 + ns + k] = r;
    }
    return HK_OK;
}

hk_status hk__place_all(hk__plan *p, hk__builder *b, bool train) {
    hk__graph *g = p->g;
    size_t n = (size_t)g->n_val;
    placer q = { .p = p, .b = b, .g = g, .net = p->net };
    hk_status st = HK_OK;
    p->place = calloc(n, sizeof *p->place);
    q.made_unit = malloc(n * sizeof(int32_t)), q.made_op = malloc(n * sizeof(int32_t));
    q.last_unit = malloc(n * sizeof(int32_t)), q.last_op = malloc(n * sizeof(int32_t));
    q.keep = calloc(n, sizeof *q.keep);
    if (!p->place || !q.made_unit || !q.made_op || !q.last_unit || !q.last_op || !q.keep) {
        st = hk__fail(p->net->ctx, HK_ENOMEM, "out of memory for the plan");
        goto end;
    }
    const hk_value roots[] = { p->y, p->loss, p->correct, p->grad_x, p->x, p->target };
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) q.keep[roots[i]] = true;
    lifetimes(&q);
    choose_blocks(&q);
    for (int i = 0; p->output && p->output[i]; i++) q.keep[p->output[i]] = true;
    if (train && p->loss) { /* y is kept only when it was asked for */
        bool asked = false;
        for (int i = 0; p->output[i]; i++) asked |= p->output[i] == p->y;
        q.keep[p->y] = asked;
    }
    spaces(&q);
    mark_derived(&q);
    for (int u = 0; u < p->n_unit && st == HK_OK; u++)
        for (int i = 0; i < p->unit[u].n_call && st == HK_OK; i++) {
            q.unit = u, q.op = i;
            hk__call *c = &p->unit[u].call[i];
            int32_t id = c->node;
            st = g->node[id].body ? loop_plan(&q, c, id) : node_plan(&q, c, id, false);
        }
    if (st != HK_OK) goto end;
    if (train && (st = add_update(&q)) != HK_OK) goto end;
    st = pack(&q);
    if (st != HK_OK) goto end;
    derived(&q);
    for (int u = 0; u < p->n_unit && st == HK_OK; u++)
        for (int i = 0; i < p->unit[u].n_call && st == HK_OK; i++) {
            hk__call *c = &p->unit[u].call[i];
            if (p->unit[u].phase == HK_UPDATE) continue;
            st = c->loop ? bind_loop(&q, c) : bind_node(&q, c);
        }
    if (st == HK_OK) st = fill_constants(&q);
end:
    free(q.made_unit);
    free(q.made_op);
    free(q.last_unit);
    free(q.last_op);
    free(q.keep);
    return st;
}
