/* tune.c - chooses, for each operation that backends can do in several ways, the one that is fastest here ([run] tune).
 *
 * An operation is run alone on its own shapes, with numbers drawn for it, on all threads as in a plan: first each way of each backend that takes it, then, where lists
 * of spikes are a way, these at rising shares of spikes until the best of the others is faster. What is chosen depends on no data, and once made
 * is kept by module, operation and mode: other plans of the network take it over. Layers of equal shape are measured once. */
#include "exec/tune.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WAYS = 8 };
#define LIMIT 6.0   /* seconds in all; then operations keep their backend's own choice */
#define BETTER 0.95 /* of the time of what is taken unasked, to be taken instead */

/* Per cent of spikes up to which their lists are faster than `dense` seconds. */
static hk_status break_even(hk__trial *m, const hk__candidate *c, double dense, FILE *times, int *most) {
    static const double share[] = { 0.02, 0.1, 0.2, 0.3, 0.45, 0.6 };
    char way[96];
    double before = 0, at = 0, s;
    hk_status st = HK_OK;
    snprintf(way, sizeof way, "%.60s spikes=100", c->way);
    *most = 60;
    fprintf(times, "; lists of spikes");
    for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
        if ((st = hk__trial_spikes(m, share[i])) == HK_OK) st = hk__trial_time(m, c, way, &s);
        if (st != HK_OK) return st;
        fprintf(times, "%s %.0f %% %.3f", i ? "," : "", 100 * share[i], 1e3 * s);
        if (s >= dense) {
            *most = i == 0 || !isfinite(s) ? 0 : (int)lround(100 * (at + (share[i] - at) * (dense - before) / (s - before)));
            return HK_OK;
        }
        before = s, at = share[i];
    }
    return HK_OK;
}

/* ---- choosing ---- */

static int find_candidates(hk_network *net, const hk_opdesc *d, hk__candidate *to) {
    int n = 0, first = -1; /* that is taken unasked */
    hk_device *dev = net->dev;
    const char *id = net->cfg.backend;
    for (const hk_backend *be = net->be; be && n < MAX_WAYS;) {
        hk_way way[MAX_WAYS];
        hk_op_plan *plan = NULL;
        bool takes = be->plan_new(dev, d, &plan) == HK_OK, spikes = false;
        int n_way = be->ways ? be->ways(dev, d, MAX_WAYS, way) : 0, here = n;
        if (takes) be->plan_free(plan);
        for (int k = 0; k < n_way && n < MAX_WAYS; k++) {
            if (way[k].flags & HK_WAY_SPIKES) spikes = true;
            else to[n++] = (hk__candidate){ be, dev, id, way[k].name, false };
        }
        if (!n_way && takes) to[n++] = (hk__candidate){ be, dev, id, "auto", false };
        for (int k = here; k < n; k++) to[k].spikes = spikes;
        if (takes && first < 0) first = here;
        if (!be->extends) break;
        dev = be->base(dev), id = be->extends, be = hk__registry_get(net->ctx, "hk.backend/1", be->extends, NULL);
    }
    if (first > 0 && first < n) {
        hk__candidate c = to[first];
        memmove(to + 1, to, (size_t)first * sizeof *to);
        to[0] = c;
    }
    return first < 0 ? 0 : n;
}

static hk_status choose(hk__trial *m, const hk__candidate *c, int n, int *best, int *most, FILE *times) {
    double s[MAX_WAYS];
    hk_status st = hk__trial_begin(m);
    for (int k = 0; k < n && st == HK_OK; k++) {
        char way[96];
        snprintf(way, sizeof way, c[k].spikes ? "%.60s spikes=0" : "%.60s", c[k].way);
        st = hk__trial_time(m, &c[k], way, &s[k]);
        fprintf(times, "%s%s%s%s %.3f", k ? ", " : "", c[k].id, c[k].way[0] ? " " : "", c[k].way, 1e3 * s[k]);
        if (k && s[k] < BETTER * s[*best]) *best = k;
    }
    if (st == HK_OK && c[*best].spikes) st = break_even(m, &c[*best], s[*best], times, most);
    hk__trial_end(m);
    return st;
}

/* What an operation's time depends on, as text. */
static char *shape_of(const hk_opdesc *d, int64_t n) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fprintf(f, "%s %u %u %lld %lld %lld %lld %u", d->op, d->scope, d->isa, (long long)d->T, (long long)d->N, (long long)d->nb, (long long)n, d->constant);
    for (uint32_t k = 0; k < d->n_in + d->n_out; k++) {
        const hk_desc *x = k < d->n_in ? &d->in[k] : &d->out[k - d->n_in];
        fprintf(f, " %u.%u", x->dtype, x->flags);
        for (int i = 0; i < x->rank; i++) fprintf(f, "x%lld", (long long)x->shape[i]);
    }
    for (uint32_t k = 0; k < d->n_attr; k++) fprintf(f, " %s=%lld", d->attr[k].name, (long long)d->attr[k].i);
    if (fclose(f) == 0) return text;
    free(text);
    return NULL;
}

/* Operands a second time must not be what the machine has no room for. */
static bool fits(const hk__trial *m) {
    int64_t room = m->net->cfg.memory_limit ? m->net->cfg.memory_limit : hk__machine_memory(), bytes = 0;
    for (uint32_t k = 0; k < m->d.n_in + m->d.n_out; k++) {
        const hk_desc *d = hk__trial_operand(m, k);
        if (d->dtype != HK_ABSENT) bytes = hk__sat_add(bytes, hk__sat_mul(hk__rows(m->p, d, m->n) * (k < m->d.n_in ? 1 : m->copies), hk__row_bytes(m->net, d)));
    }
    return bytes < room / 4;
}

