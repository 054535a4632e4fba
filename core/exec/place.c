/* place.c - gives every value of a scheduled plan its memory and every operation its backend's plan.
 *
 * What stays inside one segment is LOCAL: one block of it for each thread. What crosses segments lies whole in the arena, some of it in
 * memory that another value has done with (inherit.c). Both are packed by liveness before the first run; nothing is allocated afterwards. */
#include "exec/chunk.h"
#include <stdlib.h>
#include <string.h>

int64_t hk__row_bytes(const hk_network *net, const hk_desc *d) {
    int64_t each = d->dtype == HK_F32 ? net->real : d->dtype == HK_I64 ? 8 : 1;
    return hk_desc_elems(d) * each;
}

int64_t hk__rows(const hk__plan *p, const hk_desc *d, int64_t n) {
    return (d->flags & HK_T ? p->T : 1) * (d->flags & HK_N ? n : d->flags & HK_G ? (n + HK_GROUP - 1) / HK_GROUP : 1);
}

int64_t hk__stored(const hk__plan *p, hk_value v, int64_t n) {
    const hk__val *x = &p->g->val[v];
    int64_t rows = hk__rows(p, &x->desc, n);
    return x->part ? rows / p->T * p->chunk : rows;
}

static void note_read(void *arg, hk_value v) {
    hk__placer *q = arg;
    if (q->unit > q->last_unit[v]) q->last_unit[v] = q->unit, q->last_op[v] = q->op;
    else if (q->unit == q->last_unit[v] && q->op > q->last_op[v]) q->last_op[v] = q->op;
    if (q->p->unit[q->unit].team) q->whole[v] = true;
}

static void note_made(hk__placer *q, hk_value v) {
    q->made_unit[v] = q->last_unit[v] = q->unit;
    q->made_op[v] = q->last_op[v] = q->op;
}

static void lifetimes(hk__placer *q) {
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
    hk__chunk_lives(q);
}

static hk__ref ref_of(const hk__placer *q, hk__space space, hk_value v) {
    const hk_desc *d = &q->g->val[v].desc;
    return (hk__ref){ .space = (uint8_t)space, .flags = d->flags, .row = hk__row_bytes(q->net, d), .part = q->g->val[v].part != 0 };
}

