/* chunk_place.c - memory of what goes from chunk to chunk: states at borders, sums over t; and the copies and additions around the sweeps. */
#include "exec/chunk.h"
#include <stdlib.h>
#include <string.h>

static int64_t up(int64_t bytes) { return (bytes + 63) / 64 * 64; }
static int64_t chunks(const hk__plan *p) { return (p->T + p->chunk - 1) / p->chunk; }
static int64_t border_bytes(const hk__plan *p, const hk__line *l) { return up(hk__sat_mul(p->nb, hk__row_bytes(p->net, &l->desc))); }
static int64_t borders(const hk__plan *p, const hk__line *l) { return l->kept ? chunks(p) + 1 : 2; }

int64_t hk__line_bytes(const hk__plan *p, const hk__line *l) { return hk__sat_mul(borders(p, l), border_bytes(p, l)); }
bool hk__line_in_arena(const hk__plan *p, const hk__line *l) { return l->kept && p->chunks->unit[0] != p->chunks->unit[1]; }

/* A value that is there for more than one chunk is there for the whole sweep. */
void hk__chunk_lives(hk__placer *q) {
    const hk__plan *p = q->p;
    if (!p->chunks) return;
    for (hk_value v = 1; v < q->g->n_val; v++) {
        if (q->g->val[v].part || q->g->val[v].loop) continue;
        for (int s = 0; s < 2; s++) {
            int u = p->chunks->unit[s];
            int begin = p->unit[u].sweep[s].begin, end = p->unit[u].sweep[s].end;
            if (q->made_unit[v] == u && q->made_op[v] >= begin && q->made_op[v] < end) q->made_op[v] = begin;
            if (q->last_unit[v] == u && q->last_op[v] >= begin && q->last_op[v] < end) q->last_op[v] = end - 1;
        }
    }
}

int hk__chunk_n_items(const hk__plan *p) { return p->chunks ? p->chunks->n_line + p->chunks->n_sum : 0; }

int hk__chunk_items(const hk__placer *q, int u, hk__item *item, int32_t *whose, int n) {
    const hk__plan *p = q->p;
    const hk__chunks *s = p->chunks;
    if (!s || (s->unit[0] != u && s->unit[1] != u)) return n;
    const hk__unit *unit = &p->unit[u];
    for (int i = 0; i < s->n_line; i++) {
        const hk__line *l = &s->line[i];
        if (s->unit[l->back] != u || hk__line_in_arena(p, l)) continue;
        whose[n] = -1 - i;
        item[n++] = (hk__item){ .bytes = hk__line_bytes(p, l), .first = unit->sweep[l->back].begin, .last = unit->sweep[l->back || l->kept].end - 1 };
    }
    for (int i = 0; i < s->n_sum && s->unit[1] == u; i++) {
        const hk_desc *d = &q->g->val[s->sum[i].value].desc;
        whose[n] = -1 - s->n_line - i;
        item[n] = (hk__item){ .bytes = hk__sat_mul(hk__rows(p, d, p->nb), hk__row_bytes(p->net, d)) };
        for (int k = 0; k < unit->n_call; k++)
            if (unit->call[k].node == s->sum[i].node) item[n].first = item[n].last = k;
        n++;
    }
    return n;
}

int hk__chunk_arena(const hk__plan *p, hk__item *item, int32_t *whose, int n) {
    for (int i = 0; p->chunks && i < p->chunks->n_line; i++) {
        const hk__line *l = &p->chunks->line[i];
        if (!hk__line_in_arena(p, l)) continue;
        whose[n] = -1 - p->n_unit - i;
        item[n++] = (hk__item){ .bytes = hk__sat_mul(p->blocks, hk__line_bytes(p, l)), .first = p->chunks->unit[0], .last = p->chunks->unit[1] };
    }
    return n;
}

void hk__chunk_offset(hk__plan *p, int32_t whose, int64_t off) {
    hk__chunks *s = p->chunks;
    int i = -1 - whose;
    if (i < s->n_line) s->line[i].off = off;
    else s->sum[i - s->n_line].off = off;
}

hk__ref hk__line_ref(const hk__plan *p, int i, int end) {
    const hk__line *l = &p->chunks->line[i];
    return (hk__ref){ .space = hk__line_in_arena(p, l) ? HK_SP_ARENA : HK_SP_LOCAL, .flags = l->desc.flags, .row = hk__row_bytes(p->net, &l->desc), .off = l->off, .border = border_bytes(p, l),
                      .turns = (int32_t)borders(p, l), .end = end != l->back }; /* backward, a chunk begins with its last step */
}

static hk__ref sum_ref(const hk__placer *q, const hk__sum *s) {
    const hk_desc *d = &q->g->val[s->value].desc;
    return (hk__ref){ .space = HK_SP_LOCAL, .flags = d->flags, .row = hk__row_bytes(q->net, d), .off = s->off };
}

static bool ends_in_slot(const hk__plan *p, const hk__line *l) { return l->slot && !p->g->slot[l->slot - 1].forgotten; }

