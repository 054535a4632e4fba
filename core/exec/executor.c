/* executor.c - a network in one mode: its plans, its sequence state, and the three calls run, backward, step. */
#include "exec/exec.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hk_status hk_executor_new(hk_network *net, const hk_executor_config *cfg, hk_executor **out) {
    *out = NULL;
    if (!cfg || cfg->mode > HK_TRAIN) return hk__fail(net->ctx, HK_EINVAL, "hk_executor_new: mode must be HK_INFER or HK_TRAIN");
    if (cfg->mode == HK_TRAIN && cfg->flags & HK_NO_LOSS) return hk__fail(net->ctx, HK_EINVAL, "hk_executor_new: HK_NO_LOSS is for HK_INFER alone");
    if (cfg->flags & HK_AVERAGED && (cfg->mode == HK_TRAIN || !net->ema))
        return hk__fail(net->ctx, HK_EINVAL, "hk_executor_new: HK_AVERAGED is for HK_INFER, on a network made with ema above 0");
    hk_executor *ex = calloc(1, sizeof *ex);
    if (!ex) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the executor");
    ex->net = net, ex->cfg = *cfg;
    ex->params = cfg->flags & HK_AVERAGED ? net->ema : net->value;
    ex->outputs = calloc((size_t)cfg->n_output + 1, sizeof *ex->outputs);
    bool whole = ex->outputs;
    for (int i = 0; whole && i < cfg->n_output; i++) {
        ex->outputs[i] = cfg->outputs[i];
        ex->outputs[i].name = strdup(cfg->outputs[i].name);
        whole = ex->outputs[i].name;
    }
    if (!whole) {
        hk_executor_free(ex);
        return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the executor");
    }
    hk_status st = hk__blocks_new(ex);
    if (st != HK_OK) {
        hk_executor_free(ex);
        return st;
    }
    net->laid_out = true;
    *out = ex;
    return HK_OK;
}

static void free_state(hk_executor *ex) {
    for (int i = 0; i < ex->n_state; i++) {
        free(ex->state[i].name);
        ex->net->be->buf_free(ex->net->dev, ex->state[i].def);
        ex->net->be->buf_free(ex->net->dev, ex->state[i].buf[0]);
        ex->net->be->buf_free(ex->net->dev, ex->state[i].buf[1]);
    }
    free(ex->state);
    ex->state = NULL, ex->n_state = 0;
}

void hk_executor_free(hk_executor *ex) {
    if (!ex) return;
    hk__profile_free(ex);
    for (int i = 0; i < ex->n_plan; i++) hk__plan_free(ex->plan[i]);
    free_state(ex);
    free(ex->plan);
    for (int i = 0; ex->outputs && i < ex->cfg.n_output; i++) free((char *)(uintptr_t)ex->outputs[i].name);
    free(ex->outputs);
    free(ex->staging);
    free(ex->block);
    free(ex);
}

static hk_status fill_state(hk_executor *ex, const hk__plan *p) {
    hk_network *net = ex->net;
    ex->state = calloc((size_t)p->g->n_slot + 1, sizeof *ex->state);
    if (!ex->state) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for sequence state");
    for (int i = 0; i < p->g->n_slot; i++) {
        const hk__slot *slot = &p->g->slot[i];
        hk__slot_memory *s = &ex->state[ex->n_state++];
        s->desc = slot->desc, s->N = p->N, s->last = -1;
        s->name = strdup(slot->name);
        s->bytes = slot->forgotten ? 0 : hk__row_bytes(net, &slot->desc) * p->N;
        hk_status st = HK_OK;
        for (int k = 0; k < 3 && st == HK_OK && s->bytes; k++) st = net->be->buf_new(net->dev, (size_t)s->bytes, (void **)(k == 2 ? &s->def : &s->buf[k]));
        if (st != HK_OK || !s->name) return hk__fail(net->ctx, HK_ENOMEM, "no memory for state %s (%lld bytes)", slot->name, (long long)s->bytes);
        if (slot->def == 0.0 || !s->bytes) continue;
        int64_t n = hk_desc_elems(&s->desc) * p->N;
        void *host = malloc((size_t)s->bytes);
        if (!host) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for state %s", slot->name);
        for (int64_t k = 0; k < n; k++) {
            if (s->desc.dtype != HK_F32) ((uint8_t *)host)[k] = (uint8_t)slot->def;
            else if (net->real == 8) ((double *)host)[k] = slot->def;
            else ((float *)host)[k] = (float)slot->def;
        }
        st = net->be->upload(net->dev, s->def, host, (size_t)s->bytes);
        free(host);
        if (st != HK_OK) return hk__fail_in(net->ctx, st, "state %s", slot->name);
    }
    return HK_OK;
}