/* Space for each value; offsets in the arena and in local regions come later. */
static void spaces(hk__placer *q) {
    hk__graph *g = q->g;
    hk__plan *p = q->p;
    for (hk_value v = 1; v < g->n_val; v++) {
        hk__val *x = &g->val[v];
        if (!x->live) continue;
        if (x->line) { /* at the borders of chunks: chunk_place.c */
            p->place[v] = hk__line_ref(p, x->line - 1, x->source != HK_SRC_BORDER);
            continue;
        }
        switch ((hk__source)x->source) {
        case HK_SRC_INPUT:
        case HK_SRC_TARGET:
        case HK_SRC_REWARD:
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
                p->writes_params = true;
                p->place[v] = ref_of(q, HK_SP_PARAM, v);
                p->place[v].off = q->net->offset[x->param_slot - 1] * q->net->real;
            } else if (x->loop) {
                p->place[v] = ref_of(q, HK_SP_LOCAL, v); /* stacked and carried ones are set below */
            } else if (p->unit[q->made_unit[v]].kept) {
                p->place[v] = ref_of(q, HK_SP_KEPT, v);
                p->place[v].off = q->kept_used;
                q->kept_used = hk__sat_add(q->kept_used, (hk__sat_mul(hk__rows(p, &x->desc, p->N), p->place[v].row) + 63) / 64 * 64);
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
        if (next && g->val[next].live && !g->val[next].line && q->made_unit[next] >= 0) {
            p->place[next] = ref_of(q, HK_SP_NEXT, next);
            p->place[next].index = s;
        }
    }
}

/* Packs local regions and the arena. */
int hk__workers(const hk__plan *p) { return p->scope == HK_SCOPE_BLOCK ? p->net->threads : 1; }

/* The value whose memory v lies in: the first of those that handed it on. */
static hk_value root_of(const hk__placer *q, hk_value v) {
    while (q->heir_of[v]) v = q->heir_of[v];
    return v;
}

/* Values that lie whole in the arena, with those that inherit from them: from the first to the last unit of them all. */
static int arena_items(const hk__placer *q, hk__item *item, int32_t *whose, int32_t *item_of) {
    const hk__plan *p = q->p;
    int n = 0;
    for (hk_value v = 1; v < q->g->n_val; v++) {
        item_of[v] = -1;
        if (!q->g->val[v].live || p->place[v].space != HK_SP_ARENA || p->place[v].slice || q->heir_of[v] || q->g->val[v].line) continue;
        whose[n] = v, item_of[v] = n;
        item[n++] = (hk__item){ .bytes = hk__sat_mul(hk__rows(p, &q->g->val[v].desc, p->N), p->place[v].row),
                                .first = q->keep[v] ? 0 : q->made_unit[v],
                                .last = q->keep[v] ? p->n_unit : q->last_unit[v] };
    }
    for (hk_value v = 1; v < q->g->n_val; v++) {
        if (!q->heir_of[v]) continue;
        hk__item *it = &item[item_of[root_of(q, v)]];
        if (q->last_unit[v] > it->last) it->last = q->last_unit[v];
    }
    return hk__chunk_arena(p, item, whose, n);
}

/* Values of one unit that lie in the threads' regions. */
static int local_items(const hk__placer *q, int u, hk__item *item, int32_t *whose) {
    const hk__plan *p = q->p;
    int n = 0;
    for (hk_value v = 1; v < q->g->n_val; v++) {
        if (!q->g->val[v].live || p->place[v].space != HK_SP_LOCAL || q->made_unit[v] != u || p->place[v].slice || q->g->val[v].line) continue;
        whose[n] = v;
        item[n++] = (hk__item){ .bytes = hk__sat_mul(hk__stored(p, v, p->nb), p->place[v].row), .first = q->made_op[v], .last = q->last_op[v] };
    }
    return hk__chunk_items(q, u, item, whose, n);
}

static hk_status pack(hk__placer *q) {
    hk__plan *p = q->p;
    hk__graph *g = q->g;
    int n_item = 0, cap = g->n_val + p->n_unit + hk__chunk_n_items(p) + 1;
    hk__item *item = calloc((size_t)cap, sizeof *item);
    int32_t *whose = calloc((size_t)cap, sizeof *whose), *item_of = calloc((size_t)cap, sizeof *item_of);
    hk_status st = HK_OK;
    if (!item || !whose || !item_of) goto oom;
    int workers = hk__workers(p);
    for (int u = 0; u < p->n_unit; u++) {
        hk__unit *unit = &p->unit[u];
        n_item = local_items(q, u, item, whose);
        unit->local = hk__pack(item, n_item, &unit->local_live);
        if (unit->local < 0) goto oom;
        for (int i = 0; i < n_item; i++) {
            if (whose[i] > 0) p->place[whose[i]].off = item[i].offset;
            else hk__chunk_offset(p, whose[i], item[i].offset);
        }
        int64_t carries = 0;
        for (int i = 0; i < unit->n_call; i++)
            if (unit->call[i].loop) carries += hk__carry_memory(q, &unit->call[i], unit->local + carries);
        unit->local += carries, unit->local_live += carries;
        unit->scratch = (unit->scratch + 63) / 64 * 64;
    }
    n_item = arena_items(q, item, whose, item_of);
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
        else if (-1 - whose[i] < p->n_unit) p->unit[-1 - whose[i]].local_off = item[i].offset;
        else hk__chunk_offset(p, whose[i] + p->n_unit, item[i].offset);
    }
    for (hk_value v = 1; v < g->n_val; v++)
        if (g->val[v].line && g->val[v].live) p->place[v] = hk__line_ref(p, g->val[v].line - 1, g->val[v].source != HK_SRC_BORDER);
    for (hk_value v = 1; v < g->n_val; v++)
        if (q->heir_of[v]) {
            hk_value from = root_of(q, v);
            p->place[v].off = p->place[from].off;
            p->place[v].pitch = hk__rows(p, &g->val[from].desc, 1) * p->place[from].row;
        }
    goto end;
oom:
    st = hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
end:
    free(item);
    free(whose);
    free(item_of);
    return st;
}

