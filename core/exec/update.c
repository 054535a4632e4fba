/* update.c - what lies between the backward pass and the next forward: gradients of several batches added up, clipping, the optimizer, the
 * average of parameters. All are operations of the backend over the regions of the parameter store, in place; nothing is read back to the host.
 *
 * They have no nodes in the graph. Each is a unit of its own, in this order:
 *     phase gather   grad_add: sum += g, or g for the first batch          after each backward pass, with accumulate above 1
 *     phase update   grad_mean: g = sum / batches                          with accumulate above 1
 *                    non_finite (guard.c)                                  with HK_GUARD: where it is set, what follows changes nothing
 *                    grad_clamp: each number of g                          with clip_value
 *                    grad_squares, grad_norm, grad_scale: g by its norm    with clip_norm
 *                    optimizer: w and its state, from g
 *                    choose, copy (guard.c)                                with HK_GUARD: running statistics
 *                    average: ema, from w                                  with ema
 * Those of gradients and the optimizer run over stretches of parameters that learn; a number between two parameters is 0 in all of them, and
 * stays it. What changes from step to step (1 / batches, the weight of the average, the constants of a group's optimizer) lies in blocks beside
 * the executor's step block, and an operation is bound to its own. */
#include "exec/place.h"
#include <math.h>
#include <stdlib.h>

enum { BLOCK_MEAN = 1, BLOCK_EMA, BLOCK_GROUPS }; /* hk__call.block; group k > 0: BLOCK_GROUPS + k - 1 */
enum { CHUNK = 4096, NORM_HEAD = 16 };            /* numbers of one partial sum of squares, as in hillock/ops.h; before the partial sums */

int64_t hk__copies(const hk_network *net) { return 2 + net->n_opt + (net->cfg.accumulate > 1) + (net->cfg.ema > 0); }
int64_t hk__norm_numbers(const hk_network *net) { return NORM_HEAD + net->region / CHUNK + net->n_param + 1; }

hk_status hk__blocks_new(hk_executor *ex) {
    ex->block = calloc((size_t)(BLOCK_GROUPS + ex->net->n_group), sizeof *ex->block);
    return ex->block ? HK_OK : hk__fail(ex->net->ctx, HK_ENOMEM, "out of memory for the executor");
}

/* The first batch of a step takes the place of what the sum holds. */
void hk__write_batch(hk_executor *ex) {
    double *c = ex->block[BLOCK_MEAN - 1].opt;
    c[0] = 1.0 / (double)ex->net->pending, c[1] = ex->net->pending > 1;
}

void hk__write_step(hk_executor *ex) {
    hk_network *net = ex->net;
    if (!net->opt_type) return;
    const int64_t step = net->step - net->skipped + 1;
    double lr = isnan(net->lr) ? hk_get_real(net->cfg.optimizer, "lr") : net->lr;
    net->opt_type->constants(net->cfg.optimizer, lr, step, ex->step.opt);
    for (int k = 0; k < net->n_group; k++) {
        const hk__group *g = &net->groups[k];
        net->opt_type->constants(g->optimizer, isnan(g->lr) ? hk_get_real(g->optimizer, "lr") : g->lr, step, ex->block[BLOCK_GROUPS - 1 + k].opt);
    }
    ex->block[BLOCK_EMA - 1].opt[0] = step > 1 ? 1.0 - net->cfg.ema : 1.0; /* the first step: the parameters themselves */
}

/* ---- stretches of parameters ---- */

typedef struct stretch {
    int64_t from, to; /* numbers in a region */
    int next, group;  /* the parameter behind it */
} stretch;

static int group_of(const hk_network *net, int i) { return net->group ? net->group[i] : 0; }

/* The next stretch of parameters that learn, from parameter s->next on; by_group: and are of one group. False: there is none. */
static bool next_stretch(const hk_network *net, bool by_group, stretch *s) {
    int i = s->next, n = net->n_param;
    while (i < n && !net->param[i].learnable) i++;
    if (i == n) return false;
    int first = i;
    while (i < n && net->param[i].learnable && (!by_group || group_of(net, i) == group_of(net, first))) i++;
    *s = (stretch){ net->offset[first], i < n ? net->offset[i] : net->region, i, group_of(net, first) };
    return true;
}

static hk__ref region(const hk_network *net, hk__space space, const stretch *s) {
    return (hk__ref){ .space = (uint8_t)space, .off = s->from * net->real, .row = (s->to - s->from) * net->real };
}

/* ---- one operation ---- */

/* ref: inputs, then outputs. */
static hk_status add(hk__placer *q, int phase, int block, const char *op, int n_in, int n_out, const hk__ref *ref, int n_attr, const hk_attr *attr) {
    hk_network *net = q->net;
    hk_desc d[2 * HK_MAX_STATE + 4];
    hk__unit *u = hk__unit_add(q, 1);
    if (!u) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
    hk__call *c = &u->call[u->n_call++];
    u->phase = phase, c->block = block, c->n_ref = n_in + n_out;
    c->ref = calloc((size_t)c->n_ref, sizeof *c->ref);
    if (!c->ref) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the plan");
    for (int i = 0; i < n_in + n_out; i++) {
        int64_t n = ref[i].row / net->real;
        c->ref[i] = ref[i];
        d[i] = hk__desc(HK_F32, HK_STATIC, 1, &n);
    }
    return hk__plan_op(q, c, op, n_in, d, n_out, d + n_in, n_attr, attr);
}

