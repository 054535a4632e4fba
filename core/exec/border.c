/* border.c - the only ways across the device border: named values between the host's order of axes and the plan's blocks.
 *
 * At the border a value is [T,N,C,...], as in PyTorch; inside it is [block][T][n][...,C]. */
#include "exec/exec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct place { /* where a named value lies, and what it is */
    hk_desc desc;
    char *base;
    int64_t nb, N, T;
    bool writable;
} place;

static size_t host_bytes(hk_dtype d) { return d == HK_F64 || d == HK_I64 ? 8 : d == HK_F32 ? 4 : 1; }

static hk_status find(hk_executor *ex, const char *name, bool write, place *out) {
    hk_network *net = ex->net;
    hk__plan *p = ex->now;
    hk_value v = HK_NONE;
    if (strncmp(name, "grad:", 5) == 0 && strcmp(name, "grad:x") != 0) {
        int i = hk_network_find_param(net, name + 5);
        if (i < 0) return hk__fail(net->ctx, HK_ENOTFOUND, "%s: there is no parameter '%s'", name, name + 5);
        if (ex->cfg.mode != HK_TRAIN) return hk__fail(net->ctx, HK_ESTATE, "%s: this executor only infers; make one with HK_TRAIN", name);
        *out = (place){ .desc = hk__desc(HK_F32, 0, net->param[i].rank, net->param[i].shape), .base = net->grad + net->offset[i] * net->real, .writable = true };
        return HK_OK;
    }
    if (strcmp(name, "grad_norm") == 0) { /* as update.c leaves it: the coefficient, then the norm */
        if (!net->norm || ex->cfg.mode != HK_TRAIN) return hk__fail(net->ctx, HK_ENOTFOUND, "grad_norm: only with HK_TRAIN, on a network made with clip_norm");
        *out = (place){ .desc = hk__desc(HK_F32, 0, 0, NULL), .base = net->norm + net->real };
        return HK_OK;
    }
    if (!p) return hk__fail(net->ctx, HK_ESTATE, "%s: no batch shape yet; call hk_executor_shape first", name);
    if (strncmp(name, "state:", 6) == 0) {
        for (int i = 0; i < ex->n_state; i++) {
            hk__slot_memory *s = &ex->state[i];
            if (strcmp(s->name, name + 6) != 0) continue;
            if (!s->bytes) return hk__fail(net->ctx, HK_ESTATE, "%s: this executor forgets its state (HK_FORGET); make it without", name);
            if (write && s->last < 0) s->last = 0;
            *out = (place){ .desc = s->desc, .base = s->last >= 0 ? s->buf[s->last] : s->def, .nb = s->N, .N = s->N, .T = 1, .writable = true };
            out->desc.flags = HK_HELD;
            return HK_OK;
        }
        const char **all = calloc((size_t)ex->n_state + 1, sizeof *all);
        for (int i = 0; all && i < ex->n_state; i++) all[i] = ex->state[i].name;
        const char *near = all ? hk__suggest(name + 6, all, ex->n_state) : NULL;
        free(all);
        return hk__fail(net->ctx, HK_ENOTFOUND, "%s: there is no such state%s%s%s", name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    bool writable = false;
    if (strcmp(name, "x") == 0) v = p->x, writable = true;
    else if (strcmp(name, "target") == 0) v = p->target, writable = true;
    else if (strcmp(name, "reward") == 0) v = p->reward, writable = true;
    else if (strcmp(name, "lengths") == 0) v = p->length, writable = true;
    else if (strcmp(name, "loss") == 0) v = p->loss;
    else if (strcmp(name, "correct") == 0) v = p->correct;
    else if (strcmp(name, "correct5") == 0) v = p->correct5;
    else if (strcmp(name, "grad:x") == 0) v = p->grad_x;
    else if (strncmp(name, "grad_of:", 8) == 0) {
        for (int i = 0; i < ex->cfg.n_output; i++)
            if (ex->outputs[i].gradient && strcmp(ex->outputs[i].name, name + 8) == 0 && !(v = p->gradient[i]))
                return hk__fail(net->ctx, HK_ENOTFOUND, "%s: it has no gradient: the loss does not depend on it, or nothing before it learns", name);
    } else if (strncmp(name, "grad_out:", 9) == 0) {
        for (int i = 0; i < ex->cfg.n_output; i++)
            if (strcmp(ex->outputs[i].name, name + 9) == 0) v = p->upstream[i], writable = true;
    } else {
        for (int i = 0; i < ex->cfg.n_output; i++)
            if (strcmp(ex->outputs[i].name, name) == 0) v = p->output[i];
        if (!v && strcmp(name, "y") == 0) v = p->y;
    }
    if (!v)
        return hk__fail(net->ctx, HK_ENOTFOUND, "'%s' is not a value of this executor%s", name,
                        strcmp(name, "loss") == 0 || strcmp(name, "target") == 0 || strcmp(name, "correct") == 0 ? ": the network was made without a loss"
                        : strcmp(name, "reward") == 0 ? ": no learner of this network takes one"
                        : strcmp(name, "lengths") == 0 ? ": make it with HK_LENGTHS"
                        : strcmp(name, "correct5") == 0 ? ": make it with HK_TOP5; the output needs five classes"
                        : strcmp(name, "grad:x") == 0 ? ": make it with HK_INPUT_GRAD"
                        : strncmp(name, "grad_of:", 8) == 0 ? "; set `gradient` of that output when the executor is made, with HK_TRAIN"
                                                      : "; name it among the outputs when the executor is made");
    if (!p->g->val[v].live) {
        if (writable) { /* nobody reads it: nothing to write */
            *out = (place){ .desc = p->g->val[v].desc, .nb = p->nb, .N = p->N, .T = p->T, .writable = true };
            return HK_OK;
        }
        return hk__fail(net->ctx, HK_ENOTFOUND, "'%s' is not kept by this plan; name it among the outputs when the executor is made", name);
    }
    const hk__ref *r = &p->place[v];
    *out = (place){ .desc = p->g->val[v].desc, .nb = p->nb, .N = p->N, .T = p->T, .writable = writable };
    switch ((hk__space)r->space) {
    case HK_SP_ARENA:
        if (hk__arena_there(ex) != HK_OK) return HK_ENOMEM;
        out->base = net->arena + r->off;
        break;
    case HK_SP_CONST: out->base = p->constants + r->off; break;
    case HK_SP_KEPT: out->base = p->kept + r->off; break;
    case HK_SP_PARAM: out->base = ex->params + r->off; break;
    case HK_SP_GRAD: out->base = net->grad + r->off; break;
    case HK_SP_CUR: out->base = (char *)(uintptr_t)ex->state[r->index].cur; break;
    case HK_SP_NEXT: out->base = ex->state[r->index].next; break;
    case HK_SP_LOCAL: return hk__fail(net->ctx, HK_ENOTFOUND, "'%s' is not kept by this plan; name it among the outputs when the executor is made", name);
    default: return hk__fail(net->ctx, HK_EINTERNAL, "'%s' has no place in the arena", name);
    }
    return HK_OK;
}

static double get(const void *p, hk_dtype d, int64_t i) {
    return d == HK_F64 ? ((const double *)p)[i] : d == HK_F32 ? (double)((const float *)p)[i] : d == HK_I64 ? (double)((const int64_t *)p)[i] : (double)((const uint8_t *)p)[i];
}
static void set(void *p, hk_dtype d, int64_t i, double v) {
    if (d == HK_F64) ((double *)p)[i] = v;
    else if (d == HK_F32) ((float *)p)[i] = (float)v;
    else if (d == HK_I64) ((int64_t *)p)[i] = (int64_t)v;
    else ((uint8_t *)p)[i] = (uint8_t)v;
}

static hk_dtype stored(const hk_network *net, const hk_desc *d) { return d->dtype == HK_F32 ? (net->real == 8 ? HK_F64 : HK_F32) : (hk_dtype)d->dtype; }

/* Visits every number: its index at the border and in storage. */
static void permute(const place *q, void *host, hk_dtype hd, void *dev, hk_dtype dd, bool write) {
    int64_t e = hk_desc_elems(&q->desc), T = q->desc.flags & HK_T ? q->T : 1, N = q->desc.flags & HK_N ? q->N : 1;
    int64_t C = q->desc.flags & HK_N && q->desc.rank >= 2 ? q->desc.shape[0] : 1, S = e / C;
    for (int64_t n0 = 0; n0 < N; n0 += q->nb) {
        int64_t nb = q->desc.flags & HK_N ? (N - n0 < q->nb ? N - n0 : q->nb) : 1;
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = 0; i < nb; i++) {
                int64_t h = (t * N + n0 + i) * e, d = (n0 * T + t * nb + i) * e;
                for (int64_t c = 0; c < C; c++)
                    for (int64_t s = 0; s < S; s++) {
                        if (write) set(dev, dd, d + s * C + c, get(host, hd, h + c * S + s));
                        else set(host, hd, h + c * S + s, get(dev, dd, d + s * C + c));
                    }
            }
        if (!(q->desc.flags & HK_N)) break;
    }
}

static int64_t total(const place *q) { return hk_desc_elems(&q->desc) * (q->desc.flags & HK_T ? q->T : 1) * (q->desc.flags & HK_N ? q->N : 1); }

static hk_status cross(hk_executor *ex, const char *name, hk_dtype d, void *data, int64_t count, bool write) {
    hk_network *net = ex->net;
    place q;
    hk_status st = find(ex, name, write, &q);
    if (st != HK_OK) return st;
    if (write && !q.writable) return hk__fail(net->ctx, HK_EINVAL, "'%s' cannot be written", name);
    int64_t n = total(&q);
    if (count != n) return hk__fail(net->ctx, HK_ESHAPE, "%s '%s': expected %lld numbers, got %lld", write ? "write" : "read", name, (long long)n, (long long)count);
    if (write && strcmp(name, "lengths") == 0)
        for (int64_t i = 0; i < n; i++) {
            double v = get(data, d, i);
            if (!(v >= 1 && v <= (double)q.T)) return hk__fail(net->ctx, HK_EDATA, "lengths: expected 1 to %lld steps for sample %lld, got %g", (long long)q.T, (long long)i, v);
        }
    if (!q.base) return HK_OK;
    if (write && strncmp(name, "state:", 6) == 0) {
        for (int i = 0; i < ex->n_state; i++)
            if (!strcmp(ex->state[i].name, name + 6)) {
                if (ex->state[i].last < 0) ex->state[i].last = 0;
                ex->state[i].given = true;
            }
    }
    if (write && !strcmp(name, "reward")) ex->rewarded = true;
    hk_dtype inside = stored(net, &q.desc);
    size_t bytes = (size_t)n * host_bytes(inside);
    bool same = inside == d || (host_bytes(inside) == 1 && host_bytes(d) == 1);
    bool flat = !(q.desc.flags & HK_N) || ((q.desc.rank < 2 || q.desc.shape[0] == 1 || hk_desc_elems(&q.desc) == q.desc.shape[0]) && (!(q.desc.flags & HK_T) || q.nb >= q.N));
    if (same && flat) {
        st = write ? net->be->upload(net->dev, q.base, data, bytes) : net->be->download(net->dev, data, q.base, bytes);
        return st == HK_OK ? st : hk__fail_in(net->ctx, st, "%s '%s'", write ? "write" : "read", name);
    }
    if (bytes > ex->staging_bytes) {
        void *grown = realloc(ex->staging, bytes);
        if (!grown) return hk__fail(net->ctx, HK_ENOMEM, "out of memory to move '%s' (%zu bytes)", name, bytes);
        ex->staging = grown, ex->staging_bytes = bytes;
    }
    if (write) permute(&q, data, d, ex->staging, inside, true);
    st = write ? net->be->upload(net->dev, q.base, ex->staging, bytes) : net->be->download(net->dev, ex->staging, q.base, bytes);
    if (st != HK_OK) return hk__fail_in(net->ctx, st, "%s '%s'", write ? "write" : "read", name);
    if (!write) permute(&q, data, d, ex->staging, inside, false);
    return HK_OK;
}

hk_status hk_executor_write(hk_executor *ex, const char *name, hk_dtype d, const void *data, int64_t count) {
    return cross(ex, name, d, (void *)(uintptr_t)data, count, true);
}
hk_status hk_executor_read(hk_executor *ex, const char *name, hk_dtype d, void *data, int64_t count) { return cross(ex, name, d, data, count, false); }

hk_status hk_executor_dims(hk_executor *ex, const char *name, int *rank, int64_t dims[HK_MAX_RANK + 2]) {
    place q;
    hk_status st = find(ex, name, false, &q);
    if (st != HK_OK) return st;
    int r = 0;
    if (q.desc.flags & HK_T) dims[r++] = q.T;
    if (q.desc.flags & HK_N) dims[r++] = q.N;
    for (int i = 0; i < q.desc.rank; i++) dims[r++] = q.desc.shape[i];
    *rank = r;
    return HK_OK;
}

hk_status hk__border_row(hk_executor *ex, const char *name, hk_desc *d) {
    place q;
    hk_status st = find(ex, name, false, &q);
    if (st == HK_OK) *d = q.desc;
    return st;
}
