/* guard.c - training steps that are only done when their loss and gradients are finite (HK_GUARD).
 *
 * It is decided where the numbers are: non_finite passes a flag from the loss through all gradients that learn, the optimizer leaves everything as it is where
 * the flag is set, and what the forward pass wrote of the parameters that do not learn (running statistics) goes back to what it was behind the
 * last step that was done. Nothing comes back to the host before the whole step is over. The flags and the copies lie in a buffer of the network
 * ([number of flags, padded][copies]), so that all its plans share them. As torch.amp.GradScaler, which does not put statistics back. */
#include "exec/place.h"
#include <stdlib.h>

#define FLAG_ROOM(net) (((int64_t)(net)->n_param + 3 + 15) / 16 * 16)
#define FLAG_LOSSES(net) (FLAG_ROOM(net) - 1) /* with accumulate: set by a loss of the batches of this step so far */

typedef struct run { /* neighbours in the store that learn, or do not: numbers [from, to) */
    int64_t from, to;
} run;

/* The next run from parameter *i on; false: there is none. */
static bool next_run(const hk_network *net, int *i, bool learnable, run *r) {
    while (*i < net->n_param && (net->param[*i].learnable != 0) != learnable) (*i)++;
    if (*i == net->n_param) return false;
    r->from = net->offset[*i];
    while (*i < net->n_param && (net->param[*i].learnable != 0) == learnable) (*i)++;
    r->to = *i < net->n_param ? net->offset[*i] : net->region;
    return true;
}

int64_t hk__guard_bytes(const hk_network *net) {
    int64_t n = FLAG_ROOM(net);
    run r;
    for (int i = 0; next_run(net, &i, false, &r);) n += r.to - r.from;
    return n * net->real;
}

hk_status hk__guard_room(hk_network *net) {
    if (net->guard) return HK_OK;
    hk_status st = net->be->buf_new(net->dev, (size_t)hk__guard_bytes(net), (void **)&net->guard);
    return st == HK_OK ? HK_OK : hk__fail(net->ctx, st, "backend %s: no memory for the copies of running statistics (%lld bytes)", net->cfg.backend, (long long)hk__guard_bytes(net));
}

static hk__ref place(const hk_network *net, hk__space space, int64_t at, int64_t n) {
    return (hk__ref){ .space = (uint8_t)space, .off = at * net->real, .row = n * net->real };
}

/* One call of the last unit: n numbers, but one for each operand in the bit set `scalar`. */
static hk_status add(hk__placer *q, const char *op, int64_t n, uint32_t scalar, int n_in, const hk__ref *in, hk__ref out) {
    hk__unit *u = &q->p->unit[q->unit];
    hk__call *c = &u->call[u->n_call++];
    hk_desc d[4];
    for (int k = 0; k <= n_in; k++) d[k] = hk__desc(HK_F32, HK_STATIC, 1, (int64_t[]){ scalar >> k & 1 ? 1 : n });
    hk_status st = hk__plan_op(q, c, op, n_in, d, 1, d + n_in, 0, NULL);
    if (st != HK_OK) return st;
    c->n_ref = n_in + 1;
    c->ref = calloc((size_t)c->n_ref, sizeof *c->ref);
    if (!c->ref) return hk__fail(q->net->ctx, HK_ENOMEM, "out of memory for the plan");
    for (int k = 0; k < n_in; k++) c->ref[k] = in[k];
    c->ref[n_in] = out;
    return HK_OK;
}

/* Flag `to`: flag `from`, or that the loss is not finite. Where the loss lies is not known yet: hk__guard_bind. */
static hk_status look_at_loss(hk__placer *q, int64_t from, int64_t to) {
    const hk__ref in[2] = { place(q->net, HK_SP_NONE, 0, 1), place(q->net, HK_SP_GUARD, from, 1) };
    q->p->guard_unit = q->unit;
    return add(q, "non_finite", 1, 6, 2, in, place(q->net, HK_SP_GUARD, to, 1));
}

/* On gradients as they are: clipping each number would make an infinite one finite. With accumulate they are the mean over all batches, in which what is not
 * finite in one stays so; losses are looked at batch by batch, and the flag of that is taken back when it has been used. */