hk_status hk__placer_local(const hk__placer *q, int u, int64_t *bytes) {
    int cap = q->g->n_val + hk__chunk_n_items(q->p) + 1;
    hk__item *item = calloc((size_t)cap, sizeof *item);
    int32_t *whose = calloc((size_t)cap, sizeof *whose);
    bool ok = item && whose && hk__pack(item, local_items(q, u, item, whose), bytes) >= 0;
    free(item);
    free(whose);
    return ok ? HK_OK : hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
}

hk_status hk__placer_live(const hk__placer *q, int64_t *live) {
    const hk__plan *p = q->p;
    int cap = q->g->n_val + hk__chunk_n_items(p) + 1;
    hk__item *item = calloc((size_t)cap, sizeof *item);
    int32_t *whose = calloc((size_t)cap, sizeof *whose), *item_of = calloc((size_t)cap, sizeof *item_of);
    hk_status st = item && whose && item_of ? HK_OK : hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
    for (int u = 0; u < p->n_unit && st == HK_OK; u++) {
        int n = local_items(q, u, item, whose);
        int64_t most = 0;
        if (hk__pack(item, n, &most) < 0) st = hk__fail(q->net->ctx, HK_ENOMEM, "out of memory to plan the arena");
        live[u] = hk__sat_mul(p->unit[u].team ? 1 : hk__workers(p), most);
    }
    if (st == HK_OK) {
        int n = arena_items(q, item, whose, item_of);
        for (int u = 0; u < p->n_unit; u++)
            for (int i = 0; i < n; i++)
                if (item[i].first <= u && u <= item[i].last) live[u] = hk__sat_add(live[u], item[i].bytes);
    }
    free(item);
    free(whose);
    free(item_of);
    return st;
}