/* An operation on the same stretches of up to three regions: inputs, then outputs. */
static hk_status on_each(hk__placer *q, int phase, int block, const char *op, int n_in, int n_out, const hk__space *space, const hk_attr *attr) {
    hk_status st = HK_OK;
    for (stretch s = { 0 }; st == HK_OK && next_stretch(q->net, false, &s);) {
        hk__ref ref[3];
        for (int i = 0; i < n_in + n_out; i++) ref[i] = region(q->net, space[i], &s);
        st = add(q, phase, block, op, n_in, n_out, ref, attr ? 1 : 0, attr);
    }
    return st;
}

static hk_status clip_norm(hk__placer *q) {
    hk_network *net = q->net;
    hk_status st = HK_OK;
    hk__ref partial = { .space = HK_SP_NORM, .off = NORM_HEAD * net->real }, result = { .space = HK_SP_NORM, .row = 2 * net->real };
    hk__ref norm[2] = { partial, result };
    for (stretch s = { 0 }; st == HK_OK && next_stretch(net, false, &s);) {
        partial.row = (s.to - s.from + CHUNK - 1) / CHUNK * net->real;
        const hk__ref ref[2] = { region(net, HK_SP_GRAD, &s), partial };
        st = add(q, HK_UPDATE, 0, "grad_squares", 1, 1, ref, 0, NULL);
        partial.off += partial.row, norm[0].row += partial.row;
    }
    if (!norm[0].row) return st; /* nothing learns */
    const hk_attr max = { "max", 0, net->cfg.clip_norm, NULL };
    if (st == HK_OK) st = add(q, HK_UPDATE, 0, "grad_norm", 1, 1, norm, 1, &max);
    for (stretch s = { 0 }; st == HK_OK && next_stretch(net, false, &s);) {
        const hk__ref ref[3] = { region(net, HK_SP_GRAD, &s), result, region(net, HK_SP_GRAD, &s) };
        st = add(q, HK_UPDATE, 0, "grad_scale", 2, 1, ref, 0, NULL);
    }
    return st;
}

/* flag (may be NULL): where it is set, everything stays as it is. */
static hk_status optimizer(hk__placer *q, const hk__ref *flag) {
    hk_network *net = q->net;
    hk_status st = HK_OK;
    const hk_attr attr = { "optimizer", 0, 0, net->opt_type };
    const int ns = net->n_opt, n_in = 2 + ns + (flag != NULL);
    for (stretch s = { 0 }; st == HK_OK && next_stretch(net, true, &s);) {
        hk__ref ref[2 * HK_MAX_STATE + 4];
        ref[0] = ref[n_in] = region(net, HK_SP_PARAM, &s);
        ref[1] = region(net, HK_SP_GRAD, &s);
        for (int k = 0; k < ns; k++) {
            ref[2 + k] = region(net, HK_SP_OPT, &s);
            ref[2 + k].index = k;
            ref[n_in + 1 + k] = ref[2 + k];
        }
        if (flag) ref[2 + ns] = *flag;
        st = add(q, HK_UPDATE, s.group ? BLOCK_GROUPS + s.group - 1 : 0, "optimizer", n_in, 1 + ns, ref, 1, &attr);
    }
    return st;
}

/* Of all parameters and buffers: a network that infers needs them all. */
static hk_status average(hk__placer *q, const hk__ref *flag) {
    const stretch all = { 0, q->net->region, 0, 0 };
    const hk__ref ema = region(q->net, HK_SP_EMA, &all), w = region(q->net, HK_SP_PARAM, &all);
    const hk__ref ref[] = { ema, w, ema }, guarded[] = { ema, w, flag ? *flag : ema, ema };
    return add(q, HK_UPDATE, BLOCK_EMA, "average", flag ? 3 : 2, 1, flag ? guarded : ref, 0, NULL);
}

hk_status hk__plan_update(hk__placer *q) {
    hk_network *net = q->net;
    hk__ref guard = { 0 }, *flag = q->p->guard ? &guard : NULL;
    hk_status st = HK_OK;
    if (!net->opt_type) return HK_OK;
    if (net->cfg.accumulate > 1) {
        static const hk__space sum[] = { HK_SP_SUM, HK_SP_GRAD, HK_SP_SUM };
        st = on_each(q, HK_GATHER, BLOCK_MEAN, "grad_add", 2, 1, sum, NULL);
        if (st == HK_OK) st = on_each(q, HK_UPDATE, BLOCK_MEAN, "grad_mean", 1, 1, sum, NULL);
    }
    if (st == HK_OK && flag) st = hk__guard_check(q, flag);
    if (st == HK_OK && net->cfg.clip_value > 0) {
        static const hk__space clamp[] = { HK_SP_GRAD, HK_SP_GRAD };
        const hk_attr value = { "value", 0, net->cfg.clip_value, NULL };
        st = on_each(q, HK_UPDATE, 0, "grad_clamp", 1, 1, clamp, &value);
    }
    if (st == HK_OK && net->cfg.clip_norm > 0) st = clip_norm(q);
    if (st == HK_OK) st = optimizer(q, flag);
    if (st == HK_OK && flag) st = hk__guard_settle(q, flag);
    return st == HK_OK && net->cfg.ema > 0 ? average(q, flag) : st;
}