hk_status hk__guard_check(hk__placer *q, hk__ref *flag) {
    hk_network *net = q->net;
    const hk_value loss = q->p->loss;
    const bool scalar = loss && !q->g->val[loss].desc.flags && !q->g->val[loss].desc.rank, each = scalar && net->cfg.accumulate > 1;
    hk_status st = HK_OK;
    int64_t at = 0; /* flag 0 is never set */
    run r;
    q->p->guard_unit = -1;
    if (each) {
        hk__unit *u = hk__unit_add(q, 1);
        if (!u) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
        u->phase = HK_GATHER;
        st = look_at_loss(q, FLAG_LOSSES(net), FLAG_LOSSES(net));
    }
    if (!hk__unit_add(q, net->n_param + 2)) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
    if (each && st == HK_OK) {
        const hk__ref losses = place(net, HK_SP_GUARD, FLAG_LOSSES(net), 1), first = place(net, HK_SP_GUARD, at, 1);
        st = add(q, "copy", 1, 0, 1, &losses, place(net, HK_SP_GUARD, at + 1, 1));
        if (st == HK_OK) st = add(q, "copy", 1, 0, 1, &first, losses);
        at++;
    } else if (scalar && st == HK_OK) st = look_at_loss(q, at, at + 1), at++;
    for (int i = 0; st == HK_OK && next_run(net, &i, true, &r); at++) {
        const hk__ref in[2] = { place(net, HK_SP_GRAD, r.from, r.to - r.from), place(net, HK_SP_GUARD, at, 1) };
        st = add(q, "non_finite", r.to - r.from, 6, 2, in, place(net, HK_SP_GUARD, at + 1, 1));
    }
    q->p->guard_flag = at;
    *flag = place(net, HK_SP_GUARD, at, 1);
    return st;
}

hk_status hk__guard_settle(hk__placer *q, const hk__ref *flag) {
    hk_network *net = q->net;
    int64_t at = FLAG_ROOM(net);
    hk_status st = HK_OK;
    run r;
    int i = 0;
    if (!next_run(net, &i, false, &r)) return HK_OK;
    if (!hk__unit_add(q, 2 * net->n_param)) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
    for (i = 0; st == HK_OK && next_run(net, &i, false, &r); at += r.to - r.from) {
        const int64_t n = r.to - r.from;
        const hk__ref live = place(net, HK_SP_PARAM, r.from, n), copy = place(net, HK_SP_GUARD, at, n), in[3] = { *flag, copy, live };
        st = add(q, "choose", n, 1, 3, in, live);
        if (st == HK_OK) st = add(q, "copy", n, 0, 1, &live, copy);
    }
    return st;
}

void hk__guard_bind(hk__placer *q) {
    hk__plan *p = q->p;
    if (p->guard_unit >= 0) p->unit[p->guard_unit].call[0].ref[0] = p->place[p->loss];
}

/* The copies are those of the parameters as they are now: in the first step, and when somebody else wrote one. */
hk_status hk__guard_begin(hk_executor *ex) {
    hk_network *net = ex->net;
    int64_t at = FLAG_ROOM(net);
    run r;
    if (net->guard_version == net->version) return HK_OK;
    for (int i = 0; next_run(net, &i, false, &r); at += r.to - r.from) {
        const size_t bytes = (size_t)((r.to - r.from) * net->real);
        if (bytes > ex->staging_bytes) {
            void *grown = realloc(ex->staging, bytes);
            if (!grown) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the copies of running statistics (%zu bytes)", bytes);
            ex->staging = grown, ex->staging_bytes = bytes;
        }
        hk_status st = net->be->download(net->dev, ex->staging, net->value + r.from * net->real, bytes);
        if (st == HK_OK) st = net->be->upload(net->dev, net->guard + at * net->real, ex->staging, bytes);
        if (st != HK_OK) return hk__fail_in(net->ctx, st, "copies of running statistics");
    }
    return HK_OK;
}

hk_status hk__guard_end(hk_executor *ex) {
    hk_network *net = ex->net;
    union {
        float f;
        double d;
    } flag;
    hk_status st = net->be->download(net->dev, &flag, net->guard + ex->now->guard_flag * net->real, (size_t)net->real);
    if (st != HK_OK) return hk__fail_in(net->ctx, st, "whether the step was done");
    ex->skipped = net->real == 8 ? flag.d != 0.0 : flag.f != 0.0f;
    net->skipped += ex->skipped;
    return HK_OK;
}

int hk_executor_skipped(const hk_executor *ex) { return ex->skipped; }
int64_t hk_network_skipped(const hk_network *net) { return net->skipped; }
void hk_network_set_skipped(hk_network *net, int64_t n) { net->skipped = n; }