/* Memory for the slots of a plan: the default, and two buffers that take turns. All of it or none. */
static hk_status make_state(hk_executor *ex, const hk__plan *p) {
    free_state(ex);
    hk_status st = fill_state(ex, p);
    if (st != HK_OK) free_state(ex);
    return st;
}

/* Does the state made for one plan fit another? On no, where and how. */
static bool state_fits(const hk_executor *ex, const hk__plan *p, const char **name, hk_desc *has, hk_desc *wants) {
    *name = NULL;
    if (ex->n_state != p->g->n_slot) return false;
    for (int i = 0; i < ex->n_state; i++) {
        const hk_desc *d = &p->g->slot[i].desc;
        if (strcmp(ex->state[i].name, p->g->slot[i].name) == 0 && ex->state[i].N == p->N && hk__same_shape(&ex->state[i].desc, d) && ex->state[i].desc.dtype == d->dtype) continue;
        *name = ex->state[i].name, *has = ex->state[i].desc, *wants = *d;
        return false;
    }
    return true;
}

/* The old arena goes first, so that the two are never there together: nothing in it is needed, since every run fills what it reads. */
static hk_status grow_arena(hk_network *net, size_t bytes) {
    size_t before = net->arena_bytes;
    if (bytes <= before) return HK_OK;
    net->be->buf_free(net->dev, net->arena);
    net->arena = NULL, net->arena_bytes = 0;
    hk_status st = net->be->buf_new(net->dev, bytes, (void **)&net->arena);
    if (st == HK_OK) {
        net->arena_bytes = bytes;
        return HK_OK;
    }
    net->arena = NULL;
    if (before && net->be->buf_new(net->dev, before, (void **)&net->arena) == HK_OK) net->arena_bytes = before; /* for the plans that had it */
    else net->arena = NULL;
    return hk__fail(net->ctx, st, "backend '%s': no memory for the arena (%zu bytes)", net->cfg.backend, bytes);
}

hk_status hk__arena_there(const hk_executor *ex) {
    if ((size_t)ex->now->arena <= ex->net->arena_bytes) return HK_OK;
    return hk__fail(ex->net->ctx, HK_ENOMEM, "there was no memory for the arena; call hk_executor_shape again");
}

hk_status hk_executor_shape(hk_executor *ex, int64_t T, int64_t N, int seq, int rank, const int64_t *shape) {
    hk_context *ctx = ex->net->ctx;
    if (T < 1 || T > INT64_C(1) << 40) return hk__fail(ctx, HK_ESHAPE, "T: expected 1 to %lld time steps, got %lld", (long long)(INT64_C(1) << 40), (long long)T);
    if (N < 1 || N > INT64_C(1) << 40) return hk__fail(ctx, HK_ESHAPE, "batch: expected 1 to %lld samples, got %lld", (long long)(INT64_C(1) << 40), (long long)N);
    if (rank < 0 || rank > HK_MAX_RANK) return hk__fail(ctx, HK_ESHAPE, "input: expected at most %d axes per sample and step, got %d", HK_MAX_RANK, rank);
    for (int i = 0; i < rank; i++)
        if (shape[i] < 1 || shape[i] > INT64_C(1) << 40) return hk__fail(ctx, HK_ESHAPE, "input: expected 1 to %lld for axis %d, got %lld", (long long)(INT64_C(1) << 40), i, (long long)shape[i]);
    hk_status st = hk__memory_input(ex->net, T, N, rank, shape);
    if (st != HK_OK) return st;
    for (int i = 0; i < ex->n_plan; i++) {
        hk__plan *p = ex->plan[i];
        if (p->T == T && p->N == N && p->seq_in == (seq != 0) && p->rank == rank && (!rank || !memcmp(p->shape, shape, (size_t)rank * sizeof *shape))) {
            ex->now = p;
            return grow_arena(ex->net, (size_t)p->arena);
        }
    }
    hk__plan **grown = realloc(ex->plan, (size_t)(ex->n_plan + 1) * sizeof *grown);
    if (!grown) return hk__fail(ctx, HK_ENOMEM, "out of memory for the plan");
    ex->plan = grown;
    hk__plan *p;
    st = hk__plan_new(ex, T, N, seq != 0, rank, shape, &p);
    if (st != HK_OK) return st;
    st = grow_arena(ex->net, (size_t)p->arena);
    if (st == HK_OK) st = hk__profile_plan(ex, p);
    if (st != HK_OK) {
        hk__plan_free(p);
        return st;
    }
    ex->plan[ex->n_plan++] = p;
    ex->now = p;
    if (ex->n_state == 0) return make_state(ex, p);
    return HK_OK;
}