/* References of values that lie in another's memory: slices, stacked and carried values. After packing. */
static void derived(hk__placer *q) {
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
static void mark_derived(hk__placer *q) {
    hk__graph *g = q->g;
    for (int i = 0; i < g->top.n; i++) {
        hk__loop *l = g->node[g->top.at[i]].body;
        if (!l) continue;
        for (int k = 0; k < l->n_stack; k++) q->p->place[l->stack[k].inner].slice = 1;
    }
}

/* Samples per block: what the configuration says, else the fewest for memory = small, else the backend's choice by the widest operation. */
static void choose_blocks(hk__placer *q) {
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
    p->nb = whole_in_loop ? p->N : !net->cfg.nb && net->cfg.memory == HK_MEMORY_SMALL ? HK_GROUP : net->cfg.nb > 0 ? net->cfg.nb : net->cfg.nb < 0 ? p->N : net->be->block(net->dev, p->N, p->T, widest);
    if (p->nb_most && p->nb > p->nb_most && !whole_in_loop) p->nb = p->nb_most;
    if (p->nb > p->N || p->nb < 1) p->nb = p->N;
    p->blocks = (p->N + p->nb - 1) / p->nb;
    p->scope = p->blocks >= net->threads && !whole_in_loop ? HK_SCOPE_BLOCK : HK_SCOPE_TEAM;
}

static hk_status fill_constants(hk__placer *q) {
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
    hk__chunk_constants(q, host);
    st = net->be->upload(net->dev, p->constants, host, bytes);
    free(host);
    return st == HK_OK ? HK_OK : hk__fail_in(net->ctx, st, "constants of the plan");
}

/* Memory of what is made of parameters alone. */
static hk_status keep_room(hk__placer *q) {
    hk_network *net = q->net;
    q->p->kept_bytes = q->kept_used;
    if (!q->kept_used) return HK_OK;
    hk_status st = net->be->buf_new(net->dev, (size_t)q->kept_used, (void **)&q->p->kept);
    return st == HK_OK ? HK_OK
                       : hk__fail(net->ctx, HK_ENOMEM, "backend '%s': no memory for packed weights and what else is made of parameters alone (%lld bytes)",
                             net->cfg.backend, (long long)q->kept_used);
}

hk_status hk__placer_begin(hk__placer *q, hk__plan *p, hk__builder *b) {
    hk__graph *g = p->g;
    size_t n = (size_t)g->n_val;
    *q = (hk__placer){ .p = p, .b = b, .g = g, .net = p->net };
    free(p->place);
    p->place = calloc(n, sizeof *p->place);
    q->made_unit = malloc(n * sizeof(int32_t)), q->made_op = malloc(n * sizeof(int32_t));
    q->last_unit = malloc(n * sizeof(int32_t)), q->last_op = malloc(n * sizeof(int32_t));
    q->keep = calloc(n, sizeof *q->keep), q->whole = calloc(n, sizeof *q->whole);
    q->heir_of = calloc(n, sizeof *q->heir_of);
    if (!p->place || !q->made_unit || !q->made_op || !q->last_unit || !q->last_op || !q->keep || !q->whole || !q->heir_of)
        return hk__fail(p->net->ctx, HK_ENOMEM, "out of memory for the plan");
    const hk_value roots[] = { p->y, p->loss, p->correct, p->correct5, p->grad_x, p->x, p->target, p->length, p->reward };
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) q->keep[roots[i]] = true;
    lifetimes(q);
    for (int i = 0; p->output && p->output[i]; i++) q->keep[p->output[i]] = q->keep[p->gradient[i]] = true;
    if (!p->keep_y) { /* only when it was asked for */
        bool asked = false;
        for (int i = 0; p->output[i]; i++) asked |= p->output[i] == p->y;
        q->keep[p->y] = asked;
    }
    spaces(q);
    mark_derived(q);
    hk_status st = hk__memory_begin(q);
    if (st != HK_OK) return st;
    choose_blocks(q);
    return hk__inherit(q);
}

void hk__placer_end(hk__placer *q) {
    free(q->made_unit);
    free(q->made_op);
    free(q->last_unit);
    free(q->last_op);
    free(q->keep);
    free(q->whole);
    free(q->heir_of);
}

hk_status hk__place_all(hk__plan *p, hk__builder *b, bool train) {
    hk__graph *g = p->g;
    hk__placer q;
    hk_status st = hk__placer_begin(&q, p, b);
    for (int u = 0; u < p->n_unit && st == HK_OK; u++)
        for (int i = 0; i < p->unit[u].n_call && st == HK_OK; i++) {
            q.unit = u, q.op = i;
            hk__call *c = &p->unit[u].call[i];
            int32_t id = c->node;
            st = g->node[id].body ? hk__plan_loop(&q, c, id) : hk__plan_node(&q, c, id);
        }
    if (st == HK_OK) st = hk__chunk_calls(&q);
    if (st == HK_OK && train) st = hk__plan_update(&q);
    if (st == HK_OK) st = pack(&q);
    if (st == HK_OK) st = hk__memory_plan(&q);
    if (st == HK_OK && p->guard) hk__guard_bind(&q), st = hk__guard_room(q.net);
    if (st == HK_OK) derived(&q);
    for (int u = 0; u < p->n_unit && st == HK_OK; u++)
        for (int i = 0; i < p->unit[u].n_call && st == HK_OK; i++) {
            hk__call *c = &p->unit[u].call[i];
            if (p->unit[u].phase >= HK_UPDATE) continue; /* bound by update.c */
            st = hk__bind(&q, c);
        }
    if (st == HK_OK) hk__chunk_bind(&q);
    if (st == HK_OK && g->oom) st = hk__fail(q.net->ctx, HK_ENOMEM, "out of memory for chunks");
    if (st == HK_OK) st = fill_constants(&q);
    if (st == HK_OK) st = keep_room(&q);
    hk__placer_end(&q);
    return st;
}