hk_status hk__chunk_calls(hk__placer *q) {
    hk__plan *p = q->p;
    hk__chunks *s = p->chunks;
    hk_status st = HK_OK;
    if (!s) return HK_OK;
    for (int i = 0; i < s->n_line && st == HK_OK; i++) {
        hk__line *l = &s->line[i];
        q->unit = s->unit[l->back];
        const hk_desc d[2] = { l->desc, l->desc };
        st = hk__plan_op_in(q, &l->first, "copy", 1, d, 1, d + 1);
        if (st == HK_OK && ends_in_slot(p, l)) st = hk__plan_op_in(q, &l->last, "copy", 1, d, 1, d + 1);
        l->def_off = q->const_used;
        if (!l->from && !ends_in_slot(p, l)) q->const_used += border_bytes(p, l);
    }
    q->unit = s->unit[1];
    for (int i = 0; i < s->n_sum && st == HK_OK; i++) {
        const hk_desc d[2] = { q->g->val[s->sum[i].value].desc, q->g->val[s->sum[i].value].desc };
        st = hk__plan_op_in(q, &s->sum[i].first, "copy", 1, d, 1, d);
        if (st == HK_OK) st = hk__plan_op_in(q, &s->sum[i].next, "add", 2, d, 1, d);
    }
    return st;
}

static void set(hk__plan *p, hk__call *c, int n, const hk__ref *ref) {
    c->ref = calloc((size_t)n, sizeof *c->ref);
    if (!c->ref) {
        p->g->oom = true;
        return;
    }
    memcpy(c->ref, ref, (size_t)n * sizeof *ref);
    c->n_ref = n;
}

/* Carries of loops begin and end at borders. */
static void bind_loops(hk__plan *p, hk__unit *u) {
    for (int k = 0; k < u->n_call; k++) {
        const hk__node *n = &p->g->node[u->call[k].node];
        for (int c = 0; n->body && c < n->body->n_carry; c++) {
            const hk__carry *carry = &n->body->carry[c];
            if (carry->dead || !carry->line) continue;
            hk__carry_call *call = &u->call[k].loop->carry[c];
            call->init = hk__line_ref(p, carry->line - 1, 0);
            call->final = n->again ? (hk__ref){ .space = HK_SP_NONE } : hk__line_ref(p, carry->line - 1, 1);
        }
    }
}

void hk__chunk_bind(hk__placer *q) {
    hk__plan *p = q->p;
    hk__graph *g = q->g;
    hk__chunks *s = p->chunks;
    if (!s) return;
    for (int i = 0; i < s->n_line; i++) {
        hk__line *l = &s->line[i];
        hk__ref from = { .space = HK_SP_CONST, .row = hk__row_bytes(p->net, &l->desc), .off = l->def_off }; /* the same for every block */
        hk__ref slot = { .space = HK_SP_CUR, .index = l->slot - 1, .flags = l->desc.flags, .row = from.row };
        if (l->from) from = p->place[l->from];
        else if (ends_in_slot(p, l)) from = slot;
        const hk__ref first[2] = { from, hk__line_ref(p, i, 0) };
        set(p, &l->first, 2, first);
        if (!ends_in_slot(p, l)) continue;
        slot.space = HK_SP_NEXT;
        const hk__ref last[2] = { hk__line_ref(p, i, 1), slot };
        set(p, &l->last, 2, last);
    }
    for (int i = 0; i < s->n_sum; i++) {
        const hk__ref own = sum_ref(q, &s->sum[i]), all = p->place[s->sum[i].value], first[2] = { own, all }, next[3] = { all, own, all };
        set(p, &s->sum[i].first, 2, first);
        set(p, &s->sum[i].next, 3, next);
    }
    for (int w = 0; w < 2; w++) bind_loops(p, &p->unit[s->unit[w]]);
    hk__unit *u = &p->unit[s->unit[1]]; /* a chunk's own sum, before it is added */
    for (int k = 0; k < u->n_call; k++)
        for (int i = 0; i < u->call[k].n_sum; i++) {
            const hk__sum *sum = &s->sum[u->call[k].sum + i];
            const hk__node *n = &g->node[u->call[k].node];
            for (int o = 0; o < n->n_out; o++)
                if (n->out[o] == sum->value) u->call[k].ref[n->n_in + o] = sum_ref(q, sum);
        }
}

void hk__chunk_constants(const hk__placer *q, char *host) {
    const hk__plan *p = q->p;
    for (int i = 0; p->chunks && i < p->chunks->n_line; i++) {
        const hk__line *l = &p->chunks->line[i];
        if (l->def == 0.0 || l->from || ends_in_slot(p, l)) continue;
        for (int64_t k = 0, n = p->nb * hk_desc_elems(&l->desc); k < n; k++) {
            if (l->desc.dtype != HK_F32) ((uint8_t *)(host + l->def_off))[k] = (uint8_t)l->def;
            else if (p->net->real == 8) ((double *)(host + l->def_off))[k] = l->def;
            else ((float *)(host + l->def_off))[k] = (float)l->def;
        }
    }
}