static hk_status start(hk_executor *ex, bool go_on) {
    hk_network *net = ex->net;
    hk__plan *p = ex->now;
    if (!p) return hk__fail(net->ctx, HK_ESTATE, "run: no batch shape yet; call hk_executor_shape first");
    const char *name;
    hk_desc has, wants;
    hk_status there = hk__arena_there(ex);
    if (there != HK_OK) return there;
    if (!state_fits(ex, p, &name, &has, &wants)) {
        if (go_on) {
            if (!name) return hk__fail(net->ctx, HK_ESTATE, "continue: this network was built with %d states, the last run had %d", p->g->n_slot, ex->n_state);
            return hk__fail(net->ctx, HK_ESTATE, "continue: state %s holds %lld samples of %lld numbers, this batch has %lld samples of %lld; use run to start anew", name,
                            (long long)ex->last_N, (long long)hk_desc_elems(&has), (long long)p->N, (long long)hk_desc_elems(&wants));
        }
        hk_status st = make_state(ex, p);
        if (st != HK_OK) return st;
    }
    if (p->reward && p->g->val[p->reward].live && !ex->rewarded)
        return hk__fail(net->ctx, HK_ESTATE, "run: a learner takes a reward, %lld x %lld numbers, which the program writes before each run: hk_executor_write(ex, \"reward\", ...)",
                        (long long)p->T, (long long)p->N);
    ex->rewarded = false;
    if (go_on && ex->cfg.flags & HK_FORGET) return hk__fail(net->ctx, HK_ESTATE, "continue: this executor forgets its state (HK_FORGET); make it without");
    for (int i = 0; go_on && i < p->g->top.n; i++) {
        const hk__node *n = &p->g->node[p->g->top.at[i]];
        if (!n->body && n->op->flags & HK_OP_ENTIRE)
            return hk__fail(net->ctx, HK_ESTATE, "continue: layer %s needs the sequence from its first step on (%s), and cannot go on from the last run; use run", n->path[0] ? n->path : "(root)",
                            n->op->name);
    }
    if (go_on && !ex->ran) return hk__fail(net->ctx, HK_ESTATE, "continue: there was no run to go on from");
    for (int i = 0; i < ex->n_state; i++) {
        hk__slot_memory *s = &ex->state[i];
        bool from_last = s->last >= 0 && (go_on || s->given);
        s->given = false;
        s->cur = from_last ? s->buf[s->last] : s->def;
        s->last = s->last == 0 ? 1 : 0;
        s->next = s->buf[s->last];
    }
    if (ex->runs_step != net->step) ex->runs = 0, ex->runs_step = net->step;
    ex->step.seed = net->cfg.seed;
    /* Which draws: the training step, and how many runs since it; evaluation has draws of its own. */
    ex->step.step = (int64_t)(uint32_t)((uint64_t)net->step + (uint64_t)ex->runs * 0x9e3779b1u + (ex->cfg.mode == HK_TRAIN ? 0 : 0x80000000u));
    ex->runs++;
    ex->ran = true;
    ex->last_N = p->N;
    return HK_OK;
}