/* Measures one operation: its way as text, and what was measured. */
static hk_status measure(hk__trial *m, const hk__candidate *c, int n, const char **id, char way[96], char **times) {
    hk__tune *t = m->net->tune;
    const char *why = t->spent > LIMIT ? "not measured: the time for it was spent on others"
        : fits(m)                      ? NULL
                                       : "not measured: its operands a second time would take much of the memory";
    int best = 0, most = 0;
    size_t size;
    *id = c[0].id;
    snprintf(way, 96, "auto");
    if (why) return (*times = strdup(why)) ? HK_OK : HK_ENOMEM;
    FILE *f = open_memstream(times, &size);
    if (!f) return HK_ENOMEM;
    int64_t start = hk__ns();
    hk_status st = choose(m, c, n, &best, &most, f);
    t->spent += 1e-9 * (double)(hk__ns() - start);
    if (fclose(f) && st == HK_OK) st = HK_ENOMEM;
    *id = c[best].id;
    snprintf(way, 96, c[best].spikes ? "%.60s spikes=%d" : "%.60s", c[best].way, most);
    return st;
}

static hk_status add(hk_network *net, const char *key, char **shape, char **times, const char *id, const char *way, hk__tuned **out) {
    hk__tuned *t = hk__tune_add(net, key);
    if (!t) return HK_ENOMEM;
    t->shape = *shape, t->times = *times, *shape = *times = NULL;
    t->backend = strdup(id), t->way = strdup(way);
    *out = t;
    return t->backend && t->way && t->times ? HK_OK : HK_ENOMEM;
}

/* The choice of a new operation: that of another one of its shape, or measured. */
static hk_status find_out(hk__placer *q, const hk_opdesc *d, const char *key, const hk__candidate *c, int n, hk__tuned **out) {
    hk_network *net = q->net;
    hk__trial m = {
        .net = net, .p = q->p, .d = *d, .n = q->p->unit[q->unit].team ? q->p->N : q->p->nb, .copies = d->scope == HK_SCOPE_TEAM ? 1 : net->threads
    };
    m.groups = (m.n + HK_GROUP - 1) / HK_GROUP;
    char *shape = shape_of(d, m.n), *times = NULL, way[96];
    const char *id = NULL;
    hk_status st = shape ? HK_OK : HK_ENOMEM;
    int same = 0;
    while (st == HK_OK && same < net->tune->n && (!net->tune->at[same].shape || strcmp(net->tune->at[same].shape, shape))) same++;
    if (st == HK_OK && same < net->tune->n) {
        const hk__tuned *t = &net->tune->at[same];
        id = t->backend, times = strdup(t->times);
        snprintf(way, sizeof way, "%s", t->way);
    } else if (st == HK_OK) st = measure(&m, c, n, &id, way, &times);
    if (st == HK_OK) st = add(net, key, &shape, &times, id, way, out);
    free(shape), free(times);
    return st;
}

hk_status hk__tune_find(hk__placer *q, const hk_opdesc *d, const hk__tuned **out) {
    hk_network *net = q->net;
    hk__candidate c[MAX_WAYS];
    char key[512];
    *out = NULL;
    snprintf(key, sizeof key, "%s %.300s %s", q->b->phase_train ? "train" : "test", d->path[0] ? d->path : ".", d->op);
    for (int i = 0; i < net->tune->n; i++)
        if (!strcmp(net->tune->at[i].key, key)) {
            net->tune->at[i].used = true;
            *out = &net->tune->at[i];
            return HK_OK;
        }
    if (net->tune->given) return HK_OK;
    int n = find_candidates(net, d, c);
    if (n == 0 || (n == 1 && !c[0].spikes)) return HK_OK;
    hk__tuned *t = NULL;
    hk_status st = find_out(q, d, key, c, n, &t);
    if (st != HK_OK) return st == HK_ENOMEM ? hk__fail(net->ctx, st, "out of memory to measure '%s'", key) : hk__fail_in(net->ctx, st, "measuring '%s'", key);
    t->used = true;
    *out = t;
    return HK_OK;
}

hk_status hk__tune_plan(hk_network *net, const hk__tuned *t, const hk_opdesc *d, const hk_backend **be, hk_op_plan **plan) {
    hk_opdesc o = *d;
    hk_device *dev = net->dev;
    const char *id = net->cfg.backend;
    o.way = strcmp(t->way, "auto") ? t->way : NULL;
    for (const hk_backend *try = net->be; try;) {
        if (!strcmp(id, t->backend)) {
            hk_status st = try->plan_new(dev, &o, plan);
            *be = try;
            if (st != HK_EUNSUPPORTED) return st;
            return hk__fail(net->ctx, HK_ECONFIG,
                "%s%s'%s' is done by '%s %s', which backend '%s' does not have for it here (another processor, [run] max_isa or [backend] options?); measure "
                "anew",
                net->tune->name ? net->tune->name : "", net->tune->name ? ": " : "", t->key, t->backend, t->way, t->backend);
        }
        if (!try->extends) break;
        dev = try->base(dev), id = try->extends, try = hk__registry_get(net->ctx, "hk.backend/1", try->extends, NULL);
    }
    return hk__fail(net->ctx, HK_EINTERNAL, "'%s': there is no backend '%s'", t->key, t->backend);
}