/* Runs some phases of a plan; with HK_GUARD, what they write of the parameters can be taken back by the step that ends them. */
static hk_status run_phases(hk_executor *ex, uint32_t phases) {
    hk_network *net = ex->net;
    const bool guard = ex->now->guard, update = phases & 1u << HK_UPDATE;
    hk_status st = guard ? hk__guard_begin(ex) : HK_OK;
    ex->skipped = false;
    if (st == HK_OK) st = hk__run(ex, phases);
    if (st == HK_OK && guard && update) st = hk__guard_end(ex);
    if (guard) net->guard_version = net->version;
    if (st == HK_OK && update && net->opt_type) net->step++, net->pending = 0;
    return st;
}

static bool gathers(const hk_network *net) { return net->opt_type && net->cfg.accumulate > 1; }

/* One more batch of the next step; the phases of its backward pass. */
static uint32_t gather(hk_executor *ex) {
    if (gathers(ex->net)) ex->net->pending++, hk__write_batch(ex);
    return 1u << HK_BACKWARD | 1u << HK_GATHER;
}

static hk_status run(hk_executor *ex, bool go_on) {
    hk_status st = start(ex, go_on);
    if (st != HK_OK) return st;
    hk_network *net = ex->net;
    uint32_t phases = 1u << HK_FORWARD;
    if (ex->cfg.mode == HK_TRAIN && !(ex->cfg.flags & HK_SEPARATE)) {
        phases |= gather(ex);
        if (!gathers(net) || net->pending >= net->cfg.accumulate) hk__write_step(ex), phases |= 1u << HK_UPDATE;
    }
    st = run_phases(ex, phases);
    return st == HK_OK ? st : hk__fail_in(net->ctx, st, "run");
}

hk_status hk_executor_run(hk_executor *ex) { return run(ex, false); }
hk_status hk_executor_continue(hk_executor *ex) { return run(ex, true); }

hk_status hk_executor_backward(hk_executor *ex) {
    if (ex->cfg.mode != HK_TRAIN || !(ex->cfg.flags & HK_SEPARATE)) return hk__fail(ex->net->ctx, HK_ESTATE, "backward: make the executor with HK_TRAIN and HK_SEPARATE");
    if (!ex->now || !ex->ran) return hk__fail(ex->net->ctx, HK_ESTATE, "backward: there was no run before it");
    return run_phases(ex, gather(ex));
}

hk_status hk_executor_step(hk_executor *ex) {
    hk_network *net = ex->net;
    if (ex->cfg.mode != HK_TRAIN || (!(ex->cfg.flags & HK_SEPARATE) && !gathers(net)))
        return hk__fail(net->ctx, HK_ESTATE, "step: make the executor with HK_TRAIN and HK_SEPARATE, or the network with accumulate");
    if (!net->opt_type) return hk__fail(net->ctx, HK_ESTATE, "step: the network was made without an optimizer");
    if (!ex->now) return hk__fail(net->ctx, HK_ESTATE, "step: no batch shape yet; call hk_executor_shape first");
    if (gathers(net) && !net->pending) return hk__fail(net->ctx, HK_ESTATE, "step: there was no batch since the last step");
    hk__write_step(ex);
    return run_phases(ex, 1u << HK_UPDATE);
}

void hk_executor_set_lr(hk_executor *ex, double lr) { hk_network_set_lr(ex->net, 0, lr); }
int64_t hk_executor_pending(const hk_executor *ex) { return ex->net->pending; }

hk_status hk_executor_stats(const hk_executor *ex, hk_plan_stats *s) {
    if (!ex->now) return hk__fail(ex->net->ctx, HK_ESTATE, "stats: no batch shape yet; call hk_executor_shape first");
    const hk__plan *p = ex->now;
    *s = (hk_plan_stats){ .arena = p->arena, .live_max = p->live_max, .nb = p->nb, .blocks = p->blocks, .lines = hk__plan_lines(p), .kept = p->kept_bytes };
    s->params = ex->net->region * ex->net->real * hk__copies(ex->net) + (ex->net->guard ? hk__guard_bytes(ex->net) : 0);
    for (int i = 0; i < ex->n_state; i++) s->state += 3 * ex->state[i].bytes;
    return HK_OK;
}
